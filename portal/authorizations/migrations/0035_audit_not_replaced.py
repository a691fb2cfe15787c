"""SQLite's INSERT OR REPLACE deletes the row in its way without a DELETE trigger: an entry could be changed by it."""

from django.db import migrations

TABLE = "authorizations_auditentry"
MESSAGE = "The audit is append-only: an entry is neither changed nor deleted"


def create_trigger(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            f"CREATE TRIGGER audit_never_changes_replace BEFORE INSERT ON {TABLE} "
            f"WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id) "
            f"OR (NEW.receipt IS NOT NULL AND EXISTS (SELECT 1 FROM {TABLE} WHERE receipt = NEW.receipt)) "
            f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )


def drop_trigger(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER audit_never_changes_replace")


class Migration(migrations.Migration):
    dependencies = [("authorizations", "0034_lighter_writes")]

    operations = [migrations.RunPython(create_trigger, drop_trigger)]

"""PostgreSQL empties a table with TRUNCATE without asking the triggers of its rows (0015): it asks this one."""

from django.db import migrations


def create_trigger(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE TRIGGER audit_never_empties BEFORE TRUNCATE ON authorizations_auditentry "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_never_changes()"
        )


def drop_trigger(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER audit_never_empties ON authorizations_auditentry")


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0024_audit_and_erasure"),
    ]

    operations = [migrations.RunPython(create_trigger, drop_trigger)]

"""The audit is append-only for whoever reaches the database, not for the portal's code alone.

A later migration that rebuilds the table in SQLite loses the triggers: see 0003.
"""

from django.db import migrations

TABLE = "authorizations_auditentry"
MESSAGE = "The audit is append-only: an entry is neither changed nor deleted"


def create_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for event in ("UPDATE", "DELETE"):
            schema_editor.execute(
                f"CREATE TRIGGER audit_never_changes_{event.lower()} BEFORE {event} ON {TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
            )
        return
    schema_editor.execute(
        "CREATE FUNCTION audit_never_changes() RETURNS trigger LANGUAGE plpgsql AS $rule$ BEGIN "
        f"RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_never_changes'; "
        "END $rule$"
    )
    schema_editor.execute(
        f"CREATE TRIGGER audit_never_changes BEFORE UPDATE OR DELETE ON {TABLE} "
        "FOR EACH ROW EXECUTE FUNCTION audit_never_changes()"
    )


def drop_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for event in ("update", "delete"):
            schema_editor.execute(f"DROP TRIGGER audit_never_changes_{event}")
        return
    schema_editor.execute(f"DROP TRIGGER audit_never_changes ON {TABLE}")
    schema_editor.execute("DROP FUNCTION audit_never_changes()")


class Migration(migrations.Migration):
    dependencies = [("authorizations", "0014_campaign_desk")]

    operations = [migrations.RunPython(create_triggers, drop_triggers)]

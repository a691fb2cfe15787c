"""A visit's and a return's milestone is set by the statement that inserts the row: one statement, so neither is without
the other, and a customer at a door waits for one only.

A milestone is never moved back or cleared, and of two returns that come at once the second is the repeated one.
A later migration that rebuilds one of these tables in SQLite loses its triggers: tests/authorizations/
test_database_rules.py fails then. It calls `drop_triggers` first and `create_triggers` last.
Migration 0009 has changed one of them since: call its `look_for_another` after that.
"""

from django.db import migrations

SQLITE = {
    "visit_sets_milestone": """AFTER INSERT ON authorizations_visit BEGIN
        UPDATE authorizations_link SET first_visited_at = NEW.at
            WHERE id = NEW.link_id AND first_visited_at IS NULL;
        END""",
    "confirmation_sets_milestone": """AFTER INSERT ON authorizations_confirmation
        WHEN NEW.link_id IS NOT NULL AND NOT NEW.is_bot AND NOT NEW.repeated BEGIN
        UPDATE authorizations_confirmation SET repeated = 1 WHERE id = NEW.id
            AND EXISTS (SELECT 1 FROM authorizations_link WHERE id = NEW.link_id AND first_returned_at IS NOT NULL);
        UPDATE authorizations_link SET first_returned_at = NEW.at
            WHERE id = NEW.link_id AND first_returned_at IS NULL;
        END""",
}

POSTGRESQL = {
    "visit_sets_milestone": (
        "AFTER INSERT ON authorizations_visit FOR EACH ROW",
        """UPDATE authorizations_link SET first_visited_at = NEW.at
            WHERE id = NEW.link_id AND first_visited_at IS NULL;""",
    ),
    "confirmation_sets_milestone": (
        """AFTER INSERT ON authorizations_confirmation FOR EACH ROW
            WHEN (NEW.link_id IS NOT NULL AND NOT NEW.is_bot AND NOT NEW.repeated)""",
        """UPDATE authorizations_link SET first_returned_at = NEW.at
            WHERE id = NEW.link_id AND first_returned_at IS NULL;
        IF NOT FOUND THEN UPDATE authorizations_confirmation SET repeated = true WHERE id = NEW.id; END IF;""",
    ),
}


def create_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for name, body in SQLITE.items():
            schema_editor.execute(f"CREATE TRIGGER {name} {body}")
        return
    for name, (when, body) in POSTGRESQL.items():
        schema_editor.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $rule$ BEGIN {body} RETURN NULL; END $rule$"
        )
        schema_editor.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()")


def drop_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for name in SQLITE:
            schema_editor.execute(f"DROP TRIGGER {name}")
        return
    for name, (when, _) in POSTGRESQL.items():
        table = when.split()[3]
        schema_editor.execute(f"DROP TRIGGER {name} ON {table}")
        schema_editor.execute(f"DROP FUNCTION {name}()")


class Migration(migrations.Migration):
    dependencies = [("authorizations", "0005_expected_days")]

    operations = [migrations.RunPython(create_triggers, drop_triggers)]

"""A return is marked repeated if another one of its link came first, and not because the link's milestone is set.

Rows that are loaded back (loaddata, from SQLite to PostgreSQL) meet a link that has its milestone already, or that is
not there yet: PostgreSQL marked every first return repeated then.
"""

from django.db import migrations

_ANOTHER = """EXISTS (SELECT 1 FROM authorizations_confirmation AS other
            WHERE other.link_id = NEW.link_id AND other.id <> NEW.id AND NOT other.is_bot AND NOT other.repeated)"""

_SQLITE = """CREATE TRIGGER confirmation_sets_milestone AFTER INSERT ON authorizations_confirmation
        WHEN NEW.link_id IS NOT NULL AND NOT NEW.is_bot AND NOT NEW.repeated BEGIN
        UPDATE authorizations_confirmation SET repeated = 1 WHERE id = NEW.id AND {repeated};
        UPDATE authorizations_link SET first_returned_at = NEW.at
            WHERE id = NEW.link_id AND first_returned_at IS NULL;
        END"""

_POSTGRESQL = """CREATE OR REPLACE FUNCTION confirmation_sets_milestone() RETURNS trigger LANGUAGE plpgsql
        AS $rule$ BEGIN
        UPDATE authorizations_link SET first_returned_at = NEW.at
            WHERE id = NEW.link_id AND first_returned_at IS NULL;
        IF NOT FOUND{repeated} THEN UPDATE authorizations_confirmation SET repeated = true WHERE id = NEW.id; END IF;
        RETURN NULL; END $rule$"""


def look_for_another(apps, schema_editor):
    # PostgreSQL: whoever waited for the link in the UPDATE looks after the other has committed, and sees its row.
    _write(schema_editor, sqlite=_ANOTHER, postgresql=f" AND {_ANOTHER}")


def look_at_the_milestone(apps, schema_editor):
    there = "SELECT 1 FROM authorizations_link WHERE id = NEW.link_id AND first_returned_at IS NOT NULL"
    _write(schema_editor, sqlite=f"EXISTS ({there})", postgresql="")


def _write(schema_editor, *, sqlite, postgresql):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER confirmation_sets_milestone")
        schema_editor.execute(_SQLITE.format(repeated=sqlite))
    else:
        schema_editor.execute(_POSTGRESQL.format(repeated=postgresql))


class Migration(migrations.Migration):
    dependencies = [("authorizations", "0008_fill_door_order")]

    operations = [migrations.RunPython(look_for_another, look_at_the_milestone)]

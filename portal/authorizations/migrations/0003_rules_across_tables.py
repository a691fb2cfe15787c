"""The rules of R4 to R9 that reach over more than one table, which no CHECK can hold: as triggers.

A later migration that rebuilds one of these tables in SQLite loses its triggers: it removes them first with
`drop_rules` and puts them back last with `create_rules` (importlib finds them here), and
tests/authorizations/test_database_rules.py fails if one is missing.
"""

from django.db import migrations

# name → (table, when, condition under which the row is refused, message). NEW is the row. The same SQL on both.
RULES = {
    "flow_utility_fits_journey": (
        "authorizations_flow_utilities",
        "INSERT OR UPDATE",
        """EXISTS (SELECT 1 FROM authorizations_flow f, authorizations_utility u
            WHERE f.id = NEW.flow_id AND u.id = NEW.utility_id
            AND ((f.journey = 'legacy' AND NOT u.supports_legacy)
              OR (f.journey = 'connect' AND NOT u.supports_connect)
              OR (f.region <> '' AND f.region <> u.region)))""",
        "R4 R9: the utility does not support this flow (journey or region)",
    ),
    "flow_change_fits_utilities": (
        "authorizations_flow",
        "UPDATE",
        """EXISTS (SELECT 1 FROM authorizations_flow_utilities o, authorizations_utility u
            WHERE o.flow_id = NEW.id AND u.id = o.utility_id
            AND ((NEW.journey = 'legacy' AND NOT u.supports_legacy)
              OR (NEW.journey = 'connect' AND NOT u.supports_connect)
              OR (NEW.region <> '' AND NEW.region <> u.region)))""",
        "R4 R9: the flow offers a utility that does not support its journey or region",
    ),
    "utility_change_fits_flows": (
        "authorizations_utility",
        "UPDATE",
        """EXISTS (SELECT 1 FROM authorizations_flow_utilities o, authorizations_flow f
            WHERE o.utility_id = NEW.id AND f.id = o.flow_id
            AND ((f.journey = 'legacy' AND NOT NEW.supports_legacy)
              OR (f.journey = 'connect' AND NOT NEW.supports_connect)
              OR (f.region <> '' AND f.region <> NEW.region)))""",
        "R4 R9: a flow that offers this utility needs the journey or region that it would lose",
    ),
    "link_from_live_flow": (
        "authorizations_link",
        "INSERT",
        "NOT EXISTS (SELECT 1 FROM authorizations_flow f WHERE f.id = NEW.flow_id AND f.state = 'live')",
        "R7: links come only from a live flow",
    ),
    "link_utility_fits_flow": (
        "authorizations_link",
        "INSERT",
        """NOT EXISTS (SELECT 1 FROM authorizations_flow f WHERE f.id = NEW.flow_id AND (
            (f.journey = 'connect' AND NEW.utility_id IS NULL)
            OR (f.journey = 'legacy' AND EXISTS (SELECT 1 FROM authorizations_flow_utilities o
                WHERE o.flow_id = f.id AND o.utility_id = NEW.utility_id))))""",
        "R4: a Legacy link names one utility of its flow, a Connect link none",
    ),
    "link_requests_utilities_of_flow": (
        "authorizations_link_requested_utilities",
        "INSERT OR UPDATE",
        """NOT EXISTS (SELECT 1 FROM authorizations_link l
            JOIN authorizations_flow f ON f.id = l.flow_id AND f.journey = 'connect' AND f.address = 'titled'
            JOIN authorizations_flow_utilities o ON o.flow_id = f.id AND o.utility_id = NEW.utility_id
            WHERE l.id = NEW.link_id)""",
        "R8: requested utilities are those that the Connect flow offers",
    ),
    "link_never_changes": (
        "authorizations_link",
        "UPDATE",
        """NEW.url <> OLD.url OR NEW.code <> OLD.code OR NEW.flow_id <> OLD.flow_id
            OR COALESCE(NEW.reference_id, '') <> COALESCE(OLD.reference_id, '')""",
        "A link's URL, code, flow and reference id never change after it is issued",
    ),
}


def statements_to_create(vendor):
    for name, (table, when, condition, message) in RULES.items():
        if vendor == "sqlite":
            for event in when.split(" OR "):
                yield (
                    f"CREATE TRIGGER {name}_{event.lower()} BEFORE {event} ON {table} WHEN {condition} "
                    f"BEGIN SELECT RAISE(ABORT, '{message.replace(chr(39), chr(39) * 2)}'); END"
                )
        elif vendor == "postgresql":
            text = message.replace("'", "''")
            yield (
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $rule$ BEGIN IF {condition} THEN "
                f"RAISE EXCEPTION '%', '{text}' USING ERRCODE = 'check_violation', CONSTRAINT = '{name}'; "
                "END IF; RETURN NEW; END $rule$"
            )
            yield f"CREATE TRIGGER {name} BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"


def statements_to_drop(vendor):
    for name, (table, when, _, _) in RULES.items():
        if vendor == "sqlite":
            for event in when.split(" OR "):
                yield f"DROP TRIGGER {name}_{event.lower()}"
        elif vendor == "postgresql":
            yield f"DROP TRIGGER {name} ON {table}"
            yield f"DROP FUNCTION {name}()"


def create_rules(apps, schema_editor):
    for statement in statements_to_create(schema_editor.connection.vendor):
        schema_editor.execute(statement.replace("%", "%%"), [])


def drop_rules(apps, schema_editor):
    for statement in statements_to_drop(schema_editor.connection.vendor):
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("authorizations", "0002_seed_utilities")]

    operations = [migrations.RunPython(create_rules, drop_rules)]

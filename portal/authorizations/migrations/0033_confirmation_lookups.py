"""Confirmations are found by plain indexes, not by an index of words, which took a third of what a return costs.

Whoever comes back waits for that statement. What is looked for there are single words anyway: the beginning of a refId
or an authorizationId, a link's code. The campaign, a mark in the index of words until now, becomes a column.
"""

import importlib

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery

from portal.authorizations.models.expressions import InCapitals

words = importlib.import_module("portal.authorizations.migrations.0027_words")

_NOUN = "confirmation"
_FOLLOW = "UPDATE authorizations_confirmation SET campaign_id = NEW.campaign_id WHERE link_id = NEW.id;"
_CHANGED = "AFTER UPDATE OF campaign_id ON authorizations_link"


def _triggers_of_words(sql):
    """Those that keep the words of confirmations, among them the link's whose campaign changes."""
    return [trigger for trigger in sql.triggers() if f"authorizations_{_NOUN}words" in trigger[-1]]


def drop_words(apps, schema_editor):
    sql = words.Sql(schema_editor.connection.vendor)
    for name, table, *_ in _triggers_of_words(sql):
        for statement in sql.drop_trigger(name, table):
            words._run(schema_editor, statement)
    words._run(schema_editor, f"DROP TABLE authorizations_{_NOUN}words")


def create_words(apps, schema_editor):
    sql = words.Sql(schema_editor.connection.vendor)
    statements = [*sql.table(_NOUN), *filter(None, sql.refresh(_NOUN, "1 = 1").split("; "))]
    if sql.postgresql:
        statements.append(f"CREATE INDEX {_NOUN}_words ON authorizations_{_NOUN}words USING gin (text)")
    for trigger in _triggers_of_words(sql):
        statements += sql.create_trigger(*trigger)
    for statement in statements:
        words._run(schema_editor, statement)


def create_trigger(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            f"CREATE TRIGGER confirmation_campaign {_CHANGED} WHEN OLD.campaign_id IS NOT NEW.campaign_id "
            f"BEGIN {_FOLLOW} END"
        )
        return
    schema_editor.execute(
        "CREATE FUNCTION confirmation_campaign() RETURNS trigger LANGUAGE plpgsql "
        f"AS $rule$ BEGIN {_FOLLOW} RETURN NULL; END $rule$"
    )
    schema_editor.execute(
        f"CREATE TRIGGER confirmation_campaign {_CHANGED} FOR EACH ROW "
        "WHEN (OLD.campaign_id IS DISTINCT FROM NEW.campaign_id) EXECUTE FUNCTION confirmation_campaign()"
    )


def drop_trigger(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER confirmation_campaign")
        return
    schema_editor.execute("DROP TRIGGER confirmation_campaign ON authorizations_link")
    schema_editor.execute("DROP FUNCTION confirmation_campaign()")


def fill(apps, schema_editor):
    """Last: PostgreSQL changes no table in a transaction that has changed its rows."""
    Confirmation, Link = (apps.get_model("authorizations", name) for name in ("Confirmation", "Link"))
    campaign = Link.objects.filter(pk=OuterRef("link")).values("campaign")
    Confirmation.objects.filter(link__campaign__isnull=False).update(campaign=Subquery(campaign))


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0032_print_cancelled"),
    ]

    operations = [
        migrations.RunPython(drop_words, create_words),
        migrations.DeleteModel(name="ConfirmationWords"),
        migrations.AddField(
            model_name="confirmation",
            name="campaign",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="authorizations.campaign",
            ),
        ),
        migrations.AddIndex(
            model_name="confirmation",
            index=models.Index(
                condition=models.Q(("campaign__isnull", False)),
                fields=["campaign", "at", "id"],
                name="confirmation_by_campaign",
            ),
        ),
        migrations.AddIndex(
            model_name="confirmation",
            index=models.Index(InCapitals("reference_id"), models.F("id"), name="confirmation_by_reference"),
        ),
        migrations.AddIndex(
            model_name="confirmation",
            index=models.Index(InCapitals("authorization_id"), name="confirmation_by_authorization"),
        ),
        migrations.RunPython(create_trigger, drop_trigger),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]

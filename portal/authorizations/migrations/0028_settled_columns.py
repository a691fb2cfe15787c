"""What lists filter by and only other tables knew stands in columns, each with an index.

A customer's links: kept by triggers on links, whoever writes them. Whether a meter is in a program, and what the plan
asks of an enrollment: written by the sync (services/meter_pages.py, EnrollmentQuerySet.settle).
"""

import importlib

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Case, Exists, OuterRef, Q, Subquery, Value, When
from django.utils import timezone

words = importlib.import_module("portal.authorizations.migrations.0027_words")

_LIVE = "{row}.voided_at IS NULL AND {row}.replaced_by_id IS NULL"
_NOT_YET = "AND NOT (has_had_link AND has_live_link)"
#: After a link became void, replaced, live again or another customer's (one shown at the door), or is gone. SQLite would look for a null among replaced_by, of which
#: there are a million, and not among the customer's links: hence the +, which leaves an index aside.
_HAD = "EXISTS (SELECT 1 FROM authorizations_link l WHERE l.customer_id = authorizations_customer.id)"
_LIVE_NOW = """EXISTS (SELECT 1 FROM authorizations_link l WHERE l.customer_id = authorizations_customer.id
            AND l.voided_at IS NULL AND +l.replaced_by_id IS NULL)"""
_ANEW = f"UPDATE authorizations_customer SET has_had_link = {_HAD}, has_live_link = {_LIVE_NOW}"
_OF_ROW = "WHERE id = {row}.customer_id;"
_OF_BOTH = "WHERE id IN (OLD.customer_id, NEW.customer_id);"

SQLITE = {
    "customer_has_link_insert": f"""AFTER INSERT ON authorizations_link WHEN NEW.customer_id IS NOT NULL BEGIN
        UPDATE authorizations_customer SET has_had_link = 1, has_live_link = has_live_link
            OR ({_LIVE.format(row="NEW")}) WHERE id = NEW.customer_id {_NOT_YET};
        END""",
    "customer_has_link_update": f"""AFTER UPDATE OF customer_id, voided_at, replaced_by_id ON authorizations_link
        WHEN OLD.customer_id IS NOT NEW.customer_id
            OR ({_LIVE.format(row="OLD")}) <> ({_LIVE.format(row="NEW")}) BEGIN
        {_ANEW} {_OF_BOTH}
        END""",
    "customer_has_link_delete": f"""AFTER DELETE ON authorizations_link WHEN OLD.customer_id IS NOT NULL BEGIN
        {_ANEW} {_OF_ROW.format(row="OLD")}
        END""",
}

POSTGRESQL = {
    "customer_has_link_insert": (
        "AFTER INSERT ON authorizations_link REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
        f"""UPDATE authorizations_customer c SET has_had_link = true, has_live_link = has_live_link OR a.live
            FROM (SELECT customer_id, bool_or({_LIVE.format(row="added")}) AS live FROM added
                WHERE customer_id IS NOT NULL GROUP BY customer_id ORDER BY customer_id) a
            WHERE c.id = a.customer_id {_NOT_YET};""",
    ),
    "customer_has_link_update": (
        f"""AFTER UPDATE OF customer_id, voided_at, replaced_by_id ON authorizations_link FOR EACH ROW
            WHEN (OLD.customer_id IS DISTINCT FROM NEW.customer_id
                OR ({_LIVE.format(row="OLD")}) <> ({_LIVE.format(row="NEW")}))""",
        f"{_ANEW} {_OF_BOTH}",
    ),
    "customer_has_link_delete": (
        "AFTER DELETE ON authorizations_link FOR EACH ROW WHEN (OLD.customer_id IS NOT NULL)",
        f"{_ANEW} {_OF_ROW.format(row='OLD')}",
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
    for name in SQLITE:
        on = "" if schema_editor.connection.vendor == "sqlite" else " ON authorizations_link"
        schema_editor.execute(f"DROP TRIGGER {name}{on}")
        if on:
            schema_editor.execute(f"DROP FUNCTION {name}()")


def fill(apps, schema_editor):
    """What the triggers, the sync and `settle` would have written."""
    Enrollment, Deadline, Action, Meter = (
        apps.get_model("authorizations", name)
        for name in ("Enrollment", "EnrollmentDeadline", "RequiredAction", "Meter")
    )
    schema_editor.execute(_ANEW)
    Meter.objects.filter(Exists(Enrollment.objects.filter(meter=OuterRef("pk")))).update(in_program=True)
    ahead = Deadline.objects.filter(enrollment=OuterRef("pk"), deadline_at__gte=timezone.now())
    earliest = ahead.order_by("deadline_at", "pk")
    actions = Action.objects.filter(
        Q(program=OuterRef("program")) | Q(program=""),
        Q(delivery_period=OuterRef("delivery_period")) | Q(delivery_period=""),
        meter=OuterRef("meter"),
    )
    meter = Meter.objects.filter(pk=OuterRef("meter"))
    Enrollment.objects.update(
        **{name: Subquery(meter.values(name)[:1]) for name in ("utility", "region", "classification")},
        next_deadline=Subquery(earliest.values("deadline_at")[:1]),
        active_from=Subquery(earliest.values("active_from")[:1]),
        standing=Case(
            When(Exists(actions.filter(party="partner")), then=Value("partner")),
            When(Exists(actions.filter(party="leap")), then=Value("leap")),
            When(status__in=["INELIGIBLE", "NOT_PARTICIPATING"], then=Value("ineligible")),
            default=Value("ready"),
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("authorizations", "0027_words")]

    operations = [
        # SQLite rebuilds customers and meters for their new columns.
        migrations.RunPython(words.drop_triggers, words.create_triggers),
        migrations.AddField(
            model_name="customer",
            name="has_had_link",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="customer",
            name="has_live_link",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="meter",
            name="in_program",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="It has an enrollment, whatever status.",
                verbose_name="in a program",
            ),
        ),
        migrations.AddField(
            model_name="enrollment",
            name="utility",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="authorizations.utility",
            ),
        ),
        migrations.AddField(
            model_name="enrollment",
            name="region",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=20),
        ),
        migrations.AddField(
            model_name="enrollment",
            name="classification",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=20),
        ),
        migrations.AddField(
            model_name="enrollment",
            name="active_from",
            field=models.DateTimeField(blank=True, editable=False, help_text="After the next deadline.", null=True),
        ),
        migrations.AddField(
            model_name="enrollment",
            name="next_deadline",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="enrollment",
            name="standing",
            field=models.CharField(
                choices=[
                    ("partner", "waits for the partner"),
                    ("leap", "waits for Leap"),
                    ("ineligible", "not eligible"),
                    ("ready", "ready"),
                ],
                db_default="ready",
                default="ready",
                editable=False,
                help_text="Whom it waits for.",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="program",
            field=models.CharField(max_length=60),
        ),
        migrations.AddField(
            model_name="figures",
            name="plan",
            field=models.JSONField(default=dict, help_text="Home's: what stands above the list of the plan."),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(words.create_triggers, words.drop_triggers),
        migrations.RunPython(create_triggers, drop_triggers),
    ]

"""Indexes for every filter and order of the lists: with the key at the end, so that a page is read without sorting.

An index on the column alone has no use beside one that begins with it. It is dropped by its columns: Django's own way
would rebuild the table in SQLite, and lose its triggers.
"""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

#: Columns whose own index gives way.
OLD = (
    ("authorizations_confirmation", "at"),
    ("authorizations_customer", "assigned_rep_id"),
    ("authorizations_customer", "utility_id"),
    ("authorizations_event", "received_at"),
    ("authorizations_link", "campaign_id"),
    ("authorizations_link", "flow_id"),
    ("authorizations_link", "issued_at"),
    ("authorizations_link", "issued_by_id"),
    ("authorizations_meter", "created_at"),
    ("authorizations_meter", "enrollment_status"),
    ("authorizations_meter", "utility_id"),
    ("authorizations_paperauthorization", "recorded_by_id"),
    ("authorizations_paperauthorization", "utility_id"),
)


def drop_indexes(schema_editor, columns):
    introspection = schema_editor.connection.introspection
    with schema_editor.connection.cursor() as cursor:
        tables = {table: introspection.get_constraints(cursor, table) for table, _ in columns}
    for table, column in columns:
        for name, details in tables[table].items():
            if details["index"] and not details["unique"] and details["columns"] == [column]:
                schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


def create_indexes(schema_editor, columns):
    for table, column in columns:
        schema_editor.execute(f"CREATE INDEX {table}_{column} ON {table} ({column})")


def drop_old(apps, schema_editor):
    drop_indexes(schema_editor, OLD)


def create_old(apps, schema_editor):
    create_indexes(schema_editor, OLD)


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0025_audit_refuses_truncate"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_old, create_old)],
            state_operations=[
                migrations.AlterField(
                    model_name="confirmation",
                    name="at",
                    field=models.DateTimeField(),
                ),
                migrations.AlterField(
                    model_name="customer",
                    name="assigned_rep",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="assigned_customers",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AlterField(
                    model_name="customer",
                    name="utility",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="customers",
                        to="authorizations.utility",
                    ),
                ),
                migrations.AlterField(
                    model_name="event",
                    name="received_at",
                    field=models.DateTimeField(),
                ),
                migrations.AlterField(
                    model_name="link",
                    name="campaign",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="links",
                        to="authorizations.campaign",
                    ),
                ),
                migrations.AlterField(
                    model_name="link",
                    name="flow",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="links",
                        to="authorizations.flow",
                    ),
                ),
                migrations.AlterField(
                    model_name="link",
                    name="issued_at",
                    field=models.DateTimeField(),
                ),
                migrations.AlterField(
                    model_name="link",
                    name="issued_by",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="issued_links",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AlterField(
                    model_name="meter",
                    name="created_at",
                    field=models.DateTimeField(verbose_name="created at Leap"),
                ),
                migrations.AlterField(
                    model_name="meter",
                    name="enrollment_status",
                    field=models.CharField(blank=True, max_length=30),
                ),
                migrations.AlterField(
                    model_name="meter",
                    name="utility",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="meters",
                        to="authorizations.utility",
                    ),
                ),
                migrations.AlterField(
                    model_name="paperauthorization",
                    name="recorded_by",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AlterField(
                    model_name="paperauthorization",
                    name="utility",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="authorizations.utility",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ConfirmationWords",
            fields=[
                ("text", models.TextField()),
                (
                    "row",
                    models.OneToOneField(
                        db_column="rowid",
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="authorizations.confirmation",
                    ),
                ),
            ],
            options={
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="CustomerWords",
            fields=[
                ("text", models.TextField()),
                (
                    "row",
                    models.OneToOneField(
                        db_column="rowid",
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="authorizations.customer",
                    ),
                ),
            ],
            options={
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="EventWords",
            fields=[
                ("text", models.TextField()),
                (
                    "row",
                    models.OneToOneField(
                        db_column="rowid",
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="authorizations.event",
                    ),
                ),
            ],
            options={
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="LinkWords",
            fields=[
                ("text", models.TextField()),
                (
                    "row",
                    models.OneToOneField(
                        db_column="rowid",
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="authorizations.link",
                    ),
                ),
            ],
            options={
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="MeterWords",
            fields=[
                ("text", models.TextField()),
                (
                    "row",
                    models.OneToOneField(
                        db_column="rowid",
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="authorizations.meter",
                    ),
                ),
            ],
            options={
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="PaperAuthorizationWords",
            fields=[
                ("text", models.TextField()),
                (
                    "row",
                    models.OneToOneField(
                        db_column="rowid",
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="authorizations.paperauthorization",
                    ),
                ),
            ],
            options={
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.RemoveIndex(
            model_name="confirmation",
            name="confirmation_outcome",
        ),
        migrations.RemoveIndex(
            model_name="customer",
            name="customer_name",
        ),
        migrations.AddIndex(
            model_name="confirmation",
            index=models.Index(fields=["at", "id"], name="confirmation_by_day"),
        ),
        migrations.AddIndex(
            model_name="confirmation",
            index=models.Index(
                condition=models.Q(("is_bot", False)), fields=["at", "id"], name="confirmation_by_people"
            ),
        ),
        migrations.AddIndex(
            model_name="confirmation",
            index=models.Index(fields=["outcome", "at", "id"], name="confirmation_by_outcome"),
        ),
        migrations.AddIndex(
            model_name="confirmation",
            index=models.Index(
                condition=models.Q(("outcome__in", ["matched", "missing"]), _negated=True),
                fields=["at", "id"],
                name="confirmation_odd",
            ),
        ),
        migrations.AddIndex(
            model_name="confirmation",
            index=models.Index(
                condition=models.Q(("repeated", True)), fields=["at", "id"], name="confirmation_repeated"
            ),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["name", "id"], name="customer_by_name"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["utility", "id"], name="customer_by_utility"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["assigned_rep", "id"], name="customer_by_rep"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["customer_type", "id"], name="customer_by_type"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(condition=models.Q(("language", "es")), fields=["id"], name="customer_in_spanish"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["received_at", "id"], name="event_by_day"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                django.db.models.functions.text.Upper("event_status"), models.F("id"), name="event_by_status"
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                django.db.models.functions.text.Upper("utility_name"), models.F("id"), name="event_by_utility"
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(condition=models.Q(("link__isnull", False)), fields=["id"], name="event_of_link"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(
                    ("interpreted_at__isnull", False),
                    ("link__isnull", True),
                    models.Q(("reference_id", ""), _negated=True),
                ),
                fields=["id"],
                name="event_of_stranger",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(condition=models.Q(("reference_id", "")), fields=["id"], name="event_of_nobody"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(condition=models.Q(("is_known", False)), fields=["id"], name="event_of_unknown_type"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(condition=models.Q(("problem", ""), _negated=True), fields=["id"], name="event_problem"),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(fields=["campaign", "id"], name="link_by_campaign"),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(fields=["flow", "id"], name="link_by_flow"),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(fields=["issued_by", "id"], name="link_by_issuer"),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(fields=["issued_at", "id"], name="link_by_day"),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(
                condition=models.Q(("first_returned_at__isnull", False)),
                fields=["first_returned_at", "id"],
                name="link_returned",
            ),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(
                condition=models.Q(
                    ("authorized_at__isnull", False),
                    ("metered_at__isnull", False),
                    ("enrolled_at__isnull", False),
                    _connector="OR",
                ),
                fields=["id"],
                name="link_proven",
            ),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(condition=models.Q(("voided_at__isnull", False)), fields=["id"], name="link_void"),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(condition=models.Q(("replaced_by__isnull", False)), fields=["id"], name="link_replaced"),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(condition=models.Q(("failed_at__isnull", False)), fields=["id"], name="link_failed"),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(condition=models.Q(("printed_at__isnull", False)), fields=["id"], name="link_printed"),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(condition=models.Q(("printed_at__isnull", True)), fields=["id"], name="link_unprinted"),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(condition=models.Q(("customer__isnull", True)), fields=["id"], name="link_shared"),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(
                condition=models.Q(("reference_id__isnull", True)), fields=["id"], name="link_untraceable"
            ),
        ),
        migrations.AddIndex(
            model_name="meter",
            index=models.Index(fields=["utility", "id"], name="meter_by_utility"),
        ),
        migrations.AddIndex(
            model_name="meter",
            index=models.Index(fields=["region", "id"], name="meter_by_region"),
        ),
        migrations.AddIndex(
            model_name="meter",
            index=models.Index(fields=["classification", "id"], name="meter_by_type"),
        ),
        migrations.AddIndex(
            model_name="meter",
            index=models.Index(fields=["enrollment_status", "id"], name="meter_by_status"),
        ),
        migrations.AddIndex(
            model_name="meter",
            index=models.Index(fields=["created_at", "id"], name="meter_by_day"),
        ),
        migrations.AddIndex(
            model_name="meter",
            index=models.Index(condition=models.Q(("is_archived", True)), fields=["id"], name="meter_archived"),
        ),
        migrations.AddIndex(
            model_name="meter",
            index=models.Index(
                condition=models.Q(
                    ("enrollment_status__in", ["", "ACTIVE", "ELIGIBLE", "PENDING", "INELIGIBLE", "NOT_PARTICIPATING"]),
                    _negated=True,
                ),
                fields=["id", "enrollment_status"],
                name="meter_of_another_status",
            ),
        ),
        migrations.AddIndex(
            model_name="paperauthorization",
            index=models.Index(fields=["utility", "id"], name="paper_by_utility"),
        ),
        migrations.AddIndex(
            model_name="paperauthorization",
            index=models.Index(fields=["form", "id"], name="paper_by_form"),
        ),
        migrations.AddIndex(
            model_name="paperauthorization",
            index=models.Index(fields=["recorded_by", "id"], name="paper_by_person"),
        ),
        migrations.AddIndex(
            model_name="paperauthorization",
            index=models.Index(fields=["signed_on", "id"], name="paper_by_day"),
        ),
        migrations.AddIndex(
            model_name="paperauthorization",
            index=models.Index(
                condition=models.Q(("enrolled_at__isnull", False)), fields=["id"], name="paper_enrolled"
            ),
        ),
        migrations.AddIndex(
            model_name="paperauthorization",
            index=models.Index(
                condition=models.Q(("enrolled_at__isnull", True), ("metered_at__isnull", False)),
                fields=["id"],
                name="paper_metered",
            ),
        ),
        migrations.AddIndex(
            model_name="paperauthorization",
            index=models.Index(
                condition=models.Q(
                    ("enrolled_at__isnull", True), ("metered_at__isnull", True), ("withdrawn_at__isnull", False)
                ),
                fields=["id"],
                name="paper_withdrawn",
            ),
        ),
        migrations.AddIndex(
            model_name="paperauthorization",
            index=models.Index(
                condition=models.Q(
                    ("enrolled_at__isnull", True),
                    ("metered_at__isnull", True),
                    ("sent_on__isnull", False),
                    ("withdrawn_at__isnull", True),
                ),
                fields=["id"],
                name="paper_sent",
            ),
        ),
        migrations.AddIndex(
            model_name="paperauthorization",
            index=models.Index(
                condition=models.Q(
                    ("enrolled_at__isnull", True),
                    ("metered_at__isnull", True),
                    ("sent_on__isnull", True),
                    ("withdrawn_at__isnull", True),
                ),
                fields=["id"],
                name="paper_signed",
            ),
        ),
    ]

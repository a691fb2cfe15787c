"""Indexes that every visit and return paid for, though few rows are found by them, hold those few alone.

A visit through a replaced link's code is rare, and so is a return that matches nothing. People's returns, and those
that match, are nearly all there are: the index of all finds them as quickly.
"""

import importlib

import django.db.models.deletion
from django.db import migrations, models

lists = importlib.import_module("portal.authorizations.migrations.0026_list_indexes")

#: Its index gives way to one of the rows that have a value.
OLD = (("authorizations_visit", "via_id"),)


def drop_old(apps, schema_editor):
    lists.drop_indexes(schema_editor, OLD)


def create_old(apps, schema_editor):
    lists.create_indexes(schema_editor, OLD)


class Migration(migrations.Migration):
    dependencies = [("authorizations", "0033_confirmation_lookups")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_old, create_old)],
            state_operations=[
                migrations.AlterField(
                    model_name="visit",
                    name="via",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="The replaced link whose code was followed; its short link forwards to this one.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="forwarded_visits",
                        to="authorizations.link",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="visit",
            index=models.Index(condition=models.Q(("via__isnull", False)), fields=["via"], name="visit_via"),
        ),
        migrations.RemoveIndex(model_name="confirmation", name="confirmation_by_people"),
        migrations.RemoveIndex(model_name="confirmation", name="confirmation_by_outcome"),
        migrations.AddIndex(
            model_name="confirmation",
            index=models.Index(
                condition=models.Q(("outcome", "matched"), _negated=True),
                fields=["outcome", "at", "id"],
                name="confirmation_by_outcome",
            ),
        ),
    ]

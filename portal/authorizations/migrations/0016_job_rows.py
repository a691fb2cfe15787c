"""What a job is about stands in rows of its own, and how far it is stands with it: see services/job_runs.py."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0015_append_only_audit"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="attempt",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="Counts who took it up: whoever was believed dead and is not finds another number."
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="done",
            field=models.PositiveIntegerField(default=0, help_text="How many of them have been dealt with."),
        ),
        migrations.AddField(
            model_name="job",
            name="position",
            field=models.BigIntegerField(default=0, help_text="The key of the last JobRow that has been dealt with."),
        ),
        migrations.AddField(
            model_name="job",
            name="total",
            field=models.PositiveIntegerField(default=0, help_text="How many rows were chosen."),
        ),
        migrations.AlterField(
            model_name="job",
            name="parameters",
            field=models.JSONField(default=dict, help_text="How it is done. Whom it is about stands in its rows."),
        ),
        migrations.CreateModel(
            name="JobRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("row", models.BigIntegerField(help_text="The key of a customer or a link, as the job's kind says.")),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rows", to="authorizations.job"
                    ),
                ),
            ],
        ),
    ]

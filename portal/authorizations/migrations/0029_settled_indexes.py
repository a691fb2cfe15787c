"""Indexes for the columns of 0028: apart, as PostgreSQL makes none on rows that its own transaction has changed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0028_settled_columns"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                condition=models.Q(("has_live_link", True)), fields=["id"], name="customer_with_live_link"
            ),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                condition=models.Q(("has_live_link", False)), fields=["id"], name="customer_without_live_link"
            ),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                condition=models.Q(("has_had_link", False)), fields=["id"], name="customer_without_link"
            ),
        ),
        migrations.AddIndex(
            model_name="enrollment",
            index=models.Index(fields=["next_deadline", "id"], name="enrollment_by_deadline"),
        ),
        migrations.AddIndex(
            model_name="enrollment",
            index=models.Index(fields=["standing", "id"], name="enrollment_by_standing"),
        ),
        migrations.AddIndex(
            model_name="enrollment",
            index=models.Index(fields=["status", "id"], name="enrollment_by_status"),
        ),
        migrations.AddIndex(
            model_name="enrollment",
            index=models.Index(fields=["program", "id"], name="enrollment_by_program"),
        ),
        migrations.AddIndex(
            model_name="enrollment",
            index=models.Index(fields=["utility", "id"], name="enrollment_by_utility"),
        ),
        migrations.AddIndex(
            model_name="enrollment",
            index=models.Index(fields=["region", "id"], name="enrollment_by_region"),
        ),
        migrations.AddIndex(
            model_name="enrollment",
            index=models.Index(fields=["classification", "id"], name="enrollment_by_type"),
        ),
        migrations.AddIndex(
            model_name="enrollment",
            index=models.Index(
                condition=models.Q(
                    ("status__in", ["ACTIVE", "ELIGIBLE", "PENDING", "INELIGIBLE", "NOT_PARTICIPATING"]), _negated=True
                ),
                fields=["id", "status"],
                name="enrollment_of_another_status",
            ),
        ),
        migrations.AddIndex(
            model_name="meter",
            index=models.Index(condition=models.Q(("in_program", False)), fields=["id"], name="meter_in_no_program"),
        ),
    ]

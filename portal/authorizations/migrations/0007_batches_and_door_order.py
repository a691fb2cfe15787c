import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0006_milestones_with_their_rows"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="door_order",
            field=models.CharField(
                blank=True, db_index=True, default="", db_default="", editable=False, max_length=255
            ),
        ),
        migrations.AddField(
            model_name="customerimport",
            name="differing_count",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="customer",
            name="reference_id",
            field=models.CharField(
                blank=True,
                help_text="Your own reference id for this customer's first link. Empty: one is generated.",
                max_length=50,
                null=True,
                unique=True,
                verbose_name="own reference id",
            ),
        ),
        migrations.AlterField(
            model_name="link",
            name="reference_id",
            field=models.CharField(blank=True, max_length=50, null=True, unique=True, verbose_name="reference id"),
        ),
        migrations.CreateModel(
            name="Batch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "wanted",
                    models.JSONField(
                        help_text="Keys of the utilities to request; null: the campaign’s or own ones.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "issued_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "batches",
                "ordering": ["-id"],
            },
        ),
        migrations.AddField(
            model_name="customerimport",
            name="batch",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="authorizations.batch",
            ),
        ),
        migrations.AddField(
            model_name="link",
            name="batch",
            field=models.ForeignKey(
                blank=True,
                help_text="The bulk action.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="links",
                to="authorizations.batch",
            ),
        ),
        migrations.CreateModel(
            name="KeptLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("differs", models.BooleanField(default=False)),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="kept", to="authorizations.batch"
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="kept_by", to="authorizations.link"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("batch", "link"), name="kept_once_in_a_batch")],
            },
        ),
    ]

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0010_print_jobs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="come_back_on",
            field=models.DateField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="customer",
            name="refused_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.CreateModel(
            name="DoorCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("left_card", "left a card"),
                            ("not_home", "not home"),
                            ("come_back", "come back"),
                            ("refused", "refused"),
                            ("ask_again", "may be asked again"),
                        ],
                        max_length=10,
                    ),
                ),
                ("come_back_on", models.DateField(blank=True, null=True, verbose_name="come back on")),
                ("note", models.CharField(blank=True, max_length=500)),
                (
                    "at",
                    models.DateTimeField(db_index=True, help_text="When it took place, by the clock of who called."),
                ),
                ("received_at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="door_calls",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="door_calls",
                        to="authorizations.customer",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("outcome__in", ["left_card", "not_home", "come_back", "refused", "ask_again"])
                        ),
                        name="door_call_outcome_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("come_back_on__isnull", False), ("outcome", "come_back")),
                            models.Q(models.Q(("outcome", "come_back"), _negated=True), ("come_back_on__isnull", True)),
                            _connector="OR",
                        ),
                        name="door_call_comes_back_on_a_day",
                        violation_error_message="“Come back” needs a day, and nothing else has one.",
                    ),
                ],
            },
        ),
    ]

"""Hosted pages of flows, what is asked for on them, and the colour of the partner’s buttons."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0012_door_devices"),
    ]

    operations = [
        migrations.AddField(
            model_name="installation",
            name="brand_colour",
            field=models.CharField(
                default="#0b6e4f",
                help_text="Of the buttons in mails and in what you embed elsewhere. Their words become black or white to fit.",
                max_length=7,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A#[0-9a-fA-F]{6}\\Z", "Write the colour as # and six digits, such as #0b6e4f."
                    )
                ],
                verbose_name="colour",
            ),
        ),
        migrations.CreateModel(
            name="LandingPage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.CharField(editable=False, max_length=20, unique=True)),
                ("is_open", models.BooleanField(default=False, verbose_name="the page is open")),
                (
                    "headline",
                    models.CharField(
                        blank=True, help_text="In English. Empty: Connect your utility account", max_length=100
                    ),
                ),
                (
                    "headline_es",
                    models.CharField(
                        blank=True,
                        help_text="Empty: Conecte su cuenta de servicios públicos",
                        max_length=100,
                        verbose_name="headline in Spanish",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "campaign",
                    models.ForeignKey(
                        blank=True,
                        help_text="Links asked for on the page count there.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="landing_pages",
                        to="authorizations.campaign",
                    ),
                ),
                (
                    "flow",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="landing_page",
                        to="authorizations.flow",
                    ),
                ),
            ],
            options={
                "verbose_name": "hosted page",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="LinkRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("requested_at", models.DateTimeField()),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("name", models.CharField(blank=True, max_length=200)),
                (
                    "customer_type",
                    models.CharField(
                        blank=True,
                        choices=[("residential", "Residential"), ("commercial", "Commercial")],
                        max_length=12,
                    ),
                ),
                (
                    "language",
                    models.CharField(choices=[("en", "English"), ("es", "Spanish")], default="en", max_length=2),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("mailed", "mailed"),
                            ("refused", "refused"),
                            ("failed", "not mailed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("problem", models.CharField(blank=True, max_length=200)),
                (
                    "landing_page",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="link_requests",
                        to="authorizations.landingpage",
                    ),
                ),
                ("links", models.ManyToManyField(blank=True, related_name="+", to="authorizations.link")),
                (
                    "utility",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="authorizations.utility",
                    ),
                ),
            ],
            options={
                "verbose_name": "request for a link",
                "verbose_name_plural": "requests for a link",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(condition=models.Q(("state", "waiting")), fields=["id"], name="link_request_waiting")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "waiting"), models.Q(("email", ""), ("name", "")), _connector="OR"
                        ),
                        name="link_request_forgets_who_asked",
                    )
                ],
            },
        ),
    ]

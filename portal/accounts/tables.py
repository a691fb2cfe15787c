"""The list of people."""

import django_tables2 as tables

from portal.accounts.models import User


class UserTable(tables.Table):
    name = tables.TemplateColumn(
        template_name="includes/columns/user_name.html",
        verbose_name="Name",
        order_by=("first_name", "last_name", "username", "pk"),
    )
    username = tables.TemplateColumn(
        template_name="includes/columns/user_username.html", verbose_name="Sign-in name", order_by="username"
    )
    email = tables.Column(verbose_name="Email", default="–")
    role = tables.TemplateColumn(template_name="includes/columns/user_role.html", verbose_name="Role", orderable=False)
    state = tables.TemplateColumn(
        template_name="includes/columns/user_state.html",
        verbose_name="State",
        order_by=("-is_active", "last_login", "pk"),
    )
    last_login = tables.DateTimeColumn(
        verbose_name="Last sign-in",
        order_by=("last_login", "pk"),
        format="j M Y, H:i",
        default="never",
        attrs={"th": {"class": "num"}, "td": {"class": "num"}},
    )

    caption = "People"

    class Meta:
        model = User
        fields: tuple[str, ...] = ()
        sequence = ("name", "username", "email", "role", "state", "last_login")
        order_by = "name"
        empty_text = "Nobody yet."

"""What every page knows: the partner's name, the environment, and the menu that this user may use."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from portal.authorizations.models import Installation

#: group, label, URL name, permission. Whoever lacks the permission does not see the entry.
MENU = [
    ("", "Home", "home", ""),
    ("", "Customers", "customer_list", "authorizations.view_customer"),
    ("", "Campaigns", "campaign_list", "authorizations.view_campaign"),
    ("", "Mails", "mail_list", "authorizations.view_mail"),
    ("", "Links", "link_list", "authorizations.view_link"),
    ("", "Reminders", "reminder_list", "authorizations.view_mail"),
    ("", "Outages", "outage_list", "authorizations.view_outage"),
    ("", "Print", "print_list", "authorizations.view_printjob"),
    ("", "Paper", "paper_list", "authorizations.view_paperauthorization"),
    ("", "Confirmations", "confirmation_list", "authorizations.view_confirmation"),
    ("", "Leap’s events", "event_list", "authorizations.view_event"),
    ("", "Meters", "meter_list", "authorizations.view_meter"),
    ("", "Re-authorizations", "reauthorization_list", "authorizations.view_reauthorization"),
    ("", "Plan", "plan_list", "authorizations.view_meter"),
    ("", "Funnel", "funnel", "authorizations.view_meter"),
    ("", "Reps", "rep_list", "authorizations.view_visit"),
    ("Configure", "Flows", "flow_list", "authorizations.view_flow"),
    ("Configure", "Utilities", "utility_list", "authorizations.view_utility"),
    ("Configure", "People", "user_list", "accounts.view_user"),
    ("Configure", "Webhook", "webhook", "authorizations.manage_webhook"),
    ("Configure", "Audit", "audit_list", "authorizations.view_auditentry"),
    ("Configure", "Installation", "installation_update", "authorizations.change_installation"),
]

#: Screens that belong to an entry, though their address begins otherwise.
ALSO = {"link_list": "/jobs/"}

BANNERS = {
    "sandbox": "Sandbox: nothing here reaches Leap or a utility",
    "staging": "Staging: links lead to Leap’s staging environment",
    "production": "",
}


@dataclass
class MenuItem:
    label: str
    url: str
    current: bool
    note: str = ""


@dataclass
class MenuGroup:
    label: str
    items: list[MenuItem] = field(default_factory=list)


@dataclass
class Portal:
    """`portal` in every template."""

    request: HttpRequest

    @property
    def installation(self) -> Installation:
        return Installation.objects.current()

    @property
    def partner_name(self) -> str:
        return self.installation.partner_name

    @property
    def support_email(self) -> str:
        return self.installation.support_email

    @property
    def environment(self) -> str:
        return settings.LEAP_ENVIRONMENT

    @property
    def environment_banner(self) -> str:
        return BANNERS[settings.LEAP_ENVIRONMENT]

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox's clock, webhooks and faults are; "" when it is off, and for whom it would not answer."""
        return reverse("sandbox:home") if settings.SANDBOX and self._may("sandbox.run_sandbox") else ""

    @property
    def can_issue(self) -> bool:
        return self._may("authorizations.add_link")

    @property
    def menu(self) -> list[MenuGroup]:
        groups: dict[str, MenuGroup] = {}
        for group, label, name, permission in MENU:
            if self._may(permission):
                url = reverse(name)
                path = self.request.path
                current = path == url if name == "home" else path.startswith((url, ALSO.get(name, url)))
                groups.setdefault(group, MenuGroup(group)).items.append(MenuItem(label, url, current))
        return list(groups.values())

    def _may(self, permission: str) -> bool:
        user = getattr(self.request, "user", None)
        return bool(user and user.is_authenticated and (not permission or user.has_perm(permission)))


def portal(request: HttpRequest) -> dict[str, Any]:
    return {"portal": Portal(request)}

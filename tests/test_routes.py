"""Every route of the portal, walked by nobody in particular and by each role.

A new route is covered by itself: a view says which permission it needs, and the roles say who has it. What a view
cannot say stands in the tables below; a route that neither says nor stands there fails the test.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import models
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RoutePattern

from portal.accounts.models import User
from portal.accounts.roles import PERMISSIONS, Role
from portal.authorizations.models import (
    Batch,
    Confirmation,
    DoorCall,
    Event,
    Installation,
    Job,
    KeptLink,
    Mail,
    Message,
    Outage,
    Utility,
    Visit,
)
from portal.authorizations.services.mail_stops import stop_mails_to
from tests import factories

PUBLIC = {
    "portal.authorizations.views.public",
    "portal.authorizations.views.public_start",
    "portal.authorizations.views.public_unsubscribe",
}
#: Doors to sign-in, Django's own views: by password, and by the link with which a person sets the first password.
LOGINS = {"login", "admin:login", "invitation"}

#: Routes for whoever is signed in.
EVERYBODY = {"home", "search", "guide", "logout", "password_change", "password_change_done"}

#: Function views: which permission their decorator asks for.
FUNCTIONS = {"link_qr": ("authorizations.view_link",), "flow_qr": ("authorizations.change_landingpage",)}


@dataclass(frozen=True)
class Route:
    """One pattern of the URLconf, with its full name and an address that it answers."""

    name: str
    address: str
    callback: Any

    @property
    def is_public(self) -> bool:
        return self.callback.__module__ in PUBLIC or self.name in LOGINS

    @property
    def permissions(self) -> tuple[str, ...] | None:
        """What the view asks for; None: it does not say."""
        if self.name in FUNCTIONS:
            return FUNCTIONS[self.name]
        required = getattr(getattr(self.callback, "view_class", None), "permission_required", None)
        return (required,) if isinstance(required, str) else tuple(required) if required else None


class World:
    """One row of each thing that a route can be about, and the values of the routes' parameters."""

    def __init__(self) -> None:
        rep = factories.make_user(role=Role.FIELD_REP)
        manager = factories.make_user(role=Role.PROGRAM_MANAGER)
        flow = factories.make_flow(state="live")
        campaign = factories.make_campaign(flow=flow, owner=manager)
        customer = factories.make_customer(assigned_rep=rep)
        link = factories.make_link(customer=customer, flow=flow, issued_by=rep)
        self.objects: dict[str, models.Model] = {
            "customer": customer,
            "customer_import": factories.make_import(uploaded_by=manager),
            "paper": (paper := factories.make_paper(customer=customer, recorded_by=rep)),
            "paperauthorization": paper,
            "link": link,
            "campaign": campaign,
            "batch": KeptLink.objects.create(batch=Batch.objects.create(), link=link, differs=True).batch,
            "flow": flow,
            "landingpage": (page := factories.make_landing_page(flow=flow)),
            "linkrequest": factories.make_link_request(page=page),
            "utility": Utility.objects.first() or Utility(),
            "rep": rep,
            "user": factories.make_user(),
            "print": (print_job := factories.make_print_job(links=[link], created_by=rep)),
            "printjob": print_job,
            "printlabel": print_job.labels.get(),
            "job": Job.objects.create(kind="issue", created_by=rep),
            "message": (mail := factories.make_mail(link=link)).message,
            "mail": mail,
            "mail_stop": (stop := stop_mails_to("nobody@example.com", reason="bounced")),
            "mailstop": stop,
            "meter": factories.make_match(link=link).meter,
            "reauthorization": factories.make_reauthorization(link=link),
            "visit": Visit.objects.create(link=link, at=link.issued_at),
            "confirmation": Confirmation.objects.create(link=link, at=link.issued_at, outcome="matched"),
            "event": Event.objects.create(webhook_event_id="1", event_type="x", received_at=link.issued_at, payload={}),
            "doorcall": DoorCall.objects.create(customer=customer, outcome="not_home", by=rep, at=link.issued_at),
            "reminder": Mail.objects.create(
                message=Message.objects.create(campaign=campaign, kind="abandoned"),
                customer=customer,
                link=link,
                is_reminder=True,
                due_at=link.issued_at,
            ),
            "outage": Outage.objects.create(utility=Utility.objects.first() or Utility(), began_at=link.issued_at),
            "installation": Installation.objects.get_or_create(id=1, defaults={"leap_environment": "production"})[0],
        }
        self.values: dict[str, Any] = {
            "code": link.code,
            "slug": page.slug,
            "kind": "button",
            "language": "es",
            "extension": "svg",
            "stock": "avery-5160",
            "which": "refused",
            "uidb64": "MQ",
            "token": "a-b",
            "content_type_id": 1,
            "app_label": "authorizations",
            "url": "nothing-here",
        }

    def about(self, name: str) -> models.Model | None:
        """The row that a route is about, by the longest beginning of its name."""
        for stem in sorted(self.objects, key=len, reverse=True):
            screens = (f"{stem}_", f"admin:authorizations_{stem}_", f"admin:accounts_{stem}_")
            # Django's admin has one route without a name for every model, which leads on to the row's page.
            if name.startswith((*screens, f"admin/authorizations/{stem.replace('_', '')}/", f"admin/accounts/{stem}/")):
                return self.objects[stem]
        return None

    def fill(self, name: str, parameters: set[str]) -> dict[str, Any]:
        values = {}
        for parameter in parameters:
            if parameter in {"pk", "object_id", "id"}:
                row = self.about(name)
                assert row is not None or name.startswith(("admin:", "admin/")), (
                    f"{name} is about something new: add it to World"
                )
                values[parameter] = row.pk if row else 1
            else:
                assert parameter in self.values, f"{name} has the new parameter {parameter}: add it to World"
                values[parameter] = self.values[parameter]
        return values


def walk(world: World) -> Iterator[Route]:
    """Every route, in the order of the URLconf."""
    yield from _walk(get_resolver(), world, prefix="", namespace="")


def _walk(resolver: URLResolver, world: World, *, prefix: str, namespace: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        place = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, world, prefix=place, namespace=inner)
            continue
        name = f"{namespace}{entry.name}" if entry.name else place
        yield Route(name, _address(entry, name, place, world), entry.callback)


def _address(entry: URLPattern, name: str, place: str, world: World) -> str:
    if isinstance(entry.pattern, RoutePattern):
        values = world.fill(name, set(entry.pattern.converters))
        if not entry.name:
            return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values.get(found[1], 1)), place)
    else:
        values = world.fill(name, set(entry.pattern.regex.groupindex))
        if not entry.name:
            return "/" + re.sub(r"\(\?P<(\w+)>.*?\)", lambda found: str(values[found[1]]), place).rstrip("$")
    return reverse(name, kwargs=values)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def leads_to_sign_in(response: HttpResponse) -> bool:
    target = response.headers.get("Location", "")
    return response.status_code == 302 and (target.startswith(("/login/", "/admin/login/")))


@pytest.fixture
def world(db: None) -> World:
    return World()


def test_the_walk_reaches_what_there_is(world: World) -> None:
    """A walk that silently skipped a part of the URLconf would prove nothing."""
    names = [route.name for route in walk(world)]
    assert len(names) > 100
    assert {"home", "link_list", "link_qr", "short_redirect", "thanks", "login", "admin:index"} <= set(names)
    assert "admin:authorizations_link_change" in names


def test_every_route_is_private_unless_it_lives_among_the_public_views(world: World) -> None:
    open_doors, closed_doors = [], []
    for route in walk(world):
        for method in ("get", "post", "head", "put", "delete"):
            response = getattr(Client(), method)(route.address)
            private = leads_to_sign_in(response) or response.status_code in {404, 405}
            if not private and not route.is_public:
                open_doors.append((route.name, method, response.status_code))
            if route.is_public and route.name not in LOGINS and leads_to_sign_in(response):
                closed_doors.append((route.name, method))
    assert open_doors == []
    assert closed_doors == []


def test_only_public_views_and_logins_are_marked_as_such(world: World) -> None:
    marked = {route.name for route in walk(world) if not getattr(route.callback, "login_required", True)}
    assert marked == {route.name for route in walk(world) if route.is_public}


def test_every_screen_says_which_permission_it_needs(world: World) -> None:
    known = set().union(*PERMISSIONS.values())
    silent = [
        route.name
        for route in walk(world)
        if not route.is_public
        and not route.name.startswith(("admin:", "admin/"))
        and route.name not in EVERYBODY
        and not route.permissions
    ]
    assert silent == [], "give the view permission_required, or add it to a table above"
    asked = {name for route in walk(world) for name in route.permissions or ()}
    assert asked - known == set(), "no role has these permissions"


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_each_role_opens_exactly_what_its_permissions_allow(role: Role, world: World) -> None:
    client = client_of(factories.make_user(role=role))
    wrong: list[tuple[str, str, int]] = []
    for route in walk(world):
        if route.is_public or route.name.startswith(("admin:", "admin/")) or route.name == "logout":
            continue
        allowed = route.name in EVERYBODY or set(route.permissions or ("nobody",)) <= PERMISSIONS[role]
        response = client.get(route.address)
        list(response)  # a download holds its file open until somebody has read it
        if allowed:
            # A rep's own rows only: 404 for another's. A screen that only takes a form: 405.
            fits = response.status_code in ({200, 302, 405} if role is Role.ADMIN else {200, 302, 404, 405})
            fits = fits and not leads_to_sign_in(response)
        else:
            fits = response.status_code == 403 and client.post(route.address).status_code == 403
        if not fits:
            wrong.append((route.name, "allowed" if allowed else "forbidden", response.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", [Role.PROGRAM_MANAGER, Role.FIELD_REP], ids=str)
def test_djangos_admin_is_closed_to_all_but_admins(role: Role, world: World) -> None:
    client = client_of(factories.make_user(role=role))
    opened = []
    for route in walk(world):
        if route.name.startswith(("admin:", "admin/")) and route.name not in {"admin:login", "admin:logout"}:
            response = client.get(route.address)
            if not leads_to_sign_in(response) and response.status_code not in {403, 404, 405}:
                opened.append((route.name, response.status_code))
    assert opened == []


def test_admins_do_in_djangos_admin_what_their_permissions_allow_and_no_more(world: World) -> None:
    client = client_of(factories.make_user(role=Role.ADMIN))
    wrong = []
    for route in walk(world):
        found = re.fullmatch(r"admin:([a-z_]+)_([a-z]+)_(changelist|add|change|delete|history)", route.name)
        if not found:
            continue
        app, model, screen = found.groups()
        actions = {"add": ("add",), "delete": ("delete",)}.get(screen, ("view", "change"))
        allowed = any(f"{app}.{action}_{model}" in PERMISSIONS[Role.ADMIN] for action in actions)
        status = client.get(route.address).status_code
        # What is append-only refuses more than the permissions do; a row that is not there leads to the index.
        if status not in ({200, 302, 403} if allowed else {302, 403}):
            wrong.append((route.name, allowed, status))
    assert wrong == []


APPEND_ONLY: Mapping[str, tuple[str, ...]] = {
    "visit": ("add", "delete"),
    "confirmation": ("add", "delete"),
    "doorcall": ("add", "delete"),
    "link": ("delete",),
    "paperauthorization": ("add", "delete"),
}


def test_what_is_append_only_cannot_be_forged_or_removed_in_djangos_admin(world: World) -> None:
    client = client_of(factories.make_user(role=Role.ADMIN))
    for model, screens in APPEND_ONLY.items():
        for screen in screens:
            arguments = [] if screen == "add" else [world.objects[model].pk]
            address = reverse(f"admin:authorizations_{model}_{screen}", args=arguments)
            assert client.get(address).status_code == 403
            assert client.post(address, {"post": "yes"}).status_code == 403
        assert type(world.objects[model])._default_manager.count() == 1

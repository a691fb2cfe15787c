"""The database itself holds the rules of R4 to R13: shown with SQL that did not pass through Django.

On SQLite the statements run in a plain `sqlite3` connection (a copy of the test database, without any of the functions
that Django loads), on PostgreSQL in a cursor. Every constraint of the domain's models has a case here, and every
trigger of migration 0003.
"""

import importlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.core.management import call_command
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import CheckConstraint

from portal.authorizations.models import Confirmation, Customer, Flow, Link, Mail, Utility
from portal.authorizations.services.confirmations import record_confirmation
from tests import factories

MILESTONES = importlib.import_module("portal.authorizations.migrations.0006_milestones_with_their_rows")
LOOKUPS = importlib.import_module("portal.authorizations.migrations.0033_confirmation_lookups")
WORDS = importlib.import_module("portal.authorizations.migrations.0027_words")
RULES: dict[str, tuple[str, str, str, str]] = importlib.import_module(
    "portal.authorizations.migrations.0003_rules_across_tables"
).RULES

CAMPAIGN_DEFAULTS = {
    "state": "running",
    "audience": "{}",
    "stock": "",
    "print_options": "{}",
    "reminds_abandoned": False,
    "no_visit_days": "[]",
}
DAY = "2026-11-24 12:00:00+00"


class Refused(Exception):  # noqa: N818
    """The database refused a statement; `rule` names the constraint or trigger that did."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


@dataclass
class Sql:
    """SQL as any other program would send it. Placeholders are %s."""

    run: Callable[[str, list[Any]], None]

    def insert(self, table: str, row: dict[str, Any]) -> None:
        columns = ", ".join(row)
        marks = ", ".join(["%s"] * len(row))
        self.run(f"INSERT INTO authorizations_{table} ({columns}) VALUES ({marks})", list(row.values()))

    def update(self, table: str, pk: int, **changes: Any) -> None:
        assignments = ", ".join(f"{column} = %s" for column in changes)
        self.run(f"UPDATE authorizations_{table} SET {assignments} WHERE id = %s", [*changes.values(), pk])


def _rule_of_message(message: str) -> str:
    """Return the name of the rule in a message of SQLite."""
    for name, (_, _, _, words) in RULES.items():
        if words == message:
            return name
    found = re.search(r"(?:CHECK constraint failed: |index ')(\w+)", message)
    return found.group(1) if found else message


@dataclass
class World:
    """Rows that obey every rule; the tests break one rule at a time."""

    titled: Flow
    regional: Flow
    legacy: Flow
    requested: Flow
    customer: Customer
    link: Link
    mail: Mail
    utilities: dict[str, Utility]

    def flow_row(self, **changes: Any) -> dict[str, Any]:
        row = {
            "name": "Another flow",
            "journey": "connect",
            "org_name": "acme-energy",
            "address": "titled",
            "title": "winter-dr",
            "region": "",
            "variant": "",
            "program": "",
            "customer_types": "both",
            "terms": "",
            "state": "live",
            "created_at": DAY,
        }
        return row | changes

    def legacy_row(self, **changes: Any) -> dict[str, Any]:
        return self.flow_row(journey="legacy", address="", title="") | changes

    def regional_row(self, **changes: Any) -> dict[str, Any]:
        return self.flow_row(address="regional", title="", region="CAISO") | changes

    def link_row(self, **changes: Any) -> dict[str, Any]:
        row = {
            "customer_id": None,
            "flow_id": self.titled.pk,
            "utility_id": None,
            "label": "poster",
            "reference_id": "abc-123",
            "url": "https://onboarding.leap.energy/acme-energy/summer-dr/?refId=abc-123",
            "code": "ABC123",
            "issued_at": DAY,
            "void_reason": "",
        }
        return row | changes

    def customer_row(self, **changes: Any) -> dict[str, Any]:
        texts = ("company", "email", "phone", "street", "city", "state", "postal_code", "customer_type", "notes")
        row = {"name": "Rosa", "language": "en", "created_at": DAY, "updated_at": DAY, **dict.fromkeys(texts, "")}
        return row | changes


@pytest.fixture
def world(db: None) -> World:
    titled = factories.make_flow(utilities=("pge", "cecony-utilityapi"))
    customer = factories.make_customer()
    return World(
        titled=titled,
        regional=factories.make_flow(
            utilities=("pge",), address="regional", title="", region="CAISO", customer_types="residential"
        ),
        legacy=factories.make_legacy_flow(utilities=("pge", "sce")),
        requested=factories.make_flow(state="requested"),
        customer=customer,
        link=(link := factories.make_link(customer=customer, flow=titled)),
        mail=factories.make_mail(link=link),
        utilities={utility.utility_id: utility for utility in factories.get_utilities()},
    )


def _as_rollback_journal(file: bytes) -> bytes:
    """A WAL file as one that memory can hold: bytes 18 and 19 are the format's versions (sqlite.org/fileformat.html).

    `Connection.backup` would wait for ever for the transaction that the test itself has open.
    """
    return file[:18] + b"\x01\x01" + file[20:]


@pytest.fixture
def sql(world: World) -> Iterator[Sql]:
    """SQL over the rows of `world`."""
    if connection.vendor == "sqlite":
        plain = sqlite3.connect(":memory:")
        plain.deserialize(_as_rollback_journal(connection.connection.serialize()))

        def run_plain(statement: str, values: list[Any]) -> None:
            try:
                with plain:
                    plain.execute(statement.replace("%s", "?"), values)
            except sqlite3.IntegrityError as error:
                raise Refused(_rule_of_message(str(error))) from error

        yield Sql(run_plain)
        plain.close()
        return

    def run_cursor(statement: str, values: list[Any]) -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, values)
        except IntegrityError as error:
            raise Refused(error.__cause__.diag.constraint_name or "") from error  # type: ignore[union-attr]

    yield Sql(run_cursor)


#: A case: the rule that refuses, and what is tried. Ordered as the models are.
Case = tuple[str, Callable[[Sql, World], None]]

UTILITY = {
    "utility_id": "nyseg",
    "name": "NYSEG",
    "short_name": "NYSEG",
    "leap_name": "NYS",
    "region": "NYISO",
    "supports_legacy": False,
    "supports_connect": True,
    "expected_days": 3,
}

CASES: list[Case] = [
    # Utilities (R9).
    ("utility_id_characters", lambda s, w: s.insert("utility", UTILITY | {"utility_id": "ny seg"})),
    ("utility_id_characters", lambda s, w: s.insert("utility", UTILITY | {"utility_id": ""})),
    ("utility_id_characters", lambda s, w: s.insert("utility", UTILITY | {"utility_id": "nyseg\n"})),
    ("utility_supports_a_journey", lambda s, w: s.insert("utility", UTILITY | {"supports_connect": False})),
    ("utility_legacy_only_in_caiso", lambda s, w: s.insert("utility", UTILITY | {"supports_legacy": True})),
    # Flows (R4 to R8, R10).
    ("flow_journey_known", lambda s, w: s.insert("flow", w.flow_row(journey="paper"))),
    ("flow_state_known", lambda s, w: s.insert("flow", w.flow_row(state="paused"))),
    ("flow_customer_types", lambda s, w: s.insert("flow", w.flow_row(customer_types="industrial"))),
    ("flow_org_name_characters", lambda s, w: s.insert("flow", w.flow_row(org_name="acme energy"))),
    ("flow_org_name_characters", lambda s, w: s.insert("flow", w.flow_row(org_name="acme/energy"))),
    ("flow_org_name_characters", lambda s, w: s.insert("flow", w.flow_row(org_name=""))),
    ("flow_org_name_characters", lambda s, w: s.insert("flow", w.flow_row(org_name="acmé"))),
    ("flow_org_name_characters", lambda s, w: s.insert("flow", w.flow_row(org_name="acme\n"))),
    ("flow_legacy_has_no_title_and_no_terms", lambda s, w: s.insert("flow", w.legacy_row(title="summer-dr"))),
    ("flow_legacy_has_no_title_and_no_terms", lambda s, w: s.insert("flow", w.legacy_row(terms="DR agreement"))),
    ("flow_legacy_has_no_title_and_no_terms", lambda s, w: s.insert("flow", w.legacy_row(region="CAISO"))),
    ("flow_legacy_has_no_title_and_no_terms", lambda s, w: s.insert("flow", w.legacy_row(program="PSE-RPO"))),
    ("flow_legacy_has_no_title_and_no_terms", lambda s, w: s.update("flow", w.legacy.pk, terms="DR agreement")),
    ("flow_connect_has_an_address", lambda s, w: s.insert("flow", w.flow_row(address="", title=""))),
    ("flow_titled_has_a_title", lambda s, w: s.insert("flow", w.flow_row(title=""))),
    ("flow_titled_has_a_title", lambda s, w: s.insert("flow", w.flow_row(title="summer dr"))),
    ("flow_titled_has_a_title", lambda s, w: s.insert("flow", w.flow_row(title="summer-dr\n"))),
    ("flow_titled_has_a_title", lambda s, w: s.insert("flow", w.flow_row(region="CAISO"))),
    ("flow_regional_has_one_region", lambda s, w: s.insert("flow", w.regional_row(region=""))),
    ("flow_regional_has_one_region", lambda s, w: s.insert("flow", w.regional_row(region="CAISO,NYISO"))),
    ("flow_regional_has_one_region", lambda s, w: s.insert("flow", w.regional_row(title="summer-dr"))),
    ("flow_variant_fits_customer_types", lambda s, w: s.insert("flow", w.regional_row(variant="RESIDENTIAL"))),
    (
        "flow_variant_fits_customer_types",
        lambda s, w: s.insert("flow", w.regional_row(variant="COMMERCIAL", customer_types="residential")),
    ),
    (
        "flow_agreements_only_in_pjm",
        lambda s, w: s.insert(
            "flow", w.regional_row(variant="RESIDENTIAL_AGREEMENTS_ONLY", customer_types="residential")
        ),
    ),
    # Customers (R12).
    ("customer_has_a_name", lambda s, w: s.insert("customer", w.customer_row(name=""))),
    ("customer_reference_id_characters", lambda s, w: s.insert("customer", w.customer_row(reference_id="a/b"))),
    # Links (R12, R13).
    ("link_of_a_customer_has_a_reference_id", lambda s, w: s.insert("link", _second_link(w, reference_id=None))),
    ("link_void_has_a_reason", lambda s, w: s.insert("link", w.link_row(voided_at=DAY))),
    ("link_void_has_a_reason", lambda s, w: s.update("link", w.link.pk, voided_at=DAY)),
    ("one_live_link", lambda s, w: s.insert("link", w.link_row(customer_id=w.customer.pk))),
    ("one_live_link", lambda s, w: _two_legacy_links(s, w, "pge")),
    ("one_live_link_in_campaign", lambda s, w: _two_links_in_a_campaign(s, w)),
    # Over more than one table: the triggers of migration 0003.
    ("flow_utility_fits_journey", lambda s, w: _offer(s, w.legacy, w.utilities["cecony-utilityapi"])),
    ("flow_utility_fits_journey", lambda s, w: _offer(s, w.regional, w.utilities["cecony-utilityapi"])),
    ("flow_change_fits_utilities", lambda s, w: s.update("flow", w.titled.pk, journey="legacy", address="", title="")),
    ("flow_change_fits_utilities", lambda s, w: s.update("flow", w.regional.pk, region="NYISO")),
    (
        "utility_change_fits_flows",
        lambda s, w: s.update("utility", w.utilities["sce"].pk, supports_legacy=False),
    ),
    (
        "utility_change_fits_flows",
        lambda s, w: s.update("utility", w.utilities["cecony-utilityapi"].pk, supports_connect=False),
    ),
    ("link_from_live_flow", lambda s, w: s.insert("link", w.link_row(flow_id=w.requested.pk))),
    ("link_utility_fits_flow", lambda s, w: s.insert("link", w.link_row(utility_id=w.utilities["pge"].pk))),
    ("link_utility_fits_flow", lambda s, w: s.insert("link", w.link_row(flow_id=w.legacy.pk))),
    (
        "link_utility_fits_flow",
        lambda s, w: s.insert("link", w.link_row(flow_id=w.legacy.pk, utility_id=w.utilities["sdge"].pk)),
    ),
    ("link_requests_utilities_of_flow", lambda s, w: _request(s, w.link, w.utilities["sce"])),
    ("link_never_changes", lambda s, w: s.update("link", w.link.pk, url=w.link.url + "x")),
    ("link_never_changes", lambda s, w: s.update("link", w.link.pk, code="OTHER")),
    ("link_never_changes", lambda s, w: s.update("link", w.link.pk, reference_id="another-id")),
    ("link_never_changes", lambda s, w: s.update("link", w.link.pk, flow_id=w.regional.pk)),
]

#: R12, one case a slip. What PostgreSQL cannot even store (NUL) it refuses by itself.
BAD_REFERENCE_IDS = [
    "ab",
    "a" * 51,
    "",
    "abc\n",
    "abc\r",
    "a/b-1",
    "a b-1",
    "äbc",
    "abc\u0660",
    "a%20b",
    "abc\t",
    "a\u2013b",
]
GOOD_REFERENCE_IDS = ["abc", "a" * 50, "A.b_c~d-9", "---", "000"]


def _offer(sql: Sql, flow: Flow, utility: Utility) -> None:
    sql.insert("flow_utilities", {"flow_id": flow.pk, "utility_id": utility.pk})


def _request(sql: Sql, link: Link, utility: Utility) -> None:
    sql.insert("link_requested_utilities", {"link_id": link.pk, "utility_id": utility.pk})


def _second_link(world: World, **changes: Any) -> dict[str, Any]:
    return world.link_row(customer_id=world.customer.pk, flow_id=world.regional.pk) | changes


def _two_legacy_links(sql: Sql, world: World, second: str) -> None:
    row = world.link_row(customer_id=world.customer.pk, flow_id=world.legacy.pk)
    sql.insert("link", row | {"utility_id": world.utilities["pge"].pk})
    sql.insert(
        "link",
        row | {"utility_id": world.utilities[second].pk, "reference_id": "abc-124", "code": "ABC124"},
    )


def _two_links_in_a_campaign(sql: Sql, world: World) -> None:
    owner = world.link.issued_by_id or factories.make_user().pk
    if connection.vendor == "sqlite":
        # The owner above was made in Django's database, of which this one is a copy: without foreign keys it can stand.
        sql.run("PRAGMA foreign_keys = OFF", [])
    campaign = {"id": 7, "name": "Doors", "channel": "door", "flow_id": world.titled.pk, "owner_id": owner}
    sql.insert("campaign", campaign | {"created_at": DAY} | CAMPAIGN_DEFAULTS)
    row = world.link_row(customer_id=world.customer.pk, campaign_id=7)
    sql.insert("link", row)
    sql.insert("link", row | {"reference_id": "abc-124", "code": "ABC124"})


@pytest.mark.parametrize(("rule", "attempt"), CASES, ids=[f"{number}-{case[0]}" for number, case in enumerate(CASES)])
def test_the_database_refuses(sql: Sql, world: World, rule: str, attempt: Callable[[Sql, World], None]) -> None:
    with pytest.raises(Refused) as refused:
        attempt(sql, world)
    assert refused.value.rule == rule


def test_rows_that_obey_are_taken(sql: Sql, world: World) -> None:
    """Else the cases above would prove nothing."""
    sql.insert("utility", UTILITY)
    sql.insert("flow", world.flow_row(name="a"))
    sql.insert("flow", world.legacy_row(name="b"))
    sql.insert("flow", world.regional_row(name="c", variant="COMMERCIAL", customer_types="commercial"))
    sql.insert(
        "flow",
        world.regional_row(name="d", region="PJM", variant="RESIDENTIAL_AGREEMENTS_ONLY", customer_types="residential"),
    )
    sql.insert("customer", world.customer_row())
    sql.insert("customer", world.customer_row(name="", company="Acme", reference_id="a.b"))
    sql.insert("link", world.link_row())
    sql.insert("link", world.link_row(reference_id=None, code="ABC2"))
    sql.insert("link", _second_link(world, reference_id="abc-3", code="ABC3"))
    _request(sql, world.link, world.utilities["cecony-utilityapi"])
    _offer(sql, world.legacy, world.utilities["sdge"])
    sql.update("link", world.link.pk, voided_at=DAY, void_reason="moved away", first_visited_at=DAY)
    # The one live link is void: there may be a next one, and for Legacy one a utility.
    sql.insert("link", world.link_row(customer_id=world.customer.pk, reference_id="abc-5", code="ABC5"))


def test_a_legacy_customer_may_have_a_live_link_a_utility(sql: Sql, world: World) -> None:
    _two_legacy_links(sql, world, "sce")


@pytest.mark.parametrize("reference_id", BAD_REFERENCE_IDS, ids=ascii)
@pytest.mark.parametrize("table", ["link", "customer"])
def test_r12_bad_reference_ids_are_refused(sql: Sql, world: World, table: str, reference_id: str) -> None:
    row = world.link_row() if table == "link" else world.customer_row()
    with pytest.raises((Refused, DataError)) as refused:
        sql.insert(table, row | {"reference_id": reference_id})
    if isinstance(refused.value, Refused):
        assert refused.value.rule == f"{table}_reference_id_characters"
    else:
        assert len(reference_id) == 51, "only what is longer than the column is not the CHECK's to refuse"


@pytest.mark.parametrize("reference_id", ["abc\x00", "abc\x00/", "\x00abc", "ab\x00c"], ids=ascii)
def test_r12_a_nul_is_refused(sql: Sql, world: World, reference_id: str) -> None:
    with pytest.raises((Refused, ValueError, DataError)):
        sql.insert("link", world.link_row(reference_id=reference_id))


@pytest.mark.parametrize("reference_id", GOOD_REFERENCE_IDS)
def test_r12_good_reference_ids_are_taken(sql: Sql, world: World, reference_id: str) -> None:
    sql.insert("link", world.link_row(reference_id=reference_id))
    sql.insert("customer", world.customer_row(reference_id=reference_id))


def test_r12_reference_ids_are_unique_and_case_sensitive(sql: Sql, world: World) -> None:
    sql.insert("link", world.link_row(reference_id="abc-9"))
    sql.insert("link", world.link_row(reference_id="ABC-9", code="ABC9"))
    with pytest.raises(Refused):
        sql.insert("link", world.link_row(reference_id="abc-9", code="ABC10"))


def test_a_mail_a_message_and_a_stop_are_there_once(sql: Sql, world: World) -> None:
    """And a stop is lifted only with a reason."""
    mail = world.mail
    row = {
        "message_id": mail.message_id,
        "customer_id": world.customer.pk,
        "link_id": world.link.pk,
        "state": "waiting",
        "due_at": DAY,
        "created_at": DAY,
        "attempts": 0,
        **dict.fromkeys(("hold_reason", "reason", "rfc_message_id", "address_digest"), ""),
    }
    message = {"campaign_id": mail.message.campaign_id, "updated_at": DAY} | dict.fromkeys(
        ("subject", "body", "subject_es", "body_es"), ""
    )
    stop = {"address_digest": "0" * 64, "reason": "bounced", "at": DAY, "lift_reason": ""}
    refused: list[tuple[str, dict[str, Any]]] = [
        ("mail", row | {"step": 0}),
        ("message", message | {"kind": mail.message.kind}),
        ("mailstop", stop),
        ("mailstop", stop | {"address_digest": "1" * 64, "lifted_at": DAY}),
    ]
    taken: list[tuple[str, dict[str, Any]]] = [
        ("mailstop", stop | {"lifted_at": DAY, "lift_reason": "The mailbox was full."}),
        ("mailstop", stop),
        ("mail", row | {"step": 1}),
        ("message", message | {"kind": "no_visit"}),
    ]
    for table, values in taken:
        sql.insert(table, values)
    for table, values in refused:
        with pytest.raises(Refused):
            sql.insert(table, values)


def test_every_rule_has_a_case() -> None:
    """A constraint without a case is a rule that nobody has seen hold."""
    checks = {
        constraint.name
        for name in ("Utility", "Flow", "Customer", "Link")
        for constraint in apps.get_model("authorizations", name)._meta.constraints
    }
    tested = {rule for rule, _ in CASES} | {"link_reference_id_characters"}
    assert checks | RULES.keys() == tested


@pytest.mark.django_db
def test_every_trigger_stands_after_migrate() -> None:
    """SQLite loses a table's triggers when a migration rebuilds it: then this fails."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            wanted = {f"{name}_{event.lower()}" for name, rule in RULES.items() for event in rule[1].split(" OR ")}
            wanted |= set(MILESTONES.SQLITE)
            sql = WORDS.Sql("sqlite")
        else:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'")
            wanted = RULES.keys() | set(MILESTONES.POSTGRESQL)
            sql = WORDS.Sql("postgresql")
        standing = {name for (name,) in cursor.fetchall()}
    words = {name for name, *_ in sql.triggers()} - {name for name, *_ in LOOKUPS._triggers_of_words(sql)}
    assert len(RULES) == 7
    assert wanted | words | {"confirmation_campaign"} <= standing
    assert words


def checks_of(table: str) -> set[str]:
    """Return the names of a table's CHECKs, from the text that made it (SQLite) or the catalogue (PostgreSQL)."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
            return set(re.findall(r'CONSTRAINT "(\w+)" CHECK \(', cursor.fetchone()[0]))
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c' AND convalidated",
            [table],
        )
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db
def test_every_check_stands_in_the_database() -> None:
    """The models' CHECKs as the database's own catalogue has them: Django's parser of it trips over LIKE … ESCAPE."""
    for model in apps.get_app_config("authorizations").get_models():
        wanted = {constraint.name for constraint in model._meta.constraints if isinstance(constraint, CheckConstraint)}
        assert wanted <= checks_of(model._meta.db_table), model


@pytest.mark.django_db
@pytest.mark.parametrize("links_first", [True, False])
def test_r15_returns_that_are_loaded_back_keep_their_marks(links_first: bool) -> None:
    """As `loaddata` fills a new database: the link has its milestone already, or is still to come."""
    link = factories.make_link()
    for second in range(3):
        record_confirmation(
            query_string=f"refId={link.reference_id}",
            at=datetime.fromisoformat(f"{DAY}:00") + timedelta(seconds=second),
            ip="",
            user_agent="",
            is_bot=False,
        )
    kept_links = serializers.serialize("json", Link.objects.all())
    kept_returns = serializers.serialize("json", Confirmation.objects.order_by("pk"))
    Confirmation.objects.all().delete()
    Link.objects.all().delete()
    for kept in [kept_links, kept_returns] if links_first else [kept_returns, kept_links]:
        for row in serializers.deserialize("json", kept):
            row.save()
    assert list(Confirmation.objects.order_by("pk").values_list("repeated", flat=True)) == [False, True, True]
    assert Link.objects.get().first_returned_at == Confirmation.objects.get(repeated=False).at


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    out = StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=out)
    assert "No changes detected" in out.getvalue()


def test_the_audit_only_grows(sql: Sql, world: World) -> None:
    """Not even a program that knows nothing of the portal changes, deletes or empties it."""
    row = {"at": DAY, "action": "saw", "noun": "customer", "count": 1, "details": "{}"}
    sql.insert("auditentry", row)
    statements = ["UPDATE authorizations_auditentry SET noun = 'link'", "DELETE FROM authorizations_auditentry"]
    if connection.vendor == "postgresql":
        sql.run("SET CONSTRAINTS ALL IMMEDIATE", [])  # else PostgreSQL refuses for the insert's sake
        statements.append("TRUNCATE authorizations_auditentry")
    for statement in statements:
        with pytest.raises(Refused, match=r"audit_never_changes|append-only"):
            sql.run(statement, [])


@pytest.mark.django_db
def test_the_audits_triggers_stand_after_migrate() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            wanted = {"audit_never_changes_update", "audit_never_changes_delete"}
        else:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'")
            wanted = {"audit_never_changes", "audit_never_empties"}
        assert wanted <= {name for (name,) in cursor.fetchall()}


def test_an_entry_from_the_spool_comes_once(sql: Sql, world: World) -> None:
    row = {"at": DAY, "action": "saw", "noun": "customer", "count": 1, "details": "{}"}
    receipt = "0f0f0f0f0f0f4f0f8f0f0f0f0f0f0f0f"
    sql.insert("auditentry", row | {"receipt": receipt})
    sql.insert("auditentry", row)
    with pytest.raises(Refused):
        sql.insert("auditentry", row | {"receipt": receipt})

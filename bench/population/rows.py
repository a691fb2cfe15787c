"""The rows of every large table of a population, in the order in which they may be inserted.

Links carry their milestones at once, as rows that are loaded back do: the triggers of visits and returns meet them, and
`check.py` reads back that each is its first row's time.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.population.fates import Fate
from bench.population.plan import LEGACY, MINUTES, TITLED, Plan, day, moment
from portal.authorizations.models import (
    AuditEntry,
    Confirmation,
    Connection,
    DoorCall,
    Enrollment,
    EnrollmentDeadline,
    Event,
    KeptLink,
    Link,
    LinkRequest,
    Mail,
    Meter,
    MeterMatch,
    PaperAuthorization,
    Reauthorization,
    RequiredAction,
    Visit,
)

Rows = Iterator[tuple[Any, ...]]

_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari",
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36",
)
_STATUSES = ("ELIGIBLE", "ELIGIBLE", "PENDING", "ELIGIBLE", "INELIGIBLE", "PENDING", "ELIGIBLE", "NOT_PARTICIPATING")
_REQUESTED = Link.requested_utilities.through


@dataclass(frozen=True, slots=True)
class World:
    """The plan, and the keys of the rows that are few: what the rows of the large tables refer to."""

    plan: Plan
    manager: int
    reps: list[int]
    utilities: dict[str, int]
    leap_names: dict[str, str]
    utility_of: list[str | None]
    prefixes: dict[tuple[int, str], str]
    """(flow, utility or "") → the URL before its reference id."""
    messages: dict[int, int]
    """Campaign → its invitation, of those that write mails."""

    def utility(self, index: int) -> str:
        customer = self.plan.customer_of[index]
        return (self.utility_of[customer - 1] if customer else None) or "pge"


def tables(world: World) -> list[tuple[type, tuple[str, ...], Rows]]:
    """Model, columns and rows of each large table but the customers."""
    spec: list[tuple[type, str, Callable[[World], Rows]]] = [
        (Link, _LINK, _links),
        (_REQUESTED, "link_id utility_id", _requested),
        (KeptLink, "batch_id link_id differs", _kept),
        (Visit, "link_id at ip user_agent", _visits),
        (Confirmation, _CONFIRMATION, _confirmations),
        (Connection, "link_id utility_name started_at completed_at failed_at last_event_at", _connections),
        (Event, _EVENT, _events),
        (Meter, _METER, _meters),
        (MeterMatch, "meter_id link_id matched_by matched_at", _matches),
        (Enrollment, "id meter_id program delivery_period starts_at ends_at status", _enrollments),
        (EnrollmentDeadline, "enrollment_id deadline_at active_from", _deadlines),
        (RequiredAction, "meter_id party action_type action_code description deadline_at", _actions),
        (Reauthorization, "meter_id code deadline_at opened_at closed_at ended_at closed_as", _reauthorizations),
        (Mail, "message_id customer_id link_id state due_at attempts marked_at sent_at created_at", _mails),
        (DoorCall, "customer_id by_id outcome note at received_at", _door_calls),
        (PaperAuthorization, _PAPER, _papers),
        (LinkRequest, "landing_page_id requested_at state attempts", _link_requests),
        (AuditEntry, "at by_id action noun row count", _audit),
    ]
    return [(model, tuple(columns.split()), make(world)) for model, columns, make in spec]


_LINK = (
    "id customer_id flow_id campaign_id utility_id label reference_id url code issued_by_id issued_at batch_id "
    "replaced_by_id voided_at voided_by_id void_reason first_visited_at first_returned_at at_utility_at authorized_at "
    "metered_at enrolled_at failed_at printed_at"
)
_CONFIRMATION = "link_id campaign_id at outcome repeated is_bot reference_id query_string ip user_agent"
_EVENT = (
    "webhook_event_id event_type received_at payload interpreted_at is_known link_id reference_id utility_name "
    "event_status"
)
_METER = (
    "id meter_id partner_reference connection_references region utility_name utility_id classification meter_type "
    "enrollment_status needs_partner needs_authorization created_at updated_at first_seen_at last_seen_at record"
)
_PAPER = (
    "customer_id utility_id form reference_id signed_on sent_on scan scan_name scan_type recorded_by_id recorded_at"
)


def _after(issued: int, minutes: int) -> int:
    """So long after it was issued, but not in the future."""
    return min(issued + minutes, MINUTES - 1)


def _visited(issued: int, fate: Fate) -> int:
    return _after(issued, 30 + fate.number % 7 * 700)


def _returned(issued: int, fate: Fate) -> int:
    return _after(issued, 45 + fate.number % 7 * 700)


def _links(world: World) -> Rows:
    plan, references = world.plan, world.plan.reference_ids
    for index in range(plan.links):
        fate, issued = plan.fate(index), plan.minute(index)
        customer, flow, campaign = plan.customer_of[index], plan.flow_of[index], plan.campaign_of[index]
        utility, reference = world.utility(index), references[index]
        if flow == LEGACY and utility not in _LEGACY_UTILITIES:
            utility = "pge"
        traced = not fate.shared or index % 10 != 0
        rep = plan.rep_of(customer) if customer and fate.number % 4 == 0 else None
        asked = utility if flow == LEGACY or (flow in TITLED and customer) else ""
        since = moment(_returned(issued, fate) + 2) if fate.at_utility else None
        metered = fate.meters > 0
        yield (
            index + 1,
            customer or None,
            flow,
            campaign or None,
            world.utilities[utility] if flow == LEGACY else None,
            "" if customer else f"Lobby poster {index // 1000 + 1}",
            reference if traced else None,
            world.prefixes[flow, asked] + reference,
            reference.upper(),
            world.manager if rep is None else world.reps[rep],
            moment(issued),
            campaign or None,
            index + 2 if plan.is_replaced(index) else None,
            moment(_after(issued, 9000)) if fate.void else None,
            world.manager if fate.void else None,
            "Wrong address" if fate.void else "",
            moment(_visited(issued, fate)) if fate.visits else None,
            moment(_returned(issued, fate)) if fate.returns else None,
            since,
            moment(_after(issued, 4300)) if fate.authorized else None,
            moment(_after(issued, 8600)) if metered else None,
            moment(_after(issued, 20_000)) if fate.enrolled else None,
            moment(_returned(issued, fate) + 5) if fate.failed else None,
            moment(_after(issued, 60)) if fate.number % 5 == 0 else None,
        )


_LEGACY_UTILITIES = ("pge", "sce", "sdge")


def _requested(world: World) -> Rows:
    plan = world.plan
    for index in range(plan.links):
        if plan.flow_of[index] in TITLED and plan.customer_of[index]:
            yield index + 1, world.utilities[world.utility(index)]


def _kept(world: World) -> Rows:
    plan = world.plan
    for index in range(plan.links):
        if plan.fate_of[index] in (40, 41):
            yield index % plan.campaigns + 1, index + 1, int(plan.fate_of[index] == 41)


def _visits(world: World) -> Rows:
    plan = world.plan
    for index in range(plan.links):
        fate = plan.fate(index)
        first = _visited(plan.minute(index), fate)
        for number in range(fate.visits):
            address = f"203.0.{(index + number) % 256}.0"
            yield index + 1, moment(_after(first, number * 400)), address, _AGENTS[(index + number) % 3]


def _confirmations(world: World) -> Rows:
    plan, references = world.plan, world.plan.reference_ids
    for index in range(plan.links):
        fate = plan.fate(index)
        first = _returned(plan.minute(index), fate)
        reference, agent = references[index], _AGENTS[index % 3]
        outcome = "void" if fate.void else "matched"
        query, campaign = f"refId={reference}", plan.campaign_of[index] or None
        for number in range(fate.returns):
            at = moment(_after(first, number * 300))
            yield index + 1, campaign, at, outcome, int(number > 0), 0, reference, query, "203.0.113.0", agent
        if fate.bot:
            yield index + 1, campaign, moment(first), outcome, 0, 1, reference, query, "203.0.113.0", "Slackbot 1.0"
        if fate.number < 4:
            stranger, odd = f"stranger-{index}", ("unknown", "unknown", "missing", "malformed")[fate.number]
            stranger = "" if odd == "missing" else stranger
            yield None, None, moment(first), odd, 0, 0, stranger, f"refId={stranger}", "203.0.113.0", agent


def _connections(world: World) -> Rows:
    plan = world.plan
    for index in range(plan.links):
        fate = plan.fate(index)
        if not fate.at_utility:
            continue
        issued = plan.minute(index)
        began = _returned(issued, fate) + 2
        ended = moment(_after(issued, 4300)) if fate.authorized else None
        failed = moment(began + 3) if fate.failed else None
        name = world.leap_names[world.utility(index)]
        yield index + 1, name, moment(began), ended, failed, ended or failed or moment(began)


def _events(world: World) -> Rows:
    plan, references = world.plan, world.plan.reference_ids
    kind = "connect_session.authorization_updated"
    for index in range(plan.links):
        fate = plan.fate(index)
        at = moment(_after(plan.minute(index), 4300))
        if fate.at_utility:
            status = "COMPLETED" if fate.authorized else "FAILED" if fate.failed else "INITIATED"
            name = world.leap_names[world.utility(index)]
            payload = json.dumps({"partner_reference": references[index], "utility_name": name, "status": status})
            yield f"bench-{index}", kind, at, payload, at, 1, index + 1, references[index], name, status
        elif fate.number < 4:
            known = int(fate.number < 3)
            new = kind if known else "weather.updated"
            yield f"bench-{index}", new, at, "{}", at, known, None, f"stranger-{index}", "", ""


def _all_meters(plan: Plan) -> Iterator[tuple[int, int, int, Fate]]:
    """Key, the index of its link, which of the link's meters it is (-1: untraceable), and the link's fate."""
    key = 0
    for index in range(plan.links):
        fate = plan.fate(index)
        for number in range(fate.meters) if fate.meters else (-1,) if 380 <= fate.number < 400 else ():
            key += 1
            yield key, index, number, fate


def _meters(world: World) -> Rows:
    plan, references = world.plan, world.plan.reference_ids
    bits = plan.chance("meters").getrandbits
    for key, index, number, fate in _all_meters(plan):
        traced = number >= 0
        utility = world.utility(index)
        created = moment(_after(plan.minute(index), 8600))
        reference = references[index] if traced else "" if key % 2 else f"old-{key}"
        status = "ACTIVE" if fate.enrolled else _STATUSES[key % 8]
        waits = int(fate.lost or key % 20 == 0)
        lost = int(fate.lost and number == 0)
        yield (
            key,
            f"{bits(128):032x}",
            reference,
            json.dumps([reference] if reference else []),
            "CAISO" if utility in _LEGACY_UTILITIES else "NYISO",
            world.leap_names[utility],
            world.utilities[utility],
            "COMMERCIAL" if key % 4 == 0 else "RESIDENTIAL",
            "ELECTRIC",
            status,
            waits,
            lost,
            created,
            created,
            created,
            moment(MINUTES - 1),
            '{"status": "live"}',
        )


def _matches(world: World) -> Rows:
    for key, index, number, _ in _all_meters(world.plan):
        if number >= 0:
            yield key, index + 1, "connection", moment(_after(world.plan.minute(index), 8600))


def _all_enrollments(plan: Plan) -> Iterator[tuple[int, int, int, Fate]]:
    for key, index, number, fate in _all_meters(plan):
        if number >= 0 and (fate.enrolled or key % 3 == 0):
            yield key, key, index, fate


def _enrollments(world: World) -> Rows:
    starts, ends = moment(MINUTES + 157 * 1440), moment(MINUTES + 340 * 1440)
    for key, meter, _, fate in _all_enrollments(world.plan):
        program = ("CEC-DSGS", "NYISO-SCR", "CONED-CSRP")[meter % 3]
        yield key, meter, program, "2027", starts, ends, "ACTIVE" if fate.enrolled else "ELIGIBLE"


def _deadlines(world: World) -> Rows:
    for key, meter, _, _ in _all_enrollments(world.plan):
        due = 20 + meter % 8 * 30
        yield key, moment(MINUTES + due * 1440), moment(MINUTES + (due + 45) * 1440)


def _actions(world: World) -> Rows:
    for key, _, number, fate in _all_meters(world.plan):
        due = moment(MINUTES + (key % 120 + 1) * 1440)
        if fate.lost and number == 0:
            yield key, "partner", "IS_AUTHORIZED", "AUTH_0001", "End customer must re-authorize meter", due
        elif fate.lost or key % 20 == 0:
            yield key, "partner", "NOT_ENROLLED_IN_CONFLICTING_PROGRAM", "SERV_0002", "A conflicting program", due
        elif key % 20 == 1:
            yield key, "leap", "HAS_MARKET_REGISTRATION", "LEAP_0001", "Being registered with the market", None


def _reauthorizations(world: World) -> Rows:
    for key, index, number, fate in _all_meters(world.plan):
        if fate.lost and number == 0:
            opened = moment(_after(world.plan.minute(index), 30_000))
            closed = opened if key % 3 == 0 else None
            due = moment(MINUTES + (key % 120 + 1) * 1440)
            yield key, "AUTH_0001", due, opened, closed, closed, "authorized" if closed else ""


def _mails(world: World) -> Rows:
    plan = world.plan
    odd = {20: "failed", 21: "unknown", 22: "stopped", 1: "silenced", **dict.fromkeys(range(23, 33), "waiting")}
    for index in range(plan.links):
        message = world.messages.get(plan.campaign_of[index])
        if message is None or not plan.customer_of[index] or plan.is_replaced(index):
            continue
        due = moment(_after(plan.minute(index), 10))
        state = odd.get(plan.fate_of[index], "sent")
        marked = due if state in ("sent", "failed", "unknown") else None
        sent = due if state == "sent" else None
        yield message, plan.customer_of[index], index + 1, state, due, int(bool(marked)), marked, sent, due


def _door_calls(world: World) -> Rows:
    plan = world.plan
    for index in range(plan.links):
        if 150 <= plan.fate_of[index] < 200 and plan.customer_of[index]:
            rep = plan.rep_of(plan.customer_of[index])
            at = moment(_after(plan.minute(index), 200))
            by = world.manager if rep is None else world.reps[rep]
            yield plan.customer_of[index], by, "left_card" if index % 2 else "not_home", "", at, at


def _papers(world: World) -> Rows:
    plan = world.plan
    for index in range(plan.links):
        if 500 <= plan.fate_of[index] < 505 and plan.customer_of[index]:
            issued = plan.minute(index)
            utility = world.utility(index)
            form = "cisr-drp" if utility in _LEGACY_UTILITIES else "other"
            sent = day(_after(issued, 2000)) if index % 2 else None
            by = (plan.customer_of[index], world.utilities[utility], form, f"paper-{index}", day(issued), sent)
            yield *by, f"scans/{index}.pdf", "scan.pdf", "application/pdf", world.manager, moment(issued)


def _link_requests(world: World) -> Rows:
    for index in range(world.plan.links):
        if 510 <= world.plan.fate_of[index] < 515:
            number = world.plan.fate_of[index]
            state = "refused" if number == 510 else "mailed"
            yield index % len(TITLED) + 1, moment(world.plan.minute(index)), state, 1


def _audit(world: World) -> Rows:
    plan = world.plan
    for index in range(0, plan.links, 10):
        by = world.reps[index // 10 % len(world.reps)] if index % 3 else world.manager
        action, noun = (("saw", "customer"), ("changed", "customer"), ("issued", "link"))[index // 10 % 3]
        row = index + 1 if noun == "link" else plan.customer_of[index] or None
        yield moment(plan.minute(index)), by, action, noun, row, 1

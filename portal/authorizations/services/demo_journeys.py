"""What became of the sample data's links: who followed them, who came back, what Leap would have said."""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from portal.accounts.models import User
from portal.authorizations.models import Flow, Link, Utility
from portal.authorizations.services.confirmations import record_confirmation
from portal.authorizations.services.demo_leap import show_meter, show_strangers, tell_of_session
from portal.authorizations.services.demo_people import BROWSERS
from portal.authorizations.services.links import issue_shared_link, replace_link, void_link
from portal.authorizations.services.visitors import Visitor
from portal.authorizations.services.visits import record_visit

#: How far the customers' links get, in hundredths. Steps are seen (visit), claimed (return) and proven (the rest).
_STAGES = {"issued": 34, "visited": 24, "returned": 12, "authorized": 10, "metered": 10, "enrolled": 10}
_SEEN = ("visited", "returned", "authorized", "metered", "enrolled")
_PROVEN = ("authorized", "metered", "enrolled")


@dataclass(slots=True)
class Story:
    """One link, when it was issued, and the visits and returns that shall be recorded, each at its time."""

    link: Link
    stage: str
    issued_at: datetime
    events: list[tuple[datetime, Callable[[datetime], object]]] = field(default_factory=list)


def send_customers(
    *, chance: random.Random, now: datetime, earliest: datetime, manager: User, poster_flow: Flow
) -> None:
    """Spread the links that there are over the time since `earliest`, and let their customers come and go.

    Visits and returns go through the same services as the public doors, in the order of their time.
    """
    stories = _begin(chance, now, earliest)
    for story in stories:
        _tell(story, chance, now)
    Link.objects.bulk_update(
        [story.link for story in stories],
        ["issued_at"],
        batch_size=100,
    )
    stories += _replace_some(stories, chance, manager)
    stories += _hang_posters(poster_flow, chance, earliest, manager)
    events = [event for story in stories for event in story.events] + _strangers(stories, chance, now)
    for at, record in sorted(events, key=lambda event: event[0]):
        record(min(at, now))
    show_strangers(now=now, chance=chance)
    _void_some(stories, chance, now, manager)


def _begin(chance: random.Random, now: datetime, earliest: datetime) -> list[Story]:
    """Date the links in the order in which they were issued, each campaign from its own first day."""
    links = list(Link.objects.select_related("campaign", "flow", "utility", "customer__utility").order_by("pk"))
    stages = [stage for stage, share in _STAGES.items() for _ in range(share)]
    chance.shuffle(stages)
    newest = now - timedelta(hours=5)
    step = (newest - earliest - timedelta(days=3)) / max(len(links), 1)
    return [
        Story(link, stages[number % len(stages)], earliest + timedelta(days=3) + step * number)
        for number, link in enumerate(links)
    ]


def _tell(story: Story, chance: random.Random, now: datetime) -> None:
    """Decide what happened to one link, as far as time allows since it was issued."""
    link = story.link
    link.issued_at = story.issued_at
    if story.stage not in _SEEN:
        return
    at = story.issued_at + timedelta(hours=chance.uniform(0.1, 60))
    if at > now:
        return
    by_direct_url = chance.random() < 0.1
    if not by_direct_url or story.stage == "visited":
        _visit(story, at, chance)
        for number in range(chance.choice((0, 0, 0, 1, 2))):
            _visit(story, at + timedelta(hours=3 * number + 2), chance)
    at += timedelta(minutes=chance.uniform(4, 25))
    if story.stage == "visited":
        # At the utility most drop off: no password at hand, or no time.
        if chance.random() < 0.6:
            story.events += tell_of_session(
                link=link, utility=_utility(story), at=at, outcome=chance.choice(("failed", "left")), chance=chance
            )
        return
    # Some close the window before they come back: Leap's word does not need it.
    if story.stage == "returned" or chance.random() < 0.85:
        _return(story, at + timedelta(minutes=6), chance)
        if chance.random() < 0.15:
            _return(story, at + timedelta(minutes=7), chance)
    if story.stage in _PROVEN:
        _prove(story, at, now, chance)


def _prove(story: Story, at: datetime, now: datetime, chance: random.Random) -> None:
    """Let Leap say that a customer authorized, then that there is a meter, then that it is active."""
    utility = _utility(story)
    story.events += tell_of_session(link=story.link, utility=utility, at=at, outcome="authorized", chance=chance)
    metered_at = at + timedelta(hours=chance.uniform(20, 72))
    enrolled_at = metered_at + timedelta(hours=chance.uniform(100, 300))
    if story.stage == "authorized" or metered_at > now:
        return
    customer = story.link.customer
    assert story.link.reference_id
    story.events += show_meter(
        reference_id=story.link.reference_id,
        utility=utility,
        customer_type=customer.customer_type if customer else "",
        at=metered_at,
        enrolled_at=enrolled_at if story.stage == "enrolled" and enrolled_at < now else None,
        chance=chance,
    )


def _utility(story: Story) -> Utility:
    customer = story.link.customer
    utility = story.link.utility or (customer.utility if customer else None)
    return utility or story.link.flow.utilities.order_by("pk")[0]


def _visit(story: Story, at: datetime, chance: random.Random, *, via: Link | None = None) -> None:
    link_id, via_id, visitor = story.link.pk, via.pk if via else None, _visitor(chance)
    story.events.append((at, lambda at: record_visit(link_id=link_id, via_id=via_id, at=at, **visitor)))


def _return(story: Story, at: datetime, chance: random.Random, *, is_bot: bool = False) -> None:
    query = urlencode({"authorizationId": _authorization_id(chance), "refId": story.link.reference_id})
    story.events.append((at, _claim(query, chance, is_bot=is_bot)))


def _claim(query: str, chance: random.Random, *, is_bot: bool = False) -> Callable[[datetime], object]:
    visitor = _visitor(chance)
    if is_bot:
        visitor["user_agent"] = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"
    return lambda at: record_confirmation(query_string=query, at=at, is_bot=is_bot, **visitor)


def _replace_some(stories: list[Story], chance: random.Random, manager: User) -> list[Story]:
    """Issue a few links anew; whoever follows the old code is forwarded."""
    unseen = [s for s in stories if s.stage == "issued" and s.link.flow.takes_requested_utilities]
    anew = []
    for story in unseen[2:22:5]:
        successor = replace_link(link=story.link, issued_by=manager, utilities=[])
        story.stage = "replaced"
        successor.issued_at = story.issued_at + timedelta(days=2)
        successor.save(update_fields=["issued_at"])
        forwarded = Story(successor, "visited", successor.issued_at)
        _visit(forwarded, successor.issued_at + timedelta(hours=9), chance, via=story.link)
        anew.append(forwarded)
    return anew


def _hang_posters(flow: Flow, chance: random.Random, earliest: datetime, manager: User) -> list[Story]:
    """Links without a customer: two posters with a shared reference id, and a web page whose link carries none."""
    stories = []
    for label, traceable, visits, returns in (
        ("Poster, Fresno library", True, 26, 5),
        ("Flyer, Bronx street fair", True, 14, 2),
        ("Website, footer", False, 31, 0),
    ):
        link = issue_shared_link(flow=flow, label=label, issued_by=manager, traceable=traceable)
        link.issued_at = earliest + timedelta(days=10)
        link.save(update_fields=["issued_at"])
        story = Story(link, "visited", link.issued_at)
        times = sorted(link.issued_at + timedelta(days=chance.uniform(1, 75)) for _ in range(visits))
        for at in times:
            _visit(story, at, chance)
        for at in times[:returns]:
            _return(story, at + timedelta(minutes=12), chance)
        stories.append(story)
    return stories


def _strangers(
    stories: list[Story], chance: random.Random, now: datetime
) -> list[tuple[datetime, Callable[[datetime], object]]]:
    """Hits on the confirmation page that are no customer's: mistyped, forged, empty, and a messenger's preview."""
    queries = [
        *(urlencode({"authorizationId": _authorization_id(chance), "refId": ref}) for ref in ("test", "abc-123")),
        f"authorizationId={_authorization_id(chance)}&refId=q7w9e8r5t4zz",
        f"authorizationId={_authorization_id(chance)}",
        "",
        "refId=%3Cscript%3Ealert%281%29%3C%2Fscript%3E",
        "authorizationId=1&refId=one&refId=two",
        f"refId={'9' * 64}",
    ]
    strangers = [(now - timedelta(days=3 + 9 * number), _claim(query, chance)) for number, query in enumerate(queries)]
    forwarded = next(story for story in stories if story.stage == "visited" and story.link.reference_id)
    preview = urlencode({"authorizationId": _authorization_id(chance), "refId": forwarded.link.reference_id})
    strangers.append((now - timedelta(days=1), _claim(preview, chance, is_bot=True)))
    return strangers


def _void_some(stories: list[Story], chance: random.Random, now: datetime, manager: User) -> None:
    """Void a few links of different fate; two of their customers come to the confirmation page after that."""
    issued = [story for story in stories if story.stage == "issued"][::9][:4]
    returned = [story for story in stories if story.stage == "returned" and story.events][:1]
    reasons = ("Moved away", "Wrong customer", "Asked not to be contacted", "Duplicate of another site", "Test")
    for story, reason in zip(issued + returned, reasons, strict=True):
        void_link(link=story.link, voided_by=manager, reason=reason)
        last = max([story.issued_at, *(at for at, _ in story.events)])
        voided_at = min(last + timedelta(days=2), now - timedelta(hours=1))
        Link.objects.filter(pk=story.link.pk).update(voided_at=voided_at)
    for story in (issued[0], *returned):
        query = urlencode({"authorizationId": _authorization_id(chance), "refId": story.link.reference_id})
        _claim(query, chance)(now - timedelta(minutes=chance.uniform(5, 50)))


def _visitor(chance: random.Random) -> Visitor:
    """A browser, and an address of the blocks that are set aside for examples."""
    return {
        "ip": f"{chance.choice(('203.0.113', '198.51.100', '192.0.2'))}.0/24",
        "user_agent": chance.choice(BROWSERS),
    }


def _authorization_id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))

"""Every case of the sandbox's menu, from the short link to the final state that the portal shows of it."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from django.core.management import CommandError

from portal.accounts.models import User
from portal.authorizations.models import Event, Flow, Meter
from portal.authorizations.services.meter_sync import is_sync_wanted
from portal.sandbox.cases import DAYS, Case
from portal.sandbox.models import Delivery, DeliveryOptions, DeliveryState
from tests.factories import get_utilities, make_flow, make_legacy_flow, make_link
from tests.journeys.rehearsal import State, pass_time, read_state, run_case, sync

pytestmark = pytest.mark.django_db(transaction=True)

PROVEN = "visited, returned, at utility, authorized, metered"
BOTH = "session completed, PGE completed"
CLAIM = ("matched",)


def meter(marks: str, utility: str = "PGE") -> str:
    return f"{utility} by connection reference: {marks}"


#: What a customer leaves behind who got no further than the utility.
FAILED = State("visited", "visited, at utility", "session started, PGE failed", failed=True)
SUCCESS = State("metered", PROVEN, BOTH, meters=(meter("eligible"),), claims=CLAIM)
#: Of Connect's links; those of Legacy end the same, but for what `of_legacy` says.
ENDS: dict[Case, State] = {
    Case.SUCCESS: SUCCESS,
    Case.SEVERAL_METERS: replace(SUCCESS, meters=(meter("eligible"),) * 3),
    Case.TWO_UTILITIES: replace(
        SUCCESS, connections=f"{BOTH}, SCE completed", meters=(meter("eligible"), meter("eligible", "SCE"))
    ),
    Case.ENROLLED: State("enrolled", f"{PROVEN}, enrolled", BOTH, meters=(meter("active"),), claims=CLAIM),
    Case.LATE: SUCCESS,
    Case.WRONG_PASSWORD: FAILED,
    Case.SECOND_FACTOR: FAILED,
    Case.CANCEL: FAILED,
    # Who left early failed at no utility.
    Case.TERMS_REJECTED: State("visited", "visited", "session failed"),
    Case.OUT_OF_SERVICE: FAILED,
    Case.CLOSED_WINDOW: State("visited", "visited, at utility", "session failed, PGE started"),
    Case.NO_RETURN: State(
        "metered",
        "visited, at utility, authorized, metered",
        "session started, PGE completed",
        meters=(meter("eligible"),),
    ),
    Case.FORGED: State("returned", "visited, returned", "session started", claims=CLAIM, suspicious=True),
    # Nothing of it can be traced back to the link: the portal saw it opened, and that is all.
    Case.NO_REFERENCE: State("visited", "visited", "", claims=("missing",), unmatched=1),
    Case.SHARED_METER: SUCCESS,
    # In the thirty days until the authorization was lost, the meter became active.
    Case.REAUTHORIZE: State(
        "enrolled",
        f"{PROVEN}, enrolled",
        BOTH,
        meters=(meter("active, action required, re-authorize"),),
        claims=CLAIM,
    ),
    # The authorization happened: a meter that is gone takes nothing back.
    Case.ARCHIVED: replace(SUCCESS, meters=(meter("eligible, archived"),)),
    Case.CONFLICT: replace(SUCCESS, meters=(meter("ineligible, action required"),)),
}
#: What one Legacy link cannot do (R5).
REFUSED_BY_LEGACY = (Case.TWO_UTILITIES, Case.TERMS_REJECTED)


def of_legacy(case: Case, state: State) -> State:
    """Legacy has no Connect session to tell of, and begins at the utility's sign-in."""
    parts = [part for part in state.connections.split(", ") if not part.startswith("session")]
    if case is Case.FORGED:
        return replace(state, connections="PGE started", milestones="visited, returned, at utility")
    return replace(state, connections=", ".join(parts))


def run_to_the_end(flow: Flow, case: Case, manager: User) -> State:
    """A customer walks, and the days pass that the case takes; the portal hears by webhook and reads the meters."""
    link = make_link(
        flow=flow, utilities=get_utilities("pge") if flow.journey == "legacy" else get_utilities("pge", "sce")
    )
    known = list(Event.objects.values_list("pk", flat=True))
    meters = Meter.objects.count()
    assert f"1  {case.value}" in run_case(link, case.value)
    if case in DAYS:
        pass_time(days=DAYS[case])
    # By then the last event was overtaken, or needs not wait for one any more.
    pass_time(minutes=1)
    assert not Event.objects.waiting().exists()
    told_of_a_meter = Event.objects.exclude(pk__in=known).filter(event_type__startswith="meter.").exists()
    assert is_sync_wanted() is told_of_a_meter
    run = sync()
    assert (run.full, run.malformed, run.created) == (False, 0, Meter.objects.count() - meters)
    return read_state(link, manager)


def run_all(flow: Flow, cases: Iterable[Case], manager: User) -> dict[Case, State]:
    """Run one case after the other. The last leaves a meter and a claim of nobody's."""
    return {case: run_to_the_end(flow, case, manager) for case in sorted(cases, key=Case.NO_REFERENCE.__eq__)}


def test_every_case_of_the_menu_is_rehearsed() -> None:
    assert set(ENDS) == set(Case)


@pytest.mark.parametrize("case", Case)
def test_r14_r16_r18_every_case_of_connect(rehearsal: str, manager: User, case: Case) -> None:
    assert run_to_the_end(make_flow(), case, manager) == ENDS[case]
    assert set(Delivery.objects.values_list("state", flat=True)) <= {DeliveryState.DELIVERED}


def test_r5_every_case_of_legacy(rehearsal: str, manager: User) -> None:
    expected = {case: of_legacy(case, state) for case, state in ENDS.items() if case not in REFUSED_BY_LEGACY}
    assert run_all(make_legacy_flow(), expected, manager) == expected


def test_r5_what_legacy_cannot_do_is_refused(rehearsal: str) -> None:
    link = make_link(flow=make_legacy_flow())
    for case in REFUSED_BY_LEGACY:
        with pytest.raises(CommandError, match="1 of 1 links were refused"):
            run_case(link, case.value)


def test_r3_events_that_come_twice_and_overtake_each_other_end_the_same(rehearsal: str, manager: User) -> None:
    DeliveryOptions.objects.update_or_create(pk=1, defaults={"sends_twice": True, "swaps_order": True})
    assert run_all(make_flow(), Case, manager) == ENDS
    sent = Delivery.objects.count()
    assert sent == 2 * Event.objects.count()
    assert sent == Delivery.objects.filter(state=DeliveryState.DELIVERED, attempts_made=1).count()
    made, taken = Delivery.objects.order_by("id"), Event.objects.order_by("id")
    order = list(dict.fromkeys(str(event_id) for event_id in made.values_list("event_id", flat=True)))
    assert order != list(taken.values_list("webhook_event_id", flat=True))

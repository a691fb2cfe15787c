"""The menu of test cases, as Leap's staging environment has one: what a customer can do, run without a browser.

A case takes a session from the moment its link was opened to where such a customer is left. `Ending` says where.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from django.db import models, transaction

from portal.sandbox import clock, journeys
from portal.sandbox.households import accounts_of, household_of
from portal.sandbox.models import Authorization, Journey, Meter, Session, Turn
from portal.sandbox.utilities import Utility, find_utility


class Case(models.TextChoices):
    """What Leap's staging and its public pages let happen, each with the words of the menu."""

    SUCCESS = "success", "Success, one meter"
    SEVERAL_METERS = "several-meters", "Success, several meters"
    TWO_UTILITIES = "two-utilities", "Success at two utilities"
    ENROLLED = "enrolled", "Success, and active in a program at once"
    LATE = "late", "Success, but the meter appears days later"
    WRONG_PASSWORD = "wrong-password", "Wrong password"
    SECOND_FACTOR = "second-factor", "The code sent to the phone is wrong"
    CANCEL = "cancel", "Cancelled at the utility"
    TERMS_REJECTED = "terms-rejected", "Terms rejected"
    OUT_OF_SERVICE = "out-of-service", "The utility is out of service"
    CLOSED_WINDOW = "closed-window", "Window closed at the utility’s sign-in"
    NO_RETURN = "no-return", "Success, but the browser does not come back"
    FORGED = "forged", "Forged return: back without an authorization"
    NO_REFERENCE = "no-reference", "Success of a link without a refId"
    SHARED_METER = "shared-meter", "A meter that another refId has already"
    REAUTHORIZE = "reauthorize", "Success, another authorization needed later (AUTH_0001)"
    ARCHIVED = "archived", "Success, the meter is archived later"
    CONFLICT = "conflict", "Success, but in a conflicting program"


#: Cases that read `days`, with the days taken when none are given.
DAYS = {Case.LATE: 3, Case.REAUTHORIZE: 30, Case.ARCHIVED: 0}


class Place(models.TextChoices):
    """Where a case leaves the customer's browser."""

    PARTNER = "partner"  # the partner's confirmation page, or Leap's own
    CONNECT = "connect"  # a page of Connect
    UTILITY = "utility"  # a page of the utility
    NOWHERE = "nowhere"  # no window is left


@dataclass(frozen=True, slots=True)
class Ending:
    """Where the browser ends. `url`: the partner's page; empty where the flow has none."""

    place: Place
    session: Session
    authorization: Authorization | None = None
    url: str = ""


class CaseRefusedError(Exception):
    """This link cannot take this case; the reason in words."""


@transaction.atomic
def run_case(*, case: Case, session: Session, days: int | None = None) -> Ending:
    """Take an open session through a case. Raises CaseRefusedError before anything has happened."""
    # Two presses of one button are one run: the second sees what the first has done.
    session = Session.objects.select_for_update(of=("self",)).select_related("flow").get(pk=session.pk)
    run = _Run(session=session, case=case, days=DAYS.get(case, 0) if days is None else days)
    _refuse(case, run)
    session.case = case.value
    session.save(update_fields=["case"])
    return _STORIES.get(case, _success)(run)


@dataclass
class _Run:
    session: Session
    case: Case
    days: int

    def utilities(self) -> list[Utility]:
        if self.session.journey == Journey.LEGACY:
            started = self.session.authorizations.first()
            found = find_utility(started.utility_id) if started else None
            return [found] if found else []
        return journeys.offered_utilities(self.session)


def _refuse(case: Case, run: _Run) -> None:
    session = run.session
    if session.is_over or session.case:
        raise CaseRefusedError("This session has been used: open its link again.")
    if case is Case.TERMS_REJECTED and not journeys.needs_terms(session):
        raise CaseRefusedError("There are no terms to sign at this link.")
    if session.journey == Journey.LEGACY and case is Case.TWO_UTILITIES:
        raise CaseRefusedError("Legacy leads to one utility only.")
    if session.agreements_only and case not in {Case.SUCCESS, Case.TERMS_REJECTED, Case.FORGED}:
        raise CaseRefusedError("This link asks for agreements only: it leads to no utility.")


# --- The stories ---------------------------------------------------------------------------------------------------


def _success(run: _Run) -> Ending:
    """The whole way, and back. What is special about the meters is in the turns."""
    _to_the_utilities(run)
    if not run.session.agreements_only:
        utilities = run.utilities()[: 2 if run.case is Case.TWO_UTILITIES else 1]
        for utility in utilities:
            _authorize(run, utility)
    return _return(run.session)


def _no_reference(run: _Run) -> Ending:
    """The same link without its refId: another session, as the tab is another one."""
    session = journeys.open_without_reference(run.session)
    return _success(replace(run, session=session))


def _no_return(run: _Run) -> Ending:
    _to_the_utilities(run)
    authorization = _authorize(run, run.utilities()[0], comes_back=False)
    return Ending(Place.NOWHERE, run.session, authorization)


def _forged(run: _Run) -> Ending:
    """Whoever has the link can make up an authorizationId: Leap knows nothing of it (R16)."""
    return Ending(Place.PARTNER, run.session, url=journeys.final_url(run.session, authorization_id=uuid.uuid4()))


def _terms_rejected(run: _Run) -> Ending:
    _choose(run.session)
    if run.session.flow.terms_after_utility and not run.session.agreements_only:
        _authorize(run, run.utilities()[0])
    journeys.close_session(run.session)
    return Ending(Place.CONNECT, run.session)


def _failed_at(reason: str, place: Place) -> Callable[[_Run], Ending]:
    def story(run: _Run) -> Ending:
        _to_the_utilities(run)
        authorization = _begin(run, run.utilities()[0])
        journeys.fail_authorization(authorization=authorization, reason=reason)
        return Ending(place, run.session, authorization)

    return story


def _closed_window(run: _Run) -> Ending:
    _to_the_utilities(run)
    authorization = _begin(run, run.utilities()[0])
    journeys.close_session(run.session)
    return Ending(Place.NOWHERE, run.session, authorization)


def _shared_meter(run: _Run) -> Ending:
    """The account was authorized before under another refId: by a neighbour, now, where there is no such meter."""
    _to_the_utilities(run)
    utility = run.utilities()[0]
    mine = run.session.reference_id
    held = Meter.objects.filter(utility_name=utility.leap_name).annotate(count=models.Count("references"))
    other = held.filter(count=1).exclude(references__reference_id=mine).order_by("-id").first()
    household = household_of(f"neighbour of {run.session.token}")
    if other is None:
        neighbour = Session.objects.create(
            flow=run.session.flow,
            journey=run.session.journey,
            reference_id=f"neighbour-{run.session.token.hex[:12]}",
            region=run.session.region,
            customer_type=run.session.customer_type,
            case=run.case.value,
            started_at=clock.now(),
            updated_at=clock.now(),
        )
        _authorize(replace(run, session=neighbour), utility, household=household)
        journeys.complete_session(neighbour)
    elif first := other.references.select_related("authorization").first():
        # Whose meter it is: the household of the authorization that brought it.
        household = first.authorization.household if first.authorization else household
    _authorize(run, utility, household=household)
    return _return(run.session)


_STORIES: dict[Case, Callable[[_Run], Ending]] = {
    Case.NO_REFERENCE: _no_reference,
    Case.NO_RETURN: _no_return,
    Case.FORGED: _forged,
    Case.TERMS_REJECTED: _terms_rejected,
    Case.WRONG_PASSWORD: _failed_at("wrong password", Place.UTILITY),
    Case.SECOND_FACTOR: _failed_at("wrong code", Place.UTILITY),
    Case.CANCEL: _failed_at("cancelled by the customer", Place.CONNECT),
    Case.OUT_OF_SERVICE: _failed_at("the utility is out of service", Place.UTILITY),
    Case.CLOSED_WINDOW: _closed_window,
    Case.SHARED_METER: _shared_meter,
}

# --- The steps they are made of ------------------------------------------------------------------------------------


def _choose(session: Session) -> None:
    """Answer what the first pages ask, with the first answer that the flow allows."""
    if not session.region:
        session.region = session.flow.regions[0]
        journeys.advance(session, "region")
    if not session.customer_type:
        session.customer_type = session.flow.customer_types[0]
        journeys.advance(session, "customer_type")


def _to_the_utilities(run: _Run) -> None:
    _choose(run.session)
    if journeys.needs_terms(run.session) and not run.session.flow.terms_after_utility:
        journeys.sign_terms(run.session)


def _begin(run: _Run, utility: Utility) -> Authorization:
    """Reach the utility's sign-in page; Legacy is there from the start."""
    waiting = run.session.authorizations.filter(utility_id=utility.utility_id, status="INITIATED").last()
    return waiting or journeys.start_authorization(session=run.session, utility=utility)


def _authorize(run: _Run, utility: Utility, *, household: str = "", comes_back: bool = True) -> Authorization:
    authorization = _begin(run, utility)
    # Whoever has the link is one customer: the same accounts when it is used again.
    authorization.household = household or household_of(f"customer of {run.session.reference_id or run.session.token}")
    accounts = accounts_of(utility, authorization.household)
    turns = {
        Case.ENROLLED: [(Turn.ACTIVATE, timedelta())],
        Case.REAUTHORIZE: [(Turn.REAUTHORIZE, timedelta(days=run.days))],
        Case.ARCHIVED: [(Turn.ARCHIVE, timedelta(days=run.days))],
        Case.CONFLICT: [(Turn.CONFLICT, timedelta())],
    }
    journeys.complete_authorization(
        authorization=authorization,
        utility=utility,
        accounts=accounts if run.case is Case.SEVERAL_METERS else accounts[:1],
        ends_on=(clock.now() + timedelta(days=3 * 365)).date(),
        late_days=run.days if run.case is Case.LATE else None,
        turns=turns.get(run.case, []),
    )
    if comes_back and run.session.journey != Journey.LEGACY:
        journeys.advance(run.session)
    return authorization


def _return(session: Session) -> Ending:
    if journeys.needs_terms(session):
        journeys.sign_terms(session)
    journeys.complete_session(session)
    return Ending(Place.PARTNER, session, url=journeys.final_url(session))

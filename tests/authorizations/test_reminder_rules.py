"""When reminders are due, held and silenced: the rules alone, on plain values (issue 5, item 4)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.authorizations.services import reminder_rules as rules
from portal.authorizations.services.reminder_rules import Case, Due, Hold, LastReminder, LinkFacts, Outage

ZONE = ZoneInfo("America/Los_Angeles")
pytestmark = pytest.mark.pure


def at(text: str) -> datetime:
    """A moment of November 2026 as the wall clock in California shows it: "24 10:00"."""
    return datetime.strptime(f"2026-11-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


def left(moment: str, **facts: Any) -> LinkFacts:
    return LinkFacts(**{"pk": 1, "visited_at": at(moment), **facts})


def case(*links: LinkFacts, **facts: Any) -> Case:
    return Case(**{"links": links, "last_taken": {}, "zone": ZONE, **facts})


def due(found: Case, now: str, *, waiting: tuple[str, int] | None = None) -> tuple[str, int, datetime] | None:
    reminder = rules.find_next(found, at(now), waiting=waiting)
    return (reminder.kind, reminder.step, reminder.at) if reminder else None


class TestDaytime:
    @pytest.mark.parametrize(
        ("moment", "expected"),
        [
            ("24 08:00", "24 08:00"),
            ("24 20:59", "24 20:59"),
            ("24 21:00", "25 08:00"),
            ("24 23:59", "25 08:00"),
            ("24 00:00", "24 08:00"),
            ("24 07:59", "24 08:00"),
        ],
    )
    def test_a_moment_at_night_waits_for_the_morning(self, moment: str, expected: str) -> None:
        assert rules.into_daytime(at(moment), ZONE) == at(expected)

    def test_the_night_is_that_of_the_zone(self) -> None:
        # 04:30 in UTC is 20:30 of the day before in California: no night there.
        evening = datetime(2026, 11, 25, 4, 30, tzinfo=UTC)
        assert not rules.is_night(evening, ZONE)
        assert rules.is_night(evening, ZoneInfo("UTC"))

    def test_the_morning_after_the_clocks_change_is_eight_by_the_wall(self) -> None:
        late = datetime(2026, 10, 31, 22, 0, tzinfo=ZONE)
        assert rules.into_daytime(late, ZONE).astimezone(ZONE).hour == 8

    @given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))
    def test_it_is_never_night_and_never_earlier_nor_eleven_hours_later(self, naive: datetime) -> None:
        moment = naive.replace(tzinfo=UTC)
        day = rules.into_daytime(moment, ZONE)
        assert not rules.is_night(day, ZONE)
        assert timedelta(0) <= day - moment <= timedelta(hours=12)


class TestAbandoned:
    def test_within_the_hour_after_a_day_and_after_three_days(self) -> None:
        found = [due(case(left("24 10:00"), last_taken=taken), "24 10:01") for taken in ({}, {"abandoned": 0})]
        found.append(due(case(left("24 10:00"), last_taken={"abandoned": 1}), "25 10:01"))
        assert found == [
            ("abandoned", 0, at("24 10:45")),
            ("abandoned", 1, at("25 10:00")),
            ("abandoned", 2, at("27 10:00")),
        ]

    def test_a_day_later_is_the_same_hour_by_the_wall_when_the_clocks_change(self) -> None:
        """In the night to 1 November 2026 they go back an hour."""
        saturday = datetime(2026, 10, 31, 10, 0, tzinfo=ZONE)
        found = case(LinkFacts(pk=1, visited_at=saturday.astimezone(UTC)), last_taken={"abandoned": 0})
        assert due(found, "01 09:00") == ("abandoned", 1, at("01 10:00"))

    def test_after_the_third_there_is_none(self) -> None:
        assert due(case(left("24 10:00"), last_taken={"abandoned": 2}), "27 10:01") is None

    def test_one_left_late_in_the_evening_is_reminded_in_the_morning(self) -> None:
        assert due(case(left("24 20:30")), "24 20:31") == ("abandoned", 0, at("25 08:00"))

    def test_the_last_activity_counts_whether_we_saw_it_or_leap_says_it(self) -> None:
        link = left("24 10:00", at_leap_at=at("24 12:00"))
        assert due(case(link), "24 12:01") == ("abandoned", 0, at("24 12:45"))
        link = left("24 14:00", at_leap_at=at("24 12:00"))
        assert due(case(link), "24 14:01") == ("abandoned", 0, at("24 14:45"))

    def test_a_new_session_postpones_the_one_that_waits(self) -> None:
        """Step 1 waited for the 25th at 10:00; then the customer came again on the 25th at 9:00."""
        again = case(left("25 09:00"), last_taken={"abandoned": 0})
        assert due(again, "25 09:01", waiting=("abandoned", 1)) == ("abandoned", 1, at("26 09:00"))

    def test_a_new_session_takes_no_step_again(self) -> None:
        again = case(left("30 09:00"), last_taken={"abandoned": 2})
        assert due(again, "30 09:01") is None

    def test_a_step_before_one_that_was_taken_is_never_made_up_for(self) -> None:
        again = case(left("28 10:00"), last_taken={"abandoned": 1})
        assert due(again, "28 10:01") == ("abandoned", 2, at("28 10:00") + timedelta(days=3))

    def test_of_two_that_are_due_the_later_one_goes_out(self) -> None:
        assert due(case(left("24 10:00")), "25 10:30") == ("abandoned", 1, at("25 10:00"))

    def test_what_is_more_than_a_day_late_is_not_made_up_for(self) -> None:
        assert due(case(left("24 10:00")), "26 10:30") == ("abandoned", 2, at("27 10:00"))
        assert due(case(left("24 10:00")), "28 10:01") is None

    def test_one_that_waits_keeps_its_turn_however_late_it_became(self) -> None:
        """It was held in time, by an outage say: that loses nothing."""
        found = due(case(left("24 10:00")), "29 10:00", waiting=("abandoned", 0))
        assert found == ("abandoned", 0, at("24 10:45"))

    def test_not_where_the_campaign_does_not_say_so(self) -> None:
        assert due(case(left("24 10:00"), reminds_abandoned=False), "24 10:01") is None

    def test_twenty_hours_lie_between_two_reminders(self) -> None:
        found = case(left("24 10:00"), last_taken={"abandoned": 0}, last_reminder=LastReminder(at=at("25 09:00")))
        assert due(found, "25 09:01") == ("abandoned", 1, at("26 08:00"))

    def test_of_several_links_the_one_last_used_is_reminded_of(self) -> None:
        reminder = rules.find_next(case(left("24 10:00", pk=1), left("24 11:00", pk=2)), at("24 11:01"))
        assert reminder == Due(kind="abandoned", step=0, link=2, at=at("24 11:45"))

    @pytest.mark.parametrize("why", ["is_over", "proof", "unwanted"])
    def test_none_where_something_silences_it(self, why: str) -> None:
        assert due(case(left("24 10:00"), **{why: "because"}), "24 10:01") is None

    def test_none_for_a_link_that_is_void_or_replaced(self) -> None:
        assert due(case(left("24 10:00", is_live=False)), "24 10:01") is None


class TestElsewhere:
    """A customer in New York, three hours ahead of the portal."""

    NEW_YORK = ZoneInfo("America/New_York")

    def test_a_reminder_is_due_by_day_in_new_york(self) -> None:
        # 19:00 in California is 22:00 in New York, and 5:00 is 8:00.
        assert due(case(left("24 18:15"), zone=self.NEW_YORK), "24 18:16") == ("abandoned", 0, at("25 05:00"))
        assert due(case(left("24 04:30"), zone=self.NEW_YORK), "24 04:31") == ("abandoned", 0, at("24 05:15"))

    @pytest.mark.parametrize("now", ["24 18:00", "24 23:59", "25 04:59"])
    def test_the_night_in_new_york_holds_and_both_clocks_are_named(self, now: str) -> None:
        held = rules.find_hold(case(left("24 10:00"), zone=self.NEW_YORK), link=1, now=at(now), zone=ZONE)
        assert held == Hold(
            reason="Nobody is reminded between 21:00 and 8:00 by the clock of New York: 8:00 there is 5:00 here.",
            until=at("25 05:00"),
        )

    @pytest.mark.parametrize("now", ["24 17:59", "25 05:00"])
    def test_the_night_in_california_holds_nobody_in_new_york(self, now: str) -> None:
        assert rules.find_hold(case(left("24 10:00"), zone=self.NEW_YORK), link=1, now=at(now), zone=ZONE) is None

    def test_twenty_hours_end_in_the_morning_of_new_york(self) -> None:
        last = LastReminder(at=at("24 08:00"))
        held = rules.find_hold(
            case(left("24 07:00"), zone=self.NEW_YORK, last_reminder=last), link=1, now=at("24 09:00"), zone=ZONE
        )
        assert held == Hold(reason="Reminded on 24 Nov 2026, 08:00: not twice in a day.", until=at("25 05:00"))

    def test_the_hour_there_is_named_where_it_is_another(self) -> None:
        assert rules.name_hour_there(case(zone=self.NEW_YORK), at("24 05:00"), ZONE) == "8:00 in New York"
        assert rules.name_hour_there(case(), at("24 05:00"), ZONE) == ""


class TestNoVisit:
    INVITED = LinkFacts(pk=1)

    def test_after_so_many_days_as_the_campaign_says(self) -> None:
        days = {"no_visit_days": (7, 21), "invited_at": at("02 10:00")}
        assert due(case(self.INVITED, **days), "02 10:01") == ("no_visit", 0, at("09 10:00"))
        taken = {"last_taken": {"no_visit": 0}}
        assert due(case(self.INVITED, **days, **taken), "09 10:01") == ("no_visit", 1, at("23 10:00"))
        assert due(case(self.INVITED, **days, last_taken={"no_visit": 1}), "23 10:01") is None

    def test_an_invitation_sent_at_night_is_followed_by_day(self) -> None:
        days = {"no_visit_days": (1,), "invited_at": at("02 23:00")}
        assert due(case(self.INVITED, **days), "03 00:00") == ("no_visit", 0, at("04 08:00"))

    def test_none_before_an_invitation_was_sent(self) -> None:
        assert due(case(self.INVITED, no_visit_days=(7,)), "02 10:01") is None

    def test_none_where_the_campaign_names_no_days(self) -> None:
        assert due(case(self.INVITED, invited_at=at("02 10:00")), "09 10:01") is None

    def test_whoever_came_is_reminded_of_what_was_left_instead(self) -> None:
        came = case(left("05 10:00"), no_visit_days=(7,), invited_at=at("02 10:00"))
        assert due(came, "05 10:01") == ("abandoned", 0, at("05 10:45"))
        only = case(left("05 10:00"), no_visit_days=(7,), invited_at=at("02 10:00"), reminds_abandoned=False)
        assert due(only, "05 10:01") is None

    def test_more_than_a_day_late_it_is_left_out(self) -> None:
        days = {"no_visit_days": (3, 20), "invited_at": at("02 10:00")}
        assert due(case(self.INVITED, **days), "06 10:01") == ("no_visit", 1, at("22 10:00"))

    @pytest.mark.parametrize(
        ("written", "expected"),
        [([21, 7], (7, 21)), ([7, 7], (7,)), ([0, -1, True, "7", 2.5], ()), ("7", ()), (None, ())],
    )
    def test_days_count_whole_positive_once_and_in_order(self, written: object, expected: tuple[int, ...]) -> None:
        assert rules.read_days(written) == expected


class TestSilence:
    def silence(self, found: Case, kind: str = "abandoned", step: int = 0) -> str:
        return rules.find_silence(found, kind=kind, step=step)

    def test_nothing_silences_a_reminder_that_is_needed(self) -> None:
        assert self.silence(case(left("24 10:00"))) == ""

    def test_a_closed_campaign(self) -> None:
        assert self.silence(case(left("24 10:00"), is_over=True)) == "The campaign is closed."

    def test_leaps_word_comes_before_anything_about_the_customer(self) -> None:
        assert self.silence(case(left("24 10:00"), proof="Leap shows a meter.", unwanted="Refused.")) == (
            "Leap shows a meter."
        )

    def test_a_customer_who_is_not_to_be_asked(self) -> None:
        assert self.silence(case(left("24 10:00"), unwanted="Refused.")) == "Refused."

    def test_a_void_link_unless_another_of_the_campaign_lives(self) -> None:
        void = left("24 10:00", is_live=False)
        assert self.silence(case(void)) == "The link is void."
        assert self.silence(case(void, LinkFacts(pk=2))) == ""

    def test_a_campaign_that_no_longer_reminds(self) -> None:
        assert "no longer" in self.silence(case(left("24 10:00"), reminds_abandoned=False))
        days = case(LinkFacts(pk=1), no_visit_days=(7,))
        assert self.silence(days, "no_visit", 0) == ""
        assert "no longer" in self.silence(days, "no_visit", 1)

    def test_a_customer_who_came_is_not_asked_why_not(self) -> None:
        came = case(left("24 10:00"), no_visit_days=(7,))
        assert self.silence(came, "no_visit") == "The customer has come since."
        returned = case(LinkFacts(pk=1, returned_at=at("24 10:00")), no_visit_days=(7,))
        assert self.silence(returned, "no_visit") == "The customer has come since."


class TestHold:
    OUTAGES = {3: Outage(name="PG&E", since=at("24 09:00"))}

    def hold(self, found: Case, now: str = "24 12:00", **arguments: Any) -> Hold | None:
        return rules.find_hold(found, link=1, now=at(now), zone=ZONE, **arguments)

    def test_nothing_holds_a_reminder_by_day(self) -> None:
        assert self.hold(case(left("24 10:00"))) is None

    def test_a_utility_that_is_down(self) -> None:
        held = self.hold(case(left("24 10:00", utilities=frozenset({3}))), outages=self.OUTAGES)
        assert held == Hold(reason="PG&E is down since 24 Nov 2026, 09:00.")
        assert self.hold(case(left("24 10:00", utilities=frozenset({4}))), outages=self.OUTAGES) is None
        assert self.hold(case(left("24 10:00")), outages=self.OUTAGES) is None

    def test_a_link_that_was_replaced_is_held_as_its_successor_is(self) -> None:
        links = (left("24 10:00", is_live=False), LinkFacts(pk=2, utilities=frozenset({3})))
        assert self.hold(case(*links), outages=self.OUTAGES) is not None

    def test_a_claim_within_the_utilitys_expected_days(self) -> None:
        claimed = case(left("24 10:00", returned_at=at("24 10:05"), expected_days=3))
        assert self.hold(claimed) == Hold(
            reason="Came back on 24 Nov 2026, 10:05: a meter may take 3 days.", until=at("27 10:05")
        )
        assert self.hold(claimed, "27 10:04") is not None
        assert self.hold(claimed, "27 10:05") is None

    def test_a_session_that_leap_says_ended_well(self) -> None:
        ended = case(left("24 10:00", completed_at=at("24 10:05"), expected_days=1))
        assert self.hold(ended) == Hold(
            reason="Leap says that the session ended on 24 Nov 2026, 10:05: a meter may take 1 day.",
            until=at("25 10:05"),
        )

    def test_a_claim_by_another_link_of_the_campaign(self) -> None:
        claimed = LinkFacts(pk=2, returned_at=at("24 10:05"), expected_days=3)
        assert self.hold(case(left("24 11:00"), claimed)) is not None

    def test_a_form_on_its_way(self) -> None:
        held = self.hold(case(left("24 10:00"), paper_signed_on=date(2026, 11, 20)))
        assert held == Hold(reason="A paper form, signed on 20 Nov 2026, is on its way.")

    def test_another_reminder_of_the_same_day(self) -> None:
        held = self.hold(case(left("24 10:00"), last_reminder=LastReminder(at=at("24 11:00"))))
        assert held is not None
        assert held.until == at("25 08:00")
        assert self.hold(case(left("24 10:00"), last_reminder=LastReminder(at=at("23 16:00")))) is None

    def test_a_reminder_that_only_may_have_gone_out_holds_as_long_and_says_so(self) -> None:
        held = self.hold(case(left("24 10:00"), last_reminder=LastReminder(at=at("24 11:00"), is_sure=False)))
        assert held == Hold(reason="Perhaps reminded on 24 Nov 2026, 11:00: not twice in a day.", until=at("25 08:00"))

    @pytest.mark.parametrize("now", ["24 21:00", "25 00:00", "25 07:59"])
    def test_the_night(self, now: str) -> None:
        held = self.hold(case(left("24 10:00")), now)
        assert held == Hold(reason="Nobody is reminded between 21:00 and 8:00.", until=at("25 08:00"))


class TestWords:
    def explain(self, found: Case, kind: str = "abandoned", step: int = 0) -> str:
        return rules.explain(found, kind=kind, step=step, link=1, zone=ZONE)

    def test_what_happened_and_which_reminder_it_is(self) -> None:
        assert self.explain(case(left("24 10:12")), step=1) == (
            "visited on 24 Nov 2026, 10:12 and did not finish; second reminder"
        )
        at_leap = left("24 10:12", at_leap_at=at("24 10:20"))
        assert self.explain(case(at_leap)) == (
            "was at Leap or a utility on 24 Nov 2026, 10:20 and did not finish; first reminder"
        )
        failed = left("24 10:12", at_leap_at=at("24 10:20"), is_failed=True)
        assert self.explain(case(failed), step=2) == (
            "failed at a utility; last there on 24 Nov 2026, 10:20; third reminder"
        )
        returned = left("24 10:12", returned_at=at("24 10:30"))
        assert self.explain(case(returned)) == (
            "came back on 24 Nov 2026, 10:30, and Leap shows no authorization; first reminder"
        )

    def test_who_never_came(self) -> None:
        invited = case(LinkFacts(pk=1), invited_at=at("02 10:00"), no_visit_days=(7, 21))
        assert self.explain(invited, "no_visit", 1) == (
            "invited on 2 Nov 2026, 10:00 and has not come; second reminder, after 21 days"
        )


@given(
    visited=st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 20)),
    later=st.timedeltas(timedelta(0), timedelta(days=10)),
    taken=st.integers(-1, 3),
    reminded=st.none() | st.timedeltas(timedelta(0), timedelta(days=10)),
)
def test_whatever_happened_a_reminder_comes_by_day_after_the_activity_and_is_a_new_step(
    visited: datetime, later: timedelta, taken: int, reminded: timedelta | None
) -> None:
    moment = visited.replace(tzinfo=UTC)
    found = Case(
        zone=ZONE,
        links=(LinkFacts(pk=1, visited_at=moment),),
        last_taken={"abandoned": taken} if taken >= 0 else {},
        last_reminder=LastReminder(at=moment + reminded) if reminded is not None else None,
    )
    now = moment + later
    reminder = rules.find_next(found, now)
    if reminder is None:
        assert taken >= 2 or later > timedelta(days=3)
        return
    assert reminder.step > taken
    assert not rules.is_night(reminder.at, ZONE)
    assert reminder.at >= moment + rules.ABANDONED_AFTER[reminder.step]
    assert reminder.at >= now - rules.MOST_LATE
    if found.last_reminder:
        assert reminder.at - found.last_reminder.at >= rules.BETWEEN_REMINDERS

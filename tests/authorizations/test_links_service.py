"""Issuing, replacing and voiding links."""

import pytest

from portal.authorizations.models import AuditAction, AuditEntry, Flow, Link, LinkStatus
from portal.authorizations.services.bulk_links import issue_links, replace_links
from portal.authorizations.services.links import (
    IssueRefused,
    issue_link,
    issue_shared_link,
    replace_link,
    void_link,
)
from portal.leap import reference_ids
from tests.factories import (
    get_utilities,
    make_campaign,
    make_customer,
    make_flow,
    make_legacy_flow,
    make_link,
    make_user,
)

pytestmark = pytest.mark.django_db


def test_r6_connect_url_is_exactly_as_leap_publishes_it() -> None:
    link = make_link(customer=make_customer(utility="pge", reference_id="acct-77"), flow=make_flow())
    assert link.url == "https://onboarding.leap.energy/acme-energy/summer-dr/?requestedUtilities=pge&refId=acct-77"


def test_r4_legacy_url_is_exactly_as_leap_publishes_it() -> None:
    link = make_link(customer=make_customer(utility="sce", reference_id="acct-77"), flow=make_legacy_flow())
    assert link.url == "https://www.addleap.com/acme-energy/sce/getting-started?refId=acct-77"


def test_r12_generated_reference_id_is_checked_and_is_the_code_in_capitals() -> None:
    link = make_link()
    assert link.reference_id is not None
    assert reference_ids.has_valid_check(link.reference_id)
    assert link.code == link.reference_id.upper()


def test_own_reference_id_does_not_become_the_code() -> None:
    link = make_link(customer=make_customer(reference_id="Acct-77"))
    assert link.reference_id == "Acct-77"
    assert link.code != "ACCT-77"
    assert reference_ids.has_valid_check(link.code)


def test_asking_twice_hands_back_the_same_link() -> None:
    customer, flow = make_customer(), make_flow()
    first = issue_link(customer=customer, flow=flow, issued_by=None)
    second = issue_link(customer=customer, flow=flow, issued_by=None)
    assert (first.created, second.created, second.differs) == (True, False, False)
    assert first.link == second.link


def test_campaigns_have_links_of_their_own() -> None:
    customer, flow = make_customer(), make_flow()
    campaign = make_campaign(flow=flow)
    plain = issue_link(customer=customer, flow=flow, issued_by=None).link
    in_campaign = issue_link(customer=customer, flow=flow, campaign=campaign, issued_by=None).link
    assert plain != in_campaign
    assert issue_link(customer=customer, flow=flow, campaign=campaign, issued_by=None).link == in_campaign


def test_r8_other_requested_utilities_are_told_and_change_nothing() -> None:
    customer, flow = make_customer(utility="pge"), make_flow()
    first = issue_link(customer=customer, flow=flow, issued_by=None).link
    again = issue_link(customer=customer, flow=flow, utilities=get_utilities("pge", "sce"), issued_by=None)
    assert again.link == first
    assert again.differs
    assert again.link.url == first.url


def test_r8_campaign_decides_what_is_requested() -> None:
    flow = make_flow()
    campaign = make_campaign(flow=flow)
    campaign.requested_utilities.set(get_utilities("sce", "sdge"))
    link = issue_link(customer=make_customer(utility="pge"), flow=flow, campaign=campaign, issued_by=None).link
    assert "requestedUtilities=sce,sdge&" in link.url


def test_r8_none_requested_leaves_no_trace_in_the_url() -> None:
    link = issue_link(customer=make_customer(reference_id="abc"), flow=make_flow(), utilities=[], issued_by=None).link
    assert link.url == "https://onboarding.leap.energy/acme-energy/summer-dr/?refId=abc"


def test_replacing_keeps_the_old_link_and_its_url() -> None:
    old = make_link(customer=make_customer(utility="pge"))
    url = old.url
    new = replace_link(link=old, issued_by=None, utilities=get_utilities("pge", "sce"))
    old.refresh_from_db()
    assert (old.url, old.replaced_by, old.is_live) == (url, new, False)
    assert "requestedUtilities=pge,sce&" in new.url
    assert new.reference_id != old.reference_id
    with pytest.raises(IssueRefused, match="replaced already"):
        replace_link(link=old, issued_by=None)


def test_a_successor_can_be_replaced_too() -> None:
    oldest = make_link()
    middle = replace_link(link=oldest, issued_by=None)
    newest = replace_link(link=middle, issued_by=None)
    for link in (oldest, middle):
        link.refresh_from_db()
    assert (oldest.replaced_by, middle.replaced_by) == (middle, newest)
    assert (middle.voided_at, middle.void_reason, middle.status) == (None, "", "issued")
    assert newest.is_live


def test_void_needs_a_reason_and_frees_the_place() -> None:
    link, user = make_link(), make_user()
    with pytest.raises(ValueError, match="why"):
        void_link(link=link, voided_by=user, reason=" ")
    assert void_link(link=link, voided_by=user, reason="moved away")
    assert not void_link(link=link, voided_by=user, reason="again")
    link.refresh_from_db()
    assert (link.status, link.void_reason) == ("void", "moved away")
    assert link.customer is not None
    assert issue_link(customer=link.customer, flow=link.flow, issued_by=None).created


@pytest.mark.parametrize("state", ["requested", "retired"])
def test_r7_links_come_only_from_a_live_flow(state: str) -> None:
    with pytest.raises(IssueRefused, match=f"is {state}, not live"):
        issue_link(customer=make_customer(), flow=make_flow(state=state), issued_by=None)


def test_r4_legacy_refuses_a_customer_of_another_utility_with_the_reason() -> None:
    with pytest.raises(IssueRefused, match=r"Consolidated Edison \(ConEd\); the flow .* offers PG&E, SCE, SDG&E"):
        issue_link(customer=make_customer(utility="cecony-utilityapi"), flow=make_legacy_flow(), issued_by=None)


def test_r4_legacy_needs_one_utility() -> None:
    with pytest.raises(IssueRefused, match="leads to one utility: choose it"):
        issue_link(customer=make_customer(utility=""), flow=make_legacy_flow(), issued_by=None)


def test_r10_customer_type_must_fit_the_flow_and_unknown_fits_all() -> None:
    flow = make_flow(customer_types="commercial")
    with pytest.raises(IssueRefused, match=r"is residential; the flow .* takes commercial customers only"):
        issue_link(customer=make_customer(customer_type="residential"), flow=flow, issued_by=None)
    assert issue_link(customer=make_customer(customer_type=""), flow=flow, issued_by=None).created


@pytest.mark.parametrize(
    ("reference_id", "reason"),
    [("a" * 51, "51 characters are too many"), ("acct/77", "“/” cannot stand"), ("ab", "3 characters at least")],
)
def test_r12_bad_reference_id_is_refused_and_nothing_is_issued(reference_id: str, reason: str) -> None:
    customer, flow = make_customer(), make_flow()
    with pytest.raises(IssueRefused, match=reason):
        issue_link(customer=customer, flow=flow, reference_id=reference_id, issued_by=None)
    assert not Link.objects.exists()


def test_r12_taken_reference_id_is_refused() -> None:
    flow = make_flow()
    issue_link(customer=make_customer(), flow=flow, reference_id="acct-77", issued_by=None)
    with pytest.raises(IssueRefused, match="belongs to another link"):
        issue_link(customer=make_customer(), flow=flow, reference_id="acct-77", issued_by=None)
    make_customer(reference_id="kept-1")
    with pytest.raises(IssueRefused, match="kept for another customer"):
        issue_link(customer=make_customer(), flow=flow, reference_id="kept-1", issued_by=None)


def test_r13_link_without_customer_is_shared_by_default_and_anonymous_if_asked() -> None:
    flow = make_flow()
    shared = issue_shared_link(flow=flow, label="poster", issued_by=None)
    anonymous = issue_shared_link(flow=flow, label="poster", issued_by=None, traceable=False)
    assert shared.is_traceable
    assert shared.url.endswith(f"refId={shared.reference_id}")
    assert not anonymous.is_traceable
    assert anonymous.url == "https://onboarding.leap.energy/acme-energy/summer-dr/"
    assert reference_ids.has_valid_check(anonymous.code)


def test_bulk_issues_what_is_missing_and_names_who_gets_none() -> None:
    flow = make_legacy_flow()
    customers = [make_customer(utility=utility) for utility in ("pge", "sce", "cecony-utilityapi")]
    there = make_link(customer=customers[0], flow=flow)
    result = issue_links(customers=customers, flow=flow, issued_by=None)
    assert (result.created, result.existing, result.differing, result.refused_count) == (1, 1, 0, 1)
    assert result.refused[0].customer == customers[2]
    assert "Consolidated Edison" in result.refused[0].reason
    assert Link.objects.filter(customer=customers[0]).get() == there
    again = issue_links(customers=customers, flow=flow, issued_by=None)
    assert (again.created, again.existing, again.refused_count) == (0, 2, 1)


def test_bulk_gives_the_same_urls_as_one_by_one() -> None:
    flow = make_flow()
    customers = [make_customer(utility="pge", reference_id="own-1"), make_customer(utility="")]
    issue_links(customers=customers, flow=flow, issued_by=None, utilities=get_utilities("sce", "pge"))
    first, second = Link.objects.order_by("customer_id")
    assert first.url == ("https://onboarding.leap.energy/acme-energy/summer-dr/?requestedUtilities=pge,sce&refId=own-1")
    assert second.url.endswith(f"?requestedUtilities=pge,sce&refId={second.reference_id}")
    assert [u.utility_id for u in first.requested_utilities.all()] == ["pge", "sce"]


def test_bulk_tells_of_links_that_ask_for_other_utilities() -> None:
    flow = make_flow()
    customer = make_customer(utility="pge")
    make_link(customer=customer, flow=flow)
    result = issue_links(customers=[customer], flow=flow, issued_by=None, utilities=get_utilities("sce"))
    assert (result.created, result.existing, result.differing) == (0, 1, 1)


def test_bulk_queries_do_not_grow_with_customers(django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    flow = make_flow()
    customers = [make_customer() for _ in range(60)]
    with django_assert_max_num_queries(12):  # the flow is read anew for each batch; one is the entry in the audit
        issue_links(customers=customers, flow=flow, issued_by=None)


class TestManyAnew:
    def test_the_same_as_one_by_one(self) -> None:
        """What a link asks for, its place in the chain, its campaign and its label: alike, but for the generated id."""
        campaign = make_campaign()
        campaign.requested_utilities.set(get_utilities("sce", "pge"))
        legacy = make_legacy_flow()

        def add() -> list[Link]:
            asked = make_link(customer=make_customer(utility="pge"), flow=campaign.flow, campaign=campaign)
            old = make_link(customer=make_customer(utility="sce"), flow=legacy)
            own = make_link(customer=make_customer(utility=""), flow=make_flow())
            poster = issue_shared_link(flow=campaign.flow, label="lobby", issued_by=None)
            anonymous = issue_shared_link(flow=campaign.flow, label="door", issued_by=None, traceable=False)
            return [asked, old, own, poster, anonymous]

        singles = [replace_link(link=link, issued_by=None) for link in add()]
        olds = add()
        result = replace_links(links=olds, issued_by=None, wanted=None)
        assert (result.created, result.refused_count) == (5, 0)
        for old, single in zip(olds, singles, strict=True):
            old.refresh_from_db()
            new = old.replaced_by
            assert new is not None
            assert (old.voided_at, old.void_reason, old.status) == (None, "", LinkStatus.ISSUED)
            assert new.is_live
            assert new.batch == result.batch
            assert (new.customer, new.campaign, new.label) == (old.customer, old.campaign, old.label)
            assert (new.utility, new.is_traceable) == (single.utility, single.is_traceable)
            assert list(new.requested_utilities.all()) == list(single.requested_utilities.all())
            assert new.url == (single.url.replace(single.reference_id or "", new.reference_id or ""))
            assert new.url != old.url or not old.is_traceable

    def test_other_utilities_are_asked_for(self) -> None:
        old = make_link(customer=make_customer(utility="pge"))
        replace_links(links=[old], issued_by=None, wanted=[utility.pk for utility in get_utilities("sce")])
        old.refresh_from_db()
        assert old.replaced_by is not None
        assert [utility.utility_id for utility in old.replaced_by.requested_utilities.all()] == ["sce"]

    def test_who_gets_none_is_told_why_and_stops_nobody(self) -> None:
        user = make_user()
        good, void, gone, retired = make_link(), make_link(), make_link(), make_link(flow=make_flow())
        void_link(link=void, voided_by=user, reason="moved")
        replace_link(link=gone, issued_by=user)
        Flow.objects.filter(pk=retired.flow_id).update(state="retired")
        result = replace_links(links=[void, gone, retired, good], issued_by=user, wanted=None)
        assert result.created == 1
        assert [(refusal.customer, refusal.reason) for refusal in result.refused] == [
            (void.customer, "This link is void: issue a new one instead."),
            (gone.customer, "This link has been replaced already: issue the newest one anew."),
            (
                retired.customer,
                f"The flow “{retired.flow}” is retired, not live: links come only from a live flow. "
                "An admin sets it live once Leap has configured it.",
            ),
        ]
        void.refresh_from_db()
        assert (void.status, void.void_reason, void.replaced_by) == ("void", "moved", None)

    def test_a_customers_own_reference_id_goes_to_one_of_two(self) -> None:
        customer = make_customer(utility="pge")
        first, second = make_link(customer=customer), make_link(customer=customer, flow=make_flow())
        customer.reference_id = "acct-77"
        customer.save()
        replace_links(links=[first, second], issued_by=None, wanted=None)
        assert Link.objects.filter(reference_id="acct-77").count() == 1
        assert Link.objects.filter(customer=customer).live().count() == 2

    def test_the_audit_names_each_link(self) -> None:
        user, olds = make_user(), [make_link() for _ in range(3)]
        before = AuditEntry.objects.count()
        result = replace_links(links=olds, issued_by=user, wanted=None)
        noted = AuditEntry.objects.order_by("pk")[before:]
        changed = [entry for entry in noted if entry.action == AuditAction.CHANGED]
        assert sorted(entry.row or 0 for entry in changed) == sorted(link.pk for link in olds)
        assert {entry.details["batch"] for entry in noted} == {result.batch.pk if result.batch else None}
        assert [entry.count for entry in noted if entry.action == AuditAction.ISSUED] == [3]

    def test_queries_do_not_grow_with_links(self, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
        flow = make_flow()
        olds = [make_link(customer=make_customer(), flow=flow) for _ in range(60)]
        with django_assert_max_num_queries(20):
            replace_links(links=olds, issued_by=None, wanted=None)

"""The screens of paper authorizations (R1): who may do what, what they say, and how a scan is served."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import Customer, Meter, MeterMatch, PaperAuthorization, PaperForm
from tests.factories import get_utilities, make_customer, make_paper, make_scan

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(rep: User) -> Customer:
    return make_customer(name="Rosa Núñez", assigned_rep=rep)


@pytest.fixture
def paper(customer: Customer, rep: User) -> PaperAuthorization:
    return make_paper(customer=customer, recorded_by=rep)


def values(**changes: Any) -> dict[str, Any]:
    [pge] = get_utilities("pge")
    return {"utility": pge.pk, "form": "cisr-drp", "signed_on": "2025-07-01", "scan": make_scan(), **changes}


def record(client: Client, customer: Customer, **changes: Any) -> Any:
    return client.post(reverse("customer_paper", args=[customer.pk]), values(**changes))


def scan_of(client: Client, paper: PaperAuthorization) -> Any:
    return client.get(reverse("paper_scan", args=[paper.pk]))


class TestRecording:
    def test_r1_from_the_customers_page_to_the_reference_id(self, rep_client: Client, customer: Customer) -> None:
        page = rep_client.get(reverse("customer_detail", args=[customer.pk])).content.decode()
        assert reverse("customer_paper", args=[customer.pk]) in page
        form = rep_client.get(reverse("customer_paper", args=[customer.pk])).context["form"]
        assert form["utility"].initial == customer.utility_id
        response = record(rep_client, customer)
        paper = PaperAuthorization.objects.get()
        assert response.headers["Location"] == reverse("paper_detail", args=[paper.pk])
        shown = rep_client.get(reverse("paper_detail", args=[paper.pk])).content.decode()
        assert paper.reference_id in shown
        assert "Open in your mail program" in shown
        assert paper.reference_id in rep_client.get(reverse("customer_detail", args=[customer.pk])).content.decode()

    def test_the_same_twice_is_once_and_says_so(self, rep_client: Client, customer: Customer) -> None:
        scan = make_scan().read()
        record(rep_client, customer, scan=SimpleUploadedFile("a.pdf", scan))
        response = rep_client.post(
            reverse("customer_paper", args=[customer.pk]),
            values(scan=SimpleUploadedFile("b.pdf", scan)),
            follow=True,
        )
        assert "was recorded already" in response.content.decode()
        assert PaperAuthorization.objects.count() == 1

    @pytest.mark.parametrize(
        ("changes", "field", "words"),
        [
            ({"utility": ""}, "utility", "Choose the utility."),
            ({"utility": "9" * 40}, "utility", "Select a valid choice."),
            ({"form": "telegram"}, "form", "Select a valid choice."),
            ({"signed_on": "yesterday"}, "signed_on", "Give the day as 2025-07-31."),
            ({"signed_on": "2999-01-01"}, "signed_on", "still to come"),
            ({"signed_on": "0202-01-01"}, "signed_on", "look at the year"),
            ({"scan": ""}, "scan", "Choose the scan"),
            ({"scan": SimpleUploadedFile("form.pdf", b"")}, "scan", "The file is empty"),
            ({"scan": SimpleUploadedFile("form.pdf", b"MZ a program")}, "scan", "no PDF, JPEG or PNG"),
            ({"reference_id": "two words"}, "reference_id", "cannot stand in a reference id"),
            ({"reference_id": "ab"}, "reference_id", "too short"),
        ],
    )
    def test_bad_input_is_said_beside_its_field_and_nothing_is_kept(
        self, rep_client: Client, customer: Customer, changes: dict[str, Any], field: str, words: str
    ) -> None:
        response = record(rep_client, customer, **changes)
        assert response.status_code == 422
        assert words in " ".join(response.context["form"].errors[field])
        assert not PaperAuthorization.objects.exists()
        assert not list(Path(settings.MEDIA_ROOT).rglob("*.*"))

    def test_a_utility_outside_california_is_refused_with_the_reason(
        self, rep_client: Client, customer: Customer
    ) -> None:
        [coned] = get_utilities("cecony-utilityapi")
        response = record(rep_client, customer, utility=coned.pk)
        assert "California only (CAISO)" in response.context["form"].errors["utility"][0]

    def test_an_upload_past_the_portals_own_limit_says_so(
        self, rep_client: Client, customer: Customer, settings: Any
    ) -> None:
        settings.MAX_UPLOAD_BYTES = 100
        response = record(rep_client, customer)
        assert "so it was not kept" in response.context["form"].errors["scan"][0]

    @pytest.mark.parametrize("name", ["a" * 300 + ".pdf", "../../../form.pdf", 'f"o\r\nrm\u202e.pdf', "%2e%2e%2f.pdf"])
    def test_a_name_may_say_anything(self, rep_client: Client, customer: Customer, name: str) -> None:
        record(rep_client, customer, scan=make_scan(name=name))
        paper = PaperAuthorization.objects.get()
        assert len(paper.scan_name) <= 200
        assert paper.scan_name.isprintable()
        assert "/" not in paper.scan_name
        assert Path(paper.scan.path).parent == Path(settings.MEDIA_ROOT) / "scans"
        assert rep_client.get(reverse("paper_detail", args=[paper.pk])).status_code == 200


class TestScan:
    def test_a_pdf_is_saved_and_never_shown_in_the_page(self, rep_client: Client, paper: PaperAuthorization) -> None:
        response = scan_of(rep_client, paper)
        assert b"".join(response.streaming_content).startswith(b"%PDF-")
        assert response.headers["Content-Type"] == "application/pdf"
        assert response.headers["Content-Disposition"] == f'attachment; filename="paper-{paper.reference_id}.pdf"'

    @pytest.mark.parametrize("kind", ["jpeg", "png"])
    def test_an_image_is_shown_in_a_sandbox(self, rep_client: Client, customer: Customer, kind: str) -> None:
        response = scan_of(rep_client, make_paper(customer=customer, scan=make_scan(kind, name="form.html")))
        list(response)
        assert response.headers["Content-Type"] == f"image/{kind}"
        assert response.headers["Content-Disposition"].startswith("inline;")
        policy = response.headers["Content-Security-Policy"]
        assert "sandbox" in policy
        assert "default-src 'none'" in policy

    def test_nobody_keeps_it_or_guesses_its_type(self, rep_client: Client, paper: PaperAuthorization) -> None:
        response = scan_of(rep_client, paper)
        list(response)
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert {"no-store", "private"} <= set(response.headers["Cache-Control"].split(", "))

    def test_a_scan_that_is_gone_is_said(self, rep_client: Client, paper: PaperAuthorization) -> None:
        Path(paper.scan.path).unlink()
        assert scan_of(rep_client, paper).status_code == 404
        assert "no longer there" in rep_client.get(reverse("paper_detail", args=[paper.pk])).content.decode()

    def test_no_address_serves_the_folder(self, admin_client: Client, paper: PaperAuthorization) -> None:
        for address in (f"/media/{paper.scan.name}", f"/{paper.scan.name}", f"/static/{paper.scan.name}"):
            assert admin_client.get(address).status_code == 404


class TestPermissions:
    @pytest.mark.parametrize("name", ["paper_detail", "paper_scan"])
    def test_a_rep_sees_own_customers_only_a_manager_all(
        self,
        name: str,
        paper: PaperAuthorization,
        rep_client: Client,
        other_rep_client: Client,
        manager_client: Client,
    ) -> None:
        address = reverse(name, args=[paper.pk])
        for client, status in ((rep_client, 200), (other_rep_client, 404), (manager_client, 200), (Client(), 302)):
            response = client.get(address)
            list(response)
            assert response.status_code == status

    def test_a_rep_records_for_own_customers_only(self, other_rep_client: Client, customer: Customer) -> None:
        assert record(other_rep_client, customer).status_code == 404
        assert not PaperAuthorization.objects.exists()

    @pytest.mark.parametrize("name", ["paper_sent", "paper_withdraw"])
    def test_managers_mark_sent_and_withdraw_reps_do_not(
        self, name: str, paper: PaperAuthorization, rep_client: Client, manager_client: Client
    ) -> None:
        address = reverse(name, args=[paper.pk])
        data = {"sent_on": "2025-07-02", "reason": "Moved away"}
        assert address not in rep_client.get(reverse("paper_detail", args=[paper.pk])).content.decode()
        assert rep_client.post(address, data).status_code == 403
        paper.refresh_from_db()
        assert paper.own_status == "signed"
        assert address in manager_client.get(reverse("paper_detail", args=[paper.pk])).content.decode()
        assert manager_client.post(address, data).status_code == 302
        paper.refresh_from_db()
        assert paper.own_status == {"paper_sent": "sent", "paper_withdraw": "withdrawn"}[name]


class TestSentAndWithdrawn:
    def test_a_day_that_cannot_be_stays_on_the_page(self, manager_client: Client, paper: PaperAuthorization) -> None:
        address = reverse("paper_sent", args=[paper.pk])
        for day, words in (("2025-06-30", "before it was signed"), ("2999-01-01", "still to come"), ("", "Give the")):
            response = manager_client.post(address, {"sent_on": day})
            assert response.status_code == 422
            assert words in response.context["form"].errors["sent_on"][0]
        assert manager_client.get(address).status_code == 302

    def test_the_day_stands_there_to_be_corrected(self, manager_client: Client, paper: PaperAuthorization) -> None:
        address = reverse("paper_detail", args=[paper.pk])
        assert manager_client.get(address).context["form"]["sent_on"].initial == timezone.localdate()
        manager_client.post(reverse("paper_sent", args=[paper.pk]), {"sent_on": "2025-07-02"})
        assert manager_client.get(address).context["form"]["sent_on"].initial.isoformat() == "2025-07-02"

    def test_withdrawing_needs_a_reason_and_happens_once(
        self, manager_client: Client, paper: PaperAuthorization
    ) -> None:
        address = reverse("paper_withdraw", args=[paper.pk])
        assert manager_client.post(address, {"reason": "  "}).status_code == 422
        manager_client.post(address, {"reason": "Moved away"})
        again = manager_client.post(address, {"reason": "Other"}, follow=True).content.decode()
        assert "the first reason stays" in again
        assert "Moved away" in again
        assert "Open in your mail program" not in again
        assert manager_client.get(address).status_code == 302
        sent = manager_client.post(reverse("paper_sent", args=[paper.pk]), {"sent_on": "2025-07-02"})
        assert "withdrawn" in sent.context["form"].non_field_errors()[0]


class TestTimeline:
    def test_r14_leaps_word_is_its_meters_each_with_how_it_matched(
        self, manager_client: Client, rep_client: Client, paper: PaperAuthorization
    ) -> None:
        now = timezone.now()
        meter = Meter.objects.create(
            meter_id="0b6e4f00-0000-4000-8000-000000000001",
            utility=paper.utility,
            enrollment_status="ACTIVE",
            created_at=now,
            first_seen_at=now,
            last_seen_at=now,
        )
        MeterMatch.objects.create(meter=meter, paper=paper, matched_by="partner", matched_at=now)
        PaperAuthorization.objects.filter(pk=paper.pk).update(metered_at=now, enrolled_at=now)
        address = reverse("paper_detail", args=[paper.pk])
        entries = manager_client.get(address).context["leap"]
        assert [entry.text for entry in entries] == ["Metered", f"Meter {meter}, PG&E, active", "Enrolled"]
        assert "by partner reference" in entries[1].detail
        # Whoever may not see meters sees that they are there.
        assert [entry.text for entry in rep_client.get(address).context["leap"]] == ["Metered", "Enrolled"]

    def test_what_we_did_in_order(self, manager_client: Client, paper: PaperAuthorization) -> None:
        manager_client.post(reverse("paper_sent", args=[paper.pk]), {"sent_on": "2025-07-02"})
        manager_client.post(reverse("paper_withdraw", args=[paper.pk]), {"reason": "Moved away"})
        entries = manager_client.get(reverse("paper_detail", args=[paper.pk])).context["did"]
        assert [entry.text for entry in entries] == [
            "Signed",
            "Recorded with its scan",
            "Sent to Leap",
            "Withdrawn: Moved away",
        ]


class TestList:
    def test_a_rep_lists_own_customers_papers_a_manager_all(
        self, rep_client: Client, manager_client: Client, paper: PaperAuthorization
    ) -> None:
        make_paper()
        address = reverse("paper_list")
        assert rep_client.get(address).context["count"] == 1
        assert manager_client.get(address).context["count"] == 2
        assert f'href="{address}"' in rep_client.get(reverse("home")).content.decode()

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("q=rosa", 1),
            ("q=nobody", 0),
            ("status=signed", 1),
            ("status=sent", 1),
            ("status=enrolled", 0),
            ("form=cisr-drp", 1),
            ("form=other", 1),
            ("signed_after=2025-07-02", 0),
            ("signed_before=2025-06-30", 1),
        ],
    )
    def test_filters_stand_in_the_address(
        self, manager_client: Client, paper: PaperAuthorization, query: str, count: int
    ) -> None:
        other = make_paper(
            customer=make_customer(name="Hal", utility="sce"),
            form=PaperForm.OTHER,
            signed_on=paper.signed_on - timedelta(3),
        )
        PaperAuthorization.objects.filter(pk=other.pk).update(sent_on="2025-07-02")
        assert manager_client.get(f"{reverse('paper_list')}?{query}").context["count"] == count

    def test_the_csv_is_for_those_who_export_customers(
        self, rep_client: Client, manager_client: Client, paper: PaperAuthorization
    ) -> None:
        Customer.objects.filter(pk=paper.customer_id).update(name="=cmd()")
        address = f"{reverse('paper_list')}?export=csv"
        assert rep_client.get(address).status_code == 403
        lines = b"".join(manager_client.get(address).streaming_content).decode().splitlines()
        assert len(lines) == 2
        assert lines[1].startswith("'=cmd(),")
        assert paper.reference_id in lines[1]

    def test_the_list_asks_no_more_for_more_rows(
        self, manager_client: Client, django_assert_max_num_queries: Any
    ) -> None:
        make_paper()
        manager_client.get(reverse("paper_list"))
        for _ in range(5):
            make_paper()
        with django_assert_max_num_queries(13):
            manager_client.get(reverse("paper_list"))

    def test_the_headers_search_finds_a_paper_by_its_reference_id(
        self, rep_client: Client, other_rep_client: Client, paper: PaperAuthorization
    ) -> None:
        address = f"{reverse('search')}?q={paper.reference_id}"
        assert rep_client.get(address).headers["Location"] == reverse("paper_detail", args=[paper.pk])
        assert "/paper/" not in other_rep_client.get(address).headers["Location"]

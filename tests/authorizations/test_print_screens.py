"""The screens of printing: choose links, see the first page, print, look at the proof, take the PDF, print again."""

import base64
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from portal.accounts.models import User
from portal.authorizations.models import Link, PrintJob, PrintState
from portal.authorizations.services import printing
from portal.authorizations.services.links import void_links
from portal.authorizations.tasks import run_print_job_task
from portal.printing.proof import read_codes
from tests.factories import make_campaign, make_customer, make_flow, make_link, make_print_job, make_shared_link

pytestmark = pytest.mark.django_db
NEW = "/print/new/"
OPTIONS = {"stock": "avery-5160", "language": "customer", "target": "short", "level": "Q", "lines": ["name"]}


def text(response: HttpResponse) -> str:
    return response.content.decode()


def ask(client: Client, *links: Link, htmx: bool = False, **options: Any) -> HttpResponse:
    """Post the form over ticked links."""
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post(NEW, {**OPTIONS, "select": [link.pk for link in links], **options}, headers=headers)


def shown_page(response: HttpResponse) -> Image.Image:
    [picture] = re.findall(r'src="data:image/png;base64,([^"]+)"', text(response))
    return Image.open(io.BytesIO(base64.b64decode(picture)))


def void(link: Link, by: User) -> None:
    void_links(links=Link.objects.filter(pk=link.pk), voided_by=by, reason="moved")


class TestChoose:
    def test_first_asks_which_links(self, manager_client: Client, rep_client: Client) -> None:
        make_link()
        page = text(manager_client.get(NEW))
        assert "Which links?" in page
        assert 'name="campaign"' in page
        assert 'name="stock"' not in page
        assert 'name="campaign"' not in text(rep_client.get(NEW))

    def test_by_campaign_and_by_rep(self, manager_client: Client, rep: User) -> None:
        campaign = make_campaign(name="Door June")
        make_link(flow=campaign.flow, campaign=campaign)
        make_link(customer=make_customer(assigned_rep=rep))
        page = text(manager_client.get(f"{NEW}?campaign={campaign.pk}"))
        assert "Print 1 code" in page
        assert "campaign “Door June”" in page
        assert "to be handed out by “Sam”" in text(manager_client.get(f"{NEW}?rep={rep.pk}"))
        assert "Print 2 codes" in text(manager_client.get(f"{NEW}?campaign=&rep=&q="))

    def test_what_is_searched_for_is_not_kept(self, manager_client: Client) -> None:
        make_link(customer=make_customer(name="Rosa Núñez"))
        manager_client.post(NEW, {**OPTIONS, "all": "1", "query": "q=Rosa"})
        assert PrintJob.objects.get().chosen == "a search"

    def test_left_out_is_said_before_anything_is_printed(self, manager_client: Client, manager: User) -> None:
        gone, good = make_link(), make_link()
        void(gone, manager)
        page = text(manager_client.post(NEW, {"select": [gone.pk, good.pk]}))
        assert "1 of the chosen links is left out" in page
        assert "1 void" in page
        assert "Print 1 code" in page

    def test_whoever_refused_at_the_door_is_left_out_and_said_to_be(self, manager_client: Client) -> None:
        good, no = make_link(), make_link(customer=make_customer(refused_at=timezone.now()))
        page = text(manager_client.post(NEW, {"select": [good.pk, no.pk]}))
        assert "1 of the chosen links is left out" in page
        assert "1 refused at the door" in page
        assert "Print 1 code" in page
        response = ask(manager_client, good, no)
        assert "Left out: 1 refused at the door." in text(manager_client.get(response["Location"]))

    def test_nothing_left_to_print(self, manager_client: Client, manager: User) -> None:
        gone = make_link()
        void(gone, manager)
        for response in (manager_client.post(NEW, {"select": [gone.pk]}), manager_client.post(NEW, {})):
            assert "Nothing is left to print" in text(response)
        response = ask(manager_client, gone)
        assert response.status_code == 422
        assert "Nothing is left to print" in text(response)
        assert not PrintJob.objects.exists()

    def test_rep_chooses_own_links_only(self, rep_client: Client, rep: User, manager: User) -> None:
        own, other = make_link(issued_by=rep), make_link(issued_by=manager)
        assert "Print 1 code" in text(rep_client.post(NEW, {"select": [own.pk, other.pk]}))
        assert "Print 1 code" in text(rep_client.get(f"{NEW}?mark=unprinted"))
        ask(rep_client, own, other)
        assert [label.link for label in PrintJob.objects.get().labels.all()] == [own]

    @pytest.mark.parametrize("query", ["campaign=99", "mark=nonsense", "rep=x"])
    def test_invalid_filter_chooses_nothing(self, manager_client: Client, query: str) -> None:
        make_link()
        assert "Which links?" in text(manager_client.get(f"{NEW}?{query}"))
        response = manager_client.post(NEW, {**OPTIONS, "all": "1", "query": query})
        assert response.status_code == 422
        assert not PrintJob.objects.exists()

    def test_starts_with_what_was_printed_last(self, manager_client: Client, manager: User) -> None:
        link = make_link()
        make_print_job(links=[link], created_by=manager, stock="poster-a4", lines=["campaign"])
        page = text(manager_client.post(NEW, {"select": [link.pk]}))
        [checked] = re.findall(r'name="stock"\s+value="([^"]+)"\s+checked', page)
        assert checked == "poster-a4"

    @pytest.mark.parametrize("path", ["/links/", "/campaigns/{campaign}/", "/links/{link}/"])
    def test_ways_lead_here(self, manager_client: Client, path: str) -> None:
        campaign = make_campaign()
        link = make_link(flow=campaign.flow, campaign=campaign)
        page = text(manager_client.get(path.format(campaign=campaign.pk, link=link.pk)))
        assert re.search(r'(href|formaction|action)="/print/new/', page)

    def test_rep_finds_it_at_home_and_in_the_list(self, rep_client: Client, rep: User) -> None:
        make_link(issued_by=rep)
        assert NEW in text(rep_client.get("/"))
        assert f'formaction="{NEW}"' in text(rep_client.get("/links/"))


class TestPreview:
    def test_shows_the_real_first_page_and_how_far_it_reads(self, manager_client: Client) -> None:
        links = [make_link() for _ in range(3)]
        response = ask(manager_client, *links, htmx=True, stock="poster-letter")
        assert "<html" not in text(response)
        assert "3 labels on 3 pages" in text(response)
        assert re.search(r"Modules of \d\.\d\d mm", text(response))
        assert re.search(r"up to \d+ cm", text(response))
        [code] = read_codes(shown_page(response))
        assert code in {link.short_url_for_codes for link in links}
        assert not PrintJob.objects.exists()

    def test_without_javascript_a_button_draws_it(self, manager_client: Client) -> None:
        response = ask(manager_client, make_link(), preview="1")
        assert response.status_code == 200
        assert "Paper" in text(response)
        assert shown_page(response)

    def test_refused_combination_is_said_in_words(self, manager_client: Client) -> None:
        link = make_link(flow=make_flow(org_name="a" * 60, title="b" * 60))
        for htmx in (True, False):
            response = ask(manager_client, link, htmx=htmx, target="direct", level="H")
            assert "Phones read 0.33 mm and more" in text(response)
            assert "data:image/png" not in text(response)
        assert response.status_code == 422


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"start_at": "31"}, "it cannot start at 31"),
            ({"start_at": "0"}, "it cannot start at 0"),
            ({"start_at": "x"}, "whole number"),
            ({"stock": "avery-9999"}, "There is no stock “avery-9999”"),
            ({"stock": ""}, "Choose the paper."),
            ({"level": "Z"}, "Select a valid choice"),
            ({"logo": SimpleUploadedFile("logo.png", b"<svg/>"), "level": "H"}, "not a picture that can be read"),
            ({"logo": SimpleUploadedFile("logo.png", b""), "level": "H"}, "an empty file"),
            ({"logo": SimpleUploadedFile("logo.png", bytes(2 * 1024**2 + 1)), "level": "H"}, "more than 2 MB"),
        ],
    )
    def test_bad_input_is_answered_in_words_and_nothing_is_printed(
        self, manager_client: Client, options: dict[str, Any], words: str
    ) -> None:
        response = ask(manager_client, make_link(), **options)
        assert response.status_code == 422
        assert words in text(response)
        assert not PrintJob.objects.exists()

    def test_logo_needs_level_h_and_is_printed_with_it(self, manager_client: Client) -> None:
        picture = io.BytesIO()
        Image.new("RGB", (60, 60), "red").save(picture, "PNG")

        def logo() -> SimpleUploadedFile:
            return SimpleUploadedFile("logo.png", picture.getvalue())

        link = make_link()
        assert "Choose H" in text(ask(manager_client, link, logo=logo()))
        ask(manager_client, link, logo=logo(), level="H")
        assert PrintJob.objects.get().state == PrintState.DONE

    def test_correction_saved_before_a_stock_changed_is_refused_in_words(
        self, manager_client: Client, manager: User
    ) -> None:
        manager.printers.create(stock="avery-5160", offset_x_mm=30)  # type: ignore[attr-defined]
        response = ask(manager_client, make_link())
        assert response.status_code == 422
        assert "off the page" in text(response)


class TestJob:
    def test_print_look_and_download(self, manager_client: Client) -> None:
        links = [make_link() for _ in range(2)]
        response = ask(manager_client, *links)
        job = PrintJob.objects.get()
        assert response.headers["Location"] == reverse("print_detail", args=[job.pk])
        page = text(manager_client.get(response.headers["Location"]))
        assert "2 of 2 codes read back" in page
        download = manager_client.get(reverse("print_file", args=[job.pk]))
        assert b"".join(download).startswith(b"%PDF-")  # type: ignore[arg-type]
        assert download.headers["Content-Type"] == "application/pdf"
        assert download.headers["Content-Disposition"].startswith("attachment")
        assert {"private", "no-store"} <= set(download.headers["Cache-Control"].split(", "))
        assert "printed" in text(manager_client.get("/links/"))
        assert "Printed" in text(manager_client.get(f"/links/{links[0].pk}/"))
        assert links[0].title not in text(manager_client.get(f"{NEW}?mark=unprinted"))

    def test_many_pages_are_left_to_the_worker(self, manager_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        queued: list[int] = []
        monkeypatch.setattr(type(run_print_job_task), "enqueue", lambda task, pk: queued.append(pk))
        monkeypatch.setattr(printing, "PAGES_AT_ONCE", 1)
        response = ask(manager_client, make_link(), make_link(), stock="poster-a4", follow=True)
        job = PrintJob.objects.get()
        assert queued == [job.pk]
        page = manager_client.get(response.headers["Location"])
        assert "Waiting for the worker" in text(page)
        assert manager_client.get(reverse("print_file", args=[job.pk])).status_code == 404
        run_print_job_task.func(job.pk)
        shown = manager_client.get(response.headers["Location"], headers={"HX-Request": "true"})
        assert "2 of 2 codes read back" in text(shown)
        assert "<html" not in text(shown)

    def test_job_that_has_not_moved_says_so(self, manager_client: Client) -> None:
        job = make_print_job(run=False)
        page = reverse("print_detail", args=[job.pk])
        assert "has not moved" not in text(manager_client.get(page))
        PrintJob.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=6))
        assert "has not moved" in text(manager_client.get(page))

    def test_cancelled_from_its_page(self, manager_client: Client) -> None:
        job = make_print_job(run=False)
        page = reverse("print_detail", args=[job.pk])
        assert f'action="{page}cancel/"' in text(manager_client.get(page))
        shown = text(manager_client.post(f"{page}cancel/", follow=True))
        assert "Cancelled." in shown
        assert "none of these links counts as printed" in shown
        assert "Print the same again" in shown
        assert f'action="{page}cancel/"' not in shown
        assert "cancelled" in text(manager_client.get("/print/?state=cancelled"))
        assert "It had ended already." in text(manager_client.post(f"{page}cancel/", follow=True))

    def test_cancelled_while_it_runs_says_so_and_is_not_asked_twice(self, manager_client: Client) -> None:
        job = make_print_job(run=False)
        PrintJob.objects.filter(pk=job.pk).update(state=PrintState.RUNNING)
        page = reverse("print_detail", args=[job.pk])
        shown = text(manager_client.post(f"{page}cancel/", follow=True))
        assert "It ends after the page that it is at." in shown
        assert f'action="{page}cancel/"' not in shown
        # Its process has died meanwhile: asked again, it ends.
        PrintJob.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=6))
        assert f'action="{page}cancel/"' in text(manager_client.get(page))
        assert "Cancelled." in text(manager_client.post(f"{page}cancel/", follow=True))

    def test_failed_job_says_why_and_has_no_file(self, manager_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        right = printing.text_of
        monkeypatch.setattr(printing, "text_of", lambda link, target: right(link, target) + "X")
        job = make_print_job()
        monkeypatch.undo()
        page = text(manager_client.get(reverse("print_detail", args=[job.pk])))
        assert "No sheets." in page
        assert "2 of 2 codes could not be read back" in page
        assert "Download" not in page
        assert manager_client.get(reverse("print_file", args=[job.pk])).status_code == 404

    def test_print_again(self, manager_client: Client, manager: User) -> None:
        links = [make_link(), make_link()]
        job = make_print_job(links=links)
        again = reverse("print_again", args=[job.pk])
        assert manager_client.get(again).headers["Location"] == reverse("print_detail", args=[job.pk])
        page = manager_client.post(again, follow=True)
        assert f"Print job {job.pk}" in text(page)
        assert PrintJob.objects.count() == 2
        void(links[0], manager)
        assert "1 of these links is void now" in text(manager_client.get(reverse("print_detail", args=[job.pk])))
        assert "1 void" in text(manager_client.post(again, follow=True))
        void(links[1], manager)
        assert "Nothing is left to print" in text(manager_client.post(again, follow=True))

    def test_rep_sees_own_jobs_and_managers_all(
        self, rep_client: Client, other_rep_client: Client, manager_client: Client, rep: User
    ) -> None:
        job = make_print_job(links=[make_link(issued_by=rep)], created_by=rep)
        for name in ("print_detail", "print_file", "print_again", "print_cancel"):
            address = reverse(name, args=[job.pk])
            assert other_rep_client.get(address).status_code == 404
            assert other_rep_client.post(address).status_code in (404, 405)
            for client in (rep_client, manager_client):
                response = client.get(address)
                list(response)
                assert response.status_code in (200, 302)
        assert "1 in all" in text(rep_client.get("/print/"))
        assert "0 in all" in text(other_rep_client.get("/print/"))

    def test_sheets_with_another_reps_customer_are_not_handed_out_any_more(
        self, rep_client: Client, manager_client: Client, rep: User, other_rep: User
    ) -> None:
        customer = make_customer(assigned_rep=rep)
        job = make_print_job(links=[make_link(customer=customer), make_link(issued_by=rep)], created_by=rep)
        page, file = reverse("print_detail", args=[job.pk]), reverse("print_file", args=[job.pk])
        assert "Download" in text(rep_client.get(page))
        customer.assigned_rep = other_rep
        customer.save(update_fields=["assigned_rep"])
        assert "1 of these links is no longer yours" in text(rep_client.get(page))
        assert rep_client.get(file).status_code == 404
        response = manager_client.get(file)
        assert b"".join(response).startswith(b"%PDF-")  # type: ignore[arg-type]


class TestList:
    def test_filters(self, manager_client: Client) -> None:
        make_print_job(stock="poster-a4")
        make_print_job(run=False)
        assert "1 match" in text(manager_client.get("/print/?stock=poster-a4"))
        assert "1 match" in text(manager_client.get("/print/?state=waiting"))
        assert "2 in all" in text(manager_client.get("/print/"))

    def test_empty_list_says_what_to_do(self, rep_client: Client) -> None:
        page = text(rep_client.get("/print/"))
        assert "Nothing has been printed yet" in page
        assert f'href="{NEW}"' in page

    def test_queries_do_not_grow_with_rows(self, manager_client: Client, manager: User) -> None:
        def count() -> int:
            with CaptureQueriesContext(connection) as captured:
                manager_client.get("/print/")
            return len(captured)

        make_print_job(created_by=manager)
        before = count()
        for _ in range(3):
            make_print_job(created_by=manager)
        assert count() == before


class TestPrinter:
    def test_correct_and_print_the_test_page(self, rep_client: Client, rep: User) -> None:
        address = "/print/paper/avery-5160/"
        assert "Empty: 12.7 mm" in text(rep_client.get(address))
        before = rep_client.get(f"{address}test-page.pdf")
        assert before.content.startswith(b"%PDF-")
        response = rep_client.post(address, {"offset_x_mm": "0.5", "offset_y_mm": "-1.2"})
        assert response.status_code == 302
        assert 'value="-1.2"' in text(rep_client.get(address))
        after = rep_client.get(f"{address}test-page.pdf")
        assert after.content != before.content
        assert "no-store" in after.headers["Cache-Control"]
        assert "as you have set it" in text(ask(rep_client, make_link(issued_by=rep), htmx=True))

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"offset_x_mm": "9"}, "off the page"),
            ({"top_margin_mm": "40"}, "off the page"),
            ({"offset_y_mm": "nan"}, "Give millimetres as a number"),
            ({"offset_y_mm": "a lot"}, "Give millimetres as a number"),
        ],
    )
    def test_what_pushes_a_label_off_the_page_is_refused(
        self, rep_client: Client, rep: User, given: dict[str, str], words: str
    ) -> None:
        response = rep_client.post("/print/paper/avery-5160/", given)
        assert response.status_code == 422
        assert words in text(response)
        assert not rep.printers.exists()  # type: ignore[attr-defined]

    def test_unknown_stock_is_not_found(self, rep_client: Client) -> None:
        for address in ("/print/paper/avery-1/", "/print/paper/avery-1/test-page.pdf"):
            assert rep_client.get(address).status_code == 404


def test_shared_links_are_printed_with_their_label(manager_client: Client) -> None:
    poster = make_shared_link(label="lobby")
    ask(manager_client, poster, stock="poster-a4")
    assert PrintJob.objects.get().state == PrintState.DONE

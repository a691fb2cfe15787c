"""Printing in a real browser: tick links, see the page that will come, print, and read the PDF as a phone would."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from playwright.sync_api import Page

from portal.accounts.models import User
from portal.authorizations.models import Link
from tests.browser.conftest import sign_in
from tests.factories import make_customer, make_link

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def codes_of(pdf: Path) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    images = [page.render(scale=300 / 72, grayscale=True).to_pil() for page in document]
    document.close()
    return [code.text for image in images for code in zxingcpp.read_barcodes(image)]


def test_from_ticked_links_to_a_pdf_whose_codes_are_theirs(
    live_server: Any, new_page: Callable[..., Page], rep: User, tmp_path: Path
) -> None:
    links = [make_link(customer=make_customer(assigned_rep=rep), issued_by=rep) for _ in range(3)]

    phone = new_page(width=390)
    sign_in(phone, live_server.url, "sam")
    phone.goto(f"{live_server.url}/links/")
    for link in links[:2]:
        phone.check(f"tbody input[value='{link.pk}']")
    phone.click("text=Print…")
    phone.wait_for_selector("text=2 labels on 1 page")
    assert phone.evaluate("document.querySelector('.print-page').naturalWidth") > 600

    # What cannot be printed is said at once, and what can be is drawn again.
    phone.fill("[name=start_at]", "31")
    phone.locator("[name=start_at]").blur()
    phone.wait_for_selector("text=it cannot start at 31")
    phone.fill("[name=start_at]", "30")
    phone.locator("[name=start_at]").blur()
    phone.wait_for_selector("text=2 labels on 2 pages")
    phone.click("text=Letter for a window envelope")
    phone.wait_for_selector("text=Letter for a window envelope, with the address and the code has one place")
    phone.fill("[name=start_at]", "1")
    phone.locator("[name=start_at]").blur()
    phone.wait_for_selector("text=2 labels on 2 pages")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390

    phone.click("main button.button-primary")
    phone.wait_for_selector("text=2 of 2 codes read back")
    with phone.expect_download() as download:
        phone.click("text=Download the PDF")
    pdf = tmp_path / "codes.pdf"
    download.value.save_as(pdf)
    assert sorted(codes_of(pdf)) == sorted(link.short_url_for_codes for link in links[:2])
    assert Link.objects.filter(printed_at__isnull=False).count() == 2


def test_without_javascript(live_server: Any, new_page: Callable[..., Page], manager: User) -> None:
    make_link()
    page = new_page(java_script_enabled=False)
    sign_in(page, live_server.url, "maya")
    page.goto(f"{live_server.url}/print/new/")
    page.click("text=Choose the paper")
    page.click("text=Preview >> nth=-1")
    page.wait_for_selector("text=1 label on 1 page")
    assert page.locator(".print-page").count() == 1
    page.click("main button.button-primary")
    page.wait_for_selector("text=1 of 1 codes read back")

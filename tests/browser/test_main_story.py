"""The main job, clicked through: a list comes in, a link goes out, a customer comes back, the manager sees a claim."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from portal.authorizations.models import Confirmation, Customer, Link, Visit
from tests.browser.conftest import PHONE, sign_in
from tests.factories import make_customer, make_flow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CSV = """Record ID,First Name,Last Name,Email,Street Address,City,State/Region,Postal Code,Utility,Customer Type
HS-1,Rosa,Núñez,rosa@example.com,112 Maple St,Fresno,CA,93722,pge,Residential
HS-2,Frank,O’Brien,not-an-email,124 Maple St,Fresno,CA,93722,pge,Residential
HS-3,Ines,Duarte,ines@example.com,130 Maple St,Fresno,CA,93722,coned,Residential
"""


def decode(picture: bytes) -> str:
    codes = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))
    assert len(codes) == 1
    return codes[0].text


def test_import_issue_show_come_back_and_see_it(
    live_server: Any, leap: str, new_page: Callable[..., Page], manager: User, settings: Any, tmp_path: Path
) -> None:
    settings.PUBLIC_URL = live_server.url
    make_flow(name="Connect, CAISO")
    page = new_page()
    sign_in(page, live_server.url, "maya")

    # A list comes in: upload, columns as guessed, check, the good row.
    file = tmp_path / "hubspot.csv"
    file.write_text(CSV, encoding="utf-8-sig")
    page.click("nav >> text=Customers")
    page.click("#page-actions >> text=Import")
    page.set_input_files("input[type=file]", file)
    page.click("main button[type=submit]")
    page.click("main >> button:has-text('Check the list')")
    page.wait_for_selector("caption:has-text('Refused rows')", state="attached")
    text = page.inner_text("main")
    assert "not-an-email" in text
    assert "Did you mean cecony-utilityapi" in text
    page.click("text=/Import 1 good row/")
    page.wait_for_selector(".notice-success >> text=Done: 1 new")
    assert Customer.objects.get().name == "Rosa Núñez"

    # A link goes out, three clicks from home.
    page.goto(live_server.url)
    page.click("header >> text=Issue links")
    page.click("a.choice:has-text('Rosa Núñez')")
    page.click("main >> button:has-text('Issue')")
    page.wait_for_url("**/links/*/")
    link = Link.objects.get()
    assert link.url in page.inner_text(".url-box")

    # The code on the screen is the short link, in capitals.
    page.click("text=Show code")
    page.wait_for_url("**/links/*/code/")
    picture = page.locator(".code img").screenshot()
    short_url = decode(picture)
    assert short_url == link.short_url_for_codes

    # A customer scans it on a phone, authorizes at Leap, and comes back.
    phone = new_page(width=390, height=844, user_agent=PHONE, locale="es-US", is_mobile=True)
    phone.goto(short_url)
    assert phone.url == link.url
    assert phone.url.startswith(leap)
    phone.click("text=I agree")
    assert "Gracias" in phone.inner_text("main")
    assert "Rosa" not in phone.content()
    assert (Visit.objects.count(), Confirmation.objects.get().link) == (1, link)

    # The manager sees a visit and a claim, and no proof.
    page.goto(live_server.url)
    page.click("nav >> text=Confirmations")
    page.wait_for_url("**/confirmations/")
    assert "matched" in page.inner_text("#table")
    page.click("nav >> text=Links")
    page.wait_for_url("**/links/")
    row = page.inner_text("tbody tr")
    assert "visited" in row
    assert "returned" in row
    page.click("#table >> text=Rosa Núñez")
    columns = page.locator(".timeline")
    assert "Visited from a phone" in columns.nth(0).inner_text()
    assert "Came back to the confirmation page" in columns.nth(1).inner_text()
    assert "Only Leap’s word proves" in columns.nth(2).inner_text()


def test_rep_shows_a_code_in_one_tap_on_a_phone(
    live_server: Any, new_page: Callable[..., Page], rep: User, settings: Any
) -> None:
    settings.PUBLIC_URL = live_server.url
    make_flow()
    make_customer(name="Rosa Núñez", assigned_rep=rep)
    page = new_page(width=390, height=844)
    sign_in(page, live_server.url, "sam")
    page.click("text=Show code")
    page.wait_for_url("**/links/*/code/")
    link = Link.objects.get(customer__name="Rosa Núñez")
    assert decode(page.screenshot()) == link.short_url_for_codes
    assert link.code_in_groups in page.inner_text("main")


def test_filters_work_without_a_page_load_and_stand_in_the_url(
    live_server: Any, new_page: Callable[..., Page], manager: User
) -> None:
    for name in ("Rosa", "Hal", "Ivy"):
        make_customer(name=name)
    page = new_page()
    sign_in(page, live_server.url, "maya")
    page.goto(f"{live_server.url}/customers/")
    page.evaluate("window.notReloaded = true")
    page.fill("#filters input[name=q]", "Hal")
    expect(page.locator("#table tbody tr")).to_have_count(1)
    assert "q=Hal" in page.url
    assert page.evaluate("window.notReloaded") is True
    page.reload()
    assert page.locator("#table tbody tr").count() == 1


def test_without_scripts_the_main_job_works_too(live_server: Any, new_page: Callable[..., Page], manager: User) -> None:
    make_flow()
    make_customer(name="Rosa")
    page = new_page(java_script_enabled=False)
    sign_in(page, live_server.url, "maya")
    page.click("header >> text=Issue links")
    page.fill("#who", "Rosa")
    page.press("#who", "Enter")
    page.click("a.choice:has-text('Rosa')")
    page.click("main >> button:has-text('Issue')")
    page.wait_for_url("**/links/*/")
    assert Link.objects.count() == 1

"""R1 in a real browser: a rep with a signed form in hand, a manager who sends it to Leap."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from portal.accounts.models import User
from portal.authorizations.models import PaperAuthorization
from tests.browser.conftest import sign_in
from tests.factories import make_customer, make_scan

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_r1_from_the_signed_form_to_sent(
    live_server: Any, new_page: Callable[..., Page], rep: User, manager: User, tmp_path: Path
) -> None:
    photograph = tmp_path / "IMG 2041.jpeg"
    photograph.write_bytes(make_scan("jpeg").read())
    customer = make_customer(name="Rosa Núñez", assigned_rep=rep)

    phone = new_page(width=390)
    sign_in(phone, live_server.url, "sam")
    phone.goto(f"{live_server.url}{reverse('customer_detail', args=[customer.pk])}")
    phone.click("text=Record paper authorization")
    phone.fill("[name=signed_on]", "2025-07-01")
    phone.set_input_files("[name=scan]", photograph)
    phone.click("main form .button-primary")
    phone.wait_for_selector("text=Reference id for Leap")
    paper = PaperAuthorization.objects.get()
    assert paper.reference_id in phone.inner_text("main")
    assert "sent it" not in phone.inner_text("main")

    # The photograph is looked at in the browser, sandboxed and all.
    phone.click("text=Look at the scan")
    phone.wait_for_url(f"{live_server.url}{reverse('paper_scan', args=[paper.pk])}")
    assert phone.evaluate("document.images[0].naturalWidth") == 320

    desk = new_page()
    sign_in(desk, live_server.url, "maya")
    desk.click("text=Paper")
    desk.click("text=Rosa Núñez")
    desk.fill("[name=sent_on]", "2025-07-02")
    desk.click("text=I have sent it")
    desk.wait_for_selector("text=Its meters show here once Leap has them.")
    assert "sent" in desk.inner_text("main .badge")

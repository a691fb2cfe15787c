"""A manager writes, looks and saves without scripts; a customer reads, on a phone, and unsubscribes with one button."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail as outbox
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from portal.authorizations.models import Customer, Message
from portal.authorizations.services.mail_stops import is_stopped
from tests.authorizations.mailing import make_installation, make_invited, send
from tests.browser.conftest import PHONE, sign_in
from tests.factories import make_campaign

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_r2_words_are_shown_before_they_are_saved_and_the_mail_leads_out_again(
    scripts: bool, live_server: Any, new_page: Callable[..., Page], manager: User, settings: Any
) -> None:
    settings.PUBLIC_URL = live_server.url
    make_installation()
    mail = make_invited(name="Rosa Núñez", email="rosa@example.com", language="es")

    staff = new_page(java_script_enabled=scripts)
    sign_in(staff, live_server.url, "maya")
    staff.goto(f"{live_server.url}{reverse('campaign_message', args=[mail.message.campaign_id])}")
    spanish = staff.frame_locator("iframe[title='The mail in Spanish']")
    expect(spanish.locator("body")).to_contain_text("Hola, Rosa Núñez:")
    picture = spanish.get_by_role("img", include_hidden=True)
    assert picture.evaluate("image => image.naturalWidth") > 100 if scripts else picture.count() == 1
    staff.get_by_label("Text in Spanish").fill("Estimada {name}:\n\nescríbanos.")
    staff.get_by_role("button", name="Show it", exact=True).nth(1).click()
    expect(spanish.locator("body")).to_contain_text("Estimada Rosa Núñez:")
    assert not Message.objects.exclude(body_es="").exists()
    staff.get_by_role("button", name="Show it as text").nth(1).click()
    expect(spanish.locator("body")).to_contain_text("escríbanos.\n\nEste es su enlace:")
    staff.get_by_role("button", name="Save").click()
    expect(staff.locator("main")).to_contain_text("Saved.")

    assert send() == 1
    [sent] = outbox.outbox
    assert isinstance(sent, EmailMultiAlternatives)
    reader = new_page(width=390, height=844, user_agent=PHONE, locale="es-US", java_script_enabled=scripts)
    reader.set_content(str(sent.alternatives[0][0]).replace("cid:", "data:,"))
    assert reader.evaluate("document.documentElement.scrollWidth") <= 390
    reader.get_by_role("link", name="Dejar de recibir correos").click()
    expect(reader.get_by_role("heading", level=1)).to_have_text("¿No más correos?")
    assert not is_stopped("rosa@example.com")
    reader.get_by_role("button", name="Cancelar la suscripción").click()
    expect(reader.get_by_role("heading", level=1)).to_have_text("Su suscripción está cancelada")
    assert is_stopped("rosa@example.com")
    reader.get_by_role("button", name="Fue un error").click()
    expect(reader.get_by_role("heading", level=1)).to_have_text("Volverá a recibir nuestros correos")
    assert not is_stopped("rosa@example.com")


def test_words_are_not_left_by_mistake_and_outlive_the_end_of_the_session(
    live_server: Any, new_page: Callable[..., Page], manager: User
) -> None:
    make_installation()
    campaign = make_campaign()
    staff = new_page(missing=("/message/",))
    sign_in(staff, live_server.url, "maya")
    staff.goto(f"{live_server.url}{reverse('campaign_message', args=[campaign.pk])}")
    staff.get_by_label("Text", exact=True).fill("Dear {name}, not saved")

    asked: list[str] = []
    staff.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    staff.get_by_role("link", name="Reminder after no visit").click(no_wait_after=True)
    expect(staff.get_by_label("Text", exact=True)).to_have_value("Dear {name}, not saved")
    assert asked == ["beforeunload"]

    staff.context.set_offline(True)
    staff.get_by_role("button", name="Save").click()
    expect(staff.get_by_role("alert")).to_contain_text("The portal cannot be reached")
    expect(staff.get_by_label("Text", exact=True)).to_have_value("Dear {name}, not saved")
    staff.context.set_offline(False)
    staff.context.clear_cookies(name="sessionid")
    staff.get_by_role("button", name="Save").click()
    expect(staff.get_by_role("alert")).to_contain_text("You are signed out, and nothing is saved yet")
    with staff.context.expect_page() as opened:
        staff.get_by_role("link", name="Sign in in another tab").click()
    sign_in(opened.value, live_server.url, "maya")
    assert not Message.objects.exists()
    staff.get_by_role("button", name="Save").click()
    expect(staff.locator("main")).to_contain_text("Saved.")
    assert Message.objects.get().body == "Dear {name}, not saved"
    assert asked == ["beforeunload"]


def test_after_a_test_the_frame_shows_what_stands_in_the_fields(
    live_server: Any, new_page: Callable[..., Page], manager: User
) -> None:
    make_installation()
    User.objects.filter(pk=manager.pk).update(email="maya@acme.example")
    campaign = make_campaign()
    staff = new_page()
    sign_in(staff, live_server.url, "maya")
    staff.goto(f"{live_server.url}{reverse('campaign_message', args=[campaign.pk])}")
    staff.get_by_label("Text", exact=True).fill("Dear {name}, a test")
    staff.get_by_label("Text in Spanish").fill("Estimada {name}, una prueba")
    staff.get_by_role("button", name="Send me a test").first.click()
    expect(staff.locator("main")).to_contain_text("took the test to maya@acme.example")
    for language, words in (("English", ", a test"), ("Spanish", ", una prueba")):
        frame = staff.frame_locator(f"iframe[title='The mail in {language}']")
        expect(frame.locator("body")).to_contain_text(words)


def test_two_clicks_send_one_form(live_server: Any, new_page: Callable[..., Page], manager: User) -> None:
    staff = new_page()
    sign_in(staff, live_server.url, "maya")
    staff.goto(f"{live_server.url}{reverse('customer_create')}")
    staff.get_by_label("Name").fill("Rosa Twice")
    staff.get_by_role("button", name="Save", exact=True).dblclick()
    expect(staff.locator("main")).to_contain_text("Rosa Twice is added.")
    assert Customer.objects.filter(name="Rosa Twice").count() == 1

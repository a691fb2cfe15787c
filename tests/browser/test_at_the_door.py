"""A rep's day at the door on a phone: with a signal, without one, and what stays on the device afterwards."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Page, Route, expect

from portal.accounts.models import User
from portal.authorizations.models import Customer, DoorAction, DoorCall, DoorKit, Link, ReservedLink, Visit
from portal.authorizations.services.customers import door_order_of
from tests.browser.conftest import PHONE, sign_in
from tests.factories import make_customer, make_flow, make_link
from tests.printing.reading import decode

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

KEPT = """async () => ({
  databases: (await indexedDB.databases()).map(({ name }) => name),
  caches: await caches.keys(),
  workers: (await navigator.serviceWorker.getRegistrations()).length,
})"""
NOTHING = {"databases": [], "caches": [], "workers": 0}
EVERYTHING = """async () => {
  const texts = [];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) texts.push(request.url, await (await cache.match(request)).text());
  }
  return texts.join("\\n");
}"""


SWIPE = """([from, to]) => {
  const at = (x) => [new Touch({ identifier: 1, target: document.body, clientX: x, clientY: 400 })];
  document.dispatchEvent(new TouchEvent("touchstart", { touches: at(from) }));
  document.dispatchEvent(new TouchEvent("touchend", { changedTouches: at(to) }));
}"""
SEND_AGAIN = """async (body) => {
  const { csrf } = await (await fetch("/door/data/")).json();
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
  const answer = await fetch("/door/actions/", { method: "POST", headers, body });
  return (await answer.json()).answers.map(({ status }) => status);
}"""


def at_the_door(rep: User, number: int, name: str) -> Customer:
    customer = make_customer(assigned_rep=rep, street=f"{number} Maple St", name=name)
    customer.door_order = door_order_of(customer)
    customer.save(update_fields=["door_order"])
    return customer


@pytest.fixture
def doors(rep: User, live_server: Any, settings: Any) -> list[Customer]:
    """Three doors of Maple St; the first two have a link."""
    settings.PUBLIC_URL = live_server.url
    DoorKit.objects.create(rep=rep, flow=make_flow(), reserve=5)
    customers = [
        at_the_door(rep, 112, "Rosa Núñez"),
        at_the_door(rep, 118, "Hal Ito"),
        at_the_door(rep, 124, "Ivy Ray"),
    ]
    for customer in customers[:2]:
        make_link(customer=customer, flow=DoorKit.objects.get().flow, issued_by=rep)
    return customers


def open_phone(new_page: Callable[..., Page], server: str, **options: Any) -> Page:
    # Without a signal, Chromium reports each address that it could not reach.
    page = new_page(width=390, height=844, has_touch=True, missing=("/",), **options)
    sign_in(page, server, "sam")
    page.wait_for_selector("html[data-door-ready=yes]")
    return page


def reach(page: Page) -> None:
    """Wait until the device has met the portal once more."""
    page.evaluate("doorSync.now()")
    page.wait_for_selector("html[data-door-ready=yes]")


def add(page: Page, name: str) -> None:
    page.click("text=Add customer and show code")
    form = page.locator("form.door-form:visible")
    form.locator("input[name=name]").fill(name)
    form.locator("input[name=street]").fill("130 Maple St")
    form.locator("button[type=submit]").click()
    expect(page.locator(".code-text:visible")).to_be_visible()


def code_of(page: Page) -> str:
    picture = page.locator(".code svg:visible, .code img:visible").screenshot()
    return decode(Image.open(BytesIO(picture))).text


def test_a_whole_visit_with_a_signal(
    live_server: Any, new_page: Callable[..., Page], rep: User, doors: list[Customer]
) -> None:
    page = open_phone(new_page, live_server.url)
    assert page.inner_text("h1") == "Today · Maple St"
    page.click("text=Show code")
    page.wait_for_url("**/links/*/code/")
    assert code_of(page) == doors[0].links.get().short_url_for_codes

    # A swipe to the next door, an arrow key back.
    page.evaluate(SWIPE, [320, 60])
    expect(page.locator("h1")).to_have_text("Hal Ito")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("h1")).to_have_text("Rosa Núñez")

    # Nobody opens: come back tomorrow.
    page.click("a:visible:has-text('Outcome')")
    page.check("text=Come back")
    page.click("button:has-text('Save')")
    expect(page.locator(".door", has_text="Rosa Núñez").locator(".badge")).to_have_text("come back tomorrow")

    # A neighbour, met on the stairs.
    add(page, "Frank O’Brien")
    reach(page)
    frank = Customer.objects.get(name="Frank O’Brien")
    assert code_of(page) == frank.links.get().short_url_for_codes
    assert (frank.assigned_rep, frank.links.get().issued_by, frank.city) == (rep, rep, "Fresno")
    assert DoorCall.objects.get().customer == doors[0]
    assert ReservedLink.objects.count() == 5


def test_a_whole_visit_without_a_signal_is_sent_once(
    live_server: Any, new_page: Callable[..., Page], rep: User, doors: list[Customer]
) -> None:
    page = open_phone(new_page, live_server.url)
    page.context.set_offline(True)
    page.reload()
    expect(page.locator(".door")).to_have_count(3)
    expect(page.locator("[data-door-state]")).to_contain_text("offline")

    # The code of a customer who has one; then of one who has none: from the reserve.
    page.click("text=Show code")
    assert code_of(page) == doors[0].links.get().short_url_for_codes
    page.keyboard.press("ArrowRight")
    expect(page.locator("h1:visible")).to_have_text("Hal Ito")
    page.click("a:visible:has-text('all doors')")
    page.locator(".door", has_text="Ivy Ray").locator("text=Show code").click()
    expect(page.locator(".code h1:visible")).to_have_text("Ivy Ray")
    ivys = code_of(page)

    # An outcome, and somebody new.
    page.click("a:visible:has-text('all doors')")
    page.locator(".door", has_text="Hal Ito").locator("text=Outcome").click()
    page.check("form:visible >> text=Refused")
    page.click("button:visible:has-text('Save')")
    expect(page.locator(".door")).to_have_count(2)
    add(page, "Frank O’Brien")
    franks = code_of(page)
    page.click("a:visible:has-text('Outcome')")
    page.check("form:visible >> text=Left a card")
    page.fill("form:visible textarea[name=note]", "has a dog")
    page.click("button:visible:has-text('Save')")
    expect(page.locator("[data-door-state]")).to_have_text("offline · 4 to send")
    expect(page.locator(".door", has_text="Frank")).to_contain_text("“has a dog”")
    assert not Customer.objects.filter(name="Frank O’Brien").exists()

    # Both codes work before anything is sent.
    phone = new_page(user_agent=PHONE, missing=("",))
    for code in (ivys, franks):
        assert phone.request.get(code, max_redirects=0).status == 302
    assert Visit.objects.count() == 2

    # The network comes back; what is sent a second time changes nothing.
    page.context.set_offline(False)
    sent: list[str] = []
    page.on(
        "request", lambda request: sent.append(request.post_data) if "actions" in (request.post_data or "") else None
    )
    reach(page)
    frank = Customer.objects.get(name="Frank O’Brien")
    assert frank.links.get().short_url_for_codes == franks
    assert doors[2].links.get().short_url_for_codes == ivys
    calls = [(call.outcome, call.note) for call in DoorCall.objects.order_by("at")]
    assert calls == [("refused", ""), ("left_card", "has a dog")]
    assert not Customer.objects.contactable().filter(pk=doors[1].pk).exists()
    assert page.evaluate(SEND_AGAIN, sent[0]) == ["done"] * 4
    counts = (Customer.objects.count(), DoorCall.objects.count(), DoorAction.objects.count())
    assert counts == (4, 2, 4)
    expect(page.locator("[data-door-state]")).to_be_hidden()


def test_a_conflict_is_shown_until_it_is_read(
    live_server: Any, new_page: Callable[..., Page], doors: list[Customer]
) -> None:
    page = open_phone(new_page, live_server.url)
    page.context.set_offline(True)
    page.goto(f"{live_server.url}/door/")
    add(page, "Frank O’Brien")
    shown = Link.objects.get(code=code_of(page).rsplit("/", 1)[1])
    Link.objects.filter(pk=shown.pk).update(voided_at=timezone.now(), void_reason="wrong flow")
    page.context.set_offline(False)
    reach(page)
    problem = page.locator("[data-door-problems]")
    expect(problem).to_contain_text("void (wrong flow). Show the customer’s new code.")
    problem.locator("text=Show code").click()
    expect(page.locator(".code-text:visible")).to_be_visible()
    assert code_of(page) == Customer.objects.get(name="Frank O’Brien").links.get().short_url_for_codes
    problem.locator("text=Got it").click()
    expect(problem).to_be_empty()


def refuse(page: Page, answer: Callable[[list[dict[str, Any]]], dict[str, Any] | None]) -> None:
    """Let the portal answer the device's POST of these actions so, or (None) as it would."""

    def handle(route: Route) -> None:
        told = answer(route.request.post_data_json["actions"]) if route.request.method == "POST" else None
        if told is None:
            route.fallback()
        else:
            route.fulfill(**told)

    page.route("**/door/actions/", handle)


def meet(page: Page, times: int) -> None:
    for _ in range(times):
        page.evaluate("doorSync.now()")


def test_what_is_refused_again_and_again_is_set_aside_and_the_rest_is_sent(
    live_server: Any, new_page: Callable[..., Page], doors: list[Customer]
) -> None:
    """Of three that were done without a signal, the portal fails at the customer who was added."""
    page = open_phone(new_page, live_server.url)
    page.context.set_offline(True)
    page.goto(f"{live_server.url}/door/")
    add(page, "Frank O’Brien")
    shown = code_of(page)
    page.click("a:visible:has-text('Outcome')")
    page.check("form:visible >> text=Left a card")
    page.click("button:visible:has-text('Save')")
    page.locator(".door", has_text="Hal Ito").locator("text=Outcome").click()
    page.check("form:visible >> text=Not home")
    page.click("button:visible:has-text('Save')")
    refuse(page, lambda actions: {"status": 500} if any(each["kind"] == "add" for each in actions) else None)
    page.context.set_offline(False)
    problem = page.locator("[data-door-problems]")
    meet(page, 5)
    expect(problem).to_contain_text("Frank O’Brien Not sent after 5 tries: new customer, and 1 outcome noted there.")
    expect(problem).to_contain_text("The portal met an error (500).")
    expect(page.locator(".door", has_text="Frank").locator(".badge")).to_have_text("left a card")
    expect(page.locator("[data-door-state]")).to_be_hidden()
    assert DoorCall.objects.get().customer == doors[1]

    # Nobody else is shown the code, sign-out still warns of both, and a reload keeps them.
    page.reload()
    page.wait_for_selector("html[data-door-ready=yes]")
    assert page.evaluate("doorStore.waiting()") == 2
    add(page, "Gil Sand")
    assert code_of(page) != shown
    page.click("a:visible:has-text('all doors')")

    # The portal is mended.
    page.unroute("**/door/actions/")
    page.locator("[data-door-again]").click()
    expect(problem).to_be_empty()
    reach(page)
    assert Customer.objects.get(name="Frank O’Brien").links.get().short_url_for_codes == shown
    assert {call.customer.name for call in DoorCall.objects.all()} == {"Hal Ito", "Frank O’Brien"}
    assert page.evaluate("doorStore.waiting()") == 0


def test_what_was_set_aside_can_be_discarded_after_a_question(
    live_server: Any, new_page: Callable[..., Page], doors: list[Customer]
) -> None:
    page = open_phone(new_page, live_server.url)
    busy = {"status": 200, "content_type": "application/json"}
    refuse(
        page,
        lambda actions: {
            **busy,
            "body": json.dumps({"answers": [{"key": each["key"], "status": "later"} for each in actions]}),
        },
    )
    page.evaluate("doorSync.note({ kind: 'call', customer: 1, outcome: 'not_home' }, 'Rosa')")
    meet(page, 3)
    expect(page.locator("[data-door-state]")).to_have_text("1 to send")
    meet(page, 2)
    problem = page.locator("[data-door-problems]")
    expect(problem).to_contain_text("Rosa Not sent after 5 tries: outcome “not home”.")
    answers = iter(["dismiss", "accept"])
    page.on("dialog", lambda dialog: getattr(dialog, next(answers))())
    page.locator("[data-door-discard]").click()
    expect(problem).not_to_be_empty()
    page.locator("[data-door-discard]").click()
    expect(problem).to_be_empty()
    assert page.evaluate("doorStore.waiting()") == 0


@pytest.mark.parametrize("offline", [False, True])
def test_a_double_tap_is_one_visit(
    live_server: Any, new_page: Callable[..., Page], doors: list[Customer], offline: bool
) -> None:
    page = open_phone(new_page, live_server.url)
    page.context.set_offline(offline)
    page.goto(f"{live_server.url}/door/")
    page.click("text=Add customer and show code")
    form = page.locator("form.door-form:visible")
    # Blanks are no name: nothing is kept, no code is shown.
    form.locator("input[name=name]").fill("  ")
    form.locator("button[type=submit]").click()
    assert page.evaluate("doorStore.waiting()") == 0
    form.locator("input[name=name]").fill("Frank O’Brien")
    page.evaluate("""() => {
      const form = document.querySelector("[data-door-form=add]");
      form.requestSubmit();
      form.requestSubmit();
    }""")
    expect(page.locator(".code-text:visible")).to_be_visible()
    page.context.set_offline(False)
    reach(page)
    assert Customer.objects.filter(name="Frank O’Brien").count() == 1
    assert DoorAction.objects.count() == 1
    expect(page.locator("[data-door-problems]")).to_be_empty()


@pytest.mark.parametrize("signal", [False, True])
def test_without_a_link_in_reserve_what_is_filled_in_is_not_lost(
    live_server: Any, new_page: Callable[..., Page], doors: list[Customer], signal: bool
) -> None:
    """The browser says that it is online, but there may be no signal."""
    page = open_phone(new_page, live_server.url)
    page.goto(f"{live_server.url}/door/new/")
    page.wait_for_selector("html[data-door-ready=yes]")
    page.evaluate("doorStore.get('kept', 'data').then((d) => doorStore.put('kept', { ...d, reserve: [] }, 'data'))")
    if not signal:
        page.route("**/door/data/", lambda route: route.abort())
        page.route("**/door/actions/", lambda route: route.abort())
    page.fill("input[name=name]", "Frank O’Brien")
    page.click("button:has-text('Add and show code')")
    if signal:
        expect(page.locator(".code-text:visible")).to_be_visible()
        reach(page)
        assert code_of(page) == Customer.objects.get(name="Frank O’Brien").links.get().short_url_for_codes
    else:
        expect(page.locator(".door", has_text="Frank O’Brien")).to_contain_text("to send")
        assert page.evaluate("doorStore.waiting()") == 1


def test_what_was_handed_out_is_sent_before_the_list_is_read_anew(
    live_server: Any, new_page: Callable[..., Page], doors: list[Customer]
) -> None:
    """Reading ends a reserve of another flow: the code that a customer holds must not end with it."""
    page = open_phone(new_page, live_server.url)
    page.context.set_offline(True)
    page.goto(f"{live_server.url}/door/")
    add(page, "Frank O’Brien")
    shown = code_of(page)
    DoorKit.objects.update(flow=make_flow(title="other"))
    page.context.set_offline(False)
    reach(page)
    link = Customer.objects.get(name="Frank O’Brien").links.get()
    assert (link.short_url_for_codes, link.is_live) == (shown, True)
    expect(page.locator("[data-door-problems]")).to_be_empty()


def test_a_list_of_somebody_else_is_neither_shown_nor_sent(
    live_server: Any, new_page: Callable[..., Page], doors: list[Customer]
) -> None:
    page = open_phone(new_page, live_server.url)
    page.evaluate("doorStore.get('kept', 'data').then((data) => doorStore.put('kept', { ...data, rep: 0 }, 'data'))")
    page.evaluate("doorSync.note({ kind: 'add', name: 'Not mine' }, '')")
    reach(page)
    assert not Customer.objects.filter(name="Not mine").exists()
    assert page.evaluate("doorStore.waiting()") == 0
    assert "csrf" not in page.evaluate("doorStore.get('kept', 'data')")


def test_the_kept_page_and_its_parts_hold_no_customer(
    live_server: Any, new_page: Callable[..., Page], doors: list[Customer]
) -> None:
    page = open_phone(new_page, live_server.url)
    assert page.evaluate(KEPT) == {"databases": ["door"], "caches": ["door-shell"], "workers": 1}
    kept = page.evaluate(EVERYTHING)
    assert "/door/" in kept
    for secret in ("Rosa", "Maple", doors[0].links.get().code, "Sam</", "@example.com"):
        assert secret not in kept


def test_sign_out_leaves_nothing_and_warns_of_what_is_not_sent(
    live_server: Any, new_page: Callable[..., Page], doors: list[Customer]
) -> None:
    page = open_phone(new_page, live_server.url)
    reserved = Link.objects.filter(reservation__isnull=False)
    assert reserved.live().count() == 5
    page.route("**/door/actions/", lambda route: route.abort())
    page.evaluate("doorSync.note({ kind: 'call', customer: 1, outcome: 'not_home' }, 'Rosa')")
    answers = iter(["dismiss", "accept"])
    page.on("dialog", lambda dialog: getattr(dialog, next(answers))())
    page.click("summary:has-text('Sam')")
    with page.expect_event("dialog") as asked:
        page.click("text=Sign out")
    assert asked.value.message.startswith("1 not sent yet")
    assert page.evaluate(KEPT)["databases"] == ["door"]
    page.click("text=Sign out")
    page.wait_for_url("**/login/**")
    assert page.evaluate(KEPT) == NOTHING
    # What was shown works on: 30 days (docs/door.md).
    assert reserved.live().count() == 5


def test_another_page_keeps_nothing_after_the_wipe(
    live_server: Any, new_page: Callable[..., Page], doors: list[Customer]
) -> None:
    page = open_phone(new_page, live_server.url)
    other = page.context.new_page()
    other.goto(f"{live_server.url}/door/")
    expect(other.locator(".door")).to_have_count(3)
    page.evaluate("wipeDevice()")
    # What it had asked for before comes now.
    answer = "doorStore.put('kept', { customers: [] }, 'data').then(() => 'kept', () => 'not kept')"
    assert other.evaluate(answer) == "not kept"
    assert page.evaluate(KEPT)["databases"] == []


def test_the_kept_page_without_a_list_puts_no_customer_into_an_address(
    live_server: Any, new_page: Callable[..., Page], doors: list[Customer]
) -> None:
    page = open_phone(new_page, live_server.url)
    page.route("**/door/data/", lambda route: route.abort())
    page.evaluate("doorStore.clear('kept')")
    page.goto(f"{live_server.url}/door/#/door/new/")
    name = page.locator("[data-door-form=add] input[name=name]")
    name.fill("Frank O’Brien")
    page.click("button:visible:has-text('Add and show code')")
    page.wait_for_selector("[data-door-form=add] button:invalid")
    assert page.url == f"{live_server.url}/door/#/door/new/"
    assert name.input_value() == "Frank O’Brien"


@pytest.mark.parametrize("what", ["disabled", "session"])
def test_a_device_wipes_itself_at_the_next_contact(
    live_server: Any, new_page: Callable[..., Page], rep: User, doors: list[Customer], what: str
) -> None:
    page = open_phone(new_page, live_server.url)
    page.goto(f"{live_server.url}/door/")
    expect(page.locator(".door")).to_have_count(3)
    if what == "disabled":
        User.objects.filter(pk=rep.pk).update(is_active=False)
    else:
        page.context.clear_cookies()
    page.evaluate("void doorSync.now()")
    page.wait_for_url("**/login/**")
    page.wait_for_function(f"({KEPT})().then((kept) => kept.workers === 0 && !kept.databases.length)")
    assert page.evaluate(KEPT) == NOTHING


def test_the_phone_can_install_it(live_server: Any, new_page: Callable[..., Page], doors: list[Customer]) -> None:
    page = open_phone(new_page, live_server.url)
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    found = [error["errorId"] for error in session.send("Page.getInstallabilityErrors")["installabilityErrors"]]
    assert found == ["in-incognito"]


def test_without_scripts_a_visit_works_too(
    live_server: Any, new_page: Callable[..., Page], doors: list[Customer]
) -> None:
    page = new_page(width=390, height=844, java_script_enabled=False)
    sign_in(page, live_server.url, "sam")
    page.locator(".door", has_text="Ivy Ray").locator("text=Show code").click()
    page.wait_for_url("**/links/*/code/")
    assert code_of(page) == doors[2].links.get().short_url_for_codes
    page.click("a:has-text('previous')")
    page.click("a:has-text('Outcome')")
    page.check("text=Not home")
    page.click("button:has-text('Save')")
    page.click("text=Add customer and show code")
    page.fill("input[name=name]", "Frank O’Brien")
    page.click("button:has-text('Add and show code')")
    page.wait_for_url("**/links/*/code/")
    assert code_of(page) == Customer.objects.get(name="Frank O’Brien").links.get().short_url_for_codes
    assert DoorCall.objects.get().customer == doors[1]

"""Public doors are answered before anybody asks who comes, with the same protection as every page."""

import pytest
from django.test import Client

from tests.factories import make_link

PROTECTION = ("X-Frame-Options", "Content-Security-Policy", "X-Content-Type-Options", "Cross-Origin-Opener-Policy")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "door", ["/go/{code}", "/GO/{code}/", "/go/nowhere", "/leap/thanks?refId=x", "/leap/thanks/es/"]
)
def test_r16_doors_read_no_session_and_set_no_cookie(manager_client: Client, door: str) -> None:
    """Not even a signed-in person's: what the page says cannot depend on who comes."""
    response = manager_client.get(door.format(code=make_link().code))
    assert not hasattr(response.wsgi_request, "session")
    assert not hasattr(response.wsgi_request, "user")
    assert not response.cookies
    assert response.headers["Content-Length"] == str(len(response.content))
    assert all(response.headers[name] for name in PROTECTION)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/go/", "/go/a/b", "/leap/thanks-for-nothing", "/leap/thanks/es/x/"])
def test_what_only_begins_like_a_door_is_not_found(manager_client: Client, address: str) -> None:
    response = manager_client.get(address)
    assert response.status_code == 404
    assert all(response.headers[name] for name in PROTECTION)


@pytest.mark.django_db
def test_every_staff_page_has_the_same_protection(manager_client: Client) -> None:
    response = manager_client.get("/")
    assert response.status_code == 200
    assert all(response.headers[name] for name in PROTECTION)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/", "/customers/", "/links/", "/links/?export=csv", "/no/such/page"])
def test_no_browser_keeps_a_staff_page(manager_client: Client, address: str) -> None:
    response = manager_client.get(address)
    assert "no-store" in response.headers["Cache-Control"]
    response.close()


@pytest.mark.django_db
def test_a_view_may_say_for_how_long_its_answer_is_kept(manager_client: Client) -> None:
    response = manager_client.get(f"/links/{make_link().pk}/qr.svg")
    assert response.headers["Cache-Control"] == "private, max-age=3600"

"""One customer in one browser, at the sandbox's pages: the forms are pressed as they stand on the page."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.http import HttpResponse
from django.test import Client

from portal.sandbox.models import Session

LINK = "/sandbox/acme-energy/summer-savings/"


class Customer:
    """Holds the page that a browser shows. Links lead on until a page of another place is asked for."""

    def __init__(self) -> None:
        self.client = Client(enforce_csrf_checks=False)
        self.address = ""
        self.response: HttpResponse = HttpResponse()

    def open(self, address: str) -> "Customer":
        self._arrive(self.client.get(address), address)
        return self

    def press(self, name: str, value: str, **fields: Any) -> "Customer":
        """Press the button of that name and value, with the fields of the form around it, hidden ones included."""
        form = next((f for f in self.forms() if re.search(rf'name="{name}"\s+value="{value}"', f)), None)
        hidden = re.search(rf'type="hidden"\s+name="{name}"\s+value="{value}"', form or "")
        assert form is not None, f"no button {name}={value} in {self.text}"
        data = dict(re.findall(r'type="hidden"\s+name="(\w+)"\s+value="([^"]*)"', form))
        action = re.search(r'<form[^>]*\baction="([^"]*)"', form)
        address = action[1] if action else self.address
        assert hidden is None or data[name] == value
        self._arrive(self.client.post(address, {**data, name: value, **fields}), address)
        return self

    def forms(self) -> list[str]:
        return re.findall(r"<form.*?</form>", self.html, re.DOTALL)

    @property
    def html(self) -> str:
        return self.response.content.decode()

    @property
    def text(self) -> str:
        """What the page says, without its marks."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.html.partition("<main")[2])).split())

    @property
    def utilities(self) -> list[str]:
        return re.findall(r'name="value"\s+value="([^"]+)"', self.html)

    @property
    def session(self) -> Session:
        return Session.objects.order_by("id").last() or Session()

    def sign_in(self, username: str = "maria", password: str = "secret") -> "Customer":
        return self.press("act", "sign_in", username=username, password=password)

    def consent(self, *places: int, years: str = "3") -> "Customer":
        numbers = re.findall(r'name="accounts"\s+value="(\d+)"', self.html)
        return self.press("act", "consent", accounts=[numbers[place] for place in places or (0,)], years=years)

    def _arrive(self, response: HttpResponse, address: str) -> None:
        while response.status_code == 302 and response.headers["Location"].startswith("/sandbox/"):
            address = response.headers["Location"]
            response = self.client.get(address)
        self.address, self.response = address, response


def returned_to(response: HttpResponse) -> tuple[str, list[tuple[str, str]]]:
    """Where a redirect leads: the address without its query, and the query's pairs in order."""
    assert response.status_code == 302, response.content
    parts = urlsplit(response.headers["Location"])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", parse_qsl(parts.query, keep_blank_values=True)

"""The command that takes many links through a case, without a browser's window."""

import csv
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from portal.authorizations.models import Confirmation
from portal.sandbox.browser import Browser
from portal.sandbox.cases import Case
from portal.sandbox.models import Meter, Session
from portal.sandbox.runs import MIX, RunLink, run_links
from tests import factories

pytestmark = pytest.mark.django_db
BASE = "http://127.0.0.1:8000/sandbox"


def url(reference_id: str, *, utilities: str = "pge,sce") -> str:
    return f"{BASE}/acme-energy/summer-savings/?requestedUtilities={utilities}&refId={reference_id}"


@pytest.fixture
def visited(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pages that a customer's browser opened; every one of them answers."""
    pages: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        pages.append(str(request.url))
        return httpx.Response(200)

    _replace_network(monkeypatch, answer)
    return pages


def _replace_network(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    begin = httpx.Client.__init__
    monkeypatch.setattr(
        httpx.Client,
        "__init__",
        lambda self, **values: begin(self, **{**values, "transport": httpx.MockTransport(answer)}),
    )


def run(*arguments: Any, **options: Any) -> str:
    out = StringIO()
    call_command("sandbox_run", *arguments, stdout=out, **options)
    return out.getvalue()


def test_a_case_for_links_and_a_list(visited: list[str], tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["name", "url"])
        writer.writeheader()
        writer.writerows({"name": "Maria", "url": url(f"CSV-{number}")} for number in range(3))
    out = run("success", url("ARG-1"), csv=path)
    assert "4 success: Success, one meter" in " ".join(out.split())
    assert "4 came back" in " ".join(out.split())
    assert Counter(Meter.objects.values_list("partner_reference", flat=True)) == {
        "ARG-1": 1,
        **{f"CSV-{number}": 1 for number in range(3)},
    }
    assert len(visited) == 4
    assert visited[0].startswith("http://127.0.0.1:8000/leap/thanks?authorizationId=")
    assert visited[0].endswith("&refId=ARG-1")


def test_no_return_opens_nothing(visited: list[str]) -> None:
    run("success", url("ARG-1"), no_return=True)
    assert visited == []
    assert Meter.objects.exists()


def test_a_forged_return_is_only_a_page_opened(visited: list[str]) -> None:
    run("forged", url("ARG-1"))
    assert len(visited) == 1
    assert not Meter.objects.exists()


def test_a_link_without_a_ref_id_was_never_known_by_one(visited: list[str], emitted: Any) -> None:
    run("no-reference", url("ARG-1"))
    assert "refId" not in visited[0]
    assert Session.objects.get().reference_id == ""
    assert not any("partner_reference" in payload for _, payload in emitted)


def test_late_takes_its_days(visited: list[str]) -> None:
    run("late", url("ARG-1"), days=9)
    meter, session = Meter.objects.get(), Session.objects.get()
    assert (meter.appears_at - session.started_at).days == 9


def test_what_cannot_be_run_is_refused_in_words(visited: list[str], settings: Any) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="2 of 3 links were refused"):
        call_command(
            "sandbox_run", "two-utilities", url("ARG-1"), f"{BASE}/acme/pge/getting-started", "http://x/", stdout=out
        )
    assert "refused: Legacy leads to one utility only." in out.getvalue()
    for arguments, words in [
        (("nonsense", url("A-1")), "There is no case “nonsense”"),
        (("success",), "No link was given"),
        ((), "There is no case “”"),
    ]:
        with pytest.raises(CommandError, match=words):
            run(*arguments)
    with pytest.raises(CommandError, match="cannot be read"):
        run("success", csv=Path("/nowhere.csv"))
    settings.SANDBOX = False
    with pytest.raises(CommandError, match="The sandbox is off"):
        run("success", url("ARG-1"))


def test_a_short_link_is_opened_for_where_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    short = "http://127.0.0.1:8000/GO/7F3K9X2M4QAB"

    def answer(request: httpx.Request) -> httpx.Response:
        if str(request.url) == short:
            return httpx.Response(302, headers={"Location": url("ARG-1")})
        return httpx.Response(200 if "/leap/thanks" in str(request.url) else 404)

    _replace_network(monkeypatch, answer)
    assert "1 came back" in " ".join(run("success", short).split())
    assert Session.objects.get().reference_id == "ARG-1"
    for arguments, options, words in [
        (("success", "http://127.0.0.1:8000/go/nobody"), {}, "The short link leads nowhere"),
        (("success", short), {"no_return": True}, "not with --no-return"),
    ]:
        out = StringIO()
        with pytest.raises(CommandError):
            call_command("sandbox_run", *arguments, stdout=out, **options)
        assert words in out.getvalue()
    assert Session.objects.count() == 1


def test_a_portal_that_does_not_run_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    _replace_network(monkeypatch, refuse)
    assert "1 pages did not answer" in " ".join(run("success", url("ARG-1")).split())


def test_a_mix_has_life_in_it_and_is_the_same_every_time(visited: list[str]) -> None:
    links = [RunLink(url(f"MIX-{number}")) for number in range(150)]
    with Browser() as browser:
        first = run_links(links=links, case=None, browser=browser)
    assert first.refused == Counter()
    assert first.unopened + first.cases.total() == 150
    assert len(first.cases) > 8
    assert first.returned == len(visited)
    assert run_links(links=links, case=None, browser=None).cases == first.cases


def test_a_mix_gives_a_link_what_it_can_take() -> None:
    links = [RunLink(f"{BASE}/acme/pge/getting-started?refId=MIX-{number}") for number in range(150)]
    result = run_links(links=links, case=None, browser=None)
    assert result.refused == Counter()
    assert Case.TWO_UTILITIES not in result.cases
    assert sum(MIX.values()) == 100


def test_r3_a_short_link_is_visited_and_its_return_is_kept_by_the_portal(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """The portal itself answers here: it takes the browser for a person's, not for a robot's."""
    settings.LEAP_CONNECT_URL = settings.LEAP_CONNECT_NEW_URL = settings.LEAP_LEGACY_URL = BASE
    link = factories.make_link()

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        response = Client().get(path, headers={"User-Agent": request.headers["User-Agent"]})
        return httpx.Response(response.status_code, headers=dict(response.headers))

    _replace_network(monkeypatch, answer)
    with Browser() as browser:
        short = f"http://127.0.0.1:8000/go/{link.code}"
        result = run_links(links=[RunLink("", short)], case=Case.SUCCESS, browser=browser)
    assert (result.returned, result.unreached) == (1, 0)
    link.refresh_from_db()
    assert link.first_visited_at
    assert link.first_returned_at
    assert Confirmation.objects.get().link == link
    assert Meter.objects.get().partner_reference == link.reference_id

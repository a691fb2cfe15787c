"""A nonsensical setting stops the start with one line that says what to set; a sensible one is taken."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import environ
import pytest
from django.conf import settings
from django.utils.log import CallbackFilter

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.pure

GOOD = {
    "SECRET_KEY": "only-for-tests",
    "DEBUG": "off",
    "ALLOWED_HOSTS": "portal.example.com",
    "PUBLIC_URL": "https://portal.example.com",
    "DATABASE_URL": "sqlite://:memory:",
    "CACHE_URL": "locmemcache://",
    "EMAIL_URL": "memorymail://",
    "LEAP_ENVIRONMENT": "production",
    "SANDBOX": "off",
}


def run(*arguments: str, tmp_path: Path, change: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Start Python in the portal's folder with good settings but for `change`. All are set, so no .env is heard."""
    environment = {"PATH": os.environ["PATH"], "SPOOL_DIR": str(tmp_path / "spool"), **GOOD, **change}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def read(name: str, *, tmp_path: Path, change: Mapping[str, str]) -> object:
    """Return a setting as the portal takes it."""
    code = f"import json; from portal import settings; print(json.dumps(settings.{name}, default=str))"
    done = run("-c", code, tmp_path=tmp_path, change=change)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("ALLOWED_HOSTS", ""),
        ("ALLOWED_HOSTS", "https://portal.example.com"),
        ("PUBLIC_URL", ""),
        ("PUBLIC_URL", "https://portal.example.com/leap"),
        ("PUBLIC_URL", "portal.example.com"),
        ("PUBLIC_URL", "https://portal example.com"),
        ("PUBLIC_URL", "https://münchen.example"),
        ("PUBLIC_URL", "https://portal.example.com:99999"),
        ("PUBLIC_URL", "https://me@portal.example.com"),
        ("DEBUG", "perhaps"),
        ("SANDBOX", "maybe"),
        ("SANDBOX", "on"),
        ("LEAP_ENVIRONMENT", "foo"),
        ("LEAP_API_URL", "nowhere"),
        ("LEAP_CONNECT_URL", "ftp://onboarding.leap.energy"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgres://"),
        ("DATABASE_URL", "postgres://user@host:port/name"),
        ("DATABASE_URL", "mysql://user@host/name"),
        ("DATABASE_URL", "sqlite:////proc/nowhere/portal.sqlite3"),
        ("CACHE_URL", "nonsense"),
        ("CACHE_URL", "filecache:///proc/nowhere/cache"),
        ("EMAIL_URL", "nonsense"),
        ("EMAIL_URL", "smtp://"),
        ("EMAIL_URL", "smtp+tls://host:port"),
        ("DEFAULT_FROM_EMAIL", "Acme <energy@acme.example>"),
        ("DEFAULT_FROM_EMAIL", "a@b.example\nBcc: c@d.example"),
        ("SPOOL_DIR", "/proc/nowhere/spool"),
        ("SPOOL_DIR", "/etc/hostname"),
    ],
)
def test_nonsense_stops_the_start_with_one_line(name: str, value: str, tmp_path: Path) -> None:
    stopped = run("-c", "import portal.settings", tmp_path=tmp_path, change={name: value})
    assert stopped.returncode == 1
    assert stopped.stdout == ""
    [line] = stopped.stderr.splitlines()
    assert line.startswith(f"portal: {name} ")
    assert "set " in line


@pytest.mark.parametrize("arguments", [("manage.py", "check"), ("manage.py", "migrate"), ("-m", "portal.wsgi")])
def test_one_line_is_all_that_a_command_or_the_server_says(arguments: tuple[str, ...], tmp_path: Path) -> None:
    stopped = run(*arguments, tmp_path=tmp_path, change={"SECRET_KEY": ""})
    assert stopped.returncode != 0
    [line] = stopped.stderr.splitlines()
    assert line.startswith("portal: SECRET_KEY is not set")


def test_the_server_gives_up_instead_of_starting_workers_for_ever(tmp_path: Path) -> None:
    stopped = run("-c", "import portal.wsgi", tmp_path=tmp_path, change={"LEAP_ENVIRONMENT": "foo"})
    gunicorns_cannot_boot = 3
    assert stopped.returncode == gunicorns_cannot_boot


def test_defaults_hold_where_a_value_is_empty(tmp_path: Path) -> None:
    empty = {"DATABASE_URL": "", "CACHE_URL": "", "LEAP_ENVIRONMENT": "", "SPOOL_DIR": "", "EMAIL_URL": ""}
    code = (
        "from portal import settings as s;"
        "print(s.DATABASES['default']['NAME'], s.CACHES['default']['LOCATION'], s.SPOOL_DIR, s.LEAP_ENVIRONMENT)"
    )
    done = run("-c", code, tmp_path=tmp_path, change=empty)
    var = ROOT / "var"
    assert done.stdout.split() == [
        str(var / "portal.sqlite3"),
        str(var / "cache"),
        str(var / "spool"),
        "production",
    ]


def test_a_folder_as_cache_holds_more_than_djangos_300(tmp_path: Path) -> None:
    """Whoever fails to sign in under many names must not push out the counters of failures."""
    caches = read("CACHES", tmp_path=tmp_path, change={"CACHE_URL": f"filecache://{tmp_path}/cache"})
    assert isinstance(caches, dict)
    assert caches["default"]["OPTIONS"]["MAX_ENTRIES"] == 10_000


def test_https_switches_on_what_protects_it_and_http_switches_it_off(tmp_path: Path) -> None:
    for url, on in (("https://portal.example.com", True), ("http://127.0.0.1:8000", False)):
        for name in ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS"):
            assert bool(read(name, tmp_path=tmp_path, change={"PUBLIC_URL": url})) is on


def test_public_url_in_capitals_is_https_all_the_same(tmp_path: Path) -> None:
    change = {"PUBLIC_URL": "HTTPS://Portal.Example.com"}
    assert read("PUBLIC_URL", tmp_path=tmp_path, change=change) == "https://portal.example.com"
    assert read("SESSION_COOKIE_SECURE", tmp_path=tmp_path, change=change) is True


def test_a_sandbox_that_others_reach_needs_a_key_of_its_own(tmp_path: Path) -> None:
    change = {"SANDBOX": "on", "LEAP_ENVIRONMENT": "sandbox", "LEAP_API_KEY": ""}
    stopped = run("-c", "import portal.settings", tmp_path=tmp_path, change=change)
    assert stopped.returncode == 1
    [line] = stopped.stderr.splitlines()
    assert line.startswith("portal: LEAP_API_KEY is not set")
    for safe in ({"LEAP_API_KEY": "a-long-random-text"}, {"PUBLIC_URL": "http://127.0.0.1:8000"}):
        assert read("SANDBOX", tmp_path=tmp_path, change={**change, **safe}) is True


def test_sandbox_addresses_lie_below_the_public_url(tmp_path: Path) -> None:
    change = {"LEAP_ENVIRONMENT": "sandbox", "PUBLIC_URL": "http://127.0.0.1:8000"}
    for name in ("LEAP_API_URL", "LEAP_CONNECT_URL", "LEAP_CONNECT_NEW_URL", "LEAP_LEGACY_URL"):
        assert read(name, tmp_path=tmp_path, change=change) == "http://127.0.0.1:8000/sandbox"


def test_an_address_of_leap_can_be_set(tmp_path: Path) -> None:
    change = {"LEAP_API_URL": "https://api.example.com/leap/"}
    assert read("LEAP_API_URL", tmp_path=tmp_path, change=change) == "https://api.example.com/leap"


def test_a_relative_path_means_the_same_wherever_a_command_starts(tmp_path: Path) -> None:
    databases = read("DATABASES", tmp_path=tmp_path, change={"DATABASE_URL": "sqlite:///var/portal.sqlite3"})
    assert isinstance(databases, dict)
    assert databases["default"]["NAME"] == str(ROOT / "var" / "portal.sqlite3")


def test_the_example_file_starts_the_portal_once_its_key_is_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """django-environ takes a comment behind a value for a part of it: the example has none."""
    example = ROOT / ".env.example"
    names = [line.partition("=")[0] for line in example.read_text().splitlines() if line and line[0] != "#"]
    for name in names:
        monkeypatch.delenv(name, raising=False)
    environ.Env.read_env(example)
    values = {name: os.environ[name] for name in names}
    assert "#" not in "".join(values.values())
    assert values.pop("SECRET_KEY") == ""
    done = run("manage.py", "check", tmp_path=tmp_path, change={**values, "DATABASE_URL": "sqlite://:memory:"})
    assert done.returncode == 0, done.stderr
    known = "import json; from portal import settings; print(json.dumps(list(settings.env.scheme)))"
    assert sorted(names) == sorted(json.loads(run("-c", known, tmp_path=tmp_path, change={}).stdout))


@pytest.mark.parametrize("name", ["LEAP_API_KEY", "LEAP_WEBHOOK_SECRET", "SECRET_KEY"])
@pytest.mark.parametrize("value", ["$abc", "$PATH", "$$", r"a\$b$c", r"\$d"])
def test_a_value_with_a_dollar_is_taken_as_it_stands(tmp_path: Path, name: str, value: str) -> None:
    assert read(name, tmp_path=tmp_path, change={name: value}) == value


def test_a_page_that_is_not_for_a_role_is_one_line_in_the_log_and_an_error_has_its_traceback() -> None:
    handler = logging.StreamHandler(stream := io.StringIO())
    configured = settings.LOGGING["filters"]["refusals"]["callback"]
    handler.addFilter(CallbackFilter(configured))
    log = logging.getLogger("tests.refusals")
    log.propagate = False
    log.addHandler(handler)
    for status in (403, 500):
        try:
            raise PermissionError("not for you")
        except PermissionError as error:
            log.warning("answered %s", status, exc_info=error, extra={"status_code": status})
    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["answered 403", "answered 500"]
    assert lines[-1] == "PermissionError: not for you"

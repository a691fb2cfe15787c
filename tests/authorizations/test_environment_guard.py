"""A database remembers its environment at first use; a start with another one stops with one line."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from portal.authorizations.management.base import PortalCommand
from portal.authorizations.models import Installation
from portal.authorizations.services.installation import EnvironmentMismatch, claim_environment

ROOT = Path(__file__).parents[2]


class _Command(PortalCommand):
    requires_system_checks = []
    ran = False

    def handle(self, *args: Any, **options: Any) -> None:
        self.ran = True


@pytest.mark.django_db
def test_first_use_remembers_the_environment(settings: Any) -> None:
    settings.LEAP_ENVIRONMENT = "staging"
    claim_environment()
    assert Installation.objects.get().leap_environment == "staging"
    claim_environment()
    assert Installation.objects.count() == 1


@pytest.mark.django_db
def test_a_row_without_an_environment_is_claimed_and_keeps_its_words(settings: Any) -> None:
    Installation.objects.create(partner_name="Acme Energy", leap_environment="")
    settings.LEAP_ENVIRONMENT = "sandbox"
    claim_environment()
    installation = Installation.objects.get()
    assert (installation.leap_environment, installation.partner_name) == ("sandbox", "Acme Energy")


@pytest.mark.django_db
def test_another_environment_is_refused_with_what_to_set(settings: Any) -> None:
    Installation.objects.create(leap_environment="sandbox")
    settings.LEAP_ENVIRONMENT = "production"
    with pytest.raises(EnvironmentMismatch) as refused:
        claim_environment()
    words = str(refused.value)
    assert "this database belongs to sandbox" in words
    assert "LEAP_ENVIRONMENT is production" in words
    assert "DATABASE_URL" in words
    assert "LEAP_ENVIRONMENT=sandbox" in words
    assert "\n" not in words
    assert Installation.objects.get().leap_environment == "sandbox"


@pytest.mark.django_db
def test_a_command_is_refused_before_it_does_anything(settings: Any) -> None:
    Installation.objects.create(leap_environment="staging")
    settings.LEAP_ENVIRONMENT = "production"
    command = _Command()
    with pytest.raises(CommandError, match="this database belongs to staging"):
        call_command(command)
    assert not command.ran
    settings.LEAP_ENVIRONMENT = "staging"
    call_command(command)
    assert command.ran


@pytest.mark.django_db(transaction=True)
def test_an_unmigrated_database_is_tolerated() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE authorizations_installation RENAME TO hidden_installation")
    try:
        claim_environment()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE hidden_installation RENAME TO authorizations_installation")


def test_the_server_stops_with_one_line(tmp_path: Path) -> None:
    """The real thing: another process, a database file, and the WSGI module that gunicorn loads."""
    database = tmp_path / "portal.sqlite3"
    environ = {**os.environ, "DATABASE_URL": f"sqlite:///{database}", "PUBLIC_URL": "http://127.0.0.1:8000"}

    def load(environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-W", "ignore:No directory", "-c", "import portal.wsgi"],
            cwd=ROOT, env={**environ, "LEAP_ENVIRONMENT": environment}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    unmigrated = load("sandbox")
    assert (unmigrated.returncode, unmigrated.stderr) == (0, "")
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"],
        cwd=ROOT, env={**environ, "LEAP_ENVIRONMENT": "sandbox"}, check=True,
    )  # fmt: skip
    first = load("sandbox")
    assert (first.returncode, first.stderr) == (0, "")
    other = load("production")
    assert other.returncode == 3
    assert other.stderr == (
        "portal: this database belongs to sandbox, but LEAP_ENVIRONMENT is production: "
        "set DATABASE_URL to another database, or LEAP_ENVIRONMENT=sandbox\n"
    )

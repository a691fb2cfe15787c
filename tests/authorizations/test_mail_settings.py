"""EMAIL_URL as its documentation has it, against servers that ask for TLS and a sign-in."""

import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from django.conf import settings as django_settings

from tests.smtp_server import smtp_server

PASSWORD, ENCODED = "p@ss/w$rd:%", "p%40ss%2Fw%24rd%3A%25"
CONNECT = """
import django; django.setup()
from portal.authorizations.services.mail_server import MailServer, ServerAway
try:
    with MailServer() as server:
        server.open()
        print("open", server._backend.connection.noop()[0])
except ServerAway as away:
    print("away", away)
"""


def connect(url: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", CONNECT],
        cwd=django_settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings", "EMAIL_URL": url, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def sign_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    known = isinstance(data, LoginPassword) and data.login == b"me@acme" and data.password == PASSWORD.encode()
    return AuthResult(success=known)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of 127.0.0.1, in one file."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    key, public, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([*command.split(), "-keyout", key, "-out", public], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + public.read_bytes())
    return both


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
@pytest.mark.parametrize(("scheme", "option"), [("smtp+tls", "tls_context"), ("smtp+ssl", "ssl_context")])
def test_tls_and_sign_in(scheme: str, option: str, certificate: Path, settings: Any) -> None:
    options: dict[str, Any] = {option: server_context(certificate), "authenticator": sign_in, "auth_required": True}
    if option == "tls_context":
        options["require_starttls"] = True
    else:
        options["auth_require_tls"] = False  # aiosmtpd knows of STARTTLS only
    with smtp_server(settings, **options) as box:
        url = f"{scheme}://me%40acme:{ENCODED}@127.0.0.1:{box.port}"
        assert connect(url, SSL_CERT_FILE=str(certificate)) == "open 250"
        refused = connect(url.replace(ENCODED, "wrong"), SSL_CERT_FILE=str(certificate))
        assert refused.startswith("away SMTP"), "refused, or thrown out after a second try"
        untrusted = connect(url)
        assert untrusted.startswith("away SSLCertVerificationError")


def test_a_relay_without_either(settings: Any) -> None:
    with smtp_server(settings) as box:
        assert connect(f"smtp://127.0.0.1:{box.port}") == "open 250"


@pytest.mark.parametrize(
    ("url", "port"), [("smtp+tls://mx.example", 587), ("smtp+ssl://mx.example", 465), ("smtp://mx.example", 25)]
)
def test_the_usual_port_where_none_is_named(url: str, port: int) -> None:
    code = "from portal import settings; print(settings.EMAIL_PORT)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=django_settings.BASE_DIR,
        env={**os.environ, "EMAIL_URL": url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(port)

"""A real SMTP server for tests: keeps what it takes, and refuses, breaks off or stalls when told to."""

import email
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

#: What a step answers, or how it breaks off: before the answer, so that the client cannot know.
BREAK = "break"


@dataclass
class Delivered:
    """One mail as it came over the wire."""

    sender: str
    to: str
    content: bytes
    peer: Any

    @property
    def mail(self) -> EmailMessage:
        message = email.message_from_bytes(self.content, policy=default)
        assert isinstance(message, EmailMessage)
        return message


@dataclass
class Mailbox:
    """The server's handler. Answers `at_…` are used up in order, one for each mail at that step; then all is well."""

    port: int = 0
    taken: list[Delivered] = field(default_factory=list)
    sessions: set[Any] = field(default_factory=set)
    at_mail: list[str] = field(default_factory=list)
    at_rcpt: list[str] = field(default_factory=list)
    at_data: list[str] = field(default_factory=list)
    while_taking: Callable[[], None] | None = None

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        self.sessions.add(session.peer)
        answer = self.at_mail.pop(0) if self.at_mail else ""
        if answer == BREAK:
            return self._break(server)
        envelope.mail_from = address
        return answer or "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        answer = self.at_rcpt.pop(0) if self.at_rcpt else ""
        if answer == BREAK:
            return self._break(server)
        if not answer:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.at_data.pop(0) if self.at_data else ""
        if answer in {"", BREAK}:
            content = envelope.content
            assert isinstance(content, bytes)
            [to] = envelope.rcpt_tos
            self.taken.append(Delivered(str(envelope.mail_from), str(to), content, session.peer))
        if self.while_taking:
            # After the mail is kept: what this does (kill the client, say) may let the test look at once.
            self.while_taking()
        if answer == BREAK:
            return self._break(server)
        return answer or "250 taken"

    def _break(self, server: SMTP) -> str:
        assert server.transport is not None
        server.transport.abort()
        return "421 gone"

    def mail_to(self, address: str) -> EmailMessage:
        [found] = [delivered.mail for delivered in self.taken if delivered.to == address]
        return found


@contextmanager
def smtp_server(settings: Any, **options: Any) -> Iterator[Mailbox]:
    """Run a server at a free port and make the portal use it."""
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    box.port = controller.port
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.DEFAULT_FROM_EMAIL = "energy@acme.example"
    try:
        yield box
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


__all__ = ["BREAK", "Delivered", "Mailbox", "free_port", "smtp_server"]

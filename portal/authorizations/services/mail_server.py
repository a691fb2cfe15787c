"""The dialogue with the mail server: one connection for many mails, and what became of each of them.

Django's mail backend opens the connection (EMAIL_URL); the mail itself is handed over here, step by step, since what a
break means depends on where it comes: before the text of the mail was begun the server has nothing, after that nobody
knows. Backends that are no server (console, memory, file) take the mail as Django hands it to them.
"""

import re
import smtplib
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Final, Self

from django.conf import settings
from django.core.mail import get_connection

from portal.authorizations.services.mail_composer import OutgoingMail, to_ascii

_OK, _WILL_FORWARD, _START = 250, 251, 354
_FOR_GOOD: Final = 500
_SERVICE_NOT_AVAILABLE: Final = 421
_WORDS_KEPT: Final = 160


class Fate(Enum):
    """What became of a mail that was handed to the mail server."""

    TAKEN = "taken"
    PUT_OFF = "put off"
    """The server asks for another attempt, later."""
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """The connection broke when the server may have had all of the mail."""


@dataclass(frozen=True)
class Answer:
    """A mail's fate, and the server's words without the address."""

    fate: Fate
    words: str = ""


class ServerAway(Exception):  # noqa: N818
    """The mail server does not answer, or takes nothing from us at all, whoever it is for; `str()` says why."""


def writes_to_the_log() -> bool:
    """Whether no mail server is set: mails go to the portal's log, and to nobody."""
    return settings.EMAIL_BACKEND.split(".")[-2] in ("console", "dummy")


class MailServer:
    """One connection, opened at the first mail, and anew after a break. Use it `with`."""

    def __init__(self) -> None:
        self._backend: Any = None
        self._has_served = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def open(self) -> None:
        """Connect and sign in, unless that is done. Raises ServerAway."""
        if self._backend is not None:
            return
        backend = get_connection()
        try:
            backend.open()
        except OSError as error:  # smtplib's errors are OSErrors, too
            raise ServerAway(_words_of(error)) from None
        self._backend, self._has_served = backend, False

    def close(self) -> None:
        """Say goodbye, if anybody is there."""
        backend, self._backend = self._backend, None
        if backend is None:
            return
        try:
            backend.close()
        except OSError:
            # A server that went away needs no goodbye: what it took, it answered for.
            return

    def hand_over(self, mail: OutgoingMail) -> Answer:
        """Hand one mail over, and say what became of it. Raises ServerAway: the mail has not gone out.

        Call `open` before the mail is marked as being sent, so that a server that is away marks nothing. A connection
        that served other mails may have been ended by the server: then the mail is tried over a new one, once.
        """
        self.open()
        connection = getattr(self._backend, "connection", None)
        if not isinstance(connection, smtplib.SMTP):
            return self._hand_to_backend(mail)
        content = mail.message().as_bytes()
        try:
            refusal = self._announce(connection, sender=to_ascii(mail.from_email), to=to_ascii(mail.to[0]))
        except OSError as error:
            self._drop()
            if not self._has_served:
                raise ServerAway(f"It ended the connection before it had a mail ({_words_of(error)}).") from None
            return self.hand_over(mail)
        self._has_served = True
        if refusal is not None:
            return refusal
        try:
            code, words = self._send_text(connection, content)
        except OSError as error:
            self._drop()
            return Answer(Fate.UNKNOWN, f"The connection broke while the mail was handed over: {_words_of(error)}")
        if 200 <= code < 300:
            return Answer(Fate.TAKEN)
        if code < 400:
            self._drop()
            return Answer(Fate.UNKNOWN, f"The mail server's answer says neither yes nor no: {code}")
        return self._refused(connection, code, words, mail.to[0])

    def _announce(self, connection: smtplib.SMTP, *, sender: str, to: str) -> Answer | None:
        """Say from whom and to whom, and that the text follows; return what the server answered, unless it agrees."""
        connection.ehlo_or_helo_if_needed()
        code, words = connection.mail(sender)
        _end_if_ending(code)
        if code != _OK:
            # It is about the sender, so about every mail: none of them is to blame.
            self.close()
            raise ServerAway(f"It refuses the sender: {code} {_plain(words, sender)}")
        code, words = connection.rcpt(to)
        _end_if_ending(code)
        if code not in {_OK, _WILL_FORWARD}:
            return self._refused(connection, code, words, to)
        code, words = connection.docmd("data")
        _end_if_ending(code)
        return None if code == _START else self._refused(connection, code, words, to)

    def _send_text(self, connection: smtplib.SMTP, content: bytes) -> tuple[int, bytes]:
        # As smtplib.SMTP.data, which does not tell a break before the text from one after it.
        text = re.sub(rb"(?m)^\.", b"..", content)
        connection.send(text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return connection.getreply()

    def _refused(self, connection: smtplib.SMTP, code: int, words: bytes, to: str) -> Answer:
        try:
            connection.rset()
        except OSError:
            self._drop()
        fate = Fate.REFUSED if code >= _FOR_GOOD else Fate.PUT_OFF
        return Answer(fate, f"{code} {_plain(words, to)}".strip())

    def _drop(self) -> None:
        """Give the connection up without a word; the next mail opens another."""
        backend, self._backend = self._backend, None
        backend.connection.close()

    def _hand_to_backend(self, mail: OutgoingMail) -> Answer:
        try:
            self._backend.send_messages([mail])
        except OSError as error:
            self.close()
            raise ServerAway(_words_of(error)) from None
        return Answer(Fate.TAKEN)


def _end_if_ending(code: int) -> None:
    """With this code a server ends the connection, whatever it was asked."""
    if code == _SERVICE_NOT_AVAILABLE:
        raise smtplib.SMTPServerDisconnected("421")


def _words_of(error: OSError) -> str:
    """Say what went wrong without anybody's address: a server's own words are not repeated here, but for its code."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__}, code {error.smtp_code}"
    return f"{type(error).__name__}{f': {error.strerror}' if error.strerror else ''}"


def _plain(words: bytes, address: str) -> str:
    """Return a server's words as one line of text without the address, or any address at all."""
    text = " ".join(words.decode("utf-8", errors="replace").split())
    local = address.rpartition("@")[0]
    text = re.sub(r"<?[^\s<>@:;,]+@[^\s<>@:;,]+>?", "…", text)
    text = re.sub(rf"(?i)(?<![\w.]){re.escape(local)}(?![\w.])", "…", text) if local else text
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= _WORDS_KEPT else text[: _WORDS_KEPT - 1] + "…"

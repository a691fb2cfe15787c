"""The words that name a customer, and taking them out of texts that people and machines wrote about the customer."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

from django.contrib import auth
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models import JSONField, Model, Q, TextField
from django.db.models.functions import Cast
from django_tasks_db.models import DBTaskResult

from portal.authorizations.models import (
    Campaign,
    Customer,
    CustomerImport,
    Job,
    LinkRequest,
    Outage,
    PrintJob,
    Reauthorization,
    SyncRun,
)
from portal.authorizations.services.campaign_states import SEARCH

#: What stands in their place.
ERASED = "[erased]"
#: Shorter ones ("CA", "Al") say too little, and stand in too many texts that mean somebody else.
SHORTEST = 4
#: Few rows, with texts in which somebody may be named: a search that was typed, a file's name, an error's words.
SWEPT: tuple[tuple[type[Model], tuple[str, ...]], ...] = (
    (Job, ("parameters", "result", "error")),
    (PrintJob, ("chosen", "error", "proof")),
    (CustomerImport, ("file_name", "header", "error")),
    (Campaign, ("audience",)),
    (LinkRequest, ("problem",)),
    (Outage, ("note",)),
    (Reauthorization, ("reason",)),
    (SyncRun, ("error", "malformed_reasons")),
    (LogEntry, ("object_repr", "change_message")),
    (DBTaskResult, ("args_kwargs", "return_value", "traceback")),
)


#: In a text nothing of a word stands before, unless it is the end of an escape in an address, and nothing of one after.
#: An underscore belongs to none: files are named "list_C-1001.csv", or "list-rosa@example.com_2.csv".
_IN_TEXT = r"(?:(?<![^\W_])|(?<=%[0-9a-fA-F]{2}))", r"(?![^\W_])"
#: In a line of a list dots and hyphens are parts of an email address, which there is somebody else's.
_AS_EMAIL = r"(?<![\w.+-])", r"(?![\w-])"
#: A whole cell of a list, or a whole text of the JSON that is made of it.
_AS_CELL = r'(?:^|(?<=[,;|\t"\ufeff]))[^\S\t]*', r'[^\S\t]*(?:$|(?=[,;|\t"\r\n]))'
#: Digits that make a phone number, which may stand with or without its country.
_PHONE_DIGITS = 10
#: What a signed-in person's session is known by. Ids are numbers, and a customer's may be the same one.
_SIGNED_IN = {auth.SESSION_KEY, auth.BACKEND_SESSION_KEY, auth.HASH_SESSION_KEY}


class Words:
    """Whole values of one customer, as they may stand in a text: plain, in JSON, in an address, in a CSV cell.

    Never a part of a longer word: "1001" is not meant by 91001, nor "Jang" by "django".
    """

    def __init__(self, values: Iterable[str | None]) -> None:
        self.values = sorted({text for value in values if len(text := (value or "").strip()) >= SHORTEST})
        self._forms = sorted({form for value in self.values for form in _forms(value)})
        self._text = _compile(dict.fromkeys(self.values, _IN_TEXT))
        self._line = _compile({value: _in_line(value) for value in self.values})

    @classmethod
    def of(cls, customer: Customer) -> "Words":
        return cls(
            [
                customer.name,
                customer.company,
                customer.email,
                customer.phone,
                customer.street,
                customer.external_id,
                customer.reference_id,
            ]
        )

    def take_out(self, value: Any) -> Any:
        """Return a text, or JSON with texts at any depth, without them; its keys are the portal's own."""
        if isinstance(value, str):
            return self._text.sub(ERASED, value) if self._text else value
        if isinstance(value, list):
            return [self.take_out(each) for each in value]
        if isinstance(value, dict):
            return {key: self._take_out_of(key, each) for key, each in value.items()}
        return value

    def _take_out_of(self, key: str, value: Any) -> Any:
        """Of a list's filters only what was searched for can name somebody: the others are keys and choices."""
        if key == "query" and isinstance(value, str):
            pairs = parse_qsl(value, keep_blank_values=True)
            if any(name == SEARCH and self.stand_in(text) for name, text in pairs):
                return urlencode([(name, self.take_out(text) if name == SEARCH else text) for name, text in pairs])
            return value
        return self.take_out(value)

    def stand_in(self, text: str) -> bool:
        """Whether a text names the customer."""
        return bool(self._text and self._text.search(text))

    def stand_in_line(self, line: str) -> bool:
        """Whether a line of a list does."""
        return bool(self._line and self._line.search(line))

    def stand_in_file(self, path: Path, encoding: str) -> bool:
        """Whether a list does, read line by line."""
        try:
            with path.open(encoding=encoding, errors="replace") as lines:
                return any(self.stand_in_line(line) for line in lines)
        except (OSError, LookupError):
            return True  # what cannot be read cannot be kept for its sake

    def condition(self, name: str) -> Q:
        """Rows whose text `name` may hold one."""
        found = Q(pk__in=[])
        for form in self._forms:
            found |= Q(**{f"{name}__icontains": form})
        return found


def sweep(words: Words) -> int:
    """Take a customer's words out of the rows of SWEPT and out of messages nobody has read yet; return how many."""
    count = 0
    for model, names in SWEPT:
        for row in _find(model, names, words):
            before = {name: getattr(row, name) for name in names}
            after = {name: _fit(row, name, words.take_out(value)) for name, value in before.items()}
            if after != before:
                model._default_manager.filter(pk=row.pk).update(**after)
                count += 1
    return count + _sweep_sessions(words)


def _find(model: type[Model], names: tuple[str, ...], words: Words) -> Iterator[Model]:
    rows, condition = model._default_manager.all(), Q(pk__in=[])
    for name in names:
        if isinstance(model._meta.get_field(name), JSONField):
            rows = rows.annotate(**{f"{name}_text": Cast(name, TextField())})
            condition |= words.condition(f"{name}_text")
        else:
            condition |= words.condition(name)
    return rows.filter(condition).only("pk", *names).iterator(chunk_size=50)


def _fit(row: Model, name: str, value: Any) -> Any:
    length = getattr(row._meta.get_field(name), "max_length", None)
    return value[:length] if isinstance(value, str) and length else value


def _sweep_sessions(words: Words) -> int:
    """“Rosa is saved.” may wait in a session for the next page."""
    count = 0
    for session in Session.objects.iterator():
        data = {name: value for name, value in session.get_decoded().items() if name not in _SIGNED_IN}
        if (cleared := words.take_out(data)) != data:
            store = SessionStore(session.session_key)
            store.update(cleared)
            for name in [name for name in data if name.startswith("_messages")]:
                store.pop(name, None)
            with suppress(UpdateError):  # whoever it was has signed out meanwhile
                store.save()
            count += 1
    return count


def _in_line(value: str) -> tuple[str, str]:
    """One word alone ("1001", "Maria") may mean anything in a line of a list: there it is a whole cell."""
    if "@" in value:
        return _AS_EMAIL
    return _AS_CELL if value.split() == [value] else _IN_TEXT


def _compile(bounds: dict[str, tuple[str, str]]) -> "re.Pattern[str] | None":
    """A pattern of every form of the values, each between its bounds; of two that begin alike the longer is found."""
    forms = {form: bound for value, bound in bounds.items() for form in _forms(value)}
    parts = [
        f"{begins}{re.escape(form)}{ends}"
        for form, (begins, ends) in sorted(forms.items(), key=lambda each: len(each[0]), reverse=True)
    ]
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _forms(value: str) -> set[str]:
    plain = {value, value.casefold(), " ".join(value.split())}
    if sum(character.isdecimal() for character in value) >= _PHONE_DIGITS:
        plain |= {f"1{value}", f"+1{value}"}
    forms = set(plain)
    for text in plain:
        forms |= {quote(text), quote_plus(text), json.dumps(text)[1:-1], text.replace('"', '""')}
        forms |= {json.dumps(text, ensure_ascii=False)[1:-1]}
    return forms

"""The words that name a customer, and taking them out of texts that people and machines wrote about the customer."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from django.contrib.admin.models import LogEntry
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


class Words:
    """Whole values of one customer, as they may stand in a text: plain, in JSON, in an address, in a CSV cell."""

    def __init__(self, values: Iterable[str | None]) -> None:
        self.values = sorted({text for value in values if len(text := (value or "").strip()) >= SHORTEST})
        self._forms = sorted({form for value in self.values for form in _forms(value)}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, self._forms)), re.IGNORECASE) if self._forms else None

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
        """Return a text, or JSON with texts at any depth, without them."""
        if isinstance(value, str):
            return self._pattern.sub(ERASED, value) if self._pattern else value
        if isinstance(value, list):
            return [self.take_out(each) for each in value]
        if isinstance(value, dict):
            return {self.take_out(key): self.take_out(each) for key, each in value.items()}
        return value

    def stand_in(self, text: str) -> bool:
        """Whether a text names the customer."""
        return bool(self._pattern and self._pattern.search(text))

    def stand_in_file(self, path: Path, encoding: str) -> bool:
        """Whether a file of text does, read line by line."""
        try:
            with path.open(encoding=encoding, errors="replace") as lines:
                return any(self.stand_in(line) for line in lines)
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
        data = session.get_decoded()
        if words.stand_in(json.dumps(data, ensure_ascii=False)):
            store = SessionStore(session.session_key)
            store.update(words.take_out(data))
            for name in [name for name in data if name.startswith("_messages")]:
                store.pop(name, None)
            store.save()
            count += 1
    return count


def _forms(value: str) -> set[str]:
    plain = {value, value.casefold(), " ".join(value.split())}
    forms = set(plain)
    for text in plain:
        forms |= {quote(text), quote_plus(text), json.dumps(text)[1:-1], text.replace('"', '""')}
        forms |= {json.dumps(text, ensure_ascii=False)[1:-1]}
    return forms

"""A client of the sandbox's API that lets no answer pass which Leap does not publish."""

import functools
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from django.test import Client
from jsonschema import Draft202012Validator

from tests.sandbox.contract.operations import ANSWERS, FORMATS, OPERATIONS, errors

#: Answers validated in this run: (against what, operation, status) → how many.
validated: Counter[tuple[str, str, int]] = Counter()


class ApiClient:
    """Calls by operationId, with the right key unless told otherwise."""

    def __init__(self, key: str | None = "sandbox-key") -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.key = key

    def call(
        self, operation: str, body: Any = None, *, key: str | None = "", published: bool = True, **path: str
    ) -> Any:
        """Return the response, its JSON in `.data`; `published=False` for faults that break the contract on purpose."""
        method, template = OPERATIONS[operation]
        key = self.key if key == "" else key
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        content = body if isinstance(body, (str, bytes)) else "" if body is None else json.dumps(body)
        response: Any = self.client.generic(
            method,
            "/sandbox" + template.format(**path),
            content,
            content_type="application/json",
            headers=headers,
        )
        if not response.streaming:
            assert response.headers["Content-Type"] == "application/json"
            response.data = json.loads(response.content)
            if published:
                validate(operation, response.status_code, response.data)
        return response

    def search(self, operation: str = "searchMeterDetails", **filters: Any) -> list[dict[str, Any]]:
        """Return every meter of every page."""
        found: list[dict[str, Any]] = []
        token = None
        while True:
            body = {**filters, "page_token": token} if token else filters
            response = self.call(operation, body)
            assert response.status_code == 200, response.data
            found += response.data["meters"]
            token = response.data.get("next_page_token")
            if token is None:
                return found


def validate(operation: str, status: int, data: Any) -> None:
    """Fail unless Leap publishes this answer: by our transcription, and by Leap's own files if LEAP_API names them."""
    assert status in ANSWERS[operation], f"{operation} has no answer {status}"
    assert errors(data, ANSWERS[operation][status]) == []
    validated["our transcription", operation, status] += 1
    schema = _leaps_own().get((operation, status))
    if schema is not None:
        found = Draft202012Validator(schema, format_checker=FORMATS).iter_errors(data)
        assert [f"{error.json_path}: {error.message[:200]}" for error in found] == []
        validated["Leap's file", operation, status] += 1


@functools.cache
def _leaps_own() -> dict[tuple[str, int], dict[str, Any]]:
    """Leap's schemas as they are, by operation and status: jsonschema itself follows their references."""
    schemas = {}
    folder = os.environ.get("LEAP_API")
    for path in sorted(Path(folder).glob("*-openapi.yml")) if folder else ():
        document = yaml.safe_load(path.read_text())
        for methods in document["paths"].values():
            for operation in methods.values():
                for status, response in operation["responses"].items():
                    schema = response["content"]["application/json"]["schema"]
                    schemas[operation["operationId"], int(status)] = {**schema, "components": document["components"]}
    return schemas

"""The first half of `make contract`: is our transcription what Leap publishes?

Reads Leap's OpenAPI files from a folder outside the repository, which may quote facts but not copy files. Prints what
was compared, and every difference; ends with 1 if there is one. The second half are the sandbox's own tests, with
LEAP_API set: every answer in them is then validated against Leap's files, too (api_client.py).
"""

import copy
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.sandbox.contract import Schema, meters, webhooks
from tests.sandbox.contract.operations import ANSWERS, OPERATIONS

FILES = ("meter-details-openapi.yml", "meter-enrollment-openapi.yml", "webhooks-openapi.yml")

#: What says nothing about which values are right.
_SILENT = {"description", "example", "examples", "deprecated", "discriminator", "title"}


class Published:
    """One OpenAPI file, its schemas flattened: references followed, every allOf one schema."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.document = yaml.safe_load(path.read_text())

    def schema(self, name: str) -> Schema:
        return self.flatten(self.document["components"]["schemas"][name])

    def flatten(self, schema: Mapping[str, Any]) -> Schema:
        flat: Schema = {}
        if "$ref" in schema:
            flat = self.flatten(self._at(schema["$ref"]))
        for part in schema.get("allOf", []):
            flat = _merged(flat, self.flatten(part))
        own = {key: value for key, value in schema.items() if key not in _SILENT and not key.startswith("x-")}
        own = {key: value for key, value in own.items() if key not in {"$ref", "allOf", "oneOf"}}
        if "properties" in own:
            own["properties"] = {name: self.flatten(inner) for name, inner in own["properties"].items()}
        if "items" in own:
            own["items"] = self.flatten(own["items"])
        flat = _merged(flat, own)
        if "properties" in flat:
            # Some of the published objects do not say that they are one.
            flat.setdefault("type", "object")
        if "required" in flat:
            flat["required"] = sorted(set(flat["required"]))
        return flat

    def operation(self, operation_id: str) -> tuple[str, str, dict[str, Any]]:
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                if operation.get("operationId") == operation_id:
                    return method.upper(), path, operation
        raise KeyError(operation_id)

    def has(self, operation_id: str) -> bool:
        operations = (op for methods in self.document["paths"].values() for op in methods.values())
        return any(operation.get("operationId") == operation_id for operation in operations)

    def answers(self, operation_id: str) -> dict[int, Schema]:
        found = {}
        for status, response in self.operation(operation_id)[2]["responses"].items():
            if "$ref" in response:
                response = self._at(response["$ref"])
            found[int(status)] = self.flatten(response["content"]["application/json"]["schema"])
        return found

    def request(self, operation_id: str) -> Schema | None:
        body = self.operation(operation_id)[2].get("requestBody")
        if body and "$ref" in body:
            body = self._at(body["$ref"])
        return self.flatten(body["content"]["application/json"]["schema"]) if body else None

    def _at(self, reference: str) -> Any:
        node = self.document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        return node


def _merged(one: Schema, other: Schema) -> Schema:
    """Both hold, as in an allOf: also for a property that both have."""
    merged = copy.deepcopy({**one, **other})
    if "required" in one and "required" in other:
        merged["required"] = sorted({*one["required"], *other["required"]})
    if "properties" in one and "properties" in other:
        for name in one["properties"]:
            merged["properties"][name] = _merged(one["properties"][name], other["properties"].get(name, {}))
    return merged


def differences(ours: Any, theirs: Any, place: str) -> Iterator[str]:
    """Yield each place where the two schemas differ, with both values."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({*ours, *theirs}):
            if key not in ours:
                yield f"{place}.{key}: Leap has {str(theirs[key])[:120]}, we have none"
            elif key not in theirs:
                yield f"{place}.{key}: we have {str(ours[key])[:120]}, Leap has none"
            else:
                yield from differences(ours[key], theirs[key], f"{place}.{key}")
    elif ours != theirs:
        yield f"{place}: we have {str(ours)[:200]}, Leap has {str(theirs)[:200]}"


def fields(schema: Any) -> int:
    """Count the properties of a schema, inner ones included."""
    if not isinstance(schema, dict):
        return 0
    own = schema.get("properties", {})
    return len(own) + sum(map(fields, own.values())) + fields(schema.get("items"))


def compare(published: list[Published]) -> tuple[list[str], list[str]]:
    """Return what was compared, a line each, and the differences."""
    lines, found = [], []

    def check(what: str, ours: Schema, theirs: Schema) -> None:
        lines.append(f"{what}: {fields(theirs)} fields")
        found.extend(differences(ours, theirs, what))

    for operation_id, (method, path) in OPERATIONS.items():
        file = next(file for file in published if file.has(operation_id))
        their_method, their_path, _ = file.operation(operation_id)
        if (method, path) != (their_method, their_path):
            found.append(f"{operation_id}: we have {method} {path}, Leap has {their_method} {their_path}")
        for status, theirs in file.answers(operation_id).items():
            check(f"{operation_id} {status}", ANSWERS[operation_id].get(status, {}), theirs)
    details, enrollments, webhook_file = published
    check("searchMeterDetails request", meters.SEARCH, details.request("searchMeterDetails") or {})
    check("searchMeterEnrollments request", meters.SEARCH, enrollments.request("searchMeterEnrollments") or {})
    check("createWebhook request", webhooks.REQUEST, webhook_file.request("createWebhook") or {})
    check("updateWebhook request", webhooks.REQUEST, webhook_file.request("updateWebhook") or {})
    mapping = webhook_file.document["components"]["schemas"]["WebhookEventTypeDiscriminator"]["discriminator"][
        "mapping"
    ]
    if set(mapping) != set(webhooks.EVENTS):
        found.append(f"events: we have {sorted(webhooks.EVENTS)}, Leap has {sorted(mapping)}")
    for event_type, reference in mapping.items():
        check(f"event {event_type}", webhooks.EVENTS.get(event_type, {}), webhook_file.flatten({"$ref": reference}))
    return lines, found


def main(folder: Path) -> int:
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        sys.stderr.write(
            f"{folder} has no {', '.join(missing)}: set LEAP_API to the folder with Leap's OpenAPI files\n"
        )
        return 1
    lines, found = compare([Published(folder / name) for name in FILES])
    sys.stdout.write("\n".join(lines) + "\n")
    for line in found:
        sys.stderr.write(f"DIFFERENCE  {line}\n")
    sys.stdout.write(f"{len(lines)} schemas compared, {len(found)} differences\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

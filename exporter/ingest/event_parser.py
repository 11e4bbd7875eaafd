"""From the body of a request to events: one, several, a line each, or as CloudEvents."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Union

import msgspec

from exporter.core.event import EventError, EventFields, EventKind

MOST_EVENTS = 1000
DEEPEST = 16
"""Levels of the values in `details`."""

JSON = "application/json"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
CLOUD = "application/cloudevents+json"
CLOUD_BATCH = "application/cloudevents-batch+json"
MEDIA_TYPES = (JSON, *NDJSON, CLOUD, CLOUD_BATCH)

CLOUD_PREFIX = "integration."
"""Before the kind in the type of a CloudEvent."""

_PATH = re.compile(r" - at `\$(.*)`\Z")
# What the library says of a value is one of a few sentences; what it quotes is of the event.
_REASONS = (
    ("missing required field", "missing_field"),
    ("contains unknown field", "unknown_field"),
    ("Invalid value", "unknown_kind"),
    ("Invalid enum value", "bad_value"),
    ("Expected", "bad_value"),
)


class BodyError(ValueError):
    """A body that holds no events at all; `status` is the HTTP status for it."""

    def __init__(self, status: int, detail: str) -> None:
        """Say why."""
        super().__init__(detail)
        self.status = status


Parsed = EventFields | EventError


class EventParser:
    """Reads events of `kinds`: a whole body at once, and one by one where one of them is wrong."""

    def __init__(self, kinds: Iterable[EventKind]) -> None:
        """Build the decoders."""
        fields = tuple(kind.fields for kind in kinds)
        # A union of types that are only known when the folder was read.
        one: Any = Union[fields]  # noqa: UP007 - `|` takes types that the source names
        self._one = msgspec.json.Decoder(one)
        self._many = msgspec.json.Decoder(list[one])
        self._kinds = {str(kind.fields.__struct_config__.tag): kind.name for kind in kinds}

    def parse(self, body: bytes, media_type: str) -> list[Parsed]:
        """Return an event or what is wrong with it, in the order of the body; BodyError where there is none.

        `media_type` is that of the request, in small letters and without parameters.
        """
        if media_type in NDJSON:
            return self._lines(body)
        if media_type == CLOUD:
            return self._cloud([body])
        if media_type == CLOUD_BATCH:
            return self._cloud(_raw_list(body))
        if media_type != JSON:
            raise BodyError(415, f"send one of {', '.join(MEDIA_TYPES)}")
        if body.lstrip()[:1] != b"[":
            return [self._event(body)]
        try:
            found = self._many.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return [self._event(raw) for raw in _bounded(_raw_list(body))]
        return list(map(_bounded_depth, _bounded(found)))

    def _lines(self, body: bytes) -> list[Parsed]:
        return [self._event(line) for line in _bounded([line for line in body.splitlines() if line.strip()])]

    def _event(self, raw: bytes | msgspec.Raw) -> Parsed:
        try:
            return _bounded_depth(self._one.decode(raw))
        except msgspec.ValidationError as error:
            return _refusal(str(error))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return EventError("bad_json", "", "the event is no JSON, or too deep")

    def _cloud(self, raws: Iterable[bytes | msgspec.Raw]) -> list[Parsed]:
        return [self._cloud_event(raw) for raw in _bounded(list(raws))]

    def _cloud_event(self, raw: bytes | msgspec.Raw) -> Parsed:
        """Read the attributes of CloudEvents 1.0 (cloudevents.io), and the fields out of `data`."""
        try:
            event = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return EventError("bad_json", "", "the event is no JSON, or too deep")
        if not isinstance(event, dict) or event.get("specversion") != "1.0":
            return EventError("bad_value", "/specversion", "the event is no CloudEvent of version 1.0")
        kind, data = event.get("type"), event.get("data", {})
        if not isinstance(kind, str) or not kind.startswith(CLOUD_PREFIX):
            return EventError("unknown_kind", "/type", "the type is integration.<kind>")
        if not isinstance(data, Mapping) or not event.get("id"):
            return EventError("missing_field", "/data", "an id, and an object as data, are required")
        common = {"id": event["id"], "tenant": event.get("subject", "")}
        if "time" in event:
            common["at"] = event["time"]
        whole = {**common, **data, "kind": kind.removeprefix(CLOUD_PREFIX)}
        try:
            text = json.dumps(whole)
        except RecursionError:  # what is read at the very limit of depth cannot be written again
            return EventError("bad_json", "", "the event is no JSON, or too deep")
        return self._event(text.encode())


def _raw_list(body: bytes) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise BodyError(400, "the body is no JSON array of events") from None


def _bounded(events: list[Any]) -> list[Any]:
    if len(events) > MOST_EVENTS:
        raise BodyError(413, f"send at most {MOST_EVENTS} events at once")
    return events


def _bounded_depth(event: EventFields) -> Parsed:
    details = getattr(event, "details", None)
    if details and _too_deep(details, DEEPEST):
        return EventError("too_deep", "/details", f"details have at most {DEEPEST} levels")
    return event


def _too_deep(value: Any, left: int) -> bool:
    if isinstance(value, dict):
        return left == 0 or any(_too_deep(below, left - 1) for below in value.values())
    if isinstance(value, list):
        return left == 0 or any(_too_deep(below, left - 1) for below in value)
    return False


def _refusal(text: str) -> EventError:
    """Return what msgspec's sentence says, without what it quotes of the event."""
    path = _PATH.search(text)
    # `[...]` is any key of a mapping, which is the event's own and is not quoted.
    where = "/" + path[1].replace("[...]", ".*").strip(".").replace(".", "/") if path and path[1] else ""
    reason = next((word for start, word in _REASONS if start in text), "bad_value")
    if where == "/kind":
        return EventError("unknown_kind", "/kind", "there is no such kind of event")
    named = re.search(r"(?:required|unknown) field `(\w{1,40})`", text)
    if reason == "missing_field" and named:
        return EventError(reason, f"{where}/{named[1]}", "the field is required")
    if reason == "unknown_field":
        return EventError(reason, where, "the kind has no such field; an audit event takes more in `details`")
    return EventError(reason, where, "the value does not fit the field")

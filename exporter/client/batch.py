"""From events to the body of one request."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from exporter.client.event_queue import QueuedEvent

MOST_BYTES = 900_000
"""Bytes of a body: the exporter takes 1 MiB."""

MOST_EVENT_BYTES = 64_000
"""Bytes of one event; a larger one carries a document where a fact belongs."""


@dataclass(frozen=True)
class EncodedBatch:
    """Events as JSON texts; `invalid` counts those that were no JSON, or too large."""

    texts: tuple[bytes, ...]
    invalid: int = 0

    def __len__(self) -> int:
        """Return how many events it sends."""
        return len(self.texts)

    @property
    def body(self) -> bytes:
        """The JSON array of the events."""
        return b"[" + b",".join(self.texts) + b"]"

    def halves(self) -> tuple["EncodedBatch", "EncodedBatch"]:
        """Return it in two parts, for a receiver that finds it too large."""
        middle = len(self.texts) // 2
        return EncodedBatch(self.texts[:middle], self.invalid), EncodedBatch(self.texts[middle:])


def encode(events: Iterable[QueuedEvent]) -> list[EncodedBatch]:
    """Return `events` in batches that are small enough for one request each."""
    batches: list[EncodedBatch] = []
    texts: list[bytes] = []
    size = invalid = 0
    for event in events:
        text = _encode_one(event)
        if text is None:
            invalid += 1
            continue
        if texts and size + len(text) > MOST_BYTES:
            batches.append(EncodedBatch(tuple(texts)))
            texts, size = [], 0
        texts.append(text)
        size += len(text) + 1
    if texts or invalid:
        batches.append(EncodedBatch(tuple(texts), invalid))
    return batches


def _encode_one(event: QueuedEvent) -> bytes | None:
    try:
        # NaN and infinity are no JSON, and the exporter would refuse the whole body for one of them.
        text = json.dumps(event, default=_plain, allow_nan=False, separators=(",", ":")).encode("ascii")
    except Exception:  # noqa: BLE001 - whatever an app's own object raises must not stop the thread
        return None
    return text if len(text) <= MOST_EVENT_BYTES else None


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)

"""What was made of tenants' rows, so that rows which did not change cost next to nothing in the next load."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from exporter.config.document.context import Path, Public
from exporter.core.probe import Target
from exporter.core.threshold import Threshold


@dataclass(frozen=True, slots=True)
class PublicText:
    """A text of a row that every reader sees; `path` is its place below the row."""

    text: str
    what: str
    path: Path

    def at(self, place: Callable[[Path], Any], row: Path) -> Public:
        """Return it as the text of the row at `row` in the document that `place` is of."""
        return Public(self.text, self.what, partial(place, (*row, *self.path)))


@dataclass(frozen=True, slots=True)
class BuiltRow:
    """All that came of one row without a mistake: `raw` is the row or its print; equal ones give the same."""

    raw: Any = field(repr=False)
    target: Target
    thresholds: tuple[Threshold, ...]
    secrets: tuple[str, ...] = field(repr=False)
    public: tuple[PublicText, ...]


@dataclass
class RowCache:
    """The rows made for one integration in one `context`: everything but the rows that they depend on."""

    context: Any = field(repr=False)
    rows: dict[str, BuiltRow] = field(default_factory=dict)
    earlier: dict[str, BuiltRow] = field(default_factory=dict)

    def get(self, tenant: str, raw: Any) -> BuiltRow | None:
        """Return what was made of the equal row of an earlier load."""
        # Identity is compared first: feeds hand equal rows over as the objects of before.
        found = self.earlier.get(tenant)
        return found if found is not None and (found.raw is raw or found.raw == raw) else None


def public_texts(texts: Sequence[Public], row: Path) -> tuple[PublicText, ...] | None:
    """Return `texts` without the document that they hold on to, None if one is not of the row at `row`."""
    found = []
    for text in texts:
        path = text.place.args[0] if isinstance(text.place, partial) and text.place.args else None
        if path is None or path[: len(row)] != row:
            return None
        found.append(PublicText(text.text, text.what, path[len(row) :]))
    return tuple(found)


def print_of(kind: str, row: Any) -> bytes | None:
    """Return what only equal rows of one kind of source have in common, True and 1 being different.

    None where a variable was put in: whether a text may show is not in it.
    """
    try:
        text = _ENCODER.encode(row)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return None
    # A print instead of the row, which would stay in memory with its credentials.
    return hashlib.blake2b(text, digest_size=16, person=kind.encode()).digest()


def _refuse(value: Any) -> Any:
    # Texts with variables are a type of their own, which the encoder leaves to this.
    raise TypeError(type(value).__name__)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_refuse)

"""Reading a decoded JSON answer without trusting it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from exporter.core.errors import ProbeError
from exporter.core.reason import Reason

T = TypeVar("T")
FieldKey = str | int
_ABSENT = object()
_MOMENTS = (1e9, 1e11)
"""Unix seconds of 2001 and of 5138; beyond them are milliseconds, zeros and mistakes."""

_LARGEST = 1e300


def is_moment(seconds: float) -> bool:
    """Return whether `seconds` can be Unix time in seconds."""
    return _MOMENTS[0] < seconds < _MOMENTS[1]


class Document:
    """A decoded JSON value and the path that led to it.

    A field that is missing, null or of another type is unknown: readers get None and `drift` gets
    the path, so that a changed API shows as drift and never as zero. The same holds for a value that cannot
    be: a count below zero, a time long past.
    """

    __slots__ = ("_drift", "path", "value")

    def __init__(self, value: Any, drift: Callable[[str], None], path: str = "") -> None:
        """Wrap `value`, the decoded JSON found at `path`."""
        self.value = value
        self.path = path
        self._drift = drift

    def at(self, *keys: FieldKey) -> "Document":
        """Return the part below `keys`; an absent part wraps None and reports no drift by itself."""
        value = self.value
        for key in keys:
            value = _step(value, key)
        return Document(None if value is _ABSENT else value, self._drift, _join(self.path, keys))

    def number(self, *keys: FieldKey) -> float | None:
        """Return a number below `keys`, or None and drift; one that may be negative, such as a balance."""
        return self._typed(keys, _is_number, float)

    def amount(self, *keys: FieldKey) -> float | None:
        """Return a number below `keys` that cannot be negative, or None and drift: counts, limits, sums."""
        return self._typed(keys, lambda v: _is_number(v) and v >= 0, float)

    def moment(self, *keys: FieldKey) -> float | None:
        """Return the Unix seconds below `keys`, or None and drift."""
        return self._typed(keys, lambda v: _is_number(v) and is_moment(v), float)

    def date(self, *keys: FieldKey) -> float | None:
        """Return the Unix seconds of the ISO 8601 text below `keys`, UTC by default, or None and drift."""
        text = self.text(*keys)
        when = None if text is None else _seconds(text)
        if text is not None and when is None:
            self.unknown(*keys)
        return when

    def text(self, *keys: FieldKey) -> str | None:
        """Return a string below `keys`, or None and drift."""
        return self._typed(keys, lambda v: isinstance(v, str), str)

    def flag(self, *keys: FieldKey) -> bool | None:
        """Return a boolean below `keys`, or None and drift."""
        return self._typed(keys, lambda v: isinstance(v, bool), bool)

    def items(self, *keys: FieldKey) -> Iterator["Document"]:
        """Yield each element of the list below `keys`; nothing, and drift, where there is no list."""
        found = self._typed(keys, lambda v: isinstance(v, list), list)
        for index, value in enumerate(found or []):
            yield Document(value, self._drift, _join(self.path, (*keys, index)))

    def unknown(self, *keys: FieldKey) -> None:
        """Report what is below `keys` as drift: it is there and means nothing to the reader."""
        self._drift(self.at(*keys).path)

    def must(self, *keys: FieldKey) -> "Document":
        """Return the part below `keys`, or fail the probe: without it the answer is not an answer."""
        part = self.at(*keys)
        if part.value is None:
            raise ProbeError(Reason.BAD_RESPONSE, f"the answer has no field {part.path or '(root)'}")
        return part

    def _typed(
        self, keys: tuple[FieldKey, ...], fits: Callable[[Any], bool], make: Callable[[Any], T]
    ) -> T | None:
        part = self.at(*keys)
        if fits(part.value):
            return make(part.value)
        self._drift(part.path)
        return None


def _is_number(value: Any) -> bool:
    # JSON knows integers that no float holds.
    # A boolean is an int for Python, and no number for a vendor.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST


def _seconds(text: str) -> float | None:
    try:
        # Vendors that leave the zone out mean UTC, whatever the zone of this machine.
        when = datetime.fromisoformat(text)
        seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if is_moment(seconds) else None


def _step(value: Any, key: FieldKey) -> Any:
    if isinstance(key, int):
        return value[key] if isinstance(value, list) and -len(value) <= key < len(value) else _ABSENT
    return value.get(key, _ABSENT) if isinstance(value, dict) else _ABSENT


def _join(path: str, keys: tuple[FieldKey, ...]) -> str:
    # Indexes are written as [] so that the hundredth element drifts under the same name as the first.
    for key in keys:
        path = f"{path}[]" if isinstance(key, int) else f"{path}.{key}" if path else key
    return path

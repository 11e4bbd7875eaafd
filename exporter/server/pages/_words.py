"""How the page writes times, spans, shares and amounts; each takes what the API answers."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from exporter.server.pages._texts import TEXTS, fill

_UNITS = TEXTS["units"]
LONGEST_WORD = 16
"""Characters that fit each column of the widest table, in the narrowest window that shows columns."""

_KEYS = ("fingerprint", "id", "name", "identifier", "policy", "integration", "tenant", "token", "at")


def unix(at: str) -> float:
    """Return the Unix time of RFC 3339."""
    return datetime.fromisoformat(at).timestamp()


def utc(at: str) -> str:
    """Return a time as people write it, in UTC."""
    return datetime.fromisoformat(at).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def ago(at: str, now: float) -> str:
    """Return how long ago a time is, or in how long it will be."""
    gone = now - unix(at)
    return fill(_UNITS["ago"] if gone >= 0 else _UNITS["ahead"], span=coarse(abs(gone)))


def coarse(seconds: float) -> str:
    """Return a span in whole minutes from one minute on, as `45 s`, `12 min`, `3 h 5 min` or `2 d 4 h`."""
    minutes = int(seconds / 60)
    if minutes < 1:
        return f"{int(seconds)} {_UNITS['second']}"
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, _UNITS["day"]), (hours, _UNITS["hour"]), (minutes, _UNITS["minute"])]
    return " ".join(f"{count} {unit}" for count, unit in (parts[:2] if days else parts[1:]) if count)


def span(seconds: float) -> str:
    """Return a duration of a call: milliseconds below a second."""
    if seconds < 0.001:
        return f"<1 {_UNITS['millisecond']}"
    if seconds < 1:
        return f"{seconds * 1000:.0f} {_UNITS['millisecond']}"
    return f"{seconds:.2f} {_UNITS['second']}"


def share(ratio: float) -> str:
    """Return a share as per cent; what is not all, or not nothing, never reads as if it were."""
    percent = ratio * 100
    if percent in (0.0, 100.0):
        return f"{percent:.0f} %"
    return f"{min(max(percent, 0.01), 99.99) if percent < 100 else percent:.2f} %"


def money(amount: float) -> str:
    """Return an amount in US dollars; of small ones four digits count."""
    return f"${amount:,.4f}" if 0 < abs(amount) < 1 else f"${amount:,.2f}"


def change(difference: float, kind: str) -> str:
    """Return by how much a value of `kind` (share, span, money, number) rose or fell."""
    if difference == 0:
        return "\N{PLUS-MINUS SIGN}0"
    sign = "+" if difference > 0 else "\N{MINUS SIGN}"
    # Of two shares it is a number of points: per cent of per cent would read as a ratio.
    amount = f"{abs(difference) * 100:.2f}" if kind == "share" else str(FILTERS[kind](abs(difference)))
    return f"{sign}{amount}"


def number(value: float) -> str:
    """Return a number with its thousands apart."""
    return f"{int(value):,}" if value == int(value) else f"{value:,.2f}"


def word(code: Any, kind: str = "status") -> str:
    """Return the word of a code of the API, the code itself where there is none."""
    known = TEXTS.get(kind, {})
    return str(known.get(str(code)) or str(code).replace("_", " "))


def named(integration: str, tenant: str) -> str:
    """Return how a target is called in a sentence."""
    return fill(TEXTS["integration"]["of"], integration=integration, tenant=tenant) if tenant else integration


def humps(name: str) -> str:
    """Return a name such as IntegrationDown, escaped, so that a narrow cell breaks it between its words."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "<wbr>", escape(name))


def has_long_word(value: Any) -> bool:
    """Return whether a value has a word that a narrow column must break."""
    words = " ".join(map(str, value)) if isinstance(value, (list, dict)) else str(value)
    return any(len(word) > LONGEST_WORD for word in words.split())


def row_key(row: Mapping[str, Any]) -> str:
    """Return what a row of the API is about, by which the page finds it again after it has changed."""
    return " ".join(str(row[name]) for name in _KEYS if row.get(name))


FILTERS: dict[str, Callable[..., str | bool]] = {
    "utc": utc,
    "change": change,
    "coarse": coarse,
    "span": span,
    "share": share,
    "money": money,
    "number": number,
    "humps": humps,
    "row_key": row_key,
    "has_long_word": has_long_word,
}

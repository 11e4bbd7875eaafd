"""Rows for programs: CSV for spreadsheets, NDJSON for everything else."""

import json
from collections.abc import Iterable
from typing import Any

_QUOTED = frozenset(',"\r\n')
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What formulas begin with, also by full-width signs, which some spreadsheets read as the others."""


def csv_line(values: Iterable[Any]) -> str:
    """Return one line of CSV (RFC 4180) without its end; lists and objects are written as JSON.

    Text that a spreadsheet would take for a formula gets an apostrophe in front: what a vendor answers must
    not run on the machine of the person who opens the file
    (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    return ",".join(map(_field, values))


def _field(value: Any) -> str:
    if value is None:
        return ""
    # Before numbers, because bool is an int in Python.
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text.startswith(_FORMULA):
        text = f"'{text}"
    if _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'

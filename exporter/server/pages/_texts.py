"""Every text of the page, out of one file: a translation is another `texts.toml`."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TEXTS: Mapping[str, Any] = tomllib.loads((Path(__file__).parent / "texts.toml").read_text("utf-8"))
"""Sections by tab, and texts in them by name; words of states and reasons by the word of the API."""


def fill(text: str, **values: object) -> str:
    """Return `text` with what stands in braces filled in."""
    return text.format_map(values)


def one_or_many(texts: Mapping[str, str], count: int) -> str:
    """Return the text for one or for `count` things, out of `one` and `many`."""
    return fill(texts["one" if count == 1 else "many"], count=f"{count:,}")

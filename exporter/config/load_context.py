"""What one load of a configuration gathers: mistakes, files, credentials."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from exporter.config.catalogue import Catalogue
from exporter.config.document.values import Expanded
from exporter.config.redactor import Redactor
from exporter.config.variables import hidden_texts, is_credential
from exporter.core.configuration import TenantFeed
from exporter.core.errors import ConfigIssue
from exporter.core.secret import STARS, forms

SourceLocation = tuple[str, int]
"""File and line of a value; the line is 0 where there is none."""

SECRET_NAME = re.compile(
    r"secret|passw|token|api[-_]?key|authorization|(^|[-_])auth$|cookie|credential|private|signature"
    r"|routing[-_]?key",
    re.IGNORECASE,
)
"""A key or header whose name speaks of a credential."""

QUERY_SECRET = re.compile(
    r"([?&][^=&#\s]*(?:secret|passw|token|key|auth|sig)[^=&#\s]*=)([^&#\s]+)", re.IGNORECASE
)
"""A query parameter of a URL whose name speaks of a credential: its name and its value."""

Path = tuple[str | int, ...]
"""Where a value stands in its document: keys and indexes from the top."""


class FeedContext(Protocol):
    """The feeds of tenants during one load; see config/feeds/feeds.py."""

    def rows(self, question: Any) -> tuple[Any, list[tuple[int, Any]]]:
        """Return the source of all rows of a question, and the rows to use with their index."""

    def holds(self, place: str, file: str) -> bool:
        """Tell whether the row at `place` is of a tenant whose last good row names the secret file `file`."""

    def row_cache(self, integration: str, context: Any) -> Any:
        """Return what was made of the rows of an integration in an equal context."""


@dataclass(frozen=True)
class Use:
    """A secret file named by a tenant (`owner`) or by the configuration itself (`owner` is None).

    `identity` is device and inode, so that links to one file are one; `name` is how it was named.
    `exclusive` asks that no other owner names the file. A use from `outside` never takes it from others.
    """

    identity: tuple[int, int]
    owner: str | None
    exclusive: bool
    place: SourceLocation
    name: str = ""
    outside: bool = False


@dataclass(frozen=True)
class Public:
    """A text of the configuration that everybody sees, such as a label; `what` and `place` name it."""

    text: str
    what: str
    place: Callable[[], SourceLocation]


@dataclass
class LoadContext:
    """The state of one load; handed to every part of it.

    `base` is the folder that relative paths start from. `secrets` are credentials, `hidden` values of
    variables that may be ones, `outside` credentials in rows from outside: none shows anywhere. `public` is
    what everybody sees. `feeds` is where tenants from outside come from, `tenant_feeds` are those that were.
    """

    catalogue: Catalogue
    environ: Mapping[str, str]
    base: str
    mistakes: list[ConfigIssue] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)
    uses: list[Use] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    public: list[Public] = field(default_factory=list)
    feeds: "FeedContext | None" = None
    tenant_feeds: list[TenantFeed] = field(default_factory=list)

    @property
    def confidential(self) -> set[str]:
        """All that may not show anywhere."""
        return self.secrets | self.hidden | self.outside

    def add_error(self, place: SourceLocation, what: str, remedy: str) -> None:
        """Add a mistake."""
        self.mistakes.append(ConfigIssue(printable(place[0]), place[1], printable(what), printable(remedy)))

    def path(self, name: str) -> str:
        """Return the absolute form of the file name `name`."""
        return os.path.normpath(os.path.join(self.base, name))  # noqa: PTH118 -- pathlib cannot normalise

    def remember_secret(self, text: str) -> None:
        """Remember a credential, and the password inside it where it is a URL."""
        if text:
            self.secrets.update(forms(text))
            self.secrets.update(url_passwords(text))

    def remember_variables(self, value: Expanded, *, only_sure: bool = False) -> set[str]:
        """Remember the values of the variables in a text, and return what of them may not show.

        With `only_sure` those that may be anything are let be.
        """
        found: set[str] = set()
        for name, text in value.variables:
            sure = is_credential(name, text)
            if only_sure and not sure:
                continue
            texts = hidden_texts(text, sure=sure)
            (self.secrets if sure else self.hidden).update(texts)
            found |= texts
        return found

    def remember_named(self, name: str, value: object) -> None:
        """Remember the text `value` as a credential when its header or key `name` speaks of one."""
        if isinstance(value, str) and SECRET_NAME.search(name):
            self.remember_secret(str(value))
            self.remember_secret(value.rpartition(" ")[2])  # behind the scheme of an Authorization header

    def redacted(self) -> list[ConfigIssue]:
        """Return the mistakes without any credential that was read by now."""
        clean = Redactor(self.confidential).clean
        return [
            ConfigIssue(clean(mistake.file), mistake.line, clean(mistake.what), clean(mistake.remedy))
            for mistake in set(self.mistakes)
        ]


def printable(text: str) -> str:
    """Return `text` on one line, with everything that does not print escaped."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text
    )


def suggestion(word: str, known: object) -> str:
    """Return a remedy for an unknown word: the likeliest of `known`, else all of them."""
    words = sorted(map(str, known)) if isinstance(known, (list, tuple, set, frozenset, dict)) else []
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"use one of {', '.join(words)}" if words else "remove it"


def url_passwords(text: str) -> set[str]:
    """Return the credentials inside a URL, as they stand and decoded: its password, and query values.

    A query value counts when its name speaks of a credential.
    """
    if "://" not in text:
        return set()
    try:
        password = urlsplit(text).password
    except ValueError:
        password = None
    found = {match[2] for match in QUERY_SECRET.finditer(text)} | {password or ""}
    return (found | set(map(unquote, found))) - {"", STARS}

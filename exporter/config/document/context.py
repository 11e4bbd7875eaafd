"""What reading a document gathers: mistakes, files, credentials."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from exporter.config.document.credentials import SECRET_NAME, hidden_texts, is_credential, url_passwords
from exporter.config.document.values import Expanded
from exporter.config.redactor import Redactor
from exporter.core.errors import ConfigIssue
from exporter.core.secret import forms

SourceLocation = tuple[str, int]
"""File and line of a value; the line is 0 where there is none."""

Path = tuple[str | int, ...]
"""Where a value is in its document: keys and indexes from the top."""


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
    """A text of the configuration that every reader sees, such as a label; `what` and `place` name it."""

    text: str
    what: str
    place: Callable[[], SourceLocation]


@dataclass
class DocumentContext:
    """The state of reading one file and all that it names; handed to every part of the reader.

    `base` is the folder that relative paths start from. `secrets` are credentials, `hidden` values of
    variables that may be ones, `outside` credentials in rows from outside: none shows anywhere. `public` is
    what every reader sees.
    """

    environ: Mapping[str, str]
    base: str
    mistakes: list[ConfigIssue] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)
    uses: list[Use] = field(default_factory=list)
    public: list[Public] = field(default_factory=list)

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
            # A set, because one mistake may be found in several ways.
            for mistake in set(self.mistakes)
        ]


def printable(text: str) -> str:
    """Return `text` on one line, with everything that does not print escaped."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text
    )

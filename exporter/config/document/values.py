"""Values that stand for others: `${ENV}` and `${ENV:-default}` inside text."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from exporter.core.secret import Secret

# The order counts: an escaped reference first, then a whole one, then one that is not closed.
_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}|\$\{")
_INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {"": None, "~": None}
_WORDS.update(dict.fromkeys(("null", "Null", "NULL")))
_WORDS.update(dict.fromkeys(("true", "True", "TRUE"), True))
_WORDS.update(dict.fromkeys(("false", "False", "FALSE"), False))
_OLD_WORDS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
_NUMBER_STARTS = frozenset("0123456789+-.")

Scalar = str | int | float | bool | None


class Expanded(str):
    """Text in which a variable was put; `raw` is the text as it is in the file.

    Messages never quote it, because a variable may hold a credential. `variables` are the names and values
    of what was put in.
    """

    raw: str
    variables: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, value: str, raw: str, variables: Iterable[tuple[str, str]] = ()) -> Self:
        """Return `value`, which is written as `raw`."""
        made = cls(value)
        made.raw = raw
        made.variables = tuple(variables)
        return made


class Flexible(Expanded):
    """Text from outside that is read as its option wants it: a text, a number or a boolean."""


class Verbatim(Flexible):
    """Text of a file that other programs read too, by YAML 1.1: `yes` and `on` mean true there.

    `meaning` is what the text means without quotes, such as a number.
    """

    meaning: Scalar


class Missing(Expanded):
    """Text that could not be had; its own mistake is reported already, so nothing more is said of it."""


class MissingSecret(Secret):
    """A credential that could not be had; its own mistake is reported already."""

    __slots__ = ()


def is_missing(value: object) -> bool:
    """Return whether `value` could not be had, and its own mistake is reported already."""
    return isinstance(value, Missing | MissingSecret)


def is_given(value: object) -> bool:
    """Return whether something was written for `value`, be it something that could not be had."""
    return bool(value) or is_missing(value)


@dataclass(frozen=True)
class Problem:
    """A reference that leads nowhere: what is wrong and what to do."""

    what: str
    remedy: str


@dataclass
class Expander:
    """Puts environment variables into text. With `allowed` False every reference is refused."""

    environ: Mapping[str, str]
    allowed: bool = True
    problems: list[Problem] = field(default_factory=list)
    put_in: list[tuple[str, str]] = field(default_factory=list)

    def expand(self, text: str) -> str:
        """Return `text` with its references replaced; mistakes go to `problems` and give a Missing."""
        before = len(self.problems)
        self.put_in.clear()
        value = _REFERENCE.sub(self._one, text)
        if len(self.problems) > before:
            return Missing.of("", text)
        return text if value == text else Expanded.of(value, text, self.put_in)

    def _one(self, found: re.Match[str]) -> str:
        if not self.allowed:
            self.problems.append(
                Problem(
                    "a tenant's row may not use ${...}",
                    "write the value itself, or name a file below tenants.secrets_dir by its _file twin",
                )
            )
            return ""
        if found[0] == "$${":
            return "${"
        if found[1] is None:
            self.problems.append(Problem("${ is not closed by }", "write ${NAME}, or $${ for the text ${"))
            return ""
        return self._variable(found[1])

    def _variable(self, inside: str) -> str:
        parts = _INSIDE.fullmatch(inside)
        if not parts:
            self.problems.append(
                Problem("${...} holds no variable name", "write ${NAME} or ${NAME:-default}, or $${ for text")
            )
            return ""
        name, default = parts[1], parts[2]
        value = self.environ.get(name)
        if default is not None:
            # As in a shell, `:-` replaces an empty variable as well as one that is not set.
            return self._noted(name, value or default)
        if value is None:
            self.problems.append(
                Problem(
                    f"the environment variable {name} is not set", f"set it, or write ${{{name}:-default}}"
                )
            )
            return ""
        if not is_text(value):
            self.problems.append(
                Problem(f"the environment variable {name} is not UTF-8 text", "set it to UTF-8 text")
            )
            return ""
        return self._noted(name, value)

    def _noted(self, name: str, value: str) -> str:
        self.put_in.append((name, value))
        return value


def scalar(text: str) -> Scalar:
    """Return what plain YAML text means by the core schema of YAML 1.2.

    `yes`, `on` and `22:00` are text there, as people expect; infinities and numbers of absurd length
    stay text too, so that they are refused where a number is wanted.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS or len(text) > 40:
        return text
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if abs(number) != float("inf") else text
    return text


def boolean(value: str) -> bool | None:
    """Return the boolean that `value` means, None where it means none."""
    if isinstance(value, Verbatim):
        return _OLD_WORDS.get(value.lower())
    meant = scalar(value)
    return meant if isinstance(meant, bool) else None


def is_text(value: str) -> bool:
    """Return whether `value` can be written as UTF-8; bytes that are not text come as lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True

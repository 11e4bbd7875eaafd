"""Which options a first configuration needs: read from the providers, so that it covers new ones too."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import msgspec

from exporter.config.document.credentials import url_passwords
from exporter.core.probe import Probe
from exporter.core.secret import Secret

VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}\Z")
PATH = re.compile(r"(/|\./|\.\./)[^\s]+\Z")


@dataclass(frozen=True)
class OptionQuestion:
    """One option of a provider: its `meaning`, the environment variable it usually comes from, its type."""

    option: str
    meaning: str
    variable: str = ""
    secret: bool = False
    number: bool = False

    def default(self, integration: str) -> str:
        """Return the value for an empty answer, "" where there must be an answer."""
        if self.variable:
            return f"${{{self.variable}}}"
        if self.secret:
            # A variable of its own for each integration: two of one provider have two credentials.
            return "${" + re.sub(r"\W", "_", f"{integration}_{self.option}").upper() + "}"
        return ""

    def complaint(self, answer: str) -> str:
        """Return why `answer` is refused, "" where it is accepted; the answer itself is never repeated."""
        if VARIABLE.match(answer):
            return ""
        # A typed secret would be in the file, in backups of it, and often in a repository.
        if self.secret and not PATH.match(answer):
            return (
                "the secret itself does not belong in the file: give a path such as /run/secrets/name "
                "or ./secrets/name, or a variable such as ${NAME}"
            )
        if not answer or not answer.isprintable():
            return "give a value"
        if self.number and not answer.isdecimal():
            return "give a whole number"
        if url_passwords(answer):
            return "it holds a credential: give a variable such as ${NAME} that holds it all"
        return ""

    def lines(self, answer: str) -> Iterator[str]:
        """Yield the YAML of the option, its meaning above it."""
        yield f"# {self.meaning}"
        plain = self.number and answer.isdecimal()
        twin = "_file" if self.secret and PATH.match(answer) else ""
        yield f"{self.option}{twin}: {answer if plain else quote_yaml(answer)}"


def questions(probe: Probe) -> list[OptionQuestion]:
    """Return the options that a probe cannot do without, and those that the provider asks for."""
    found = []
    for field in msgspec.structs.fields(probe.options):
        if field.required or field.name in (*probe.needs, *probe.asks):
            types = set(_types(field.type))
            found.append(
                OptionQuestion(
                    field.name,
                    _meaning(field.type) or field.name.replace("_", " "),
                    next(iter(probe.environment.get(field.name, ())), ""),
                    secret=Secret in types,
                    number=int in types,
                )
            )
    return found


def quote_yaml(text: str) -> str:
    """Return `text` as a YAML string in double quotes, which are those of JSON."""
    return msgspec.json.encode(text).decode()


def _types(kind: Any) -> Iterator[Any]:
    """Yield `kind` and its parts."""
    yield kind
    for part in get_args(kind):
        # The arguments of Annotated include its Meta, which is not a type.
        yield from _types(part) if not isinstance(part, msgspec.Meta) else ()


def _meaning(kind: Any) -> str:
    texts = [one.description for one in getattr(kind, "__metadata__", ()) if isinstance(one, msgspec.Meta)]
    return " ".join(next((text for text in texts if text), "").split())

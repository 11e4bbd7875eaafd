"""What the doctor finds: one sentence on the state of something, and one on what to do about it."""

from dataclasses import asdict, dataclass
from enum import StrEnum

from exporter.config.document.context import printable


class FindingState(StrEnum):
    """How bad it is: `note` is worth knowing, `problem` needs a fix and makes the exit code 1."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """The result of one check. `remedy` says what to do; it is empty where all is well."""

    area: str
    state: FindingState
    what: str
    remedy: str = ""

    def row(self) -> dict[str, str]:
        """Return it as texts by key, for programs."""
        return {key: str(value) for key, value in asdict(self).items()}


@dataclass(frozen=True)
class Area:
    """Makes the findings of one area; texts of other programs become one line without control characters."""

    name: str

    def ok(self, what: str) -> Finding:
        """Return that all is well."""
        return Finding(self.name, FindingState.OK, printable(what))

    def note(self, what: str, remedy: str = "") -> Finding:
        """Return something worth knowing."""
        return Finding(self.name, FindingState.NOTE, printable(what), printable(remedy))

    def problem(self, what: str, remedy: str) -> Finding:
        """Return something that needs a fix."""
        return Finding(self.name, FindingState.PROBLEM, printable(what), printable(remedy))


def some(names: "list[str] | tuple[str, ...]", most: int = 5) -> str:
    """Return the first of `names` in one line, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")

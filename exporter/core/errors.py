"""The errors that rooms hand to one another."""

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.core.reason import Reason


class ProbeError(Exception):
    """A probe knows why it failed.

    `detail` is one sentence for a person; it must hold no secret. `retry_after` is the number of
    seconds the vendor asked us to wait, if it did.
    """

    def __init__(self, reason: Reason, detail: str, *, retry_after: float | None = None) -> None:
        """Keep the cause and its explanation."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after


@dataclass(frozen=True, order=True)
class ConfigIssue:
    """One thing wrong in a configuration: where it is, what is wrong, what to write instead.

    `line` counts from 1; 0 means that the mistake has no line (a missing file, an environment variable).
    """

    file: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        """Return `file:line: what; remedy`, the form that editors jump to."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.what}; {self.remedy}"


class ConfigError(Exception):
    """A configuration has mistakes; all of them are listed, in the order of the file.

    `files` are all files that were read or looked for: a change of any of them may fix it.
    """

    def __init__(self, mistakes: Sequence[ConfigIssue], files: frozenset[str] = frozenset()) -> None:
        """Keep the mistakes, sorted by file and line, each once."""
        self.mistakes: tuple[ConfigIssue, ...] = tuple(sorted(set(mistakes)))
        self.files = files
        super().__init__("\n".join(map(str, self.mistakes)))


class StartError(Exception):
    """The process cannot start or go on for a reason its operator can fix: one sentence with the remedy."""


class StoreError(Exception):
    """The store cannot be read or written now; probing goes on without it."""


class Deferred(Exception):
    """A target is not run now: its budget is spent or its vendor asked us to wait `seconds`."""

    def __init__(self, seconds: float, why: str) -> None:
        """Keep how long and why."""
        super().__init__(f"{why}; the next run is in {seconds:.0f} s")
        self.seconds = seconds


SHORTAGE_RETRY = 10.0
"""Seconds until what a shortage put off is tried again: one more try is cheap and calls no vendor."""


class Shortage(Deferred):
    """A run or a refresh found none left of what this machine gives: no peer's fault, so it is put off.

    It is not a ProbeError: no check may take it for an answer of its vendor. `resource` becomes a label:
    descriptors, memory or threads. `why` is one sentence with the remedy. `seconds` are those to the next
    run, 0 where none is planned. `calls` are those that a run had made before.
    """

    def __init__(self, resource: str, why: str, seconds: float = 0.0) -> None:
        """Keep what is lacking and what helps."""
        super().__init__(seconds, why)
        if not seconds:
            # Where no run is planned the sentence must not promise one in 0 s.
            self.args = (why,)
        self.resource = resource
        self.why = why
        self.calls = 0

    def again(self, seconds: float = 0.0) -> "Shortage":
        """Return the same shortage for another caller that waits, without the traceback of the first."""
        return Shortage(self.resource, self.why, seconds)

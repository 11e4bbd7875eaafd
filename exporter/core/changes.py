"""What changes while the process runs, said once where it happens, for whoever shows it live."""

from collections.abc import Callable
from typing import NamedTuple

BOARD, CONFIGURATION = "board", "configuration"
"""Subjects of changes that are no tables: the states of targets, and what is configured."""


ANY = "*"
"""Stands for every tenant where there are too many to name; no tenant is called so."""


class Change(NamedTuple):
    """Something of `subject` changed: a table of the store, or one of the words above.

    `integration` and `tenant` say whose it is; None where whoever changed it does not know.
    """

    subject: str
    integration: str | None = None
    tenant: str | None = None


class ChangeFeed:
    """Hands each change to one listener; where there is none, a change costs a look at an attribute.

    What the listener got is in `noted` as well, for whoever has put a set there.
    """

    def __init__(self) -> None:
        """Start without a listener."""
        self.listener: Callable[[Change], None] | None = None
        self.noted: set[Change] | None = None

    def note(self, subject: str, integration: str | None = None, tenant: str | None = None) -> None:
        """Say that something changed; any thread may, and it neither waits nor raises."""
        listener = self.listener
        if listener is not None:
            change = Change(subject, integration, tenant)
            if (noted := self.noted) is not None:
                noted.add(change)
            listener(change)

"""What others may read of a subject in PostgreSQL: a view, whose columns stay when the table changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, Table, func, select


@dataclass(frozen=True)
class View:
    """One view: its name and columns are a contract with dashboards, and with whoever else reads it.

    `about` says what a row is. `names` are the columns that it takes from `table` as they are; never what is
    sealed or secret, nor bodies and headers. `at` is the column of Unix seconds that a row is of: the view
    has it as `at`, which keeps its index, and as `time`, for people. `times` are further ones to be read by
    people, by their name in the view.
    """

    name: str
    about: str
    table: Table
    names: tuple[str, ...]
    at: str = "at"
    times: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns, in order."""
        return ("time", "at", *self.names, *self.times)

    @property
    def query(self) -> Select[Any]:
        """What it selects."""
        column = self.table.c
        read = ((name, func.to_timestamp(column[source])) for name, source in self.times.items())
        return select(
            func.to_timestamp(column[self.at]).label("time"),
            column[self.at].label("at"),
            *(column[name] for name in self.names),
            *(time.label(name) for name, time in read),
        )

"""A stored list, declared once: the server, its exports, the command line and the reference walk it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from exporter.core.store import Filter, Page

RecordT = TypeVar("RecordT")


@dataclass(frozen=True)
class OutputColumn:
    """One column of a table on a terminal: the key in the row, its heading, and whether it holds numbers.

    `keep` columns are never shortened on a narrow terminal.
    """

    key: str
    heading: str
    number: bool = False
    keep: bool = False


AT = OutputColumn("at", "AT", keep=True)
TARGET = (OutputColumn("integration", "INTEGRATION", keep=True), OutputColumn("tenant", "TENANT", keep=True))
CAUSE = (OutputColumn("reason", "REASON", keep=True), OutputColumn("detail", "DETAIL"))


@dataclass(frozen=True)
class Listing(Generic[RecordT]):
    """A stored list, the newest record first.

    `name` is its word on the command line, `title` what its rows are, in the plural. `columns` are the keys
    of a row in the order of the CSV export, `table` what a terminal shows. `query` takes a connection of the
    store's database (core knows no database), a filter and the most records of a page. `row` returns a
    record as JSON. `retention` is the key of `store.retention` after which records are deleted.
    `empty` is what a person reads where there is no row.

    `role` may read it. Callers bound to tenants may where it is `narrow`: its table has a column `tenant`.
    `filters` are parameters besides integration, tenant, since and until that narrow it; `choices` has the
    values of those that take no others, `usual` the words of those where apps may bring others. `buffered`
    records reach the store late: what waits is written before each read. `skips` keeps the parameter
    `offset`, and the field of that name, for programs from before pages had cursors. `exports_audited`: who
    takes it out as CSV or NDJSON is in the audit.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    table: tuple[OutputColumn, ...]
    query: Callable[[Any, Filter, int], Page[RecordT]]
    row: Callable[[RecordT], Mapping[str, Any]]
    retention: str
    empty: str = ""
    path: str = ""
    role: str = "viewer"
    narrow: bool = True
    filters: tuple[str, ...] = ()
    choices: Mapping[str, Collection[str]] = field(default_factory=dict)
    usual: Mapping[str, Collection[str]] = field(default_factory=dict)
    buffered: bool = False
    skips: bool = False
    exports_audited: bool = False

    def __post_init__(self) -> None:
        """Give it the sentence and the path that are usual, where it has none of its own."""
        if not self.empty:
            # A frozen dataclass refuses a plain assignment, even by its own methods.
            object.__setattr__(self, "empty", f"no {self.title}")
        if not self.path:
            object.__setattr__(self, "path", f"/api/v1/{self.name}")

    @property
    def parameters(self) -> tuple[str, ...]:
        """What narrows it, besides the tenants of the caller."""
        about = ("integration", "tenant") if "integration" in self.columns else ("tenant",)
        return (*about, "since", "until", *self.filters)

    @property
    def key(self) -> str:
        """The key of the rows in a page of JSON, and the name of the CSV file."""
        return self.path.rpartition("/")[2]

"""The rows of an integration's tenants: from the file itself and from files beside it."""

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from exporter.config.files import FileProblem, read_text
from exporter.config.fit import TRUSTED, Fitter, Rules, as_struct, root_type
from exporter.config.judge import Judge
from exporter.config.layout import TENANT_PATTERN, TenantRow, Tenants
from exporter.config.parts import make
from exporter.config.reading import Path, Reading
from exporter.config.schema import part_schema
from exporter.config.source import Source, read_json, read_yaml
from exporter.config.values import Expander

WILDCARDS = frozenset("*?[")
_ROWS = list[TenantRow]


@dataclass(frozen=True)
class Row:
    """One row, where it stands, and what its values may do."""

    tenant: TenantRow
    source: Source
    path: Path
    rules: Rules


def rules_of(kind: str, secrets_dir: str) -> Rules:
    """Return what rows of a kind of source may do; the one place that decides whom to trust.

    The list in the file is the operator's own. Tenant files may be written by others: a secret file
    they name belongs to one tenant, and with `secrets_dir` they may name only plain files in that
    folder and use no `${ENV}`, which would reach for the credentials of everyone.
    """
    if kind == "list":
        return TRUSTED
    return Rules(secrets_dir=secrets_dir, exclusive=True)


@dataclass
class TenantSources:
    """Reads all rows of one integration; `path` is that of its `tenants` in the file."""

    reading: Reading
    source: Source
    path: Path
    tenants: Tenants

    def rows(self) -> Iterator[Row]:
        """Yield every row of every source, in the order list, files."""
        if not self.tenants.list and not self.tenants.files:
            self._blame((), "tenants names no source", "add list: or files:, or remove tenants")
        folder = self._secrets_dir()
        listed = self._read(
            self.source, (*self.path, "list"), list(self.tenants.list), rules_of("list", folder)
        )
        yield from self._unique([*listed, *self._from_files(rules_of("files", folder))])

    def _from_files(self, rules: Rules) -> Iterator[Row]:
        for index, pattern in enumerate(self.tenants.files):
            for file in self._matching(pattern, index):
                if source := self._open(file, rules, index):
                    yield from self._of_source(source, rules)

    def _matching(self, pattern: str, index: int) -> list[str]:
        full = self.reading.path(str(pattern))
        self.reading.files.add(full)
        if WILDCARDS.isdisjoint(pattern) or os.path.lexists(full):
            return [full]
        try:
            found = sorted(glob.glob(full, recursive=True))  # noqa: PTH207 -- the pattern is absolute
        except (OSError, ValueError, RecursionError):
            self._blame(("files", index), "the pattern cannot be used", "correct the wildcards")
            return []
        self.reading.files.update(found)
        return found

    def _open(self, file: str, rules: Rules, index: int) -> Source | None:
        try:
            text = read_text(file).text
        except FileProblem as problem:
            self._blame(("files", index), problem.what, problem.remedy)
            return None
        if not text.strip():
            return None  # a file without rows yet is a file with no tenants
        expander = Expander(self.reading.environ, allowed=not rules.secrets_dir)
        read = read_json if file.endswith(".json") else read_yaml
        return read(text, file, expander, self.reading.blame)

    def _of_source(self, source: Source, rules: Rules) -> list[Row]:
        if source.value is None:
            return []
        if not isinstance(source.value, list):
            self.reading.blame(
                source.place(()), "expected a list of tenants", "write rows such as - id: acme"
            )
            return []
        return self._read(source, (), source.value, rules)

    def _read(self, source: Source, path: Path, raw: list[Any], rules: Rules) -> list[Row]:
        fitter = Fitter(self.reading, source, rules, prefix=path)
        try:
            made = as_struct(fitter.fit(raw, root_type(_ROWS)), _ROWS)
        except msgspec.ValidationError:
            return self._one_by_one(source, path, raw, rules)
        return [Row(tenant, source, (*path, index), rules) for index, tenant in enumerate(made)]

    def _one_by_one(self, source: Source, path: Path, raw: list[Any], rules: Rules) -> list[Row]:
        rows = []
        for index, value in enumerate(raw):
            here = (*path, index)
            fitter = Fitter(self.reading, source, rules, prefix=here)
            # the stand-in lets the rest of a row without a good id be judged; it can never be valid twice
            tenant, _ = make(fitter, value, TenantRow, self._judge, instead={"id": f"..{index}"[:64]})
            if tenant is not None:
                rows.append(Row(tenant, source, here, rules))
        return rows

    @cached_property
    def _judge(self) -> Judge:
        return Judge(part_schema(TenantRow))

    def _unique(self, rows: list[Row]) -> Iterator[Row]:
        seen: dict[str, Row] = {}
        for row in rows:
            tenant = row.tenant.id
            first = seen.setdefault(tenant, row)
            if first is not row:
                file, line = first.source.place((*first.path, "id"))
                self.reading.blame(
                    row.source.place((*row.path, "id")),
                    f"the tenant {tenant} stands twice in this integration, first in {file}:{line}",
                    "remove one of the rows",
                )
            elif "\n" in tenant:  # the pattern's $ lets a trailing line break through
                self.reading.blame(
                    row.source.place((*row.path, "id")),
                    "the tenant id has a line break",
                    f"it must match {TENANT_PATTERN}",
                )
            yield row  # the rest of a wrong row is judged too

    def _secrets_dir(self) -> str:
        if not self.tenants.secrets_dir:
            return ""
        folder = self.reading.path(self.tenants.secrets_dir)
        if not os.path.isdir(folder):  # noqa: PTH112 -- beside os.path.realpath, in one style
            self._blame(("secrets_dir",), f"{folder} is no folder", "create it, or correct the path")
        return folder

    def _blame(self, path: Path, what: str, remedy: str) -> None:
        self.reading.blame(self.source.place((*self.path, *path)), what, remedy)


def blame_shared_files(reading: Reading) -> None:
    """Blame each row of a tenant file whose secret file is also named by somebody else."""
    owners: dict[tuple[int, int], set[str | None]] = {}
    for use in reading.uses:
        owners.setdefault(use.identity, set()).add(use.owner)
    for use in reading.uses:
        if use.exclusive and len(owners[use.identity]) > 1:
            reading.blame(
                use.place,
                f"the tenant {use.owner} names a secret file that is named elsewhere for another",
                "give each tenant a secret file of its own; set shared ones under the integration's options",
            )

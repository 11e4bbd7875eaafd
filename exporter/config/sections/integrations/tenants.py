"""The rows of an integration's tenants: from the file itself, from files beside it, and from outside."""

import glob
import ipaddress
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import msgspec

from exporter.config.document.context import Path
from exporter.config.document.convert import TRUSTED, Converter, Rules, as_struct, root_type
from exporter.config.document.files import UNNAMED, FileProblem, read_text
from exporter.config.document.schema import part_schema
from exporter.config.document.section import convert_section
from exporter.config.document.source import Source, read_json, read_yaml
from exporter.config.document.validate import Validator
from exporter.config.document.values import Expander
from exporter.config.feeds.feeds import FeedRequest
from exporter.config.feeds.requests import FeedRequests
from exporter.config.feeds.row import BadRow, FeedProblem, RowSource, plain, tenant_of
from exporter.config.feeds.row_cache import BuiltRow, RowCache, print_of
from exporter.config.layout import TenantRow, Tenants
from exporter.config.layout_parts import TENANT_PATTERN
from exporter.config.load_context import LoadContext
from exporter.core.configuration import TenantFeed
from exporter.core.quoting import is_plain_key, is_plain_path

WILDCARDS = frozenset("*?[")
_ROWS = list[TenantRow]


@dataclass(frozen=True)
class TenantSourceRow:
    """One row, where it is, and what its values may do.

    `raw` is how a feed answered it, elsewhere its print, None where it is made again each time; `built` is
    what an earlier load made of an equal one.
    """

    tenant: TenantRow
    source: Source
    path: Path
    rules: Rules
    raw: Any = None
    built: BuiltRow | None = None


def rules_of(kind: str, secrets_dir: str, networks: tuple[str, ...] = ()) -> Rules:
    """Return what rows of a kind of source may do; the one place that decides whom to trust.

    The list in the file is the operator's own. Tenant files may be written by others: a secret file
    they name belongs to one tenant, and with `secrets_dir` they may name only plain files in that
    folder and use no `${ENV}`, which would reach for the credentials of everyone; their addresses are then
    public or in `networks`. Rows of `http` and `sql` never use `${ENV}`, name files only below `secrets_dir`,
    and their addresses are always so.
    """
    if kind == "list":
        return TRUSTED
    outside = kind in ("http", "sql")
    guarded = outside or bool(secrets_dir)
    return Rules(secrets_dir, exclusive=True, outside=outside, guarded=guarded, networks=networks)


@dataclass
class TenantSources:
    """Reads all rows of one integration; `path` is that of its `tenants` in the file.

    `row_cache` knows what rows gave in earlier loads.
    """

    context: LoadContext
    source: Source
    path: Path
    tenants: Tenants
    integration: str
    row_cache: RowCache | None = None

    def rows(self) -> Iterator[TenantSourceRow]:
        """Yield every row of every source, in the order list, files, http, sql."""
        given = self.tenants
        if not (given.list or given.files or given.http or given.sql):
            self._add_error(
                (), "tenants names no source", "add list:, files:, http: or sql:, or remove tenants"
            )
        folder, networks = self._secrets_dir(), self._networks()
        rules = rules_of("list", folder)
        listed = self._read_others("list", self.source, (*self.path, "list"), list(self.tenants.list), rules)
        files = list(self._from_files(rules_of("files", folder, networks)))
        yield from self._unique([*listed, *files, *self._from_feeds(folder, networks)])

    def _networks(self) -> tuple[str, ...]:
        good = []
        for index, text in enumerate(self.tenants.allow_networks):
            try:
                good.append(str(ipaddress.ip_network(text)))
            except ValueError:
                path = ("allow_networks", index)
                self._add_error(path, "this is no network", "write a network such as 10.0.0.0/8 or fd00::/8")
        return tuple(sorted(good))

    def _from_feeds(self, folder: str, networks: tuple[str, ...]) -> Iterator[TenantSourceRow]:
        for question in self._questions():
            rules = rules_of(question.kind, folder, networks)
            yield from self._of_feed(question, rules)

    def _questions(self) -> Iterator[FeedRequest]:
        if part := self.tenants.http:
            path = (*self.path, "http")
            if asked := FeedRequests(self.context, self.source, path, self.integration).http(part):
                yield asked
        if query := self.tenants.sql:
            path = (*self.path, "sql")
            if read := FeedRequests(self.context, self.source, path, self.integration).sql(query):
                yield read

    def _of_feed(self, question: FeedRequest, rules: Rules) -> list[TenantSourceRow]:
        if self.context.feeds is None:
            return []
        try:
            source, found = self.context.feeds.rows(question)
        except FeedProblem as problem:
            self._add_error((question.kind,), f"{question.label}: {problem.what}", problem.remedy)
            return []
        self.context.tenant_feeds.append(TenantFeed(self.integration, question.kind, question.refresh))
        made: dict[int, TenantSourceRow] = {}
        fresh: list[tuple[int, Any]] = []
        for index, raw in found:
            known = self.row_cache.get(tenant_of(raw), raw) if self.row_cache else None
            if known is not None:
                made[index] = TenantSourceRow(
                    _tenant_row(known.target.tenant), source, (index,), rules, raw, known
                )
            elif isinstance(raw, BadRow):
                self.context.add_error(source.place((index,)), raw.what, raw.remedy)
            else:
                fresh.append((index, raw))
        made |= {int(row.path[-1]): row for row in self._fresh(source, fresh, rules)}
        return [made[index] for index, _ in found if index in made]

    def _fresh(self, source: RowSource, found: list[tuple[int, Any]], rules: Rules) -> list[TenantSourceRow]:
        raw = [plain(row) for _, row in found]
        places = [index for index, _ in found]
        rows = self._read(source, (), raw, rules, places)
        kept = dict(found)
        return [replace(row, raw=kept[int(row.path[-1])]) for row in rows]

    def _from_files(self, rules: Rules) -> Iterator[TenantSourceRow]:
        for index, pattern in enumerate(self.tenants.files):
            for file in self._matching(pattern, index):
                if source := self._open(file, rules, index):
                    yield from self._of_source(source, rules)

    def _matching(self, pattern: str, index: int) -> list[str]:
        full = self.context.path(str(pattern))
        # Watched even where nothing matches yet: a new file must count as a change.
        self.context.files.add(full)
        if WILDCARDS.isdisjoint(pattern) or os.path.lexists(full):
            return [full]
        try:
            found = sorted(glob.glob(full, recursive=True))  # noqa: PTH207 -- the pattern is absolute
        except (OSError, ValueError, RecursionError):
            self._add_error(("files", index), "the pattern cannot be used", "correct the wildcards")
            return []
        self.context.files.update(found)
        return found

    def _open(self, file: str, rules: Rules, index: int) -> Source | None:
        try:
            pattern = self.tenants.files[index]
            text = read_text(file, shown="" if is_plain_path(pattern) else UNNAMED).text
        except FileProblem as problem:
            self._add_error(("files", index), problem.what, problem.remedy)
            return None
        if not text.strip():
            return None  # a file without rows yet is a file with no tenants
        known = (file, not rules.secrets_dir)
        if known not in self.context.documents:
            expander = Expander(self.context.environ, allowed=not rules.secrets_dir)
            read = read_json if file.endswith(".json") else read_yaml
            self.context.documents[known] = read(text, file, expander, self.context.add_error)
        return self.context.documents[known]

    def _of_source(self, source: Source, rules: Rules) -> list[TenantSourceRow]:
        if source.value is None:
            return []
        if not isinstance(source.value, list):
            self.context.add_error(
                source.place(()), "expected a list of tenants", "write rows such as - id: acme"
            )
            return []
        return self._read_others("file", source, (), source.value, rules)

    def _read_others(
        self, kind: str, source: Source, path: Path, raw: list[Any], rules: Rules
    ) -> list[TenantSourceRow]:
        """Return the rows in `raw`; only those are read that no earlier load made something of."""
        if self.row_cache is None:
            return self._read(source, path, raw, rules)
        prints = self._prints(kind, source, raw)
        made: dict[int, TenantSourceRow] = {}
        fresh: list[int] = []
        for index, (row, mark) in enumerate(zip(raw, prints, strict=True)):
            known = self.row_cache.get(tenant_of(row), mark) if mark is not None else None
            if known is None:
                fresh.append(index)
            else:
                tenant = _tenant_row(known.target.tenant)
                made[index] = TenantSourceRow(tenant, source, (*path, index), rules, mark, known)
        for one in self._read(source, path, [raw[index] for index in fresh], rules, fresh):
            index = int(one.path[-1])
            made[index] = replace(one, raw=prints[index])
        return [made[index] for index in range(len(raw)) if index in made]

    def _prints(self, kind: str, source: Source, raw: list[Any]) -> list[bytes | None]:
        """Return the print of each row, made once for a file that several integrations name."""
        if raw is not source.value:
            return [print_of(kind, row) for row in raw]
        known = self.context.prints.get(id(source))
        if known is None:
            known = self.context.prints[id(source)] = [print_of(kind, row) for row in raw]
        return known

    def _read(
        self, source: Source, path: Path, raw: list[Any], rules: Rules, places: Sequence[int] | None = None
    ) -> list[TenantSourceRow]:
        """Return the rows in `raw`; `places` are their indexes, where they are not all of the source."""
        places = range(len(raw)) if places is None else places
        converter = Converter(self.context, source, rules, prefix=path)
        try:
            made = as_struct(converter.coerce(raw, root_type(_ROWS)), _ROWS)
        except msgspec.ValidationError:
            return self._one_by_one(source, path, raw, rules, places)
        return [
            TenantSourceRow(tenant, source, (*path, index), rules)
            for index, tenant in zip(places, made, strict=True)
        ]

    def _one_by_one(
        self, source: Source, path: Path, raw: list[Any], rules: Rules, places: Sequence[int]
    ) -> list[TenantSourceRow]:
        rows = []
        for index, value in zip(places, raw, strict=True):
            here = (*path, index)
            converter = Converter(self.context, source, rules, prefix=here)
            # the stand-in lets the rest of a row without a good id be judged; it can never be valid twice
            tenant, _ = convert_section(
                converter, value, TenantRow, self._validator, instead={"id": f"..{index}"[:64]}
            )
            if tenant is not None:
                rows.append(TenantSourceRow(tenant, source, here, rules))
        return rows

    @cached_property
    def _validator(self) -> Validator:
        return Validator(part_schema(TenantRow))

    def _unique(self, rows: list[TenantSourceRow]) -> Iterator[TenantSourceRow]:
        seen: dict[str, TenantSourceRow] = {}
        for row in rows:
            tenant = row.tenant.id
            first = seen.setdefault(tenant, row)
            if first is not row:
                file, line = first.source.place((*first.path, "id"))
                where = f"{file}:{line}" if line else file
                self.context.add_error(
                    row.source.place((*row.path, "id")),
                    f"{tenant_title(tenant)} is given twice in this integration, first in {where}",
                    "remove one of the rows",
                )
            elif "\n" in tenant:  # the pattern's $ lets a trailing line break through
                self.context.add_error(
                    row.source.place((*row.path, "id")),
                    "the tenant id has a line break",
                    f"it must match {TENANT_PATTERN}",
                )
            yield row  # the rest of a wrong row is judged too

    def _secrets_dir(self) -> str:
        if not self.tenants.secrets_dir:
            return ""
        folder = self.context.path(self.tenants.secrets_dir)
        if not os.path.isdir(folder):  # noqa: PTH112 -- beside os.path.realpath, in one style
            what = f"{folder} is no folder" if is_plain_path(self.tenants.secrets_dir) else "it is no folder"
            self._add_error(("secrets_dir",), what, "create it, or correct the path")
        return folder

    def _add_error(self, path: Path, what: str, remedy: str) -> None:
        self.context.add_error(self.source.place((*self.path, *path)), what, remedy)


def tenant_title(tenant: str) -> str:
    """Return a tenant as messages name it; what may be a credential is not quoted."""
    return f"the tenant {tenant}" if is_plain_key(tenant) else "a tenant"


def _tenant_row(tenant: str) -> TenantRow:
    """Return a row that says no more than who it is about: what else it said was made of it already."""
    return TenantRow(id=tenant)

"""How the tokens of an integration are kept."""

import re

from exporter.config import durations
from exporter.config.document.context import Path
from exporter.config.document.source import Source
from exporter.config.document.values import is_missing
from exporter.config.layout import IntegrationPart, SqlTokensPart
from exporter.config.load_context import LoadContext
from exporter.core.probe import Probe
from exporter.core.secret import Secret
from exporter.core.token import UPDATE_PARAMETERS, SqlTokens, TokenSettings

DAY = 86_400.0
SHORTEST, LONGEST = 60.0, 90 * DAY
WHOSE = ("tenant", "integration")

_URL = re.compile(r"(postgresql(\+psycopg)?|sqlite(\+pysqlite)?)://.+", re.DOTALL)
# As in SQLAlchemy's text(): `\:` is an escaped colon, `::` a cast of PostgreSQL.
_PARAMETER = re.compile(r"(?<![:\w\\]):([A-Za-z_]\w*)(?!:)")
_TEXT = re.compile(r"'(?:[^']|'')*'")


def settings(
    context: LoadContext, source: Source, part: IntegrationPart, probe: Probe, path: Path
) -> TokenSettings:
    """Return how the tokens of `part` are kept; mistakes are reported to `context`."""
    if part.tokens is None:
        return TokenSettings()
    here = (*path, "tokens")

    def add_error(where: Path, what: str, remedy: str) -> None:
        context.add_error(source.place((*here, *where)), what, remedy)

    tokens = part.tokens
    if probe.grant is None:
        add_error((), f"the provider {probe.name} has no tokens that are renewed", "remove tokens")
    before = durations.seconds(tokens.refresh_before.strip())
    if not SHORTEST <= before <= LONGEST:
        add_error(("refresh_before",), "refresh_before is out of bounds", "choose from 1m to 90d")
    if tokens.source == "sql" and tokens.sql is None:
        add_error(
            ("source",), "the source is sql, and there is no sql", "add sql: {url_file, select, update}"
        )
    if tokens.sql is None:
        return TokenSettings(before, tokens.source)
    if tokens.source != "sql":
        add_error(("sql",), f"sql is not used with source: {tokens.source}", "set source: sql, or remove sql")
    for where, what, remedy in _sql_mistakes(tokens.sql, has_tenants=part.tenants is not None):
        add_error(("sql", *where), what, remedy)
    return TokenSettings(
        before,
        tokens.source,
        SqlTokens(tokens.sql.url or Secret(""), tokens.sql.select, tokens.sql.update),
    )


def _sql_mistakes(sql: SqlTokensPart, *, has_tenants: bool) -> list[tuple[Path, str, str]]:
    """Return where, what and a remedy of everything that is wrong with the statements and the URL."""
    found: list[tuple[Path, str, str]] = []
    if sql.url is None:
        found.append(((), "there is no url", "add url: or url_file:"))
    elif not is_missing(sql.url) and not _URL.fullmatch(sql.url.reveal()):
        where = "url_file" if sql.url.file else "url"
        what = "the address of the tokens is neither postgresql:// nor sqlite:///"
        found.append(((where,), what, "write postgresql://user:password@host/database"))
    for name, word, known in (
        ("select", "SELECT", WHOSE),
        ("update", "UPDATE", (*WHOSE, *UPDATE_PARAMETERS)),
    ):
        statement = getattr(sql, name)
        if statement.split(maxsplit=1)[:1] != [] and statement.split(maxsplit=1)[0].upper() not in (
            word,
            "WITH",
        ):
            found.append(((name,), f"it is no {word}", f"begin it with {word}"))
        used = parameters(statement)
        for strange in sorted(used - set(known)):
            words = ", ".join(f":{one}" for one in known)
            found.append(((name,), f"the parameter :{strange} is unknown", f"use {words}"))
        wanted = "tenant" if has_tenants else "integration"
        if has_tenants and "tenant" not in used:
            found.append(((name,), "it does not name :tenant", "add WHERE tenant = :tenant"))
        elif not used & set(WHOSE) and "where" not in statement.lower():
            found.append(((name,), "it has no WHERE", f"add one, such as WHERE name = :{wanted}"))
    found += _unwritten(sql)
    return found


def _unwritten(sql: SqlTokensPart) -> list[tuple[Path, str, str]]:
    """Return the mistake of an UPDATE that would lose what was handed out."""
    written = parameters(sql.update)
    found: list[tuple[Path, str, str]] = []
    for name in ("access_token", "refresh_token"):
        if name in sql.select and name not in written:
            what = f"the {name} that is read is not written back"
            found.append((("update",), what, f"add SET {name} = :{name}, or a new one would be lost"))
    return found


def parameters(statement: str) -> set[str]:
    """Return the names of the parameters of `statement`, as SQLAlchemy reads them; `::type` is none."""
    return set(_PARAMETER.findall(_TEXT.sub("''", statement)))

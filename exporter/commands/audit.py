"""`audit`: who did what, reviewed, checked, taken out, erased and reported."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from exporter.commands.api_client import build_client
from exporter.commands.output import print_rows
from exporter.core.errors import StartError
from exporter.core.listing import OutputColumn
from exporter.server.export import csv_line
from exporter.store.listings import listings

USUAL = 100
"""Rows on a terminal, unless more are asked for."""

PROBLEMS = (
    OutputColumn("number", "ENTRY", number=True, keep=True),
    OutputColumn("last", "TO", number=True),
    OutputColumn("what", "WHAT", keep=True),
    OutputColumn("detail", "DETAIL"),
)
CHOICE = ("integration", "tenant", "actor", "since", "until")
NARROWER = ("review", "flag", "action_class", "outcome", "address", "resource")

Portion = Callable[[int], Mapping[str, Any]]
"""Returns what the check of the chain behind an entry found."""


def audit(options: argparse.Namespace) -> int:
    """Do what `options.action` names; return 0, or 1 for a chain that was tampered with."""
    actions = {
        "list": _list,
        "review": _review,
        "verify": _verify,
        "export": _export,
        "erase": _erase,
        "report": _report,
    }
    return actions[options.action](options)


def _list(options: argparse.Namespace) -> int:
    listing = listings()["audit"]
    query = _query(options, *CHOICE, *NARROWER) | {"limit": options.limit or USUAL}
    print_rows(build_client(options).rows(listing.path, query), listing.table, options, listing.empty)
    return 0


def _review(options: argparse.Namespace) -> int:
    found = build_client(options).post(f"/api/v1/audit/{options.id}/review", {"note": options.note})
    print(json.dumps(found) if options.json else f"entry {found['id']} is reviewed by {found['reviewer']}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    portion = _of_store(options.store, options.head) if options.store else _of_exporter(options)
    checked = pruned = after = 0
    problems: list[Mapping[str, Any]] = []
    while True:
        found = portion(after)
        checked, pruned = checked + found["checked"], pruned + found["pruned"]
        problems += found["problems"]
        if found["next"] is None:
            break
        after = found["next"]
    if options.head and found.get("head_found_at") is None:
        detail = "no entry has the hash of --head: the chain was redone, or cut before it"
        problems.append({"number": None, "last": None, "what": "changed", "detail": detail})
    if options.json:
        print(json.dumps({"checked": checked, "pruned": pruned, "head": found["head"], "problems": problems}))
    elif problems:
        print_rows(problems, PROBLEMS, options, "")
    if not options.json and not options.csv:
        words = f"{len(problems)} problems" if problems else "the chain is whole"
        print(f"{checked} entries checked, {pruned} removed by retention: {words}")
        print(f"head: {found['head']}")
    return 1 if problems else 0


def _of_exporter(options: argparse.Namespace) -> Portion:
    exporter = build_client(options)

    def ask(after: int) -> Mapping[str, Any]:
        query = {"after": after, "head": options.head}
        found: Mapping[str, Any] = exporter.get("/api/v1/audit-verification", query)
        return found

    return ask


def _of_store(url: str, head: str | None) -> Portion:
    from exporter.store.chain_check import as_json, check, place_of
    from exporter.store.database import Database

    database = Database(url)

    def ask(after: int) -> Mapping[str, Any]:
        with database.attach() as connection:
            found = as_json(check(connection, after))
            return found | ({"head_found_at": place_of(connection, bytes.fromhex(head))} if head else {})

    return ask


def _export(options: argparse.Namespace) -> int:
    listing = listings()["audit"]
    rows = build_client(options).rows(listing.path, _query(options, *CHOICE))
    _write(options.output, _csv(rows, listing.columns) if options.csv else map(_line, rows))
    return 0


def _erase(options: argparse.Namespace) -> int:
    if not options.yes:
        where = f" in tenant {options.tenant}" if options.tenant else ""
        try:
            answer = input(f"Erase {options.actor}{where} from the audit, for good? [y/N] ")
        except EOFError:
            raise StartError("nothing was erased: nobody is there to answer; --yes does not ask") from None
        if answer.strip().lower() not in ("y", "yes"):
            raise StartError("nothing was erased")
    body = {"actor": options.actor} | ({"tenant": options.tenant} if options.tenant else {})
    found = build_client(options).post("/api/v1/audit/erase", body)
    print(json.dumps(found) if options.json else f"erased: {found['people']} (one for each tenant)")
    return 0


def _report(options: argparse.Namespace) -> int:
    form = "csv" if options.csv else options.format
    query = {"from": options.since, "to": options.until, "format": form}
    given = urlencode({name: value for name, value in query.items() if value})
    _write(options.output, [build_client(options).text(f"/api/v1/audit-report?{given}")])
    return 0


def _query(options: argparse.Namespace, *names: str) -> dict[str, str | int | None]:
    return {name: getattr(options, name) for name in names}


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _csv(rows: Iterable[Mapping[str, Any]], columns: tuple[str, ...]) -> Iterator[str]:
    yield csv_line(columns) + "\r\n"
    for row in rows:
        yield csv_line(row.get(name) for name in columns) + "\r\n"


def _write(output: str | None, texts: Iterable[str]) -> None:
    """Write `texts` to standard output, or into a file that only its owner may read."""
    if output is None:
        for text in texts:
            sys.stdout.write(text)
        sys.stdout.flush()
        return
    path = Path(output)
    try:
        # Names and addresses of people are in it.
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
            file.writelines(texts)
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}") from None

"""How long each list and each tab takes where there is much: 10,000 tenants and a million stored rows.

    python -m benchmarks.page [--tenants 10000] [--rows 1000000] [--postgresql] [--times 20]

The store is filled first, then a whole exporter is asked for every stored list (its first page, a tenant's,
the last day's and the page behind), for what it has in memory, for every summary and every tab of the page.
The table has the median and the 95th percentile of each, in milliseconds, as a client measures them.
"""

import argparse
import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Column, Table, text

from benchmarks.programs import exporter
from benchmarks.row import Row
from exporter.core.reason import Reason
from exporter.core.store import Snapshot
from exporter.demo.services import free_port
from exporter.registry import events, lists
from exporter.server.contracts import contracts
from exporter.server.pages import tabs
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from exporter.store.hours import TOOK
from exporter.store.schema import METADATA
from exporter.store.upserts import insert_all
from tests.servers.postgres import cluster

TENANTS, ROWS, TIMES = 10_000, 1_000_000, 20
GOAL = 0.3
TOKEN = "benchmark-0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
PORTION = 5000
DAYS = 30
TENANT = "t00005"
CONFIG = """
integrations:
  - name: payments
    provider: http
    interval: 1h
    options: {{url: "http://127.0.0.1:9/"}}
    tenants: {{files: ["{folder}/tenants.yml"]}}
store: {{url: "{url}"}}
"""
SHARES = {
    "failure": 30,
    "state_change": 10,
    "delivery": 12,
    "attempt": 12,
    "event": 15,
    "notice": 4,
    "alert_action": 2,
    "escalation": 1,
    "token_log": 4,
    "text_message": 2,
    "audit_entry": 4,
    "check_summary": 24,
    "check_failure": 4,
    "check_usage": 4,
    "event_summary": 12,
    "webhook_summary": 4,
    "webhook_failure": 2,
    "ratelimit_summary": 4,
}
"""How the rows are shared out over the tables, in parts."""

TOPICS = ("api", "ai", "payment", "traffic")
REASONS = tuple(one.value for one in Reason)

MEMORY = ("/api/v1/status", "/api/v1/targets", "/api/v1/tenants", "/api/v1/history", "/api/v1/tokens")
LEFT_OUT = {"/api/v1/alerts", "/api/v1/openapi.json", "/api/v1/stream", "/api/v1/sd", "/api/v1/sources"} | {
    *("/api/v1/maintenance", "/api/v1/ratelimits/blocks", "/api/v1/endpoints", "/api/v1/audit-report"),
    "/api/v1/audit-verification",
}
"""What is small, asks somebody else, or reads everything by its nature."""

OF_ONE = ("/api/v1/timeline", "/integration")
"""What is about one integration."""


@dataclass
class Times:
    """Seconds that requests of one kind took."""

    name: str
    seconds: list[float] = field(default_factory=list)
    size: int = 0

    @property
    def worst(self) -> float:
        """The 95th percentile."""
        return sorted(self.seconds)[max(0, -(-len(self.seconds) * 95 // 100) - 1)]


KINDS = tuple(one.name for one in events().values())
USUAL: dict[type, Any] = {bytes: b"x" * 40, float: 1.0, bool: True}


def row_of(table: Table, number: int, tenants: int, now: float) -> dict[str, Any]:
    """Return a row: tenants take turns, times go back over a month."""
    at = now - number * 7919 % (DAYS * 86_400)
    words = {
        "tenant": f"t{number % tenants:05}",
        "integration": "payments",
        "provider": "http",
        "at": at,
        "hour": int(at) // 3600 * 3600,
        "kind": KINDS[number % len(KINDS)] if table.name == "event" else "deliver",
        "direction": ("inbound", "outbound")[number % 2],
        "outcome": "" if table.name == "event_summary" else "success",
        "topic": TOPICS[number % len(TOPICS)],
        "reason": REASONS[number % len(REASONS)],
        "state": {"text_message": "failed", "notice": "firing"}.get(table.name, "delivered"),
        "severity": ("critical", "high", "medium", "low")[number % 4],
        "action": "resolve" if table.name == "alert_action" else "token.refresh",
        "log": '[[0.1, "connected"], [0.2, "refused"]]',
        "retention": "payment",
        "once": None,
        "flag": None,
        "headers": "[]",
        **dict.fromkeys(("details", "fields", "labels", "annotations"), "{}"),
        **dict.fromkeys(("due", "expires", "starts", "ends"), at),
    }
    return {
        one.name: words[one.name] if one.name in words else _value(one, table.name, number)
        for one in table.c
        if one.name != "id"
    }


def _value(column: Column[Any], table: str, number: int) -> Any:
    kind = column.type.python_type
    # Keys of summaries differ by their hour and tenant.
    if column.unique or column.name in ("delivery", "message"):
        return number if kind is int else f"{table}-{number}"
    if column.name in TOOK and number % 3:
        return None
    return f"x{number % 50}" if kind is str else number % 7 if kind is int else USUAL[kind]


def fill(store: Database, tenants: int, rows: int) -> int:
    """Fill the store; return how many rows there are."""
    now, parts, made = time.time(), sum(SHARES.values()), 0
    keys = [("payments", f"t{number:05}") for number in range(tenants)]
    store.write([CheckBatch(snapshots={key: _snapshot(key, now) for key in keys})])
    for table in METADATA.sorted_tables:
        count = rows * SHARES.get(table.name, 0) // parts
        for begin in range(0, count, PORTION):
            numbers = range(begin, min(count, begin + PORTION))
            portion = [row_of(table, number, tenants, now) for number in numbers]
            with store.writing() as connection:
                insert_all(connection, table, portion)
        made += count
    with store.writing() as connection:
        connection.execute(text("ANALYZE"))
    return made


def _snapshot(key: tuple[str, str], now: float) -> Snapshot:
    bad = int(key[1][1:]) % 20 == 0
    status, reason = ("error", Reason.AUTH) if bad else ("connected", None)
    return Snapshot(
        key, "http", status, reason, "", now - 3600, now - 60, None if bad else now - 60, 3 if bad else 0
    )


def questions() -> Iterator[tuple[str, Sequence[dict[str, str]]]]:
    """Yield each path, with what it is asked."""
    for listing in lists().values():
        yield listing.path, ({}, {"tenant": TENANT}, {"since": "24h"}, {"next": ""})
    for path in MEMORY:
        yield path, ({}, {"tenant": TENANT})
    known = {*LEFT_OUT, *MEMORY, *(one.path for one in lists().values())}
    for method, path in contracts():
        if method == "GET" and path.startswith("/api/v1/") and "{" not in path and path not in known:
            about = {"integration": "payments"}
            yield (
                path,
                (about, about | {"tenant": TENANT}) if path in OF_ONE else ({}, {"tenant": TENANT}),
            )
    for tab in tabs():
        yield tab.path, ({"integration": "payments"},) if tab.path in OF_ONE else ({},)


def ask(port: int, times: int) -> list[Times]:
    """Ask everything so often, in turns; the first round warms up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    found = {path: Times(path) for path, _ in questions()}
    for turn in range(times + 1):
        for path, queries in questions():
            following = ""
            for query in queries:
                if "next" in query:
                    if not following:
                        continue
                    query = {"after": following}
                took, body = _get(connection, f"{path}?{urlencode(query)}")
                if turn:
                    found[path].seconds.append(took)
                found[path].size = max(found[path].size, len(body))
                following = following or _next(body)
    connection.close()
    return list(found.values())


def _next(body: bytes) -> str:
    return str(json.loads(body).get("next") or "") if body[:1] == b"{" else ""


def _get(connection: http.client.HTTPConnection, path: str) -> tuple[float, bytes]:
    began = time.perf_counter()
    connection.request("GET", path, headers=HEADERS)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path} was answered {answer.status}: {body[:200]!r}")
    return time.perf_counter() - began, body


def measure(tenants: int, rows: int, times: int, *, postgresql: bool) -> tuple[int, list[Times]]:
    """Return the stored rows, and what each question took."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder}/state.db"
        if postgresql:
            server = stack.enter_context(cluster())
            url = f"postgresql://app:app-password@127.0.0.1:{server.port}/page?sslmode=require"
            server.admin("CREATE DATABASE page OWNER app")
        store = Database(url)
        store.open()
        made = fill(store, tenants, rows)
        store.close()
        names = "".join(f"- {{id: t{number:05}}}\n" for number in range(tenants))
        (folder / "tenants.yml").write_text(names)
        (folder / "config.yml").write_text(CONFIG.format(folder=folder, url=url))
        (folder / "web.yml").write_text(f"bearer_tokens: [{{name: ops, token: {TOKEN}, roles: [admin]}}]\n")
        port = free_port(0)
        stack.enter_context(exporter(folder, port, f"--web.config.file={folder / 'web.yml'}"))
        return made, ask(port, times)


def rows(quick: bool) -> list[Row]:
    """Measure and return the rows of the table of goals."""
    tenants, count, times = (50, 500, 1) if quick else (TENANTS, ROWS, TIMES)
    found = []
    for name, postgresql in (("SQLite", False), ("PostgreSQL", True))[: 1 if quick else 2]:
        made, results = measure(tenants, count, times, postgresql=postgresql)
        slowest = max(results, key=lambda one: one.worst)
        found.append(
            Row(
                "P11",
                f"{len(results)} lists and tabs, {tenants} tenants, {made} rows, {name}",
                f"p95 of each below {GOAL * 1000:.0f} ms",
                f"{slowest.worst * 1000:.0f} ms at most, {slowest.name}",
                slowest.worst < GOAL,
                "python -m benchmarks.page",
            )
        )
    return found


def main() -> None:
    """Measure as the flags say, and print a line for each list and tab."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tenants", type=int, default=TENANTS)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    made, results = measure(options.tenants, options.rows, options.times, postgresql=options.postgresql)
    print(
        f"{made} rows, {options.tenants} tenants\n\n| Path | Median | p95 | Bytes | |\n|---|---|---|---|---|"
    )
    for one in sorted(results, key=lambda one: -one.worst):
        verdict = "met" if one.worst < GOAL else "**missed**"
        median = statistics.median(one.seconds) * 1000
        print(f"| {one.name} | {median:.0f} ms | {one.worst * 1000:.0f} ms | {one.size} | {verdict} |")


if __name__ == "__main__":
    main()

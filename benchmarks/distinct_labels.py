"""Sends values of labels that never end, over HTTP: what becomes of memory, series and the count of drops.

    python -m benchmarks.distinct_labels [--events 1000000]

A whole exporter gets events of every kind in batches of 500. Each has a tenant, a route, an endpoint, a
widget, a release, a country, a policy, a method or a label of a declared metric that no event before had.
Memory is said before, on the way and after; the exit code is 1 where a metric has more series than
`events.series_limit`, or where nothing was counted as dropped.
"""

import argparse
import http.client
import itertools
import json
import re
import string
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.programs import Program, exporter, fetch
from tests.servers.ports import free_port

TOKEN = "benchmark-0123456789abcdef"
BATCH, LIMIT = 500, 10_000
CONFIGURATION = """\
integrations: []
store: {{url: "sqlite:///{folder}/state.db", retention: {{requests: 1m, webhooks: 1m, audit: 1m}}}}
events:
  metrics: [{{name: jobs_waiting, help: Jobs that wait., labels: {{queue: 50}}}}]
"""
_DROP = re.compile(r'^integration_exporter_event_series_dropped_total{metric="(\w+)"} (\S+)$', re.MULTILINE)
_LINE = re.compile(r"^(integration_\w+)(?:\{.*)? \S+$", re.MULTILINE)


def words() -> Iterator[str]:
    """Yield words without end and without digits, as code would name things."""
    for length in itertools.count(4):
        yield from map("".join, itertools.product(string.ascii_lowercase, repeat=length))


def events() -> Iterator[dict[str, Any]]:
    """Yield events of each kind in turn, in which everything that may be a label is a word of its own."""
    new = words()
    for word in new:
        tenant = {"tenant": word}
        route, country = f"/{next(new)}", word[-2:].upper()
        more = {"route": route, **tenant}
        yield {"kind": "api_request", "method": "GET", "status": 200, "duration": 1, **more}
        yield {"kind": "traffic", "client": "human", "country": country, **more}
        yield {"kind": "widget", "widget": next(new), "release": next(new), "outcome": "loaded", **tenant}
        yield {"kind": "ai_usage", "endpoint": next(new), "status": "ok", "cost": 0.1, **tenant}
        yield {"kind": "rate_limit", "policy": next(new), "endpoint": route, "outcome": "allowed", **tenant}
        yield {"kind": "auth", "outcome": "failure", "method": next(new), **tenant}
        yield {"kind": "metric", "name": "jobs_waiting", "value": 1, "labels": {"queue": next(new)}}
        yield {"kind": "webhook", "source": next(new), "outcome": "processed", **tenant}
        yield {"kind": "payment", "outcome": "succeeded", "amount": 1, "currency": word[-3:], **tenant}
        yield {"kind": "audit", "actor": word, "action": next(new), **tenant}


def send(port: int, number: int, program: Program) -> None:
    """Send so many events, and say on the way how large the exporter is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    every = events()
    for sent in range(0, number, BATCH):
        connection.request(
            "POST", "/api/v1/events", json.dumps(list(itertools.islice(every, BATCH))), headers
        )
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 202:
            raise SystemExit(f"events were answered {answer.status}: {text[:300]!r}")
        if sent % (number // 10 // BATCH * BATCH or BATCH) == 0:
            print(f"{sent:,} events: {program.rss() / 1e6:.0f} MB", flush=True)
    connection.close()


def report(text: str) -> int:
    """Print the largest metrics and the drops; return 1 where a bound does not hold."""
    names = [name for name in _LINE.findall(text) if not name.endswith(("_bucket", "_sum"))]
    series = Counter(names)
    drops = dict(_DROP.findall(text))
    dropped = sum(map(float, drops.values()))
    for name, number in series.most_common(6):
        print(f"{number:,} series of {name}, {float(drops.get(name.removesuffix('_count'), 0)):,.0f} dropped")
    print(f"{sum(series.values()):,} series without those of buckets, {dropped:,.0f} values dropped")
    return int(max(series.values()) > LIMIT or not dropped)


def main() -> int:
    """Read the command line and run; return 1 where a bound does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder, port = Path(name), free_port()
        (folder / "config.yml").write_text(CONFIGURATION.format(folder=folder))
        (folder / "web.yml").write_text(
            f"bearer_tokens: [{{name: app, token: {TOKEN}, roles: [ingest, viewer]}}]\n"
        )
        with exporter(folder, port, f"--web.config.file={folder / 'web.yml'}") as program:
            print(f"before: {program.rss() / 1e6:.0f} MB", flush=True)
            send(port, options.events, program)
            text = fetch(f"http://127.0.0.1:{port}/metrics", {"Authorization": f"Bearer {TOKEN}"}).decode()
            print(f"after, and scraped: {program.rss() / 1e6:.0f} MB, {len(text) / 1e6:.0f} MB of text")
            return report(text)


if __name__ == "__main__":
    sys.exit(main())

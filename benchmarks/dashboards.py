"""What the slowest query of each dashboard takes at 60,000 targets, in a view of six hours.

    python -m benchmarks.dashboards [--tenants 10000] [--providers stripe twilio ...] [--prometheus PATH]

A real Prometheus has a block of its database with every series that a dashboard reads: 10,000 tenants of six
integrations and one of each other provider, a sample every 30 seconds for six hours, and what the rules
recorded of them. Then every query is asked as Grafana asks it, with nothing picked: over the range with as
many points as its panel draws, or as of now. Each is asked twice and the quicker answer counts, because the
first one reads the files.
"""

import argparse
import json
import re
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.block import Moments, write_block
from benchmarks.dashboard_series import Crowd, series_of
from benchmarks.programs import Program, prometheus
from benchmarks.row import Row
from benchmarks.rules import PROVIDERS
from exporter.demo.services import free_port
from exporter.generate.dashboards import panel_queries, text_of_all
from exporter.generate.dashboards._queries import panels_of
from exporter.generate.rule_text import seconds
from exporter.generate.scraping import SCRAPE_INTERVAL

HOURS = 6
EVERY = seconds(SCRAPE_INTERVAL)
GOAL = 2.0
MOST_POINTS = 1000
"""Points of a panel that does not limit them, at most: about one for each pixel."""
PICKED = {"integration": "stripe", "tenant": "tenant-00000"}
"""What is picked where a dashboard is about one target."""


@dataclass(frozen=True)
class Question:
    """One query of a panel: over the range with a step in seconds, or as of now with none."""

    dashboard: str
    panel: str
    expr: str
    step: int


@dataclass(frozen=True)
class Answer:
    """How long a question took, on the clock and of Prometheus' CPU, and how many series came."""

    question: Question
    seconds: float
    cpu: float
    series: int
    error: str = ""


def questions() -> Iterator[Question]:
    """Yield every query to Prometheus of every dashboard."""
    for text in text_of_all().values():
        board = json.loads(text)
        asking = ((panel, target) for panel in panels_of(board) for target in panel.get("targets", ()))
        asked = [(panel, target) for panel, target in asking if "expr" in target]
        for (panel, target), (title, expr) in zip(asked, panel_queries(board, PICKED), strict=True):
            step = 0 if target.get("instant") else _step(panel)
            yield Question(board["uid"], title, _with_step(expr, step), step)


def _step(panel: dict[str, Any]) -> int:
    """Return the seconds between the points of a panel, as Grafana computes them."""
    points = panel.get("maxDataPoints") or MOST_POINTS
    return max(int(HOURS * 3600 / points), seconds(panel.get("interval") or "15s"), EVERY // 2)


def _with_step(expr: str, step: int) -> str:
    # `panel_queries` has five minutes for $__rate_interval; Grafana takes more where points are far apart.
    rate = max(step + EVERY, 4 * EVERY)
    return re.sub(r"\[5m\]", f"[{rate}s]", expr) if step else expr


def ask(address: str, question: Question, now: float) -> tuple[int, str]:
    """Ask Prometheus once; return the number of series, and what it says when it refuses."""
    span = {"start": now - HOURS * 3600, "end": now, "step": question.step}
    when = span if question.step else {"time": now}
    path = "query_range" if question.step else "query"
    body = urllib.parse.urlencode({"query": question.expr, **when}).encode()
    try:
        with urllib.request.urlopen(f"{address}/api/v1/{path}", body, timeout=120) as answer:
            return len(json.load(answer)["data"]["result"]), ""
    except urllib.error.HTTPError as error:
        with error:
            return 0, error.read().decode()[:300]


def measure(tenants: int, providers: tuple[str, ...], program: str = "") -> list[Answer]:
    """Return the answer to every question, of a Prometheus that knows so many tenants."""
    found = list(questions())
    step, count = EVERY * 1000, HOURS * 3600 // EVERY + 1
    moments = Moments((int(time.time()) - HOURS * 3600) * 1000, step, count)
    with tempfile.TemporaryDirectory(prefix="dashboards-") as name:
        folder, port = Path(name), free_port(0)
        began = time.monotonic()
        crowd, expressions = Crowd(tenants, providers, moments), [one.expr for one in found]
        series = write_block(folder / "tsdb", moments, lambda: series_of(crowd, expressions))
        print(
            f"  {series:,} series, {series * count:,} samples, written in {time.monotonic() - began:.0f} s",
            flush=True,
        )
        configuration = "global: {scrape_interval: 30s}\n"
        with prometheus(folder, port, configuration, program) as measured:
            address = f"http://127.0.0.1:{port}"
            return [_answer(measured, address, one, moments.end / 1000) for one in found]


def _answer(measured: Program, address: str, question: Question, now: float) -> Answer:
    best = Answer(question, float("inf"), 0.0, 0)
    for _ in range(2):
        before, began = measured.cpu(), time.monotonic()
        series, error = ask(address, question, now)
        took = time.monotonic() - began
        if took < best.seconds:
            best = Answer(question, took, measured.cpu() - before, series, error)
    return best


def slowest(answers: list[Answer]) -> dict[str, Answer]:
    """Return the slowest answer of each dashboard, by its address."""
    found: dict[str, Answer] = {}
    for one in answers:
        name = one.question.dashboard
        if name not in found or one.seconds > found[name].seconds:
            found[name] = one
    return found


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    tenants, providers = (5, ("stripe",)) if quick else (10_000, PROVIDERS)
    answers = measure(tenants, providers)
    _report(answers)
    worst = max(answers, key=lambda one: one.seconds)
    failed = [one for one in answers if one.error]
    return [
        Row(
            "P10",
            f"slowest query of a dashboard, {tenants:,} tenants x {len(providers)}, six hours",
            f"< {GOAL:.0f} s",
            f"{worst.seconds:.2f} s ({worst.question.dashboard}: {worst.question.panel})",
            worst.seconds < GOAL and not failed,
            "python -m benchmarks.dashboards",
        )
    ]


def _report(answers: list[Answer]) -> None:
    for name, one in sorted(slowest(answers).items()):
        kind = "range" if one.question.step else "now"
        whole = sum(each.seconds for each in answers if each.question.dashboard == name)
        print(
            f"  {name}: {one.seconds:.2f} s, {one.cpu:.2f} s of CPU, {one.series} series"
            f" ({one.question.panel}, {kind}); all its queries {whole:.1f} s"
        )
    for one in answers:
        if one.error:
            print(f"  refused: {one.question.dashboard}: {one.question.panel}: {one.error}")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tenants", type=int, default=10_000)
    parser.add_argument("--providers", nargs="+", default=list(PROVIDERS))
    parser.add_argument("--prometheus", default="", help="path of the program")
    parser.add_argument("--all", action="store_true", help="every query, the slowest first")
    options = parser.parse_args()
    answers = measure(options.tenants, tuple(options.providers), options.prometheus)
    if options.all:
        for one in sorted(answers, key=lambda each: -each.seconds):
            asked = f"{one.question.dashboard}: {one.question.panel}: {one.question.expr}"
            print(f"{one.seconds:8.3f} s {one.cpu:8.3f} {asked}")
    _report(answers)


if __name__ == "__main__":
    main()

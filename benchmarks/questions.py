"""What dashboards ask Prometheus in a view of six hours with nothing picked, and how Grafana asks it."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from exporter.core.durations import seconds
from exporter.generate.dashboards import panel_queries, text_of_all
from exporter.generate.dashboards._queries import BUILT_IN, fill_in, panels_of
from exporter.generate.scraping import SCRAPE_INTERVAL

HOURS = 6
EVERY = seconds(SCRAPE_INTERVAL)
MARK_STEP = 60
"""Seconds between the points of a mark's query."""
MOST_POINTS = 1000
"""Points of a panel that does not limit them, at most: about one for each pixel."""
PICKED = {"integration": "stripe", "tenant": "tenant-00000"}
"""What is picked where a dashboard is about one target."""
_VALUES = re.compile(r"label_values\((.+), (\w+)\)")


@dataclass(frozen=True)
class Question:
    """One query of a panel: over the range with a step in seconds, or as of now with none."""

    dashboard: str
    panel: str
    expr: str
    step: int


def questions(only: Collection[str] = ()) -> Iterator[Question]:
    """Yield every query to Prometheus of every dashboard, or of those whose addresses `only` has."""
    for text in text_of_all().values():
        board = json.loads(text)
        if only and board["uid"] not in only:
            continue
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


def variables(uid: str) -> Iterator[tuple[str, str]]:
    """Yield the selector and the label of each variable of the dashboard `uid`, in order."""
    board = _board(uid)
    for one in board["templating"]["list"]:
        if one["type"] == "query" and (found := _VALUES.fullmatch(one["query"]["query"])):
            yield fill_in(found[1], _values(board)), found[2]


def panels(uid: str) -> Iterator[list[Question]]:
    """Yield the questions of each panel of the dashboard `uid`, and of each mark."""
    for _, found in groupby(questions([uid]), key=lambda one: one.panel):
        yield list(found)
    board = _board(uid)
    for mark in board["annotations"]["list"]:
        if not mark.get("builtIn"):
            expr = fill_in(mark["expr"], _values(board))
            yield [Question(uid, mark["name"], expr, MARK_STEP)]


def _board(uid: str) -> dict[str, Any]:
    boards = (json.loads(text) for text in text_of_all().values())
    return next(board for board in boards if board["uid"] == uid)


def _values(board: dict[str, Any]) -> dict[str, str]:
    named = {one["name"]: one.get("allValue") or ".*" for one in board["templating"]["list"]}
    return {**BUILT_IN, **named}


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


def ask_values(address: str, selector: str, label: str, now: float) -> int:
    """Ask for the values of a label, as a variable does; return how many there are."""
    span = {"match[]": selector, "start": now - HOURS * 3600, "end": now}
    url = f"{address}/api/v1/label/{label}/values?{urllib.parse.urlencode(span)}"
    with urllib.request.urlopen(url, timeout=120) as answer:
        return len(json.load(answer)["data"])

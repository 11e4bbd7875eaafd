"""Charts of tabs: from answers of the API to drawings, with every word out of `texts.toml`."""

from collections.abc import Iterator, Mapping
from typing import Any

from exporter.core.clock import iso
from exporter.server.charts.drawing import Chart
from exporter.server.charts.life import LifeSpan, life_bars
from exporter.server.charts.series import TimeAxis, fewer, lines, stacked_columns
from exporter.server.charts.uptime import UptimeSlot, uptime_bars
from exporter.server.pages._texts import TEXTS, fill
from exporter.server.pages._words import coarse, money, named, number, share, span, unix

_T = TEXTS["charts"]


def timeline_charts(answer: Mapping[str, Any]) -> list[Chart]:
    """Return uptime, latency and errors by reason of an answer of `/api/v1/timeline`."""
    if not answer.get("timeline"):
        return []
    by_day = answer["step"] == "day"
    known = {row["at"]: row for row in answer["timeline"]}
    names, rows = [], []
    for at in _steps(answer):
        names.append(_name(at, by_day=by_day))
        rows.append(known.get(at, {}))
    heading, of = (_T["day"], _T["by_day"]) if by_day else (_T["hour"], _T["by_hour"])
    slots = [
        UptimeSlot(name, row.get("uptime"), row.get("failed", 0))
        for name, row in zip(names, rows, strict=True)
    ]
    columns = TEXTS["columns"]
    uptime = uptime_bars(
        slots, fill(_T["uptime"], of=of), (heading, columns["uptime"], columns["failed"]), share
    )
    took = {"p50": [row.get("p50_seconds") for row in rows], "p95": [row.get("p95_seconds") for row in rows]}
    latency = lines(TimeAxis(names, heading, fill(_T["latency"], of=of), span), took)
    reasons = sorted({reason for row in rows for reason in row.get("reasons", {})})
    if not reasons:
        return [uptime, latency]
    why = {reason: [row.get("reasons", {}).get(reason, 0) for row in rows] for reason in reasons}
    axis = TimeAxis(names, heading, fill(_T["errors"], of=of), number)
    return [uptime, latency, stacked_columns(axis, fewer(why, _T["other"]))]


def cost_chart(days: list[dict[str, Any]], pace: float | None) -> Chart | None:
    """Return what each day cost, and across it the pace by which the forecast goes on."""
    if not days:
        return None
    oldest_first = days[::-1]
    axis = TimeAxis([row["day"] for row in oldest_first], _T["day"], _T["costs"], money)
    levels = {} if pace is None else {_T["pace"]: pace}
    return stacked_columns(
        axis, {TEXTS["columns"]["cost_usd"]: [row["cost_usd"] for row in oldest_first]}, levels
    )


def token_chart(tokens: list[dict[str, Any]]) -> Chart | None:
    """Return how long each token of a page still lives."""
    alive = [row for row in tokens if row["expires_in_seconds"] is not None]
    if not alive:
        return None
    spans = [
        LifeSpan(
            f"{named(row['integration'], row['tenant'])}, {row['token']}", max(0, row["expires_in_seconds"])
        )
        for row in alive
    ]
    return life_bars(spans, _T["life"], (TEXTS["columns"]["token"], _T["left"]), coarse)


def _steps(answer: Mapping[str, Any]) -> Iterator[str]:
    at, until = unix(answer["since"]), unix(answer["until"])
    while at < until:
        yield iso(at) or ""
        at += answer["step_seconds"]


def _name(at: str, *, by_day: bool) -> str:
    # The drawing has no times that a browser could turn into the reader's zone: each says which it is in.
    return at[:10] if by_day else f"{at[:10]} {at[11:16]} UTC"

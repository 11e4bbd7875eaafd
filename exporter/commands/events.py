"""`events`: what apps report to a running exporter, in a window and in the one before."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from exporter.commands.api_client import build_client
from exporter.commands.output import percent, print_rows, short_time
from exporter.core.listing import OutputColumn

SummaryRow = dict[str, Any]


class Figure(NamedTuple):
    """A number of a row: its key, its heading, how a person reads it, and whether that of before is shown."""

    key: str
    heading: str
    text: Callable[[Any], str] | None = None
    compare: bool = False


class SummaryPart(NamedTuple):
    """Rows of an answer: their key, the words that name their subject, and their figures."""

    key: str
    subject: tuple[str, ...]
    figures: tuple[Figure, ...]


def _usd(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if 0 < value < 1 else f"{value:,.2f}"


_PERCENTILES = (
    Figure("p50_seconds", "P50", short_time),
    Figure("p95_seconds", "P95", short_time, compare=True),
    Figure("p99_seconds", "P99", short_time),
)
_ERRORS = (Figure("errors", "ERRORS"), Figure("error_ratio", "SHARE", percent, compare=True))
_REQUESTS = (Figure("requests", "REQUESTS", compare=True), *_ERRORS, *_PERCENTILES)
_COSTS = (
    Figure("cost_usd", "USD", _usd, compare=True),
    Figure("calls", "CALLS", compare=True),
    Figure("cost_per_call_usd", "EACH", _usd),
)
_PAYMENTS = (
    Figure("payments", "PAYMENTS", compare=True),
    Figure("success_ratio", "SUCCEED", percent, compare=True),
    Figure("disputed", "DISPUTED"),
    Figure("fraud_warnings", "FRAUD WARNINGS"),
    Figure("reasons", "REASONS"),
)
_VIEWS = (
    Figure("views", "VIEWS", compare=True),
    *(Figure(client, client.upper()) for client in ("human", "bot", "suspicious")),
)
_SHARE = Figure("share", "SHARE", percent, compare=True)
_WIDGETS = (
    Figure("loads", "LOADS", compare=True),
    Figure("failures", "FAILURES"),
    Figure("failure_ratio", "SHARE", percent, compare=True),
    *_PERCENTILES,
    Figure("reasons", "REASONS"),
)
_SIGN_INS = (
    Figure("sign_ins", "SIGN-INS", compare=True),
    Figure("failures", "FAILURES", compare=True),
    Figure("failure_ratio", "SHARE", percent),
)

_ROUTE = ("route", "method", "integration")
SUMMARIES: Mapping[str, tuple[str, Mapping[str, SummaryPart]]] = {
    "api-health": (
        "/api/v1/api-health",
        {
            "slowest": SummaryPart("slowest", _ROUTE, _REQUESTS),
            "worst": SummaryPart("worst", _ROUTE, _REQUESTS),
            "window": SummaryPart("windows", ("window",), _REQUESTS),
            "ai": SummaryPart("ai", ("endpoint", "integration"), (*_COSTS, *_ERRORS, *_PERCENTILES)),
        },
    ),
    "costs": (
        "/api/v1/cost-summary",
        {
            "endpoint": SummaryPart("costs", ("endpoint", "integration"), (*_COSTS, *_ERRORS)),
            "day": SummaryPart("costs", ("day",), tuple(one._replace(compare=False) for one in _COSTS)),
            "month": SummaryPart("costs", ("month",), tuple(one._replace(compare=False) for one in _COSTS)),
            "window": SummaryPart("windows", ("window",), (*_COSTS, *_ERRORS)),
        },
    ),
    "payments": (
        "/api/v1/payment-summary",
        {
            "window": SummaryPart("windows", ("window",), _PAYMENTS),
            "family": SummaryPart(
                "declines", ("family",), (Figure("declines", "DECLINES", compare=True), _SHARE)
            ),
            "currency": SummaryPart(
                "volume",
                ("currency",),
                (
                    Figure("amount", "AMOUNT", _usd, compare=True),
                    Figure("payments", "PAYMENTS", compare=True),
                ),
            ),
        },
    ),
    "traffic": (
        "/api/v1/traffic-summary",
        {
            "country": SummaryPart("countries", ("country",), (*_VIEWS, _SHARE._replace(compare=False))),
            "route": SummaryPart("routes", ("route",), (*_VIEWS, _SHARE._replace(compare=False))),
            "window": SummaryPart("windows", ("window",), _VIEWS),
        },
    ),
    "widgets": (
        "/api/v1/widget-summary",
        {
            "widget": SummaryPart("widgets", ("widget", "release"), _WIDGETS),
            "window": SummaryPart("windows", ("window",), _WIDGETS),
        },
    ),
    "sign-ins": (
        "/api/v1/sign-in-summary",
        {
            "method": SummaryPart("methods", ("method",), _SIGN_INS),
            "country": SummaryPart("countries", ("country",), _SIGN_INS),
            "window": SummaryPart("windows", ("window",), _SIGN_INS),
        },
    ),
}
"""By action: where it asks, and what `--by` chooses of the answer."""


def events(options: argparse.Namespace) -> int:
    """Print the rows of a summary; return 0."""
    path, parts = SUMMARIES[options.action]
    part = parts[options.by]
    query = {
        "window": options.window,
        "integration": options.integration,
        "tenant": options.tenant,
        "limit": options.limit,
        "by": options.by if part.key == "costs" else None,
    }
    found = build_client(options).get(path, query)
    rows = list(_windows(found["windows"])) if part.key == "windows" else found[part.key]
    machine = options.json or options.csv
    flat = rows if options.json else [_flat(row, part, readable=not machine) for row in rows]
    print_rows(
        flat, list(_columns(part, readable=not machine)), options, f"no {options.action} are counted yet"
    )
    if "month" in found and not machine:
        _print_month(found["month"])
    return 0


def _windows(windows: Mapping[str, SummaryRow]) -> Iterator[SummaryRow]:
    """Yield a row for each window, that of requests where a window has several."""
    for name, window in windows.items():
        yield {"window": name} | window.get("requests", window)


def _columns(part: SummaryPart, *, readable: bool) -> Iterator[OutputColumn]:
    yield from (OutputColumn(name, name.upper(), keep=True) for name in part.subject)
    for figure in part.figures:
        yield OutputColumn(figure.key, figure.heading, number=figure.key != "reasons")
        if figure.compare:
            heading = "BEFORE" if readable else f"BEFORE {figure.heading}"
            yield OutputColumn(f"before_{figure.key}", heading, number=True)


def _flat(row: SummaryRow, part: SummaryPart, *, readable: bool) -> SummaryRow:
    """Return the row with the figures of the window before as columns; `readable` ones have units."""
    before = row.get("before") or {}
    flat = {name: row[name] for name in part.subject}
    for figure in part.figures:
        text = figure.text if readable else None
        flat[figure.key] = text(row.get(figure.key)) if text else row.get(figure.key)
        earlier = before.get(figure.key)
        flat[f"before_{figure.key}"] = text(earlier) if text else earlier
    return flat


def _print_month(month: SummaryRow) -> None:
    before = month["before"]
    expected = "-" if month["forecast_usd"] is None else _usd(month["forecast_usd"])
    print(
        f"{month['month']}: {_usd(month['cost_usd'])} USD so far, {expected} expected; "
        f"{before['month']}: {_usd(before['cost_usd'])}",
        file=sys.stderr,
    )

"""`alerts`: what fires now and what did, and how people answer it, at a running exporter."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from exporter.commands import alert_test
from exporter.commands.api_client import ApiClient, build_client
from exporter.commands.output import print_rows
from exporter.config import durations
from exporter.core.defaults import NOISE_SUBJECTS
from exporter.core.listing import OutputColumn
from exporter.store.listings import listings

USUAL = 100
"""Rows on a terminal, unless more are asked for."""

PATH = "/api/v1/alerts"
ALERTS = (
    OutputColumn("state", "STATE", keep=True),
    OutputColumn("severity", "SEVERITY", keep=True),
    OutputColumn("alert", "ALERT", keep=True),
    OutputColumn("service", "SERVICE", keep=True),
    OutputColumn("tenant", "TENANT", keep=True),
    OutputColumn("since", "SINCE", keep=True),
    OutputColumn("acknowledged_by", "BY"),
    OutputColumn("until", "UNTIL", keep=True),
    OutputColumn("assignee", "ASSIGNEE"),
    OutputColumn("summary", "SUMMARY"),
    OutputColumn("fingerprint", "FINGERPRINT", keep=True),
)
FILTER = ("integration", "tenant", "alert", "severity")
FIGURES = (
    OutputColumn("fired", "FIRED", number=True),
    OutputColumn("flaps", "FLAPS", number=True),
    OutputColumn("acknowledged", "ACKNOWLEDGED", number=True),
    OutputColumn("mean_seconds_to_acknowledge", "MEAN", number=True),
    OutputColumn("longest_seconds_to_acknowledge", "LONGEST", number=True),
    OutputColumn("resolved", "RESOLVED", number=True),
    OutputColumn("mean_seconds_to_resolve", "MEAN", number=True),
    OutputColumn("longest_seconds_to_resolve", "LONGEST", number=True),
    OutputColumn("last_fired", "LAST FIRED", keep=True),
)


def alerts(options: argparse.Namespace) -> int:
    """Do what `options.action` names; return 0, or 1 where a test has found something."""
    actions = {
        "list": _list,
        "fire": _fire,
        "ack": _acknowledge,
        "resolve": _resolve,
        "assign": _assign,
        "history": _history,
        "noise": _noise,
        "test": alert_test.test,
    }
    return actions[options.action](build_client(options), options)


def _list(exporter: ApiClient, options: argparse.Namespace) -> int:
    query = _query(options, *FILTER, "state", "assignee", "since")
    mine = "true" if options.mine else None
    print_rows(exporter.rows(PATH, query | {"mine": mine}), ALERTS, options, "no alert")
    return 0


def _fire(exporter: ApiClient, options: argparse.Namespace) -> int:
    names = ("service", "severity", "message", "details", "tenant")
    found = exporter.post(PATH, {name: getattr(options, name) for name in names if getattr(options, name)})
    row = {"fingerprint": found["fingerprint"], "new": found["new"]}
    columns = (OutputColumn("fingerprint", "FINGERPRINT", keep=True), OutputColumn("new", "NEW"))
    print_rows([row], columns, options, "")
    return 0


def _acknowledge(exporter: ApiClient, options: argparse.Namespace) -> int:
    given = {"for": options.duration, "until": options.until, "note": options.note}
    return _change(exporter, options, {"action": "acknowledge", **_given(given)}, ALERTS)


def _assign(exporter: ApiClient, options: argparse.Namespace) -> int:
    given = {"assignee": "" if options.nobody else options.to, "note": options.note}
    return _change(exporter, options, {"action": "assign", **_given(given)}, ALERTS)


def _resolve(exporter: ApiClient, options: argparse.Namespace) -> int:
    columns = (OutputColumn("fingerprint", "FINGERPRINT", keep=True), OutputColumn("state", "STATE"))
    return _change(exporter, options, {"action": "resolve", **_given({"note": options.note})}, columns)


def _change(
    exporter: ApiClient,
    options: argparse.Namespace,
    body: Mapping[str, Any],
    columns: Sequence[OutputColumn],
) -> int:
    # One after the other: what was done stays when a later one is refused.
    changed = [exporter.patch(f"{PATH}/{quote(one, safe='')}", body) for one in options.fingerprints]
    print_rows(changed, columns, options, "")
    return 0


def _given(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _history(exporter: ApiClient, options: argparse.Namespace) -> int:
    listing = listings()["notices"]
    query = _query(options, *FILTER, "state", "q", "since")
    print_rows(exporter.rows(listing.path, query), listing.table, options, listing.empty)
    return 0


def _noise(exporter: ApiClient, options: argparse.Namespace) -> int:
    rows = exporter.rows("/api/v1/alert-noise", _query(options, *FILTER, "window", "by"))
    subject = [OutputColumn(name, name.upper(), keep=True) for name in NOISE_SUBJECTS[options.by]]
    machine = options.json or options.csv
    found = rows if machine else _readable(rows)
    print_rows(found, [*subject, *FIGURES], options, f"no alert fired in the last {options.window}")
    return 0


def _readable(rows: Iterator[dict[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows with times to acknowledge and to resolve as durations, of whole seconds."""
    for row in rows:
        times = {key: value for key, value in row.items() if "_seconds_to_" in key and value is not None}
        yield row | {key: durations.text_of(round(value)) for key, value in times.items()}


def _query(options: argparse.Namespace, *names: str) -> dict[str, str | int | None]:
    # A program would not notice that rows are missing; a person sees where the table stops.
    limit = options.limit or (None if options.json or options.csv else USUAL)
    return {name: getattr(options, name) for name in names} | {"limit": limit}

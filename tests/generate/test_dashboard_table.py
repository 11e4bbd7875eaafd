"""A table of every panel of every dashboard: data, unit, description, threshold line, without a hole."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from exporter import registry
from exporter.generate.dashboards import boards, panel_queries, store_queries
from exporter.generate.panel_page import PATH, lines_of, panel_page
from tests.generate.dashboards_asking import Prometheus
from tests.generate.dashboards_reading import asking_panels
from tests.generate.stored_platform import BEGIN, END, Reader
from tests.generate.test_dashboards import DASHBOARDS, ROOT

METRIC = re.compile(r"integration_[a-z0-9_]+")
COUNTS = "numbers by outcome, and the threshold is a share of them"
FAILURES = {"Failed probes per minute, by reason", "Failed probes per minute, by integration"}
NOT_DRAWN: dict[tuple[str, str], str] = {
    ("integration-database", "Transactions per second"): COUNTS,
    ("integration-payments", "Failed payments per minute, by reason"): COUNTS,
    ("integration-payments", "Reported declines, by family"): COUNTS,
    ("integration-postgres", "Transactions per second, by outcome"): COUNTS,
    ("integration-supabase", "Supabase: Transactions per second, by outcome"): COUNTS,
    ("integration-fal", "fal: Requests of the last hour"): COUNTS,
    ("integration-resend", "Resend: E-mails by outcome"): COUNTS,
    ("integration-stripe", "Payments by outcome"): COUNTS,
    ("integration-stripe", "Declines by family"): COUNTS,
    ("integration-twilio", "Messages by outcome"): COUNTS,
    ("integration-twilio", "Failed webhook requests"): "by error code, and the threshold is for all codes",
    **{
        ("integration-slo", f"Burn rate over {window}"): "drawn from the objective, as the alert compares"
        for window in ("1h", "6h", "1d", "3d")
    },
    ("integration-api", "Requests per minute, by outcome"): COUNTS,
    ("integration-ratelimits", "Requests per minute, by decision"): COUNTS,
    ("integration-security", "Sign-ins per minute, by outcome"): "of all tenants, the threshold is for one",
    ("integration-security", "Sign-ins that fail, by method"): "shares, and the threshold is a number",
    (
        "integration-widgets",
        "Page views of people in 15 minutes, and what is usual",
    ): "multiples of the usual",
    ("integration-widgets", "Page views per minute, by client"): COUNTS,
    **{
        (
            dashboard["uid"],
            panel["title"],
        ): "of many targets, and the threshold is for failures of one in a row"
        for dashboard in DASHBOARDS.values()
        for panel in asking_panels(dashboard)
        if panel["title"] in FAILURES
    },
}
"""Graphs (address, title) without a line though a family of thresholds is about what they show, and why."""


def judged_by(names: set[str]) -> set[str]:
    """Return the families of thresholds that judge nothing but what is read from the series `names`."""
    found = set()
    for alert in registry.alerts():
        read = {name for text in alert.expressions for name in METRIC.findall(text)}
        read = {name for name in read if not name.startswith("integration_threshold_")} & _catalogue()
        if alert.family and any(part and part <= names for part in _parts(read)):
            found.add(alert.family.metric.name)
    return found


def _parts(read: set[str]) -> list[set[str]]:
    """Return what an alert reads of each provider, where it reads the same of several: a panel shows one."""
    own = [{name for name in read if name.startswith(f"integration_{one}_")} for one in registry.probes()]
    return own if set().union(*own) == read else [read]


def _catalogue() -> set[str]:
    return {name for metric in registry.metrics() for name in metric.series_names}


def line_of(dashboard: Mapping[str, Any], panel: Mapping[str, Any]) -> str:
    """Return what the table says of the threshold line of a panel; "" is a hole."""
    text = " ".join(target.get("expr", "") for target in panel["targets"])
    names = set(METRIC.findall(text))
    if drawn := lines_of(panel):
        return ", ".join(drawn)
    if panel["type"] != "timeseries":
        return "no graph"
    if not judged_by(names):
        return "no family"
    return NOT_DRAWN.get((dashboard["uid"], panel["title"]), "")


def table(prometheus: Prometheus, reader: Reader) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Yield a row for each panel: address, title, data, unit, description, threshold line."""
    for dashboard in DASHBOARDS.values():
        answers: dict[str, list[int]] = {}
        for title, expr in panel_queries(dashboard):
            answers.setdefault(title, []).append(len(prometheus.ask(expr)))
        for title, sql in store_queries(dashboard, BEGIN, END):
            answers.setdefault(title, []).append(len(reader.execute(sql.encode()).fetchall()))
        for panel in asking_panels(dashboard):
            found = answers[panel["title"]]
            yield (
                dashboard["uid"],
                panel["title"],
                " ".join(map(str, found)) if all(found) else "",
                panel["fieldConfig"]["defaults"]["unit"],
                panel["description"],
                line_of(dashboard, panel),
            )


def test_the_table_of_panels_has_no_hole(prometheus: Prometheus, reader: Reader) -> None:
    rows = list(table(prometheus, reader))
    holes = [row for row in rows if not all(row)]
    assert holes == [], "\n".join(" | ".join(row) for row in holes)
    asked = [(one["uid"], panel["title"]) for one in DASHBOARDS.values() for panel in asking_panels(one)]
    assert [row[:2] for row in rows] == asked
    assert {uid for uid, _ in asked} == {board.uid for board in boards()}
    assert len(asked) > 400


def test_the_page_of_panels_has_a_row_for_each() -> None:
    page = (ROOT / PATH).read_text()
    assert page == panel_page(boards())
    parts = page.split("\n## ")[1:]
    assert len(parts) == len(DASHBOARDS)
    for part, dashboard in zip(parts, map(DASHBOARDS.get, _paths()), strict=True):
        assert dashboard is not None and f"`/d/{dashboard['uid']}`" in part
        rows = [line.split(" | ") for line in part.splitlines() if line.startswith("| ")][2:]
        for row, panel in zip(rows, asking_panels(dashboard), strict=True):
            title, text, unit, line, _ = row
            assert (title, text) == (f"| {panel['title']}", panel["description"])
            assert unit.strip("`") == panel["fieldConfig"]["defaults"]["unit"]
            assert bool(line) is line_of(dashboard, panel).startswith("integration_threshold_")


def _paths() -> list[str]:
    return [f"grafana/dashboards/{board.uid}.json" for board in boards()]


def test_an_excuse_is_for_a_graph_that_needs_one() -> None:
    for uid, title in NOT_DRAWN:
        (dashboard,) = (one for one in DASHBOARDS.values() if one["uid"] == uid)
        (panel,) = (one for one in dashboard["panels"] if one["title"] == title)
        assert "integration_threshold_" not in str(panel["targets"])
        assert judged_by(set(METRIC.findall(str(panel["targets"]))))

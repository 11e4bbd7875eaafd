"""What a reader picked: it goes where it can be, and a tenant that is picked narrows what is shown."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from exporter.core import common_metrics
from exporter.generate.dashboards._queries import BUILT_IN, fill_in
from tests.generate.dashboards_asking import Prometheus
from tests.generate.dashboards_platform import ALERTS, INTEGRATIONS, TENANTS, TROUBLES
from tests.generate.dashboards_reading import asking_panels
from tests.generate.test_dashboards import DASHBOARDS

Board = Mapping[str, Any]
PICKED = "umbrella"
FAILURES = ("Failed probes per minute, by reason", "Failed probes in an hour")
WORDED = {"", "No data"}
COUNTERS = {str(common_metrics.PROBE_FAILURES)}
"""Counters of failures that have no tenant: what they show is wrong once one is picked."""


def _single(board: Board) -> set[str]:
    """Return the variables of a dashboard that have one value at a time."""
    return {
        one["name"] for one in board["templating"]["list"] if one["type"] == "query" and not one["includeAll"]
    }


def _links(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "targetBlank" in node and "url" in node:
            yield node["url"]
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _links(part)


def _board(name: str) -> Board:
    return DASHBOARDS[f"grafana/dashboards/integration-{name}.json"]


def picked(board: Board, expr: str, **choice: str) -> str:
    """Return a query as Grafana asks it: All of each variable, but for `choice`."""
    values = dict.fromkeys((one["name"] for one in board["templating"]["list"]), ".*")
    return fill_in(expr, {**BUILT_IN, **values, **choice})


def _panel(board: Board, title: str) -> Mapping[str, Any]:
    (found,) = (panel for panel in asking_panels(board) if panel["title"] == title)
    return found


def test_a_menu_that_carries_choices_leads_to_no_dashboard_that_cannot_take_them() -> None:
    carried = {
        tag
        for board in DASHBOARDS.values()
        for link in board["links"]
        if link["includeVars"]
        for tag in link["tags"]
    }
    assert carried == {"integration-exporter"}
    for board in DASHBOARDS.values():
        # All, or several, are no value of a single choice; integrations of others are none of a provider's.
        narrow = any('provider="' in str(one.get("query")) for one in board["templating"]["list"])
        assert bool(_single(board) or narrow) is carried.isdisjoint(board["tags"]), board["uid"]


def test_a_dashboard_of_single_choices_is_found_by_a_menu_without_any() -> None:
    (single,) = (board for board in DASHBOARDS.values() if _single(board))
    for board in DASHBOARDS.values():
        menus = [link["includeVars"] for link in board["links"] if link["tags"] == single["tags"]]
        assert menus == ([] if board is single else [False]), board["uid"]


def test_a_link_gives_single_choices_a_value_and_carries_none() -> None:
    single = {board["uid"]: _single(board) for board in DASHBOARDS.values() if _single(board)}
    found = 0
    for board in DASHBOARDS.values():
        for url in set(_links(board["panels"])):
            uid, _, query = url.removeprefix("/d/").partition("?")
            if uid in single:
                found += 1
                assert set(re.findall(r"var-(\w+)=", query)) >= single[uid], url
                assert single[uid].isdisjoint(re.findall(r"\$\{(\w+):queryparam\}", query)), url
    assert found > 10


def test_bars_of_states_say_in_words_that_there_are_none() -> None:
    bars = [
        panel
        for board in DASHBOARDS.values()
        for panel in asking_panels(board)
        if panel["type"] == "state-timeline"
    ]
    assert len(bars) > 10
    for panel in bars:
        assert panel["fieldConfig"]["defaults"]["noValue"] not in WORDED
        # An answer of nothing is a table without a time, of which Grafana says that alone.
        assert [one["id"] for one in panel["transformations"]] == ["filterFieldsByName"]


def test_limits_are_drawn_only_beside_what_they_limit_and_nothing_has_words() -> None:
    found = 0
    for board in DASHBOARDS.values():
        for panel in asking_panels(board):
            limits = [
                target["expr"] for target in panel["targets"] if "threshold" in target.get("legendFormat", "")
            ]
            found += len(limits)
            if limits:
                assert panel["fieldConfig"]["defaults"]["noValue"] not in WORDED, panel["title"]
            assert all(") and on () (" in expr for expr in limits), panel["title"]
    assert found > 30


def test_a_limit_is_shown_while_something_is_beside_it(prometheus: Prometheus) -> None:
    board = _board("quotas")
    *_, limits = _panel(board, "Quotas near their limit")["targets"]
    assert prometheus.ask(picked(board, limits["expr"]))
    assert prometheus.ask(picked(board, limits["expr"], integration="payments")) == []


def test_a_tenant_that_is_picked_sees_no_other_tenant(prometheus: Prometheus) -> None:
    found = set()
    for board in DASHBOARDS.values():
        if board["tags"] != ["integration-exporter"] or "$tenant" not in str(board["panels"]):
            continue
        for panel in asking_panels(board):
            for target in panel["targets"]:
                if "expr" in target:
                    answer = prometheus.ask(picked(board, target["expr"], tenant=PICKED))
                    tenants = {series["metric"].get("tenant", "") for series in answer}
                    assert tenants <= {"", PICKED}, f"{board['uid']}: {panel['title']}"
                    found |= tenants
    assert found == {"", PICKED}


def test_no_alert_is_asked_for_of_a_tenant_and_of_all_integrations() -> None:
    asked = [target for board in DASHBOARDS.values() for target in re.findall(r"ALERTS{[^}]*}", str(board))]
    assert len(asked) > 100
    assert [text for text in asked if 'tenant=~"$tenant|"' in text] == []


def test_alerts_without_a_tenant_are_of_integrations_that_the_tenant_has(prometheus: Prometheus) -> None:
    board = _board("overview")
    loudest = _panel(board, "Firing alerts")["targets"][0]["expr"]
    shown = {
        (series["metric"]["integration"], series["metric"].get("tenant", ""))
        for series in prometheus.ask(picked(board, loudest, tenant="acme"))
        if series["metric"].get("integration")
    }
    own = {name for name, (_, tenants, *_) in INTEGRATIONS.items() if "acme" in tenants}
    of_acme = {(one, tenant) for _, _, one, tenant, _ in ALERTS if tenant in ("", "acme") and one in own}
    assert shown == of_acme
    assert ("newsletter", "") in shown and ("edge", "") not in shown


@pytest.mark.parametrize("tenant", TENANTS)
def test_failures_are_those_of_the_tenant_that_is_picked(tenant: str, prometheus: Prometheus) -> None:
    board = _board("errors")
    expr = _panel(board, FAILURES[0])["targets"][0]["expr"]
    found = {series["metric"]["reason"] for series in prometheus.ask(picked(board, expr, tenant=tenant))}
    assert found == {reason for _, who, reason, _, until in TROUBLES if who == tenant and until == 0}


def test_what_a_tenant_that_is_picked_does_not_narrow_says_so() -> None:
    found = 0
    for board in DASHBOARDS.values():
        if "tenant" not in {variable["name"] for variable in board["templating"]["list"]}:
            continue
        for panel in asking_panels(board):
            asked = [one for one in panel["targets"] if "threshold" not in one.get("legendFormat", "")]
            said = "whatever is picked" in panel["description"]
            found += said
            assert said is not bool(re.search(r"\$\{?tenant\b", str(asked))), panel["title"]
    assert found > 20


def test_what_an_integration_that_is_picked_does_not_narrow_says_so() -> None:
    found = 0
    for board in DASHBOARDS.values():
        if "integration" not in {variable["name"] for variable in board["templating"]["list"]}:
            continue
        for panel in asking_panels(board):
            asked = [one for one in panel["targets"] if "threshold" not in one.get("legendFormat", "")]
            # Of all tenants, whatever is picked: not narrowed by an integration either, or by it alone.
            said = "whatever integration is picked" in panel["description"]
            found += said
            narrowed = bool(re.search(r"\$\{?integration\b", str(asked)))
            assert not (said and narrowed), panel["title"]
            assert said or narrowed or "whatever is picked" in panel["description"], panel["title"]
    assert found > 10


def test_a_counter_of_failures_is_asked_only_while_all_tenants_are_picked() -> None:
    found = 0
    for board in DASHBOARDS.values():
        for panel in asking_panels(board):
            text = " ".join(target.get("expr", "") for target in panel["targets"])
            for matchers in re.findall(rf"(?:{'|'.join(COUNTERS)}){{([^}}]*)}}", text):
                found += 1
                said = "tenants" in panel["description"]
                assert said or 'tenant=~"$tenant"' in matchers, f"{board['uid']}: {panel['title']}"
    assert found > 10

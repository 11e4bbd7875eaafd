"""A number that stands for a state is said by a word, wherever a provider shows it."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from exporter import registry
from exporter.core.metric import Metric
from exporter.core.panel import Panel, Tone
from tests.generate.dashboards_reading import asking_panels
from tests.generate.test_dashboards import DASHBOARDS

LEVEL = re.compile(r"(?:: |, )(\d) [a-z]")
"""In the help of a metric: 3 green, 2 yellow, 1 red."""
STATES = {metric.name: metric for metric in registry.metrics()}
DIRECT = re.compile(r"(?:max|min) by \([^)]*\) \((integration_\w+)\{[^}]*\}\)\Z")
"""A query whose value is that of one metric."""
PANELS = [
    pytest.param(panel, id=f"{name}: {panel.title}")
    for name, source in registry.sources().items()
    for panel in source.panels
]


def values_of(metric: Metric) -> set[int]:
    """Return the values that stand for states, as the help of `metric` says; none for a number."""
    levels = {int(value) for value in LEVEL.findall(metric.help)}
    if len(levels) > 1:
        return levels
    return {0, 1} if metric.help.startswith("Whether ") else set()


def state_of(expr: str) -> set[int]:
    """Return the values that stand for states in the answer of `expr`; none where it is a number."""
    found = DIRECT.match(expr)
    return values_of(STATES[found[1]]) if found and found[1] in STATES else set()


@pytest.mark.parametrize("panel", PANELS)
def test_a_state_has_a_word_for_each_value(panel: Panel) -> None:
    assert set(panel.words) == state_of(panel.expr)


@pytest.mark.parametrize("panel", PANELS)
def test_what_has_words_is_no_line(panel: Panel) -> None:
    # In a number's panel the words of three targets are written over each other.
    assert bool(panel.words) <= (panel.kind in ("states", "table"))
    assert (panel.kind == "states") <= bool(panel.words)
    tones = {tone for _, tone in panel.words.values()}
    assert not panel.words or (len(tones) > 1 and tones <= set(Tone))


@pytest.mark.parametrize("panel", PANELS)
def test_a_table_says_what_it_counts(panel: Panel) -> None:
    constant = "_info{" in panel.expr or panel.expr.endswith("== 1")
    assert panel.kind != "table" or panel.words or constant or panel.column != "Value"


def test_no_graph_of_any_dashboard_draws_a_state_as_a_line() -> None:
    drawn = [
        (dashboard["uid"], panel["title"])
        for dashboard in DASHBOARDS.values()
        for panel in asking_panels(dashboard)
        for target in panel["targets"]
        if panel["type"] == "timeseries" and state_of(_bare(target))
    ]
    assert drawn == []


def _bare(target: Mapping[str, Any]) -> str:
    return re.sub(r"^(?:top|bottom)k\(\d+, (.*)\)$", r"\1", target.get("expr", ""))


EVERYTHING = [
    (dashboard["uid"], panel) for dashboard in DASHBOARDS.values() for panel in asking_panels(dashboard)
]


def test_money_has_the_sign_of_its_currency() -> None:
    found = 0
    for uid, panel in EVERYTHING:
        legends = " ".join(target.get("legendFormat", "") for target in panel["targets"])
        if panel["type"] == "timeseries" and "{{currency}}" in legends:
            signs = {
                override["matcher"]["options"]: override["properties"][0]["value"]
                for override in panel["fieldConfig"]["overrides"]
                if override["matcher"]["id"] == "byRegexp"
            }
            share = panel["fieldConfig"]["defaults"]["unit"] == "percentunit"
            assert share or signs["/\\bEUR$/"] == "currencyEUR", (uid, panel["title"])
            found += not share
    assert found >= 4


def test_a_title_that_several_dashboards_have_is_of_the_same_unit() -> None:
    units: dict[tuple[str, str], set[str]] = {}
    for _, panel in EVERYTHING:
        unit = panel["fieldConfig"]["defaults"]["unit"]
        units.setdefault((panel["title"], panel["type"]), set()).add(unit)
    assert [key for key, found in units.items() if len(found) > 1] == []


def test_numbers_of_a_time_say_the_time_alike() -> None:
    titles = {panel["title"] for _, panel in EVERYTHING if panel["type"] == "stat"}
    titles -= {"Expire in a day", "Expire in a week"}  # what will be, and not what was
    assert [title for title in titles if re.search(r" in an? (hour|day|week)|\b1 d$", title)] == []
    assert sum(title.endswith((", 1 h", ", 24 h")) for title in titles) > 10


def test_a_time_that_is_left_is_not_cut_to_whole_days() -> None:
    text = [panel for _, panel in EVERYTHING if "suffix: days" in str(panel["fieldConfig"])]
    # A window is whole days.
    assert [panel["title"] for panel in text] == ["Error budgets by what is left"]


def test_where_nothing_is_counted_it_reads_none() -> None:
    counts = [
        (uid, panel)
        for uid, panel in EVERYTHING
        if panel["type"] == "stat" and panel["fieldConfig"]["defaults"]["unit"] == "short"
    ]
    assert len(counts) > 30
    silent = [
        (uid, panel["title"]) for uid, panel in counts if not panel["fieldConfig"]["defaults"]["mappings"]
    ]
    assert silent == []


def test_severities_and_alerts_of_the_store_read_alike() -> None:
    for uid, panel in EVERYTHING:
        sql = " ".join(target.get("rawSql", "") for target in panel["targets"])
        columns = {each["matcher"]["options"]: str(each) for each in panel["fieldConfig"]["overrides"]}
        if sql.strip() and panel["type"] == "table" and "Severity" in columns:
            assert "'critical'" in columns["Severity"], (uid, panel["title"])
            assert " AS alert" in sql, (uid, panel["title"])


def test_what_a_choice_leaves_empty_says_so_in_words() -> None:
    silent = [
        (uid, panel["title"])
        for uid, panel in EVERYTHING
        if re.search(r"\$(tenant|integration)\b", str(panel["targets"]))
        and (panel["type"] != "stat" or (uid == "integration-detail" and panel["title"] != "State"))
        and panel["fieldConfig"]["defaults"].get("noValue") in (None, "", "No data")
    ]
    assert silent == []


def test_a_target_that_is_not_answered_is_not_said_to_have_no_facts() -> None:
    panels = {panel["title"]: panel for uid, panel in EVERYTHING if uid == "integration-detail"}
    for title in ("Facts", "Dates", "States"):
        assert panels[title]["fieldConfig"]["defaults"]["noValue"].endswith(" is known of this target")


def test_an_integration_without_limits_says_so() -> None:
    panels = {panel["title"]: panel for uid, panel in EVERYTHING if uid == "integration-detail"}
    for title in ("Quotas by share used", "Rate limits by share left", "Prepaid money", "Cost of the month"):
        assert panels[title]["fieldConfig"]["defaults"]["noValue"].startswith("This integration ")


def test_states_are_found_by_the_help_of_their_metric() -> None:
    assert values_of(STATES["integration_whatsapp_phone_quality"]) == {1, 2, 3}
    assert values_of(STATES["integration_statuspage_indicator"]) == {0, 1, 2, 3, 4}
    assert values_of(STATES["integration_supabase_service_up"]) == {0, 1}
    assert values_of(STATES["integration_supabase_query_mean_seconds"]) == set()
    assert sum(bool(values_of(metric)) for metric in STATES.values()) > 30

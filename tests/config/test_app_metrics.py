"""`events.metrics`: thresholds of declared metrics, and that every mistake is named with its remedy."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from exporter.config.schema import build_schema
from exporter.core.severity import Severity
from tests.config.house import CATALOGUE, House

GAUGE = "{name: jobs_waiting, help: Jobs., labels: {queue: [mail]}, thresholds: {medium: 100, high: 1000}}"
COUNTER = "{name: mails_total, type: counter, help: Mails., thresholds: {low: 0.5}}"
FALLING = "{name: seats_free, help: Seats., worse: smaller, thresholds: {medium: 10, high: 2}}"


def written(*metrics: str, more: str = "") -> str:
    rows = "".join(f"    - {metric}\n" for metric in metrics)
    return f"integrations: []\n{more}events:\n  metrics:\n{rows}"


def test_thresholds_are_numbers_by_severity_and_hold_for_everybody(tmp_path: Path) -> None:
    found = House(tmp_path).load(written(GAUGE, COUNTER, FALLING)).events
    rows = [(str(one.family.metric), one.labels, one.value) for one in found.thresholds]
    tenant = ("tenant", "")
    assert rows == [
        ("integration_threshold_app_jobs_waiting", (tenant, ("severity", "high")), 1000.0),
        ("integration_threshold_app_jobs_waiting", (tenant, ("severity", "medium")), 100.0),
        ("integration_threshold_app_mails", (tenant, ("severity", "low")), 0.5),
        ("integration_threshold_app_seats_free", (tenant, ("severity", "high")), 2.0),
        ("integration_threshold_app_seats_free", (tenant, ("severity", "medium")), 10.0),
    ]
    assert found.alert_names == {
        "IntegrationAppJobsWaitingHigh",
        "IntegrationAppMailsHigh",
        "IntegrationAppSeatsFreeLow",
    }
    assert found.alert_labels == ("queue",)
    assert [family.rising for family in found.families.values()] == [True, True, False]


def test_a_metric_without_thresholds_has_no_alert(tmp_path: Path) -> None:
    found = House(tmp_path).load(written("{name: jobs_waiting, help: Jobs.}")).events
    assert (found.families, found.thresholds, found.alert_names) == ({}, (), frozenset())


MISTAKES = [
    ([GAUGE.replace("high: 1000", "high: 10")], "must not be below medium", "worse: smaller"),
    ([FALLING.replace("high: 2", "high: 20")], "must not be above medium", "stricter"),
    ([COUNTER.replace("0.5", "-1")], "a counter never falls", "added in a minute"),
    ([GAUGE.replace("high: 1000", "urgent: 1000")], "urgent", "high"),
    ([GAUGE.replace("1000", "many")], "number", ""),
    ([GAUGE.replace("1000", "1e16")], "high", ""),
    ([GAUGE.replace("thresholds:", "worse: lower, thresholds:")], "lower", "larger"),
    (
        [COUNTER, COUNTER.replace("mails_total, type: counter", "mails")],
        "those of two metrics",
        "another name",
    ),
    (
        ["{name: a1b, help: A., thresholds: {low: 1}}", "{name: a_1b, help: A., thresholds: {low: 1}}"],
        "those of two metrics",
        "another name",
    ),
]


@pytest.mark.parametrize(("metrics", "what", "remedy"), MISTAKES)
def test_a_mistake_is_named_with_its_remedy(
    tmp_path: Path, metrics: list[str], what: str, remedy: str
) -> None:
    (mistake,) = House(tmp_path).mistakes(written(*metrics))
    assert what in mistake.what and remedy in mistake.remedy, mistake
    assert mistake.line


def test_an_alert_of_the_user_may_not_take_the_name(tmp_path: Path) -> None:
    alert = (
        "alerts: [{name: IntegrationAppJobsWaitingHigh, metric: integration_probe_success, op: '<', value: 1,"
        " severity: low, summary: Down.}]\n"
    )
    found = House(tmp_path).mistakes(written(GAUGE, more=alert))
    assert any("is an alert of the exporter" in mistake.what for mistake in found)


def test_the_schema_knows_thresholds(tmp_path: Path) -> None:
    validator = Draft202012Validator(build_schema(CATALOGUE))
    document = {"events": {"metrics": [{"name": "a", "help": "A.", "thresholds": {"high": 1, "odd": 2}}]}}
    messages = [error.message for error in validator.iter_errors(document)]
    assert any("odd" in message for message in messages), messages
    assert Severity("high") in Severity

"""What a phone shows of a group of alerts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.gsm7 import BASIC, EXTENDED, parts
from exporter.notices.payload import read_payload
from exporter.notices.sms_text import LAST, group_notice
from tests.notices.messages import NOW, alert, message


def critical(**labels: Any) -> dict[str, Any]:
    return alert(severity="critical", **labels)


@pytest.mark.parametrize(
    ("alerts", "text"),
    [
        (
            [critical(tenant="acme")],
            "CRITICAL payments tenant acme: IntegrationDown: IntegrationDown of payments",
        ),
        (
            [critical(tenant="a"), critical(tenant="b")],
            "CRITICAL payments: IntegrationDown: 2 alerts. IntegrationDown of payments",
        ),
        ([critical(integration="")], "CRITICAL integration-exporter: IntegrationDown: IntegrationDown of"),
        # Of a group that goes on firing only what fires is counted.
        (
            [
                critical(tenant="a"),
                {**critical(tenant="b"), "status": "resolved", "endsAt": "2026-11-28T12:00:00Z"},
            ],
            "CRITICAL payments tenant a: IntegrationDown: IntegrationDown of payments",
        ),
        (
            [alert(ends=NOW, severity="critical")],
            "RESOLVED CRITICAL payments: IntegrationDown: IntegrationDown of payments",
        ),
        (
            [critical(tenant="T" * 90)],
            f"CRITICAL payments tenant {'T' * 45}...: IntegrationDown: IntegrationDown of payments",
        ),
    ],
)
def test_it_says_who_and_what_and_how_bad(alerts: list[dict[str, Any]], text: str) -> None:
    found = group_notice(read_payload(message(*alerts), NOW), NOW)
    assert found.text == text


def test_a_test_says_that_it_is_one() -> None:
    found = group_notice(read_payload(message(critical(test="x-critical")), NOW), NOW)
    assert found.text.startswith("TEST CRITICAL payments: IntegrationDown (test): ")


def test_the_last_message_says_so_unless_it_is_the_resolution() -> None:
    firing = group_notice(read_payload(message(critical()), NOW), NOW)
    assert firing.last_text == firing.text + LAST
    over = group_notice(read_payload(message(alert(ends=NOW, severity="critical")), NOW), NOW)
    assert over.last_text == over.text


def test_a_truncated_message_counts_those_that_were_left_out() -> None:
    found = group_notice(read_payload(message(critical(), truncatedAlerts=41), NOW), NOW)
    assert "42 alerts." in found.text


def test_an_incident_is_named_by_the_labels_of_its_group_whoever_sends_it() -> None:
    def name(**more: Any) -> str:
        return group_notice(read_payload(message(critical(), **more), NOW), NOW).incident

    labels = {"alertname": "IntegrationDown", "severity": "critical"}
    assert name(groupLabels=labels, groupKey="{}/a") == name(
        groupLabels=dict(reversed(labels.items())), groupKey="{}/b"
    )
    assert name(groupLabels=labels) != name(groupLabels=labels | {"integration": "x"})
    # A route of one's own that groups by nothing still has its key.
    assert name(groupLabels={}, groupKey="{}/a") != name(groupLabels={}, groupKey="{}/b")


TEXTS = st.text(max_size=300)


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_no_label_makes_it_longer_or_anything_but_one_line_of_the_alphabet(
    tenant: str, integration: str, name: str, summary: str
) -> None:
    one = critical(tenant=tenant, integration=integration)
    one["labels"]["alertname"] = name
    one["annotations"]["summary"] = summary
    # A half of a character is no UTF-8, so no JSON of Alertmanager has one.
    found = group_notice(read_payload(message(one), NOW), NOW)
    for text in (found.text, found.last_text):
        assert parts(text) <= 2
        assert set(text) <= (BASIC | EXTENDED) - {"\n", "\r", "\f"}
        assert text.startswith("CRITICAL ")

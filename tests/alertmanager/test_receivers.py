"""What Alertmanager says of its receivers, in the forms of old and new versions."""

import json

import pytest

from exporter.alertmanager.receivers import NotificationCounts, add_counts, read_channels, read_counts

OLD = b"""# HELP alertmanager_notifications_total The total number of attempted notifications.
alertmanager_notifications_total{integration="email"} 3
alertmanager_notifications_failed_total{integration="email"} 0
alertmanager_notification_requests_failed_total{integration="email"} 2
alertmanager_notifications_total{integration="slack"} 1e+03
alertmanager_alerts{state="active"} 7
"""
NEW = b"""alertmanager_notifications_total{integration="email",receiver_name="high"} 1
alertmanager_notifications_total{integration="email",receiver_name="low \\"x\\""} 2
alertmanager_notifications_failed_total{integration="email",reason="other"} 1
alertmanager_notifications_failed_total{integration="email",reason="serverError"} 4
"""


def test_counts_are_read_by_kind_of_channel() -> None:
    assert read_counts(OLD) == {"email": NotificationCounts(3, 2), "slack": NotificationCounts(1000, 0)}
    assert read_counts(NEW) == {"email": NotificationCounts(3, 5)}
    assert read_counts(b"\xff no metrics") == {}


def test_members_of_a_cluster_are_added_up() -> None:
    both = add_counts([read_counts(OLD), read_counts(NEW)])
    assert both == {"email": NotificationCounts(6, 7), "slack": NotificationCounts(1000, 0)}


def test_each_receiver_has_its_channels() -> None:
    text = "receivers: [{name: a, slack_configs: [{}, {}], email_configs: []}, {name: b}]"
    body = json.dumps({"config": {"original": text}}).encode()
    assert read_channels(body) == {"a": ("slack", "slack"), "b": ()}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{}",
        b'{"config": {"original": ""}}',
        b'{"config": {"original": "receivers: [1]"}}',
        b'{"config": {"original": "{"}}',
    ],
)
def test_what_is_no_status_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError, match="no configuration"):
        read_channels(body)

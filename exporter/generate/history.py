"""What Alertmanager brings to the exporter: every notice for its history, and text messages for Twilio.

Every key is valid on Alertmanager 0.25.
"""

from typing import Any

from exporter.core.generation import Generation, addresses
from exporter.core.notice import HISTORY_RECEIVER
from exporter.core.notice_address import NoticeAddress
from exporter.core.notifications import AlertHistory, Notifications
from exporter.core.severity import Severity
from exporter.core.sms import Bridge
from exporter.generate.secret_files import SecretFiles
from exporter.notices.payload import MOST_ALERTS

PATH = "/api/v1/notices"
SMS_PATH = "/api/v1/sms"

PACE = {"group_interval": "1m", "repeat_interval": "1d"}
"""Changes come within a minute; a repeat tells nothing new, so once a day will do."""


def history_receiver(
    settings: AlertHistory | None, generation: Generation, secrets: SecretFiles
) -> dict[str, Any] | None:
    """Return the receiver of the history, None where the configuration wants none.

    Every replica of the exporter gets every notice: those with one store keep it once.
    """
    if settings is None:
        return None
    return {"name": HISTORY_RECEIVER, "webhook_configs": to_exporter(settings, generation, secrets, PATH)}


def history_route() -> dict[str, Any]:
    """Return the route that takes every alert and passes it on to whoever else it concerns."""
    return {
        "receiver": HISTORY_RECEIVER,
        "continue": True,
        **PACE,
        "group_wait": Severity.HIGH.group_wait,
        # As long as those of the channels: a higher step that is to come then hides the lower one here, too.
        "routes": [
            {"matchers": [f'severity="{severity}"'], "group_wait": severity.group_wait}
            for severity in Severity
        ],
    }


def bridge_configs(
    notifications: Notifications, generation: Generation, secrets: SecretFiles
) -> list[dict[str, Any]]:
    """Return how text messages reach the exporter, which brings them to Twilio; empty without Twilio."""
    sms = notifications.sms
    if sms is None or sms.twilio is None:
        return []
    way = sms.bridge or notifications.history or Bridge()
    return to_exporter(way, generation, secrets, SMS_PATH)


def to_exporter(
    settings: NoticeAddress, generation: Generation, secrets: SecretFiles, path: str
) -> list[dict[str, Any]]:
    """Return a webhook of Alertmanager to `path` of each replica, with the credential of `settings`."""
    http: dict[str, Any] = {}
    if settings.bearer_token:
        name = "sms-token" if isinstance(settings, Bridge) else "history-token"
        credentials = secrets.path(name, settings.bearer_token)
        http["authorization"] = {"type": "Bearer", "credentials_file": credentials}
    if tls := secrets.tls(settings.tls):
        http["tls_config"] = tls
    return [
        {"send_resolved": True, "url": f"{base}{path}", "max_alerts": MOST_ALERTS, "http_config": http}
        for base in _bases(settings, generation)
    ]


def _bases(settings: NoticeAddress, generation: Generation) -> list[str]:
    if settings.url:
        return [settings.url.rstrip("/")]
    peer = generation.exporter
    return [f"{peer.scheme}://{address}{peer.path_prefix}" for address in addresses(peer, "exporter")]

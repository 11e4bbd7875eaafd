"""The receiver that brings every notice into the exporter's history, and the route to it.

Every key is valid on Alertmanager 0.25.
"""

from typing import Any

from exporter.core.generation import Generation, addresses
from exporter.core.notice import HISTORY_RECEIVER
from exporter.core.notifications import AlertHistory
from exporter.core.severity import Severity
from exporter.generate.secret_files import SecretFiles
from exporter.notices.payload import MOST_ALERTS

PATH = "/api/v1/notices"

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
    http: dict[str, Any] = {}
    if settings.bearer_token:
        path = secrets.path("history-token", settings.bearer_token)
        http["authorization"] = {"type": "Bearer", "credentials_file": path}
    if tls := secrets.tls(settings.tls):
        http["tls_config"] = tls
    configs = [
        {"send_resolved": True, "url": f"{base}{PATH}", "max_alerts": MOST_ALERTS, "http_config": http}
        for base in _bases(settings, generation)
    ]
    return {"name": HISTORY_RECEIVER, "webhook_configs": configs}


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


def _bases(settings: AlertHistory, generation: Generation) -> list[str]:
    if settings.url:
        return [settings.url.rstrip("/")]
    peer = generation.exporter
    return [f"{peer.scheme}://{address}{peer.path_prefix}" for address in addresses(peer, "exporter")]

"""Whether Alertmanager answers: one line of the log when that changes, and a series."""

import structlog

from exporter.core.alertmanager import AlertmanagerError
from exporter.core.configuration import Configuration
from exporter.core.escalation import ALERTMANAGER_UP
from exporter.notices.series import Count


class AlertmanagerContact:
    """Keeps whether Alertmanager answers; `set_value` shows it.

    Where none is configured, and none answers at the usual address, there is nothing to report.
    """

    def __init__(self, set_value: Count) -> None:
        """Begin without an answer."""
        self._set = set_value
        self._expected = False
        self._up: bool | None = None

    def apply(self, configuration: Configuration) -> None:
        """Expect an Alertmanager where the configuration says where it is."""
        api, peer = configuration.notifications.alertmanager, configuration.generation.alertmanager
        self._expected = bool(api.urls or peer.addresses)

    def note(self, error: AlertmanagerError | None = None) -> None:
        """Take it that Alertmanager answered, or why it did not."""
        before = self._up
        if error is not None and before is None and not self._expected:
            return
        self._up = error is None
        self._set(ALERTMANAGER_UP, (), float(self._up))
        log = structlog.get_logger("exporter.alertmanager")
        if error is not None and before is not False:
            log.error("Alertmanager does not answer: nothing is escalated or silenced", error=error.detail)
        elif error is None and before is False:
            log.info("Alertmanager answers again")

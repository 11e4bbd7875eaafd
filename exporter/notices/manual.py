"""Alerts by hand: stored, and sent to Alertmanager again and again until somebody resolves them."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from exporter.alertmanager.client import AlertmanagerClient
from exporter.core.alertmanager import ActiveAlert, AlertmanagerError, FiredAlert
from exporter.core.errors import StoreError
from exporter.core.manual_alert import ManualAlert, manual_labels
from exporter.core.severity import Severity
from exporter.notices.fingerprint import fingerprint_of
from exporter.store.subjects import manual_alerts

EVERY = 60.0
"""Seconds between two times that everything is sent."""

LIFE = 10 * EVERY
"""Seconds after which Alertmanager takes an alert for resolved that nobody sends any more."""

AFTERLIFE = 2 * LIFE
"""Seconds for which the end of an alert is sent, too: a replica that did not know may have renewed it."""

ReadStore = Callable[[Callable[[Any], Any]], Awaitable[Any]]
"""Asks the store, off the event loop; StoreError where it fails."""

WriteStore = Callable[[Callable[..., Any], Any], Awaitable[Any]]
"""Writes an item by a step, for good; StoreError where that is not certain."""


class ManualAlerts:
    """What people fired, in the store. Every replica sends all of it: Alertmanager takes that for one alert.

    `write` takes a step and its item, `read` a query; both raise StoreError. `now` is in Unix seconds.
    """

    def __init__(
        self,
        client: AlertmanagerClient,
        write: WriteStore,
        read: ReadStore,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Keep whom to ask; nothing is sent before `run`."""
        self._client = client
        self._write = write
        self._read = read
        self._now = now
        self._log = structlog.get_logger("exporter.alerts")
        self._failing = False

    async def keep(self, alert: ManualAlert) -> bool:
        """Store `alert`; return whether it is new, False where the same fires already."""
        return bool(await self._write(manual_alerts.add_new, alert))

    async def find(self, fingerprint: str) -> ManualAlert | None:
        """Return the alert with `fingerprint` that fires, None where there is none."""
        found: ManualAlert | None = await self._read(
            lambda connection: manual_alerts.find(connection, fingerprint)
        )
        return found

    async def end(self, alert: ManualAlert) -> ManualAlert | None:
        """End `alert` in the store; return it with its end, None where somebody else has ended it."""
        at = self._now()
        ended = await self._write(manual_alerts.end, (alert.fingerprint, at))
        return replace(alert, ends=at) if ended else None

    async def send(self, alerts: Sequence[ManualAlert]) -> None:
        """Send `alerts`: those that fire for a while longer, those that were ended as resolved.

        Raises AlertmanagerError; what is stored is sent again within a minute.
        """
        until = self._now() + LIFE
        await self._client.fire([_fired(one, until if one.ends is None else one.ends) for one in alerts])

    async def send_all(self) -> None:
        """Send all that fire, and what was ended of late; trouble is on the log, once until it is over."""
        since = self._now() - AFTERLIFE
        try:
            alerts = await self._read(lambda connection: manual_alerts.current(connection, since))
            if alerts:
                await self.send(alerts)
        except (AlertmanagerError, StoreError) as error:
            if not self._failing:
                self._log.warning("alerts by hand were not sent", error=str(error))
            self._failing = True
            return
        if self._failing:
            self._log.info("alerts by hand are sent again")
        self._failing = False

    async def run(self) -> None:
        """Send everything again and again."""
        while True:
            await self.send_all()
            await asyncio.sleep(EVERY)


@dataclass(frozen=True)
class ManualRequest:
    """What somebody says of an alert that is to fire; `details` and `tenant` may be empty."""

    service: str
    severity: Severity
    message: str
    details: str = ""
    tenant: str = ""


def build_manual_alert(request: ManualRequest, provider: str, actor: str, now: float) -> ManualAlert:
    """Return the alert; the same service, severity, tenant and message are the same alert."""
    service, severity, tenant = request.service, request.severity, request.tenant
    said = "\0".join((service, severity, tenant, request.message)).encode("utf-8", "replace")
    number = hashlib.sha256(said).hexdigest()[:12]
    labels = manual_labels(service, severity, tenant, provider, number)
    annotations = {
        "summary": request.message,
        "description": request.details or request.message,
        "fired_by": actor,
    }
    return ManualAlert(now, fingerprint_of(labels), actor, labels, annotations)


def as_active(alert: ManualAlert) -> ActiveAlert:
    """Return `alert` as Alertmanager would list it."""
    ends = alert.ends if alert.ends is not None else alert.at + LIFE
    return ActiveAlert(alert.fingerprint, alert.labels, alert.annotations, alert.at, ends)


def _fired(alert: ManualAlert, ends: float) -> FiredAlert:
    return FiredAlert(alert.labels, alert.annotations, alert.at, ends)

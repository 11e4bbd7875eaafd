"""Where alerts are answered: what Alertmanager has now, who is at it, and what people do about it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from exporter.alertmanager.client import AlertmanagerClient
from exporter.alerts.platform import WATCHDOG
from exporter.core.alert_action import AlertAction, AlertVerb
from exporter.core.alertmanager import ActiveAlert, Silence
from exporter.core.errors import StoreError
from exporter.core.manual_alert import ManualAlert
from exporter.notices.acknowledgements import Acknowledgements
from exporter.notices.actions import acknowledgement_notice, build_action
from exporter.notices.alert_state import AlertState, acknowledgement_of, state_of
from exporter.notices.drill import Drills
from exporter.notices.manual import ManualAlerts, ReadStore, as_active
from exporter.notices.series import AlertSeries
from exporter.store.alert_records import AlertRecord
from exporter.store.subjects.alert_actions import assignments

RecordAction = Callable[[AlertRecord], Awaitable[bool]]
"""Stores an action for good and returns whether its notice is new; StoreError where that is not certain."""


@dataclass(frozen=True)
class DeskAlert:
    """An alert that Alertmanager has, with what people have made of it.

    `silence` is its acknowledgement, None where it has none; `assignee` is "" for nobody.
    """

    alert: ActiveAlert
    state: AlertState
    silence: Silence | None = None
    assignee: str = ""


@dataclass(frozen=True)
class DeskView:
    """All alerts of a moment; `warning` is a sentence where assignments could not be read."""

    alerts: tuple[DeskAlert, ...]
    warning: str = ""


class AlertDesk:
    """Lists alerts and answers them. `now` is in Unix seconds. Who decides by what is there takes `turn`.

    Alertmanager is the truth about alerts and acknowledgements, so every replica sees the same of them; the
    store has who is assigned, and the history. Methods raise AlertmanagerError and StoreError.
    """

    def __init__(
        self,
        client: AlertmanagerClient,
        acknowledgements: Acknowledgements,
        record: RecordAction,
        read: ReadStore,
        series: AlertSeries,
        manual: ManualAlerts,
        now: Callable[[], float],
    ) -> None:
        """Keep whom to ask; `manual` has what people fire."""
        self.manual = manual
        self.drills = Drills(client, now)
        self.turn = asyncio.Lock()
        self._client = client
        self._acknowledgements = acknowledgements
        self._record = record
        self._read = read
        self._series = series
        self._now = now

    async def view(self) -> DeskView:
        """Return every alert but the Watchdog, which fires to show that the way is open."""
        found = [one for one in await self._client.alerts() if one.labels.get("alertname") != WATCHDOG.name]
        silenced = any(one.silenced_by for one in found)
        silences = await self._client.silences() if silenced else []
        try:
            fingerprints = {one.fingerprint for one in found}
            assigned = await self._read(lambda connection: assignments(connection, fingerprints))
            warning = ""
        except StoreError:
            assigned, warning = {}, "the store does not answer: who is assigned is not known"
        alerts = tuple(
            DeskAlert(
                one,
                state_of(one),
                acknowledgement_of(one, silences),
                _assignee(one, assigned.get(one.fingerprint)),
            )
            for one in found
        )
        return DeskView(alerts, warning)

    async def channels(self) -> dict[str, tuple[str, ...]]:
        """Return the kinds of channels of each receiver of Alertmanager."""
        return await self._client.channels()

    async def find(self, fingerprint: str) -> DeskAlert | None:
        """Return the alert with `fingerprint`, None where Alertmanager has none."""
        alerts = (await self.view()).alerts
        return next((one for one in alerts if one.alert.fingerprint == fingerprint), None)

    async def acknowledge(self, alert: ActiveAlert, actor: str, until: float, note: str = "") -> Silence:
        """Silence `alert` until `until` (Unix seconds), and keep who did it.

        Where only the store fails it is acknowledged all the same; the same again extends the silence.
        """
        now = self._now()
        silence = await self._acknowledgements.put(alert, actor, now, until, note)
        action = build_action(
            *(alert, AlertVerb.ACKNOWLEDGE, actor, now), until=until, note=note, silence=silence.id
        )
        notice = acknowledgement_notice(alert, silence, now)
        if await self._record((action, notice)):
            self._series.acknowledge(notice.alert, now - alert.starts)
        return silence

    async def assign(self, alert: ActiveAlert, actor: str, assignee: str, note: str = "") -> None:
        """Give `alert` to `assignee`, "" for nobody, until it is resolved."""
        action = build_action(alert, AlertVerb.ASSIGN, actor, self._now(), assignee=assignee, note=note)
        await self._record((action, None))

    async def fire(self, alert: ManualAlert) -> bool:
        """Fire `alert` by hand; return whether it is new, False where the same fires already.

        With AlertmanagerError it is stored all the same, and sent once Alertmanager answers.
        """
        new = await self.manual.keep(alert)
        if new:
            action = build_action(
                as_active(alert), AlertVerb.FIRE, alert.actor, alert.at, note=alert.annotations["summary"]
            )
            await self._record((action, None))
        stored = alert if new else await self.manual.find(alert.fingerprint)
        await self.manual.send([stored or alert])
        return new

    async def resolve(self, alert: ManualAlert, actor: str, note: str = "") -> bool:
        """End an alert that was fired by hand; return whether it fired still. Errors are those of `fire`.

        Its acknowledgement expires with it: the same alert would be silent when it is fired again.
        """
        ended = await self.manual.end(alert)
        if ended is not None:
            action = build_action(as_active(ended), AlertVerb.RESOLVE, actor, self._now(), note=note)
            await self._record((action, None))
            await self.manual.send([ended])
            await self._acknowledgements.expire(alert.labels)
        return ended is not None


def _assignee(alert: ActiveAlert, assigned: AlertAction | None) -> str:
    """Return who has `alert`; whoever had it when it fired the last time does not have it again."""
    return assigned.assignee if assigned is not None and assigned.at >= alert.starts else ""

"""Escalates what nobody acknowledges in time: the alert is sent to Alertmanager again, one severity up."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial

import structlog

from exporter.alertmanager.client import AlertmanagerClient
from exporter.config import durations
from exporter.core.alert_identity import SCOPE, TEST, identity
from exporter.core.alertmanager import ActiveAlert, AlertmanagerError, FiredAlert, Matcher
from exporter.core.configuration import Configuration
from exporter.core.errors import StoreError
from exporter.core.escalation import (
    ESCALATED_FROM,
    ESCALATED_TO,
    ESCALATIONS,
    Escalation,
    EscalationEnd,
    incident,
)
from exporter.core.notifications import NEVER
from exporter.core.severity import Severity
from exporter.notices.contact import AlertmanagerContact
from exporter.notices.patience import WaitingTimes, last_silence
from exporter.notices.series import Count
from exporter.store.escalations import EscalationStore
from exporter.store.threads import in_thread

LOOK = 30.0
"""Seconds between two looks."""

KEPT = 900.0
"""Seconds that an escalated alert goes on without being sent again: a restart must not resolve it."""

ABSENT = 120.0
"""Seconds after which an alert that is missing is resolved.

An Alertmanager that begins again has none, until Prometheus sends them again: each minute.
"""

WATCHED = (
    Matcher(SCOPE, "exporter|integration|tenant", is_regex=True),
    Matcher("severity", "|".join((Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)), is_regex=True),
)
"""Alerts of ours: an Alertmanager may have those of others, who have their own ways."""


class EscalationWatch:
    """Looks at what Alertmanager has, and escalates what waits for too long: each incident once.

    Replicas need not know of one another: what they send has the same labels, so it is one alert. While the
    store fails this process remembers what it escalated. `now` is in Unix seconds.
    """

    def __init__(
        self,
        client: AlertmanagerClient,
        records: EscalationStore,
        contact: AlertmanagerContact,
        count: Count,
        now: Callable[[], float],
    ) -> None:
        """Show every series from 0 on; `apply` says what escalates when."""
        self._client = client
        self._records = records
        self._contact = contact
        self._count = count
        self._now = now
        self._waits: dict[str, float] = {}
        self._identity: tuple[str, ...] = identity()
        self._open: dict[str, Escalation] = {}
        self._unsaved: dict[str, Escalation] = {}
        self._over: set[str] = set()
        self._missing: dict[str, float] = {}
        self._leaving: dict[str, FiredAlert] = {}
        self._waiting = WaitingTimes()
        for severity in ESCALATED_TO.values():
            count(ESCALATIONS, (severity,), 0)

    def apply(self, configuration: Configuration) -> None:
        """Escalate by `configuration` from now on."""
        settings = configuration.notifications.escalation
        given = {Severity.HIGH: settings.high, Severity.MEDIUM: settings.medium}
        self._waits = {
            severity.value: durations.seconds(text) for severity, text in given.items() if text != NEVER
        }
        self._identity = identity(configuration.generation.aggregation_labels)

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Escalate what waits for too long, and send again what is escalated.

        An Alertmanager that does not answer, or a store that fails, raises nothing: the next look goes on.
        """
        try:
            alerts = await self._client.alerts(WATCHED)
            await self._recall()
            await self._escalate(alerts)
            await self._send(alerts)
        except AlertmanagerError as error:
            self._contact.note(error)
        else:
            self._contact.note()

    async def _recall(self) -> None:
        """Take what other replicas escalated, and save what could not be saved at once."""
        try:
            if waiting := list(self._unsaved.values()):
                await in_thread(partial(self._records.add, waiting))
                self._unsaved = {}
            found = await in_thread(self._records.unfinished)
        except StoreError:  # the store's own part logs and shows it
            return
        self._open = {one.once: one for one in found}

    async def _escalate(self, alerts: Sequence[ActiveAlert]) -> None:
        """Open an escalation for each incident that waits for too long."""
        sources = [one for one in alerts if not one.labels.get(ESCALATED_FROM)]
        self._waiting.keep({one.fingerprint for one in sources})
        self._over &= {incident(one.fingerprint, one.starts) for one in sources}
        escalated = {one.fingerprint for one in alerts} - {one.fingerprint for one in sources}
        due = list(self._due(sources, escalated))
        if due:
            # Asked for only now: there may be thousands, of which hardly any is of use.
            silences = await self._client.silences()
            for one in due:
                ended = last_silence(one.labels, silences, self._now())
                if ended is not None:
                    self._waiting.hide(one.fingerprint, ended)
            await self._add([self._escalation(one) for one in self._due(due, escalated)])

    def _due(self, sources: Sequence[ActiveAlert], escalated: Set[str]) -> Iterator[ActiveAlert]:
        """Yield what waits for too long; `escalated` are the fingerprints of what is escalated."""
        now, index = self._now(), _Index(sources, self._identity)
        for one in sources:
            wait = self._waits.get(one.labels.get("severity", ""))
            if one.silenced_by or set(one.inhibited_by) - escalated:
                self._waiting.hide(one.fingerprint, now)
            elif wait is None or one.labels.get(TEST) or self._waiting.since(one) + wait > now:
                continue
            elif not self._known(one) and not index.has_higher(one):
                yield one

    def _known(self, source: ActiveAlert) -> bool:
        """Return whether the incident is escalated, or was before."""
        key = incident(source.fingerprint, source.starts)
        same = (one for one in self._open.values() if one.fingerprint == source.fingerprint)
        return key in self._over or any(one.once == key or source.starts <= one.at for one in same)

    def _escalation(self, source: ActiveAlert) -> Escalation:
        labels, severity = source.labels, source.labels["severity"]
        to = ESCALATED_TO[Severity(severity)].value
        return Escalation(
            at=self._now(),
            alert=labels.get("alertname", ""),
            severity=to,
            escalated_from=severity,
            integration=labels.get("integration", ""),
            tenant=labels.get("tenant", ""),
            provider=labels.get("provider", ""),
            fingerprint=source.fingerprint,
            starts=source.starts,
            labels={**labels, "severity": to, ESCALATED_FROM: severity},
            annotations=self._annotations(source),
        )

    def _annotations(self, source: ActiveAlert) -> Mapping[str, str]:
        severity = source.labels["severity"]
        wait = durations.text_of(self._waits.get(severity, 0.0))
        text = f"Escalated from {severity}: nobody acknowledged it within {wait}."
        described = f"{source.annotations.get('description', '')} {text}".strip()
        return {**source.annotations, "description": described, "escalation": text}

    async def _add(self, escalations: Sequence[Escalation]) -> None:
        """Keep new escalations, before they are sent; those of incidents that were escalated are dropped."""
        if not escalations:
            return
        try:
            new = await in_thread(partial(self._records.add, escalations))
        except StoreError:
            # Somebody must be woken although the store fails; the labels keep it one alert all the same.
            new = [True] * len(escalations)
            self._unsaved |= {one.once: one for one in escalations}
        for one, is_new in zip(escalations, new, strict=True):
            if is_new:
                self._open[one.once] = one
                self._report(one)
            else:
                self._over.add(one.once)

    def _report(self, escalation: Escalation) -> None:
        self._count(ESCALATIONS, (escalation.severity,), 1)
        names = ("alert", "severity", "escalated_from", "integration", "tenant")
        structlog.get_logger("exporter.alertmanager").warning(
            "alert escalated: nobody acknowledged it", **{name: getattr(escalation, name) for name in names}
        )

    async def _send(self, alerts: Sequence[ActiveAlert]) -> None:
        """Send what is escalated again, and what ended as resolved, until every member has taken it."""
        sources = {one.fingerprint: one for one in alerts if not one.labels.get(ESCALATED_FROM)}
        index, now = _Index(sources.values(), self._identity), self._now()
        firing: list[FiredAlert] = []
        over: list[Escalation] = []
        for one in self._open.values():
            source = sources.get(one.fingerprint)
            if source is not None and source.starts > one.at:
                source = None  # it was resolved since, and this is another incident
            ended = self._end(one, source, index)
            if ended is not None:
                over.append(ended)
            elif source is not None:
                firing.append(_fired(one, self._annotations(source), now + KEPT))
        self._leaving = {key: one for key, one in self._leaving.items() if one.ends > now - KEPT}
        self._leaving |= {one.once: _fired(one, one.annotations, one.ended or now) for one in over}
        if firing or self._leaving:
            taken = await self._client.fire([*firing, *self._leaving.values()])
            if len(taken) == len(self._client.members):
                self._leaving = {}
        await self._finish(over)

    def _end(self, one: Escalation, source: ActiveAlert | None, index: "_Index") -> Escalation | None:
        """Return the escalation with its end, None while it goes on."""
        now = self._now()
        if source is None:
            since = self._missing.setdefault(one.once, now)
            if now - since < ABSENT:
                return None
            # Not before it began: Alertmanager refuses that.
            return replace(one, ended=max(since, one.at), why=EscalationEnd.RESOLVED)
        self._missing.pop(one.once, None)
        why: EscalationEnd | None = None
        if source.silenced_by:
            why = EscalationEnd.ACKNOWLEDGED
        elif index.has_higher(source):
            why = EscalationEnd.SUPERSEDED
        elif one.escalated_from not in self._waits:
            why = EscalationEnd.OFF
        return None if why is None else replace(one, ended=max(now, one.at), why=why)

    async def _finish(self, over: Sequence[Escalation]) -> None:
        for one in over:
            self._open.pop(one.once, None)
            self._unsaved.pop(one.once, None)
            self._missing.pop(one.once, None)
            self._over.add(one.once)
        try:
            if over:
                await in_thread(partial(self._records.finish, over))
        except StoreError:  # it is unfinished still, so the next look ends it again
            return


class _Index:
    """The severities of alerts by what they are about."""

    def __init__(self, alerts: Iterable[ActiveAlert], names: Sequence[str]) -> None:
        self._names = names
        self._severities: dict[tuple[str, ...], set[str]] = {}
        for one in alerts:
            self._severities.setdefault(self._subject(one), set()).add(one.labels.get("severity", ""))

    def has_higher(self, alert: ActiveAlert) -> bool:
        """Return whether an alert of the same thing is more urgent than `alert`."""
        severity = alert.labels["severity"]
        return any(severity in Severity(one).below for one in self._severities[self._subject(alert)])

    def _subject(self, alert: ActiveAlert) -> tuple[str, ...]:
        return tuple(alert.labels.get(name, "") for name in self._names)


def _fired(escalation: Escalation, annotations: Mapping[str, str], ends: float) -> FiredAlert:
    return FiredAlert(escalation.labels, annotations, escalation.at, ends)

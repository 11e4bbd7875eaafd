"""Acknowledges alerts: a silence of Alertmanager with the name of whoever does it, a note and an end."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from exporter.alertmanager.client import AlertmanagerClient
from exporter.core.alert_identity import silence_matchers
from exporter.core.alertmanager import ActiveAlert, AlertmanagerError, Matcher, Silence, SilenceState

USUAL_SECONDS = 4 * 3600.0
"""How long an acknowledgement holds, unless it says otherwise."""

LONGEST_SECONDS = 7 * 86_400.0
"""How long it holds at most: what nobody has dealt with in a week speaks again."""

NO_NOTE = "acknowledged"
"""The comment of an acknowledgement without a note: Alertmanager's page shows no silence without one."""


class Acknowledgements:
    """The silences by which people say that they are at it; `kept_apart` returns the aggregation labels.

    Whatever replica makes one: it is in Alertmanager, which shares it with its cluster.
    """

    def __init__(self, client: AlertmanagerClient, kept_apart: Callable[[], tuple[str, ...]]) -> None:
        """Keep whom to ask."""
        self._client = client
        self._kept_apart = kept_apart

    async def put(self, alert: ActiveAlert, actor: str, now: float, until: float, note: str = "") -> Silence:
        """Silence `alert` until `until` (Unix seconds), by extending the silence that is there already.

        A lower or higher severity of the same condition is not silenced. AlertmanagerError where that fails.
        """
        matchers = silence_matchers(alert.labels, self._kept_apart())
        before = await self._current(matchers)
        wanted = Silence(matchers, now, until, actor, note or NO_NOTE)
        if before is not None:
            # Another start would be another silence.
            wanted = replace(wanted, starts=before.starts, id=before.id, comment=note or before.comment)
        try:
            silence_id = await self._client.put_silence(wanted)
        except AlertmanagerError as error:
            if not (wanted.id and error.status == 404):
                raise
            # The member that answers now has not heard of it.
            silence_id = await self._client.put_silence(replace(wanted, id="", starts=now))
        return replace(wanted, id=silence_id)

    async def expire(self, labels: Mapping[str, str]) -> None:
        """Let the acknowledgement of the alert with `labels` expire, where there is one."""
        before = await self._current(silence_matchers(labels, self._kept_apart()))
        if before is not None:
            await self._client.expire_silence(before.id)

    async def _current(self, matchers: tuple[Matcher, ...]) -> Silence | None:
        by_name = [one for one in matchers if one.name == "alertname"]
        found = [
            one
            for one in await self._client.silences(by_name)
            if one.state is SilenceState.ACTIVE and set(one.matchers) == set(matchers)
        ]
        return max(found, key=lambda one: one.ends, default=None)

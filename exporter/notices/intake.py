"""Takes the messages of Alertmanager: stored before the answer, each change of an alert once."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from exporter.core.notice import FIRING, RESOLVED, SENT_STATES, Notice, NoticeFate
from exporter.core.notice_metrics import LAST_NOTICE, NOTICES, REPEATED, TRUNCATED
from exporter.core.severity import Severity
from exporter.notices.payload import read_payload
from exporter.notices.series import OTHER, AlertSeries, Count
from exporter.store.threads import in_thread

StoreNotices = Callable[[Sequence[Notice]], Awaitable[list[NoticeFate]]]
"""Stores notices for good and returns what became of each; StoreError where that is not certain."""

LARGE = 256 << 10
"""Bytes from which a body is read in a thread: meanwhile the loop does its other work."""


@dataclass(frozen=True)
class NoticeResult:
    """What became of a message: its alerts that are new, those stored before, those that were left out."""

    accepted: int
    duplicates: int
    truncated: int


class NoticeIntake:
    """Keeps what Alertmanager sends; `add` and `set_value` show how many. `now` is in Unix seconds."""

    def __init__(self, store: StoreNotices, add: Count, set_value: Count, now: Callable[[], float]) -> None:
        """Show every series from 0 on: `rate` does not see one that begins at 1."""
        self._store = store
        self._add = add
        self._set = set_value
        self._now = now
        self.alerts = AlertSeries(add)
        for state in SENT_STATES:
            for severity in Severity:
                add(NOTICES, (state, severity.value), 0)
        add(REPEATED, (), 0)
        add(TRUNCATED, (), 0)

    async def receive(self, body: bytes) -> NoticeResult:
        """Store what `body` says that is new; it is on the disk when this returns.

        Raises PayloadError for a body that is no message, and StoreError when it could not be stored: then
        nothing was counted, and all of it may be sent again.
        """
        now = self._now()
        if len(body) < LARGE:
            payload = read_payload(body, now)
        else:
            payload = await in_thread(lambda: read_payload(body, now))
        fates = list(zip(payload.notices, await self._store(payload.notices), strict=True))
        for notice, fate in fates:
            self._count_alert(notice, fate)
        accepted = [notice for notice, fate in fates if fate]
        self._count(accepted, len(payload.notices) - len(accepted), payload.truncated)
        return NoticeResult(len(accepted), len(payload.notices) - len(accepted), payload.truncated)

    def _count_alert(self, notice: Notice, fate: NoticeFate) -> None:
        if fate and notice.state == FIRING:
            self.alerts.fire(notice.alert, flapped=fate is NoticeFate.FLAP)
        elif fate and notice.state == RESOLVED and notice.ends is not None:
            self.alerts.resolve(notice.alert, notice.ends - notice.starts)

    def _count(self, accepted: Sequence[Notice], repeated: int, truncated: int) -> None:
        ours = set(Severity)
        kinds = Counter((one.state, one.severity if one.severity in ours else OTHER) for one in accepted)
        for labels, number in kinds.items():
            self._add(NOTICES, labels, number)
        self._add(REPEATED, (), repeated)
        self._add(TRUNCATED, (), truncated)
        self._set(LAST_NOTICE, (), self._now())

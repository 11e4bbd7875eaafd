"""Maintenance windows as silences of Alertmanager, which are made in time, renewed and taken away."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

import msgspec
import structlog

from exporter.alertmanager.client import AlertmanagerClient
from exporter.config.layout_maintenance import MaintenancePart
from exporter.config.sections.maintenance import build
from exporter.core.alertmanager import AlertmanagerError, Silence
from exporter.core.configuration import Configuration
from exporter.core.errors import StoreError
from exporter.core.maintenance import API, MAINTENANCE_ACTIVE, MaintenanceWindow
from exporter.core.metric import Metric
from exporter.notices.contact import AlertmanagerContact
from exporter.notices.series import Count
from exporter.notices.silences import fits, living, silence_of, window_of
from exporter.store.maintenance import MaintenanceStore
from exporter.store.subjects.maintenance import WindowRow
from exporter.store.threads import in_thread

LOOK = 30.0
"""Seconds between two looks."""

REFRESH = 5.0
"""Seconds after which a window that another replica made is known here."""

LEAD = 600.0
"""Seconds before its start from which Alertmanager has the silence: a restart meanwhile misses nothing."""

KEPT = 7 * 86_400.0
"""Seconds for which a window of the API stays in the list when it is over."""

Forget = Callable[[Metric, Callable[[tuple[str, ...]], bool]], None]
"""Forgets the series of a metric whose labels are not wanted any more."""


class MaintenanceKeeper:
    """All windows, of the file and of the API; the file wins where both have a name.

    Each look compares Alertmanager's silences with the windows: one that is missing, changed or expired by
    somebody is made again, one that no window wants is taken away, and of two that do the same one stays. So
    replicas need not know of one another. `now` is in Unix seconds. `on_foreign` is called where the windows
    of the store are others than before.
    """

    def __init__(
        self,
        client: AlertmanagerClient,
        store: MaintenanceStore,
        contact: AlertmanagerContact,
        set_value: Count,
        forget: Forget,
        now: Callable[[], float],
    ) -> None:
        """Begin without windows; `apply` and `look` bring them."""
        self.store = store
        self._client = client
        self._contact = contact
        self._set = set_value
        self._forget = forget
        self._now = now
        self._file: tuple[MaintenanceWindow, ...] = ()
        self._api: tuple[MaintenanceWindow, ...] = ()
        self._ours: dict[str, str] = {}
        self._wake = asyncio.Event()
        self.on_foreign: Callable[[], None] = lambda: None

    def apply(self, configuration: Configuration) -> None:
        """Take the windows of a configuration."""
        self.take(*configuration.maintenance)

    def take(self, *windows: MaintenanceWindow) -> None:
        """Take `windows` in the place of those of the file; a look follows soon."""
        self._file = windows
        self.hasten()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            # Before the look: what changes meanwhile is looked at next.
            self._wake.clear()
            await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._refresh_until_woken()

    async def _refresh_until_woken(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH):
                    await self._wake.wait()
                    return
            with suppress(StoreError):  # as of a look
                await self.refresh()

    def hasten(self) -> None:
        """Look soon: a window was made or removed."""
        self._wake.set()

    def windows(self) -> list[MaintenanceWindow]:
        """Return every window, by name."""
        found = {one.name: one for one in (*self._api, *self._file)}
        return [found[name] for name in sorted(found)]

    def find(self, name: str) -> MaintenanceWindow | None:
        """Return the window of that name, None where there is none."""
        return next((one for one in self.windows() if one.name == name), None)

    async def refresh(self) -> None:
        """Take the windows and silences that the store has; StoreError leaves everything as it is."""
        rows, self._ours = await in_thread(self.store.load)
        windows = [one for one in map(stored_window, rows) if one is not None]
        over = [one for one in windows if one.once is not None and one.once.ends < self._now() - KEPT]
        for one in over:
            await in_thread(partial(self.store.remove, one.name))
        before, self._api = self._api, tuple(one for one in windows if one not in over)
        if set(map(_version, before)) != set(map(_version, self._api)):
            self.on_foreign()

    async def look(self) -> None:
        """Bring the windows to Alertmanager; one that does not answer is asked again by the next look."""
        with suppress(StoreError):  # what was known last counts; the store's own part logs and shows it
            await self.refresh()
        self._show()
        try:
            await self._reconcile()
        except AlertmanagerError as error:
            self._contact.note(error)

    def _show(self) -> None:
        now, windows = self._now(), self.windows()
        names = {one.name for one in windows}
        self._forget(MAINTENANCE_ACTIVE, lambda labels: labels[0] in names)
        for one in windows:
            self._set(MAINTENANCE_ACTIVE, (one.name,), float(one.is_open(now)))

    async def _reconcile(self) -> None:
        now, windows = self._now(), self.windows()
        wanted = [silence_of(one, span) for one in windows for span in one.spans(now, LEAD)]
        if not wanted and not self._ours:
            return
        left = living(await self._client.silences())
        self._contact.note()
        used: dict[str, str] = {}
        missing: list[Silence] = []
        for one in wanted:
            same = [other for other in left if fits(other, one)]
            left = [other for other in left if other not in same]
            if same:
                used[same[0].id] = window_of(one) or ""
            else:
                missing.append(one)
            await self._expire(same[1:], "another replica made the same")
        for one in missing:
            # In the place of one of ours that the window had before it was changed.
            before = next((old for old in left if self._ours.get(old.id) == window_of(one)), None)
            left = [old for old in left if old is not before]
            used |= await self._make(one, before.id if before else "")
        # Of a window that is gone, if it is ours: other exporters may have windows of the same name.
        gone = [one for one in left if one.id in self._ours and one.id not in used]
        refused = await self._expire(gone, "its window is gone or was changed")
        # What Alertmanager took away before is not listed by the next look; all else is tried again then.
        await self._remember(used | {one: self._ours[one] for one in refused})

    async def _make(self, wanted: Silence, before: str) -> dict[str, str]:
        """Make a silence in the place of `before`, "" for none; return its id and its window."""
        name, starts = window_of(wanted) or "", max(wanted.starts, self._now())
        made = await self._client.put_silence(replace(wanted, id=before, starts=starts))
        structlog.get_logger("exporter.alertmanager").info(
            "maintenance is silenced", window=name, silence=made
        )
        return {made: name}

    async def _expire(self, silences: Iterable[Silence], why: str) -> list[str]:
        """Take silences away; return those of which Alertmanager refused it."""
        refused = []
        for one in silences:
            try:
                await self._client.expire_silence(one.id)
            except AlertmanagerError as error:
                # Another replica may have been first: then it is unknown or expired, and all is well.
                if error.status is None:
                    raise
                refused.append(one.id)
                continue
            structlog.get_logger("exporter.alertmanager").info(
                "silence taken away", window=window_of(one), silence=one.id, why=why
            )
        return refused

    async def _remember(self, used: Mapping[str, str]) -> None:
        gone = frozenset(self._ours.keys() - used.keys())
        new = {one: name for one, name in used.items() if one not in self._ours}
        self._ours = dict(used)
        if gone or new:
            try:
                await in_thread(partial(self.store.write_silences, new, gone))
            except StoreError:  # it is known here as long as the process runs
                return


def _version(window: MaintenanceWindow) -> tuple[str, float | None]:
    return window.name, window.created


def stored_window(row: WindowRow) -> MaintenanceWindow | None:
    """Return the window in a row, None for one that a newer version wrote."""
    try:
        part = msgspec.convert(json.loads(row.settings), MaintenancePart)
        built = build(part)
    except (ValueError, msgspec.ValidationError):
        return None
    return replace(built, origin=API, author=row.author, created=row.created)

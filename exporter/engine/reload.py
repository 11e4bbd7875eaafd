"""Loads the configuration again, and swaps it in only when it is without a mistake."""

import asyncio
from collections.abc import Callable

import structlog

from exporter.config.load import without_collection
from exporter.config.watch import Fingerprint
from exporter.core.clock import Clock
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.engine.changes import TargetChanges, adopt
from exporter.engine.selfmetrics import SelfMetrics

Load = Callable[[str | None], Configuration]
"""Loads the configuration from a text, or from its file when the text is None."""

Apply = Callable[[Configuration, TargetChanges | None], None]
"""Makes a configuration the current one in all parts that work by it; None is for the first one."""

FilePrints = tuple[Fingerprint, Fingerprint]
"""State of the main file, and of all the others."""

MOST_NAMES = 5
"""Integrations that a line of the log names."""


class Reloader:
    """Keeps the running configuration and exchanges it as a whole.

    `load` runs in a thread, what applies a configuration on the loop. With mistakes only one metric changes.
    """

    def __init__(self, load: Load, clock: Clock, metrics: SelfMetrics) -> None:
        """Prepare; `start` takes the first configuration, and what applies it."""
        self._load = load
        self._apply: Apply = _apply_nothing
        self._clock = clock
        self._metrics = metrics
        self._lock = asyncio.Lock()
        self._main_file_is_wrong = False
        self._files: FilePrints = (Fingerprint.of(frozenset()), Fingerprint.of(frozenset()))
        self._log = structlog.get_logger("exporter.reload")
        self.current: Configuration | None = None

    def start(self, configuration: Configuration, apply: Apply) -> None:
        """Apply the configuration that the process started with; `apply` takes each later one too."""
        self._apply = apply
        self._swap(configuration, None, _check_files(configuration))

    async def reload(self) -> None:
        """Load the file again and swap; raises ConfigError, with the old configuration kept."""
        await self._reload(None)

    async def apply_feed_changes(self) -> None:
        """Load again with the main file that is in force: tenants changed elsewhere. A mistake is logged."""
        if self.current is None:
            return
        try:
            await self._reload(self.current.text)
        except ConfigError as error:
            self._log.error("reload failed", mistakes=[str(mistake) for mistake in error.mistakes])

    async def watch(self, interval: float, *, main_file: bool) -> None:
        """Look for changed files every `interval` seconds, until cancelled.

        Tenant, secret and certificate files count always; the main file only with `main_file`. When only the
        former changed they are read with the text of the main file that is in force, so that a half-edited
        main file never holds back a rotated secret.
        """
        while True:
            await asyncio.sleep(interval)
            if self.current is None:
                continue
            files = await asyncio.to_thread(_check_files, self.current)
            changed_main = main_file and files[0] != self._files[0]
            if not changed_main and files[1] == self._files[1]:
                continue
            self._files = files  # a file with a mistake is reported once, not at every look
            try:
                await self._reload(None if changed_main else self.current.text)
            except ConfigError as error:
                self._log.error("reload failed", mistakes=[str(mistake) for mistake in error.mistakes])

    async def _reload(self, text: str | None) -> None:
        async with self._lock:
            try:
                configuration, changes, files = await asyncio.to_thread(self._load_and_check, text)
            except ConfigError:
                self._main_file_is_wrong |= text is None
                self._metrics.reload_successful.set(0)
                raise
            # A rotated secret says nothing of a main file that was refused: it is as wrong as before.
            self._main_file_is_wrong &= text is not None
            self._swap(configuration, changes, files)
            self._log.info(
                "configuration loaded",
                integrations=len(configuration.integrations),
                targets=len(configuration.targets),
                **_news(changes),
            )

    def _load_and_check(self, text: str | None) -> tuple[Configuration, TargetChanges | None, FilePrints]:
        """Load, off the loop, with all that takes its time where there are thousands of targets."""
        old = self.current
        before = _check_files(old) if old else None
        # What is loaded and found equal is gone before the collector could look at it.
        with without_collection():
            configuration, changes = self._load(text), None
            if old is not None:
                configuration, changes = adopt(old, configuration)
        after = _check_files(configuration)
        # A file that changed while it was read must look changed at the next look.
        same_files = old is not None and old.files == configuration.files
        return configuration, changes, before if before is not None and same_files else after

    def _swap(self, configuration: Configuration, changes: TargetChanges | None, files: FilePrints) -> None:
        self.current = configuration  # first: while it is applied the log hides its secrets already
        self._apply(configuration, changes)
        self._files = files
        self._metrics.reload_successful.set(float(not self._main_file_is_wrong))
        self._metrics.reload_time.set(self._clock.now())


def _apply_nothing(_configuration: Configuration, _changes: TargetChanges | None) -> None:
    pass


def _news(changes: TargetChanges | None) -> dict[str, int | list[str]]:
    """Return what came, went and changed: counts of targets, and names of integrations when they are few."""
    changes = changes or TargetChanges()
    counts = {"added": len(changes.added), "removed": len(changes.gone), "changed": len(changes.changed)}
    names = sorted({integration for integration, _ in changes.differing})
    return {**counts, "differ": names} if 0 < len(names) <= MOST_NAMES else {**counts}


def _check_files(configuration: Configuration) -> FilePrints:
    main = frozenset({configuration.path} if configuration.path else ())
    return Fingerprint.of(main), Fingerprint.of(configuration.files - main)

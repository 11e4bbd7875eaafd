"""Loads the configuration again, and swaps it in only when it is without a mistake."""

import asyncio
from collections.abc import Callable

import structlog

from exporter.config.watch import Fingerprint
from exporter.core.clock import Clock
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.engine.selfmetrics import SelfMetrics

Load = Callable[[str | None], Configuration]
"""Loads the configuration from a text, or from its file when the text is None."""

Apply = Callable[[Configuration], None]
"""Makes a configuration the current one in all parts that work by it."""

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
        self._swap(configuration, _check_files(configuration))

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
                configuration, files = await asyncio.to_thread(self._load_and_check, text)
            except ConfigError:
                self._main_file_is_wrong |= text is None
                self._metrics.reload_successful.set(0)
                raise
            # A rotated secret says nothing of a main file that was refused: it is as wrong as before.
            self._main_file_is_wrong &= text is not None
            news = _news(self.current, configuration)
            self._swap(configuration, files)
            self._log.info(
                "configuration loaded",
                integrations=len(configuration.integrations),
                targets=len(configuration.targets),
                **news,
            )

    def _load_and_check(self, text: str | None) -> tuple[Configuration, FilePrints]:
        before = _check_files(self.current) if self.current else None
        configuration = self._load(text)
        after = _check_files(configuration)
        # A file that changed while it was read must look changed at the next look.
        same_files = self.current is not None and self.current.files == configuration.files
        return configuration, before if before is not None and same_files else after

    def _swap(self, configuration: Configuration, files: FilePrints) -> None:
        self.current = configuration  # first: while it is applied the log hides its secrets already
        self._apply(configuration)
        self._files = files
        self._metrics.reload_successful.set(float(not self._main_file_is_wrong))
        self._metrics.reload_time.set(self._clock.now())


def _apply_nothing(_configuration: Configuration) -> None:
    pass


def _news(old: Configuration | None, new: Configuration) -> dict[str, int | list[str]]:
    """Return what came, went and changed: counts of targets, and names of integrations when they are few."""
    before = old.targets if old else {}
    added, removed = new.targets.keys() - before.keys(), before.keys() - new.targets.keys()
    changed = {key for key, target in new.targets.items() if key in before and not before[key].same(target)}
    counts = {"added": len(added), "removed": len(removed), "changed": len(changed)}
    names = sorted({integration for integration, _ in added | removed | changed})
    return {**counts, "differ": names} if 0 < len(names) <= MOST_NAMES else {**counts}


def _check_files(configuration: Configuration) -> FilePrints:
    main = frozenset({configuration.path} if configuration.path else ())
    return Fingerprint.of(main), Fingerprint.of(configuration.files - main)

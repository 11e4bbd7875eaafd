"""What a configuration changes in the running process, apart from its file."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from exporter.core.configuration import Configuration
from exporter.engine.changes import TargetChanges
from exporter.engine.engine import Engine
from exporter.store.encryption import Seals
from exporter.store.tokens import TokenStore
from exporter.store.writer import Writer


@dataclass(frozen=True)
class ConfigurationSwap:
    """Gives a configuration to every part that works by it; the store stays the one at `opened_url`."""

    engine: Engine
    writer: Writer
    tokens: TokenStore
    opened_url: str
    also: tuple[Callable[[Configuration], None], ...] = ()

    def apply(self, configuration: Configuration, changes: TargetChanges | None = None) -> None:
        """Make `configuration` the current one everywhere; `changes` are those from the one before."""
        before = self.engine.configuration
        known = {self.opened_url, before.store.url if before else self.opened_url}
        if configuration.store.url not in known:  # once for each other URL, not at every reload
            structlog.get_logger("exporter.app").warning("store.url is another one: restart the exporter")
        # Before the engine: what it stores from now on is encrypted by the new key.
        self.tokens.exchange_keys(Seals(configuration.store.token_keys))
        self.engine.apply(configuration, changes)
        for apply in self.also:
            apply(configuration)
        self.writer.retention = configuration.store.retention

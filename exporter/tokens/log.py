"""The log of what was done with tokens: failures on the log of the process, every entry for the store."""

from collections.abc import Callable

import structlog

from exporter.core.token import TokenEvent
from exporter.store.batch import Batch
from exporter.store.subjects.token_log import TokenLogBatch


class TokenLog:
    """Hands each entry to `submit`, which takes batches for the store and never blocks."""

    def __init__(self, submit: Callable[[Batch], None]) -> None:
        """Prepare a log."""
        self._submit = submit

    def add(self, event: TokenEvent, detail: str = "") -> None:
        """Keep `event`; the process's log gets a failure with its `detail`, which holds no secret."""
        if event.result == "failed":
            structlog.get_logger("exporter.tokens").warning(
                "token was not refreshed",
                integration=event.integration,
                tenant=event.tenant,
                reason=event.reason,
                actor=event.actor,
                detail=detail,
            )
        self._submit(TokenLogBatch([event]))

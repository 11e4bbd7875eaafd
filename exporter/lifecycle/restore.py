"""What the last process left in the store, brought back before anything is probed."""

import structlog

from exporter.core.errors import StoreError
from exporter.engine.engine import Engine
from exporter.store.subjects import changes, failures, targets
from exporter.store.threads import in_thread
from exporter.store.tokens import TokenStore
from exporter.store.writer import Writer


async def restore(engine: Engine, writer: Writer) -> None:
    """Open the store and bring back what the last process knew; one that fails now costs only that.

    It is tried again before each write, and probing goes on without it.
    """
    try:
        await writer.open()
        engine.remember(await writer.read(targets.load))
        last_changes = await writer.read(lambda connection: changes.query(connection, limit=200).rows)
        last_failures = await writer.read(lambda connection: failures.query(connection, limit=200).rows)
        engine.history.restore(last_changes, last_failures)
    except StoreError as error:
        structlog.get_logger("exporter.app").error("state was not restored", error=str(error))


async def encrypt_again(tokens: TokenStore) -> None:
    """Encrypt by the first key what an older one encrypted; one that cannot be read stays as it is."""
    log = structlog.get_logger("exporter.tokens")
    try:
        await in_thread(tokens.drop_unseen)
        if changed := await in_thread(tokens.encrypt_again):
            log.info("stored tokens were encrypted by the newest key", count=changed)
    except StoreError as error:
        if tokens.keeps_secrets:  # otherwise there was nothing to do, and the store has logged why it fails
            log.error("stored tokens were not encrypted by the newest key", error=str(error))

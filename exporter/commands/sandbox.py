"""`sandbox`: the simulated vendors, until Ctrl-C."""

import argparse
import asyncio
import contextlib
import signal

from exporter import registry
from exporter.sandbox import harness


def sandbox(options: argparse.Namespace) -> int:
    """Serve every simulated vendor."""
    asyncio.run(_serve_until_signal(options.listen))
    return 0


async def _serve_until_signal(listen: str) -> None:
    vendors = asyncio.create_task(
        harness.run(listen, registry.sandbox_vendors().values(), lambda line: print(line, flush=True))
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, vendors.cancel)
    with contextlib.suppress(asyncio.CancelledError):  # the signal to stop: everything is closed by then
        await vendors

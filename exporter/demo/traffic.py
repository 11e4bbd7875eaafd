"""What apps of the demo do all the while: events, limits, and webhooks each way.

`python -m exporter.demo.traffic` is the same as a program, for containers: it waits for the exporter, and
plays the receivers of webhooks, the person on call, and what goes wrong at the simulated vendors as well.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from exporter.client import Client
from exporter.demo.app_events import app
from exporter.demo.on_call import on_call
from exporter.demo.other_app import other_app
from exporter.demo.sink import Sink
from exporter.demo.troubles import troubles
from exporter.demo.webhooks import webhook_traffic


@asynccontextmanager
async def traffic(exporter: str, token: str) -> AsyncIterator[Client]:
    """Let apps use `exporter`, with a token that may report, until the end of the block."""
    async with app(exporter, token) as client, other_app(exporter, token), webhook_traffic(exporter, token):
        yield client


async def run(options: argparse.Namespace) -> None:
    """Do all of it until the process is stopped."""
    token, person = (path.read_text().strip() for path in (options.token_file, options.admin_token_file))
    sink = Sink()
    async with AsyncExitStack() as stack:
        await sink.start(options.port, "0.0.0.0")  # noqa: S104 - the network of the containers alone
        stack.push_async_callback(sink.stop)
        await _wait_for(f"{options.exporter}/-/ready")
        await stack.enter_async_context(traffic(options.exporter, token))
        await stack.enter_async_context(troubles(options.sandbox, options.exporter, person))
        await stack.enter_async_context(on_call(options.exporter, person))
        await asyncio.Event().wait()


async def _wait_for(page: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(page) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass  # not yet
            await asyncio.sleep(1)


def build_parser() -> argparse.ArgumentParser:
    """Return what reads the words of the command line."""
    parser = argparse.ArgumentParser(prog="python -m exporter.demo.traffic")
    parser.add_argument("--exporter", required=True, help="URL of the exporter")
    parser.add_argument("--sandbox", required=True, help="URL of the simulated vendors")
    parser.add_argument("--port", type=int, required=True, help="where webhooks arrive")
    parser.add_argument("--token-file", type=Path, required=True, help="a token that may report")
    parser.add_argument("--admin-token-file", type=Path, required=True, help="a token of a person on call")
    return parser


if __name__ == "__main__":
    asyncio.run(run(build_parser().parse_args()))

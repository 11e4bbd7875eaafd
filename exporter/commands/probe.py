"""`probe`: one target once, for a person at a terminal."""

import argparse
import asyncio
import sys
import time

from exporter.commands.loading import chosen_file, load
from exporter.core.clock import SystemClock
from exporter.core.configuration import Configuration
from exporter.core.errors import StartError
from exporter.core.probe import Result, Target
from exporter.engine.explain import explain
from exporter.engine.run import run
from exporter.net.network import LoopNetwork
from exporter.server.handlers.probe import story


def probe(options: argparse.Namespace) -> int:
    """Probe one target and print what came of it; return 0 when it is connected, else 1."""
    target = find(load(chosen_file(options.config_file)), options.name, options.tenant)
    result = asyncio.run(_once(target))
    samples = explain(target, result)
    if options.verbose:
        print(story(target, result, samples), end="")
        return 0 if result.ok else 1
    if result.ok:
        print(f"{target}: connected in {result.took * 1000:.0f} ms")
    else:
        print(f"{target}: {result.reason}: {result.detail}")
    print("\n".join(line for line in samples.splitlines() if not line.startswith("#")))
    return 0 if result.ok else 1


def find(configuration: Configuration, name: str, tenant: str) -> Target:
    """Return the target `name` of `tenant`; StartError tells which there are."""
    if target := configuration.targets.get((name, tenant)):
        return target
    tenants = [key[1] for key in configuration.targets if key[0] == name]
    if not tenants:
        names = ", ".join(integration.name for integration in configuration.integrations)
        raise StartError(f"there is no integration {name!r}; there are: {names or 'none'}")
    some = ", ".join(tenants[:10]) + (", ..." if len(tenants) > 10 else "")
    raise StartError(f"{name} has no tenant {tenant!r}; give --tenant, one of: {some}")


async def _once(target: Target) -> Result:
    network = LoopNetwork()
    progress = asyncio.create_task(_progress(target))
    try:
        return await run(target, network, SystemClock(), {})
    finally:
        progress.cancel()
        await network.close()


async def _progress(target: Target) -> None:
    """Say that it goes on, where a person waits."""
    began = time.monotonic()
    while sys.stderr.isatty():
        await asyncio.sleep(1)
        print(
            f"\r{target}: {time.monotonic() - began:.0f} s of at most {target.timeout:g} s",
            end="\r",
            file=sys.stderr,
        )

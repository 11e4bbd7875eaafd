"""`probe`: probes one target once, for a person at a terminal."""

import argparse
import asyncio
import sys
import time
from contextlib import suppress
from dataclasses import replace

from exporter.commands.loading import config_path, load
from exporter.core.clock import SystemClock
from exporter.core.configuration import Configuration
from exporter.core.errors import Shortage, StartError, StoreError
from exporter.core.probe import Result, Target
from exporter.engine.explain import explain
from exporter.engine.run import run
from exporter.net.network import LoopNetwork
from exporter.server.handlers.probe import story
from exporter.store.batch import Batch, Pending
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.store.tokens import TokenStore
from exporter.tokens.manager import TokenManager

GRACE = 20.0
"""Seconds that a refresh may take after the probe was cut: what the vendor hands out must be kept."""


def probe(options: argparse.Namespace) -> int:
    """Probe one target and print the result; return 0 when it is connected, else 1.

    StartError says what this process lacks, where it could not probe at all.
    """
    configuration = load(config_path(options.config_file))
    target = find(configuration, options.name, options.tenant)
    try:
        result = asyncio.run(_run_once(configuration, target))
    except Shortage as shortage:
        raise StartError(f"{target} was not probed: {shortage.why}") from None
    samples = explain(target, result)
    if options.verbose:
        print(story(target, result, samples), end="")
        return 0 if result.ok else 1
    if result.ok:
        print(f"{target}: connected in {result.duration_seconds * 1000:.0f} ms")
    else:
        print(f"{target}: {result.reason}: {result.detail}")
    print("\n".join(line for line in samples.splitlines() if not line.startswith("#")))
    return 0 if result.ok else 1


def find(configuration: Configuration, name: str, tenant: str) -> Target:
    """Return the target `name` of `tenant`; StartError lists those there are."""
    if target := configuration.targets.get((name, tenant)):
        return target
    tenants = [key[1] for key in configuration.targets if key[0] == name]
    if not tenants:
        names = ", ".join(integration.name for integration in configuration.integrations)
        raise StartError(f"there is no integration {name!r}; there are: {names or 'none'}")
    some = ", ".join(tenants[:10]) + (", ..." if len(tenants) > 10 else "")
    wrong = f"{name} has no tenant {tenant!r}" if tenant else f"{name} has a target for each of its tenants"
    raise StartError(f"{wrong}; give --tenant, one of: {some}")


async def _run_once(configuration: Configuration, target: Target) -> Result:
    network, clock = LoopNetwork(), SystemClock()
    progress = asyncio.create_task(_progress(target))
    database, log = _database(configuration), Pending()
    store = TokenStore(database, Seals(configuration.store.token_keys)) if database else None

    def submit(batch: Batch) -> None:
        log.add(batch)

    manager = TokenManager(network, clock, store=store, submit=submit)
    # Narrowed to one target: the manager takes up the tokens of every target that it is given.
    manager.apply(replace(configuration, targets={target.key: target}))
    try:
        return await run(target, network, clock, {}, manager.for_target(target))
    finally:
        progress.cancel()
        # Before the network closes: a refresh that is under way still needs it.
        await manager.stop(GRACE)
        await network.close()
        if database is not None:
            _write(database, log)


def _database(configuration: Configuration) -> Database | None:
    """Return the store, if it is there: a token that rotates must not be refreshed without its knowledge."""
    try:
        database = Database(configuration.store.url)
        # A read that finds nothing fails where there are no tables, and creates none.
        TokenStore(database, Seals(())).read("")
    except StoreError:
        return None
    return database


def _write(database: Database, log: Pending) -> None:
    """Write the log of tokens without opening the store: a running exporter owns it."""
    with suppress(StoreError), database.attach(writes=True) as connection:
        for batch in log:
            batch.write(connection)
    database.close()


async def _progress(target: Target) -> None:
    """Print the seconds so far, where a person waits."""
    began = time.monotonic()
    while sys.stderr.isatty():
        await asyncio.sleep(1)
        print(
            f"\r{target}: {time.monotonic() - began:.0f} s of at most {target.timeout:g} s",
            end="\r",
            file=sys.stderr,
        )

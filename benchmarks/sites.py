"""What a site of its own integration takes in a scrape: users of blackbox_exporter have a thousand of them.

    python -m benchmarks.sites [--sites 1000] [--names]

A file with an integration of the provider `http` for each site, nothing else said, is loaded as the exporter
loads it and put into a real engine, whose network answers at once from memory, with every phase that an
address has, and a certificate. Each site has run twice when the text is rendered. Printed is what is in it,
and how large it is; with `--names` sites have names, whose resolution is a phase more.
"""

import argparse
import asyncio
from collections import Counter

from benchmarks.memory import Instant
from benchmarks.row import Row
from exporter import registry
from exporter.config.load import load_text
from exporter.core.network import Answer, Request, Trace
from exporter.engine.engine import Engine
from exporter.engine.selfmetrics import SelfMetrics
from exporter.store.batch import Batch
from tests.clock import HandClock

GOAL = 3_000
COMMAND = "python -m benchmarks.sites"


def _nowhere(_batch: Batch) -> None:
    """Keep nothing."""


class Addresses(Instant):
    """A network whose addresses need no name, and whose certificates have a chain."""

    async def call(self, request: Request, trace: Trace) -> Answer:
        """Return a good answer."""
        answer = await super().call(request, trace)
        if not request.url.endswith(".example/"):
            del trace.phases["resolve"]
        trace.chain_expiry = trace.certificate_expiry
        return answer


async def body(count: int, *, names: bool = False) -> str:
    """Return the text of a scrape with `count` sites that are well."""
    host = "site-{:04}.example" if names else "127.0.0.1:2{:04}"
    lines = ["integrations:"]
    lines += [
        f"  - {{name: site-{number:04}, provider: http, options: {{url: 'https://{host.format(number)}/'}}}}"
        for number in range(count)
    ]
    clock = HandClock()
    engine = Engine(Addresses(), clock, _nowhere, SelfMetrics())  # type: ignore[arg-type]  # it never talks
    engine.apply(load_text("\n".join(lines) + "\n", None, registry.catalogue(), {}))
    for _ in range(3):
        await clock.advance(60.0)
    text = (await engine.render(False, False)).decode()
    await engine.stop(0.0)
    return text


def kind(line: str) -> str:
    """Return what a line of a site is about."""
    if line.startswith("integration_threshold_"):
        return "thresholds"
    return "series of the target" if 'tenant="' in line else "series of the integration"


def sizes(text: str) -> tuple[Counter[str], Counter[str]]:
    """Return bytes and lines of all sites, by what they are about."""
    weights, numbers = Counter[str](), Counter[str]()
    for line in text.splitlines(keepends=True):
        if 'integration="site-' in line:
            weights[kind(line)] += len(line)
            numbers[kind(line)] += 1
    return weights, numbers


def rows(quick: bool = False, count: int = 1_000, *, names: bool = False) -> list[Row]:
    """Measure for the table."""
    count = 20 if quick else count
    text = asyncio.run(body(count, names=names))
    weights, numbers = sizes(text)
    for name, weight in weights.items():
        print(f"  {name}: {numbers[name] / count:g} lines, {weight / count:.0f} bytes")
    each = weights.total() / count
    what = f"a site of its own integration in a scrape of {count:,}"
    return [Row("P1c", what, "<= 3 KB", f"{each / 1e3:.2f} KB", each <= GOAL, COMMAND)]


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sites", type=int, default=1_000)
    parser.add_argument("--names", action="store_true", help="sites have names instead of addresses")
    options = parser.parse_args()
    for row in rows(count=options.sites, names=options.names):
        print(row.markdown())


if __name__ == "__main__":
    main()

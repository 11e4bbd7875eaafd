"""`sandbox`: the simulated vendors, until Ctrl-C."""

import argparse
import asyncio

from exporter import registry
from exporter.sandbox import harness


def sandbox(options: argparse.Namespace) -> int:
    """Serve every simulated vendor."""
    asyncio.run(harness.run(options.listen, registry.sandbox_vendors()))
    return 0

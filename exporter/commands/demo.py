"""`demo`: the whole product on one screen, on the configuration that comes with it."""

import argparse
import asyncio
from pathlib import Path

from exporter.core.errors import StartError
from exporter.demo.demo import OWN_FILE
from exporter.demo.demo import demo as run_demo


def demo(options: argparse.Namespace) -> int:
    """Run the demo on the given file, else on its own."""
    path = Path(options.config_file).resolve() if options.config_file else OWN_FILE
    if not path.exists():
        raise StartError(f"{path} does not exist; name a configuration that uses the sandbox")
    return asyncio.run(
        run_demo(path, lambda line: print(line, flush=True), store=options.store, once=options.once)
    )

"""`demo`: the whole product on one screen."""

import argparse
import asyncio
from pathlib import Path

from exporter.core.errors import StartError
from exporter.demo.demo import demo as show


def demo(options: argparse.Namespace) -> int:
    """Run the demo on the given file."""
    if options.config_file is None:
        raise StartError("the demo needs its configuration: --config.file docs/examples/demo.yml")
    path = Path(options.config_file).resolve()
    if not path.exists():
        raise StartError(f"{path} does not exist; name a configuration that uses the sandbox")
    return asyncio.run(show(path, lambda line: print(line, flush=True), once=options.once))

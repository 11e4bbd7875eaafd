"""The metrics of the process itself, kept by prometheus_client, as a part of the same body."""

import re
from collections.abc import Container

from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from exporter.exposition.lines import EOF

_FAMILY = re.compile(rb"^# HELP ([^ \n]+)", re.MULTILINE)


def registry_text(registry: Collector, *, openmetrics: bool, taken: Container[str] = ()) -> bytes:
    """Return the families of `registry` without an EOF line, each once, but for those in `taken`.

    `taken` are the family names, as the format writes them, that the rest of the body has.
    """
    body = (generate_openmetrics if openmetrics else generate_latest)(registry).removesuffix(EOF)
    starts = list(_FAMILY.finditer(body))
    ends = [start.start() for start in starts[1:]] + [len(body)]
    families: dict[str, bytes] = {}
    for start, end in zip(starts, ends, strict=True):
        families.setdefault(start.group(1).decode(), body[start.start() : end])
    return b"".join(text for name, text in families.items() if name not in taken)

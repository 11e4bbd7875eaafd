"""How PromQL counts what rose, whatever it is called."""

COUNTERS = ("_total", "_sum", "_count", "_bucket")
"""How names of counters end, as Prometheus knows them."""
STEP = "30s"
"""Between two looks at what is not called like a counter: no longer than between two scrapes."""


def increase(selector: str, window: str) -> str:
    """Return by how much each series of `selector` rose within `window`, which may fall in between.

    Prometheus 3 answers a name that is not a counter's with a notice beside the numbers, and has none for
    what has no name, as a sum of it.
    """
    if selector.partition("{")[0].endswith(COUNTERS):
        return f"increase({selector}[{window}])"
    return f"increase(({selector} + 0)[{window}:{STEP}])"

"""How PromQL counts what rose, whatever it is called, and the first value of what began meanwhile."""

from exporter.core.durations import seconds
from exporter.core.monitoring_series import STARTED

COUNTERS = ("_total", "_sum", "_count", "_bucket")
"""How names of counters end, as Prometheus knows them."""
STEP = "30s"
"""Between two looks at what is not called like a counter: no longer than between two scrapes."""
BRIDGE = "10m"
"""How long a series is remembered while its exporter restarts."""


def increase(selector: str, window: str) -> str:
    """Return by how much each series of `selector` rose within `window`, which may fall in between.

    Prometheus 3 answers a name that is not a counter's with a notice beside the numbers, and has none for
    what has no name, as a sum of it.
    """
    if selector.partition("{")[0].endswith(COUNTERS):
        return f"increase({selector}[{window}])"
    return f"increase(({selector} + 0)[{window}:{STEP}])"


def risen(selector: str, window: str, length: str = "") -> str:
    """Return by how much each counter rose in `window`, its first value included.

    A counter with labels begins with its first event, to which Prometheus sees no rise. The rise and the
    first value are series of their own: only a sum over them is what was counted. `length` is `window` in
    seconds where that is no duration but a variable of Grafana; without it ValueError is raised.
    """
    length = length or str(seconds(window))
    if length == "0":
        # Nothing began since now: every first value would be left out in silence.
        raise ValueError(f"{window!r} is not a duration; say its length")
    # Under labels of its own, else the first value would be taken in place of the rise.
    first = f'label_replace({begun(selector, window, length)}, "begun", "yes", "", "")'
    return f"{increase(selector, window)} or {first}"


def begun(selector: str, window: str, length: str) -> str:
    """Return the first value of the counters that began within `window`; `length` is that in seconds.

    A counter is known to have begun where its process was scraped before it was there, or began since: else
    it may be Prometheus that was not there.
    """
    # The least of a counter is its first value; looked back for, for the exporter may be restarting.
    new = f"min_over_time({selector}[{window}]) unless last_over_time({selector}[{BRIDGE}] offset {window})"
    scraped = scraped_before(window, length, f"last_over_time({STARTED}[{BRIDGE}])")
    return f"({new}) and on (instance, job) {scraped}"


def scraped_before(window: str, length: str, started: str) -> str:
    """Return the processes that were scraped `window` ago, and those that began since."""
    return f"(up offset {window} == 1 or {started} > time() - {length})"

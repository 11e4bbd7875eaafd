"""How the open files that the system allows are shared: callers, runs, and what the process itself needs."""

import resource

SPARE_DESCRIPTORS = 64
"""Open files that are left to the store, the log and the loop."""


def raise_limit() -> int:
    """Raise the number of open files as far as the system lets us, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Without a limit of its own a process still gets no more than `fs.nr_open`, which is 1,048,576 on Linux
    # unless it was changed.
    wanted = hard if hard != resource.RLIM_INFINITY else 1 << 20
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def most_connections(descriptors: int) -> int:
    """Return how many callers may stay connected: a quarter, so that neither probes nor scrapes starve."""
    return min(1024, max(8, descriptors // 4))


def most_runs(descriptors: int) -> int:
    """Return how many runs may be under way, with descriptors spared for callers, the store and the log."""
    spare = min(SPARE_DESCRIPTORS, descriptors // 2)
    return max(8, descriptors - spare - most_connections(descriptors))

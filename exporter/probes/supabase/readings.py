"""What a project's own metrics say about its database.

Sources: supabase.com/docs/guides/telemetry/metrics; supabase/supabase-grafana (metrics.md, dashboard.json).
Not every project has every series, and some repeat a label, which a strict parser would refuse: only the
lines of the series below are read, and of those only name and value.
"""

import math
import re
from collections.abc import Iterator, Mapping

from exporter.core.errors import ProbeError
from exporter.core.metric import Sample
from exporter.core.probe import Kit
from exporter.core.reason import Reason
from exporter.probes._database import SUPABASE, increase
from exporter.probes.supabase import metrics as m

UP = "pg_up"
LIMIT = "max_connections_connection_count"
USED = ("connection_stats_connection_count", "pg_stat_database_num_backends")
"""The first of these that is there: the former counts the connections by user, the latter by database."""
LAG = "physical_replication_lag_physical_replication_lag_seconds"
TOTALS = {
    "committed": "pg_stat_database_xact_commit_total",
    "rolled_back": "pg_stat_database_xact_rollback_total",
    "deadlocks": "pg_stat_database_deadlocks_total",
    "calls": "pg_stat_statements_total_queries",
    "seconds": "pg_stat_statements_total_time_seconds",
}
POOLS = {
    "pgbouncer": "pgbouncer_pools_client_waiting_connections",
    "postgrest": "pgrst_db_pool_waiting",
}
_WANTED = frozenset({UP, LIMIT, *USED, LAG, *TOTALS.values(), *POOLS.values()})
# Up to the last brace, because a label's value may hold one.
_LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{.*\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*\Z")

Found = Mapping[str, list[float]]


def parse(text: str) -> Found:
    """Return the values of the series that are read, by name; lines that cannot be read are left out."""
    found: dict[str, list[float]] = {}
    for line in text.splitlines():
        # The name first: most of the thousands of lines are of no interest.
        name = re.split(r"[{ \t]", line, maxsplit=1)[0]
        match = _LINE.match(line) if name in _WANTED else None
        value = _number(match[2]) if match else None
        if value is not None:
            found.setdefault(name, []).append(value)
    return found


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def read(text: str, kit: Kit) -> list[Sample]:
    """Return the samples of the metrics; ProbeError where they are none."""
    found = parse(text)
    if not found:
        raise ProbeError(Reason.BAD_RESPONSE, "metrics answered with none of a database's")
    possible = {name: values for name, values in found.items() if name == LAG or min(values) >= 0}
    # The clocks of two servers differ, so a lag may be below zero; nothing else may.
    kit.trace.drift.extend(found.keys() - possible.keys())
    return [*_now(possible, kit), *_window(possible, kit)]


def _now(found: Found, kit: Kit) -> Iterator[Sample]:
    if UP in found:
        yield m.SERVICE_UP(min(found[UP]) > 0, service="database")
    used = next((found[name] for name in USED if name in found), None)
    if used is None:
        kit.trace.drift.append(USED[0])
    else:
        yield SUPABASE.connections_used(sum(used))
    if LIMIT in found:
        yield SUPABASE.connections_limit(max(found[LIMIT]))
    else:
        kit.trace.drift.append(LIMIT)
    if LAG in found:
        yield SUPABASE.lag(max(0.0, *found[LAG]))
    for pool, name in POOLS.items():
        if name in found:
            yield m.POOL_WAITING(sum(found[name]), pool=pool)


def _window(found: Found, kit: Kit) -> Iterator[Sample]:
    totals = {name: sum(found[series]) for name, series in TOTALS.items() if series in found}
    kit.trace.drift.extend(TOTALS[name] for name in ("committed", "rolled_back") if name not in totals)
    grown, seconds = increase(totals, kit)
    if not seconds:
        return
    yield SUPABASE.window_seconds(seconds)
    for outcome in ("committed", "rolled_back"):
        if outcome in grown:
            yield SUPABASE.transactions(grown[outcome], outcome=outcome)
    if "deadlocks" in grown:
        yield SUPABASE.deadlocks(grown["deadlocks"])
    if "calls" in grown:
        yield SUPABASE.queries(grown["calls"])
        if grown["calls"] > 0 and "seconds" in grown:
            yield SUPABASE.query_mean(grown["seconds"] / grown["calls"])

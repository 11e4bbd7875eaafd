"""What is asked of PostgreSQL, and what the rows say. pg_monitor is enough for all of it.

Statistics views: PostgreSQL documentation, "The Cumulative Statistics System" and "pg_stat_statements".
Versions from 13 on are read; what an older or a managed one does not have is absent.
"""

from collections.abc import Iterator
from typing import Any

from exporter.core.metric import Sample
from exporter.core.probe import Kit
from exporter.probes._database import increase
from exporter.probes.postgres import metrics as m
from exporter.probes.postgres.session import Session

STATES = {
    "active": "active",
    "idle": "idle",
    "idle in transaction": "idle_in_transaction",
    "idle in transaction (aborted)": "idle_in_transaction_aborted",
}
# The server adds up the sizes of all files, which takes long for a large database.
SIZE_PERIOD = 900.0
MOST_REPLICAS = 50
"""Replicas with a series of their own; names come from outside, so their number must be bounded."""

# `reserved_connections` came with version 16: before, current_setting(..., true) is NULL.
SERVER = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         - coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::int,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'),
       pg_is_in_recovery()
"""
# clock_timestamp(), because now() is the start of our own transaction.
ACTIVITY = """
SELECT coalesce(state, ''), count(*),
       count(*) FILTER (WHERE wait_event_type = 'Lock'),
       extract(epoch FROM max(clock_timestamp() - query_start)
                          FILTER (WHERE wait_event_type = 'Lock'))::float8,
       extract(epoch FROM max(clock_timestamp() - xact_start) FILTER (WHERE pid <> pg_backend_pid()))::float8
  FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1
"""
COUNTERS = """
SELECT xact_commit::float8, xact_rollback::float8, deadlocks::float8, blks_hit::float8, blks_read::float8
  FROM pg_stat_database WHERE datname = current_database()
"""
# Without the first case an idle primary would look like a growing lag: nothing arrives to be replayed.
STANDBY = """
SELECT CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END::float8
 WHERE pg_is_in_recovery()
"""
# `replay_lag` is NULL once a replica has caught up and the primary is idle. A standby feeds others, too:
# there pg_current_wal_lsn() is an error.
REPLICAS = """
SELECT application_name,
       max(CASE WHEN replay_lag IS NOT NULL THEN extract(epoch FROM replay_lag)
                WHEN replay_lsn = sent_lsn THEN 0 END)::float8,
       max(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                                ELSE pg_current_wal_lsn() END, replay_lsn))::float8
  FROM pg_stat_replication WHERE state IS NOT NULL AND state <> 'backup' GROUP BY 1 ORDER BY 1
"""
EXTENSION = """
SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
 WHERE e.extname = 'pg_stat_statements'
"""
# total_exec_time is in milliseconds.
STATEMENTS = """
SELECT coalesce(sum(s.calls), 0)::float8, coalesce(sum(s.total_exec_time), 0)::float8 / 1000
  FROM {schema}.pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database()
"""
SIZE = "SELECT pg_database_size(current_database())::float8"

NAMES = ("committed", "rolled_back", "deadlocks", "hit", "read")


async def read(session: Session, kit: Kit) -> list[Sample]:
    """Return all that the server reports."""
    server, activity, counters, standby, replicas, extension = await session.read(
        SERVER, ACTIVITY, COUNTERS, STANDBY, REPLICAS, EXTENSION
    )
    limit, permitted, in_recovery = server[0]
    totals = dict(zip(NAMES, counters[0], strict=True)) if counters else {}
    if extension:
        totals |= await _statements(session, extension[0][0])

    async def size() -> float | None:
        rows = await session.try_read(SIZE)
        return rows[0][0] if rows else None

    in_bytes = await kit.every("size/1", SIZE_PERIOD, size)
    return [
        m.CONNECTIONS_USED(sum(row[1] for row in activity)),
        m.CONNECTIONS_LIMIT(limit),
        m.PERMISSION_MISSING(not permitted),
        m.IN_RECOVERY(in_recovery),
        *(_activity(activity) if permitted else ()),
        *(m.LAG(row[0]) for row in standby if row[0] is not None),
        *(_replicas(replicas) if permitted else ()),
        *([m.SIZE(in_bytes)] if in_bytes is not None else ()),
        *_window(totals, kit),
    ]


async def _statements(session: Session, schema: str) -> dict[str, float]:
    rows = await session.try_read(STATEMENTS.format(schema=schema))
    return {"calls": rows[0][0], "seconds": rows[0][1]} if rows else {}


def _activity(rows: list[tuple[Any, ...]]) -> Iterator[Sample]:
    counts = dict.fromkeys((*STATES.values(), "other"), 0)
    for state, count, *_ in rows:
        counts[STATES.get(state, "other")] += count
    yield from (m.CONNECTIONS(count, state=state) for state, count in counts.items())
    yield m.WAITING(sum(row[2] for row in rows))
    yield m.LOCK_WAIT(_longest(row[3] for row in rows))
    yield m.TRANSACTION(_longest(row[4] for row in rows))


def _longest(ages: "Iterator[float | None]") -> float:
    # A statement that began while ours ran has an age below zero.
    return max((max(age, 0.0) for age in ages if age is not None), default=0.0)


def _replicas(rows: list[tuple[Any, ...]]) -> Iterator[Sample]:
    for name, seconds, behind in rows[:MOST_REPLICAS]:
        if seconds is not None:
            yield m.REPLICA_LAG(seconds, replica=name)
        if behind is not None:
            yield m.REPLICA_LAG_BYTES(behind, replica=name)


def _window(totals: dict[str, float], kit: Kit) -> Iterator[Sample]:
    grown, seconds = increase(totals, kit)
    if not seconds:
        return
    yield m.WINDOW_SECONDS(seconds)
    if "committed" in grown:
        yield m.TRANSACTIONS(grown["committed"], outcome="committed")
        yield m.TRANSACTIONS(grown["rolled_back"], outcome="rolled_back")
        yield m.DEADLOCKS(grown["deadlocks"])
        if blocks := grown["hit"] + grown["read"]:
            yield m.CACHE_HIT(grown["hit"] / blocks)
    if "calls" in grown:
        yield m.QUERIES(grown["calls"])
        if grown["calls"]:
            yield m.QUERY_MEAN(grown["seconds"] / grown["calls"])

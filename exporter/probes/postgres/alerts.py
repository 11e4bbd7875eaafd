"""When an operator must look after a database.

Conditions that every database reports are one alert for all the providers that read one.
"""

from collections.abc import Callable

from exporter.alerts.availability import DOWN, FAILING, FAILING_EXPR, TARGET_FAILING
from exporter.core.alert import BY, WHO, Alert, Runbook
from exporter.core.common_metrics import FAILURE_INFO
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.probes._database import (
    CONNECTIONS,
    DATABASES,
    DEADLOCKS,
    ERRORS,
    LAG,
    QUERY_TIME,
    DatabaseMetrics,
)
from exporter.probes.postgres import cases
from exporter.probes.postgres import metrics as m

LEAST_TRANSACTIONS = 50
"""Transactions in the window below which a share says nothing."""
LEAST_QUERIES = 20
"""Statements in the window below which a mean says nothing."""
RATIO, VOLUME = "error_ratio", "all"

TRANSACTION = ThresholdFamily(
    "database_transaction_seconds",
    "Age of the oldest open transaction, above which it counts as forgotten.",
    {Severity.MEDIUM: 3600.0},
    unit="seconds",
)


def _last(metric: Metric, matchers: str = "") -> str:
    return f"last_over_time({metric}{matchers}[$lookback])"


def _worst(metric: Metric) -> str:
    return f"max by ({BY}) ({_last(metric)})"


def _any(expression: Callable[[DatabaseMetrics], str]) -> str:
    """Return `expression` of whichever provider reads the database; the label `provider` keeps them apart."""
    return "\nor\n".join(map(expression, DATABASES))


CONNECTIONS_HIGH = Alert(
    name="IntegrationDatabaseConnectionsHigh",
    summary="A database runs out of connections.",
    summaries={
        Severity.HIGH: "A database has hardly any connection left.",
        Severity.MEDIUM: "A database runs out of connections.",
    },
    description=f"{{{{ $value | humanizePercentage }}}} of the connections of {WHO} are in use.",
    observed=_any(lambda db: f"max by ({BY}) ({_last(db.connections_used)} / {_last(db.connections_limit)})"),
    family=CONNECTIONS,
    dashboard="integration-database",
    cases=cases.CONNECTIONS_HIGH,
    runbook=Runbook(
        meaning=(
            "Connections of clients, divided by those that clients may have (`max_connections`, without the "
            "reserved ones where they are known), exceed the threshold `database_connections_ratio`."
        ),
        impact="When the last one is taken, new requests fail while old ones go on.",
        diagnosis=(
            "1. `integration_postgres_connections` by state, for the provider `postgres`: many `idle` ones "
            "point to a pool that is too large or to clients without one; `idle_in_transaction` to code that "
            "forgets to commit; `active` ones to slow statements or to locks.\n"
            "2. In the database: `SELECT application_name, usename, state, count(*) FROM pg_stat_activity "
            "GROUP BY 1, 2, 3 ORDER BY 4 DESC`.\n"
            "3. Did a release or a new worker start at that time?"
        ),
        mitigation=(
            "Make the pools smaller or put a pooler before the database. End sessions that are forgotten "
            "(`pg_terminate_backend`). Raise `max_connections` last: each one costs memory."
        ),
    ),
)

CONNECTIONS_REFUSED = Alert(
    name="IntegrationDatabaseConnectionsRefused",
    summary="A database refuses connections: all are taken.",
    description=f"{WHO} refuses new connections because all of them are taken.",
    # As long as one replica is let in, the database has a connection left.
    expr=f'max by ({BY}) ({FAILURE_INFO}{{provider="postgres",reason="quota"}}) == 1 and on ({BY}) {FAILING}',
    severities=(Severity.CRITICAL,),
    records={FAILING: FAILING_EXPR},
    # At its limit a database refuses one moment and lets in the next: that pages twice an hour at most.
    keep_firing="30m",
    explains=(DOWN.name, TARGET_FAILING.name),
    dashboard="integration-database",
    cases=cases.CONNECTIONS_REFUSED,
    runbook=Runbook(
        meaning=(
            "The last probe was answered with SQLSTATE 53300: every connection that our role may have is "
            "taken, or the role's own limit (`CONNECTION LIMIT`) is reached. The alert stays for half an "
            "hour after the last refusal."
        ),
        impact="Everything that needs a new connection fails now.",
        diagnosis=(
            "1. Sign in as a superuser: some connections are reserved for that.\n"
            "2. `SELECT application_name, usename, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 "
            "ORDER BY 4 DESC`: who holds them?\n"
            "3. Is it the monitor's own limit? See `rolconnlimit` in `pg_roles`."
        ),
        mitigation=(
            "End idle sessions of the greediest client (`pg_terminate_backend`), stop the workers that "
            "multiply, then make their pools smaller."
        ),
    ),
)

QUERIES_SLOW = Alert(
    name="IntegrationDatabaseQueriesSlow",
    summary="The statements of a database are slow.",
    description=f"Statements of {WHO} take {{{{ $value | humanizeDuration }}}} on average.",
    observed=_any(
        lambda db: f"({_worst(db.query_mean)} and on ({BY}) ({_worst(db.queries)} >= {LEAST_QUERIES}))"
    ),
    family=QUERY_TIME,
    dashboard="integration-database",
    cases=cases.QUERIES_SLOW,
    runbook=Runbook(
        meaning=(
            "The mean execution time of all statements of the last ten minutes, from `pg_stat_statements`, "
            f"exceeds the threshold `database_query_seconds`. At least {LEAST_QUERIES} statements are needed."
        ),
        impact="Pages and jobs wait for the database; connections are held longer and may run out.",
        diagnosis=(
            "1. `SELECT query, calls, mean_exec_time FROM pg_stat_statements ORDER BY total_exec_time DESC "
            "LIMIT 10`: which statement takes the time?\n"
            "2. `integration_postgres_connections_waiting`: do they wait for locks?\n"
            "3. `integration_postgres_cache_hit_ratio` falling: does the working set no longer fit?"
        ),
        mitigation=(
            "Add the index that the statement lacks, end the transaction that holds the lock, or roll back "
            "the release that brought the statement."
        ),
    ),
)


def _record(db: DatabaseMetrics, operation: str) -> str:
    """Return the name of a series formed within one replica: windows of two end at different times."""
    return f"integration_provider_tenant:{db.transactions}:{operation}"


def _rolled_back(db: DatabaseMetrics) -> str:
    return _last(db.transactions, '{outcome="rolled_back"}')


def _all(db: DatabaseMetrics) -> str:
    committed = _last(db.transactions, '{outcome="committed"}')
    return f"({_rolled_back(db)} + ignoring (outcome) {committed})"


ERRORS_HIGH = Alert(
    name="IntegrationDatabaseErrorsHigh",
    summary="Many transactions of a database are rolled back.",
    description=f"{{{{ $value | humanizePercentage }}}} of the transactions of {WHO} are rolled back.",
    observed=_any(
        lambda db: f"({_record(db, RATIO)} and on ({BY}) ({_record(db, VOLUME)} >= {LEAST_TRANSACTIONS}))"
    ),
    family=ERRORS,
    records={
        **{
            _record(db, RATIO): (
                f"max by ({BY}) (\n  {_rolled_back(db)}\n/ ignoring (outcome)\n  {_all(db)}\n)"
            )
            for db in DATABASES
        },
        **{_record(db, VOLUME): f"max by ({BY}) {_all(db)}" for db in DATABASES},
    },
    dashboard="integration-database",
    cases=cases.ERRORS_HIGH,
    runbook=Runbook(
        meaning=(
            "The share of transactions that ended in a rollback in the last ten minutes exceeds the "
            f"threshold `database_error_ratio`. At least {LEAST_TRANSACTIONS} transactions are needed. "
            "Applications that roll back on purpose count too: raise the threshold for them."
        ),
        impact="What the transactions were to do did not happen: requests fail or are repeated.",
        diagnosis=(
            "1. The database's log names the errors: constraint, deadlock, timeout, permission?\n"
            "2. Did a release or a migration begin at that time?\n"
            "3. `integration_postgres_deadlocks_window` (`integration_supabase_...` for that provider) says "
            "whether they block one another."
        ),
        mitigation="Roll back the release, or fix what the log names. It resolves within ten minutes.",
    ),
)

DEADLOCKED = Alert(
    name="IntegrationDatabaseDeadlocks",
    summary="Transactions of a database block one another.",
    description=f"Deadlocks of {WHO} in ten minutes: {{{{ $value }}}}.",
    observed=_any(lambda db: _worst(db.deadlocks)),
    family=DEADLOCKS,
    dashboard="integration-database",
    cases=cases.DEADLOCKED,
    runbook=Runbook(
        meaning=(
            "Transactions waited for one another in a circle, and the database ended one of each circle. "
            "The threshold is `database_deadlocks`."
        ),
        impact="The transactions that were ended failed, after they had waited for `deadlock_timeout`.",
        diagnosis=(
            "The database's log shows both statements of each deadlock. Do they change the same rows in "
            "another order?"
        ),
        mitigation=(
            "Change rows in one order everywhere, make transactions shorter, and repeat those that fail "
            "with SQLSTATE 40P01."
        ),
    ),
)

TRANSACTION_LONG = Alert(
    name="IntegrationDatabaseTransactionLong",
    summary="A transaction has been open for too long.",
    description=f"The oldest transaction of {WHO} has been open for {{{{ $value | humanizeDuration }}}}.",
    observed=_worst(m.TRANSACTION),
    family=TRANSACTION,
    dashboard="integration-database",
    cases=cases.TRANSACTION_LONG,
    runbook=Runbook(
        meaning="A client's transaction is older than the threshold `database_transaction_seconds`.",
        impact=(
            "Its locks block others, and rows that were deleted since cannot be cleaned up, so that tables "
            "and indexes grow and everything becomes slower."
        ),
        diagnosis=(
            "`SELECT pid, usename, application_name, state, xact_start, left(query, 100) FROM "
            "pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start LIMIT 5`. A backup or a "
            "migration may be right; `idle in transaction` is a client that forgot it."
        ),
        mitigation=(
            "`SELECT pg_terminate_backend(<pid>)` for a forgotten one, and set "
            "`idle_in_transaction_session_timeout`. For backups, raise the threshold or read from a standby."
        ),
    ),
)

LAGGING = Alert(
    name="IntegrationDatabaseReplicationLag",
    summary="A standby falls behind.",
    description=f"A standby of {WHO} is {{{{ $value | humanizeDuration }}}} behind.",
    observed=f"{_any(lambda db: _worst(db.lag))}\nor\n{_worst(m.REPLICA_LAG)}",
    family=LAG,
    hold="10m",
    dashboard="integration-database",
    cases=cases.LAGGING,
    runbook=Runbook(
        meaning=(
            "For ten minutes the standby (or the slowest replica of the primary) has been behind by more "
            "than the threshold `database_replication_lag_seconds`. Both sides tell it where both are probed."
        ),
        impact="Readers of the standby see old data, and what is not replicated is lost with the primary.",
        diagnosis=(
            "1. `integration_postgres_replica_lag_bytes`: growing means that it cannot keep up, standing "
            "still that it hangs.\n"
            "2. On the standby: does a long statement hold up the replay (`max_standby_streaming_delay`)?\n"
            "3. Network and disk of the standby; a large load or migration on the primary?"
        ),
        mitigation=(
            "End the statement that holds up the replay; wait for a load to end; rebuild a standby that "
            "lost the log it needs. Do not fail over to it meanwhile."
        ),
    ),
)

ALERTS = (
    CONNECTIONS_HIGH,
    CONNECTIONS_REFUSED,
    QUERIES_SLOW,
    ERRORS_HIGH,
    DEADLOCKED,
    TRANSACTION_LONG,
    LAGGING,
)

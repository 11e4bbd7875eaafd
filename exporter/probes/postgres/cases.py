"""Cases that prove the alerts of a database."""

from exporter.alerts.cases.series import series, target, threshold
from exporter.core.alert import Case
from exporter.core.common_metrics import CONSECUTIVE_FAILURES, FAILURE_INFO
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.probes._database import SUPABASE
from exporter.probes.postgres import metrics as m

DB = ("orders", "postgres")
HOSTED = ("app", "supabase")


def _of(metric: Metric, **labels: str) -> str:
    return series(metric, *DB, **labels)


def _levels(*severities: str) -> tuple[dict[str, str], ...]:
    return tuple({**target(*DB), "severity": severity} for severity in severities)


def _hosted(metric: Metric, **labels: str) -> str:
    return series(metric, *HOSTED, **labels)


def _hosted_levels(*severities: str) -> tuple[dict[str, str], ...]:
    return tuple({**target(*HOSTED), "severity": severity} for severity in severities)


def _used(count: str, limit: str = "100x60", **labels: str) -> dict[str, str]:
    return {_of(m.CONNECTIONS_USED, **labels): count, _of(m.CONNECTIONS_LIMIT, **labels): limit}


# Only the name of the family matters here: the alert owns its numbers.
_CONNECTIONS = ThresholdFamily("database_connections_ratio", "Name.", {Severity.HIGH: 0}, unit="ratio")

CONNECTIONS_HIGH = (
    Case("fires", _used("85x60"), "30m", _levels("medium"), says="85 %"),
    Case("fires", _used("95x60"), "30m", _levels("medium", "high"), says="95 %"),
    Case("quiet", _used("40x60"), "30m"),
    Case("boundary", _used("80x60"), "30m", says="80 % is not above 80 %"),
    Case("boundary", _used("90x60"), "30m", _levels("medium"), says="90 % is not above 90 %"),
    Case("missing", {_of(m.CONNECTIONS_USED): "95x60"}, "30m", says="how many there may be is unknown"),
    Case(
        "missing",
        _used("85x20 stale _x5 85x60", "100x20 stale _x5 100x60"),
        "24m",
        _levels("medium"),
        says="a gap while the exporter restarts does not resolve it",
    ),
    Case(
        "quiet",
        {
            **_used("85x60"),
            threshold(_CONNECTIONS, "medium", *DB, tenant="acme"): "0.88x60",
        },
        "30m",
        says="a laxer tenant override silences its step",
    ),
    Case(
        "fires",
        _used("85x60", instance="a") | _used("85x60", instance="b"),
        "30m",
        _levels("medium"),
        says="two replicas of the exporter tell it once",
    ),
    Case(
        "fires",
        {_hosted(SUPABASE.connections_used): "85x60", _hosted(SUPABASE.connections_limit): "100x60"}
        | _used("95x60"),
        "30m",
        (*_hosted_levels("medium"), *_levels("medium", "high")),
        says="a hosted database and our own, each by itself",
    ),
)

_FAILURES = series(CONSECUTIVE_FAILURES, *DB)


def _refused(values: str, failures: str) -> dict[str, str]:
    return {series(FAILURE_INFO, *DB, reason="quota"): values, _FAILURES: failures}


CONNECTIONS_REFUSED = (
    Case("fires", _refused("1x60", "1x60"), "30m", _levels("critical")),
    Case(
        "quiet",
        {series(FAILURE_INFO, *DB, reason="auth"): "1x60", _FAILURES: "1x60"},
        "30m",
        says="another reason",
    ),
    Case(
        "quiet",
        {series(FAILURE_INFO, "payments", "stripe", reason="quota"): "1x60"},
        "30m",
        says="another provider's quota",
    ),
    Case("boundary", _refused("_x29 1x60", "0x28 1x60"), "30m", _levels("critical"), says="at the first"),
    Case("boundary", _refused("1x9 stale", "1x9 0x60"), "41m", says="it resolves half an hour later"),
    Case("missing", _refused("_x60", "_x60"), "30m"),
)


def _slow(mean: str, count: str = "100x60") -> dict[str, str]:
    return {_of(m.QUERY_MEAN): mean, _of(m.QUERIES): count}


QUERIES_SLOW = (
    Case("fires", _slow("6x60"), "30m", _levels("medium")),
    Case("quiet", _slow("0.02x60"), "30m"),
    Case("boundary", _slow("5x60"), "30m", says="5 s is not above 5 s"),
    Case("boundary", _slow("60x60", "19x60"), "30m", says="19 statements say nothing"),
    Case("boundary", _slow("60x60", "20x60"), "30m", _levels("medium"), says="20 do"),
    Case("missing", {_of(m.QUERIES): "0x60"}, "30m", says="no statement, so there is no mean"),
    Case("missing", {_of(m.QUERY_MEAN): "60x60"}, "30m", says="how many is unknown"),
    Case(
        "fires",
        {_hosted(SUPABASE.query_mean): "6x60", _hosted(SUPABASE.queries): "20x60"},
        "30m",
        _hosted_levels("medium"),
        says="of a hosted database",
    ),
)


def _outcomes(committed: str, rolled_back: str) -> dict[str, str]:
    return {
        _of(m.TRANSACTIONS, outcome="committed"): committed,
        _of(m.TRANSACTIONS, outcome="rolled_back"): rolled_back,
    }


ERRORS_HIGH = (
    Case("fires", _outcomes("930x60", "70x60"), "30m", _levels("medium"), says="7 %"),
    Case("fires", _outcomes("500x60", "500x60"), "30m", _levels("medium", "high"), says="half of them"),
    Case("quiet", _outcomes("990x60", "10x60"), "30m", says="1 %"),
    Case("boundary", _outcomes("95x60", "5x60"), "30m", says="5 % is not above 5 %"),
    Case("boundary", _outcomes("90x60", "10x60"), "30m", _levels("medium"), says="10 % is not above 10 %"),
    Case("boundary", _outcomes("0x60", "49x60"), "30m", says="49 transactions say nothing"),
    Case("boundary", _outcomes("0x60", "50x60"), "30m", _levels("medium", "high"), says="50 do"),
    Case("missing", _outcomes("0x60", "0x60"), "30m", says="nobody works, so there is no share"),
    Case("missing", {_of(m.TRANSACTIONS, outcome="rolled_back"): "90x60"}, "30m", says="half is unknown"),
    Case(
        "fires",
        {
            _hosted(SUPABASE.transactions, outcome="committed"): "930x60",
            _hosted(SUPABASE.transactions, outcome="rolled_back"): "70x60",
        },
        "30m",
        _hosted_levels("medium"),
        says="of a hosted database",
    ),
)

DEADLOCKED = (
    Case("fires", {_of(m.DEADLOCKS): "3x60"}, "30m", _levels("medium")),
    Case("quiet", {_of(m.DEADLOCKS): "0x60"}, "30m"),
    Case("quiet", {_of(m.DEADLOCKS): "1x9 0x60"}, "40m", says="the window moved on"),
    Case("boundary", {_of(m.DEADLOCKS): "1x60"}, "30m", _levels("medium"), says="one is enough"),
    Case("missing", {_of(m.DEADLOCKS): "_x60"}, "30m"),
    Case(
        "fires",
        {_hosted(SUPABASE.deadlocks): "1x60"},
        "30m",
        _hosted_levels("medium"),
        says="of a hosted database",
    ),
)

TRANSACTION_LONG = (
    Case("fires", {_of(m.TRANSACTION): "3000+60x60"}, "30m", _levels("medium")),
    Case("quiet", {_of(m.TRANSACTION): "2x60"}, "30m"),
    Case("boundary", {_of(m.TRANSACTION): "3600x60"}, "30m", says="an hour is not above an hour"),
    Case("boundary", {_of(m.TRANSACTION): "3601x60"}, "30m", _levels("medium"), says="a second more is"),
    Case("missing", {_of(m.TRANSACTION): "_x60"}, "30m", says="a role without pg_monitor"),
)

LAGGING = (
    Case("fires", {_of(m.LAG): "90x60"}, "30m", _levels("medium"), says="reported by the standby"),
    Case(
        "fires",
        {_of(m.REPLICA_LAG, replica="a"): "90x60", _of(m.REPLICA_LAG, replica="b"): "0x60"},
        "30m",
        _levels("medium"),
        says="reported by the primary, of its slowest replica",
    ),
    Case(
        "fires",
        {_hosted(SUPABASE.lag): "90x60"},
        "30m",
        _hosted_levels("medium"),
        says="of a hosted database",
    ),
    Case("quiet", {_of(m.LAG): "2x60"}, "30m"),
    Case("quiet", {_of(m.LAG): "0x25 90x5 0x60"}, "29m", says="a short delay"),
    Case("boundary", {_of(m.LAG): "60x60"}, "30m", says="a minute is not above a minute"),
    Case("boundary", {_of(m.LAG): "61x60"}, "30m", _levels("medium"), says="a second more is"),
    Case("missing", {_of(m.LAG): "_x60"}, "30m"),
)

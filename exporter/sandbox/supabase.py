"""Simulates a hosted Supabase project: its gateway, the health of its services, and its metrics.

Written from supabase.com/docs (API keys, telemetry/metrics, troubleshooting/http-status-codes),
supabase/supabase docker/volumes/api/kong.yml and the series of supabase/supabase-grafana.
"""

import base64
import json
from typing import Any

from exporter.sandbox.vendor import Call, Endpoint, Handler, Reply, Vendor

KEY = "sb_secret_sandboxPlanted4242"
LEGACY_END = 2_000_000_000


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


LEGACY_KEY = ".".join(
    (
        _part({"alg": "HS256", "typ": "JWT"}),
        _part({"iss": "supabase", "role": "service_role", "exp": LEGACY_END}),
        "sandboxPlantedSignature4242",
    )
)

SCENARIOS = {
    "legacy_key": "Only the legacy key is good.",
    "publishable_key": "The key may do no more than a browser's.",
    "auth_down": "The auth service is down.",
    "rest_down": "The data API has no database.",
    "storage_down": "The storage service is down.",
    "database_down": "The database is down, as its agent reports.",
    "paused": "The project is paused.",
    "over_quota": "The project is restricted because of its egress.",
    "overdue": "The project is restricted because of a bill.",
    "gateway_timeout": "The project does not answer its gateway in time.",
    "no_metrics": "There are no metrics, as in a self-hosted project.",
    "metrics_refused": "The metrics are for another plan.",
    "other_metrics": "The metrics are those of something else.",
    "few_metrics": "The metrics lack those of connections and statements.",
    "spoiled_metrics": "Lines of the metrics are broken.",
    "by_database": "Connections are counted by database only.",
    "busy": "57 of 60 connections are in use, and clients wait.",
    "slow_statements": "Statements take six seconds on average.",
    "failing_transactions": "A fifth of the transactions is rolled back.",
    "lagging": "The replica is two minutes behind.",
    "chatty_errors": "Refusals repeat the whole key they were sent.",
}


def _options(endpoint: Endpoint) -> dict[str, Any]:
    return {"url": endpoint.tls_url, "service_role_key": KEY, "tls": {"ca_file": endpoint.ca_file}}


def _good_key(call: Call) -> str:
    return call.credentials["legacy_key" if "legacy_key" in call.scenarios else "service_role_key"]


def _state(call: Call) -> Reply | None:
    """Return what the platform answers in place of a project that it does not serve."""
    if "paused" in call.scenarios:
        return Reply(540, {"message": "Project paused"})
    if "over_quota" in call.scenarios:
        return Reply(402, {"message": "Service for this project is restricted: exceed_egress_quota."})
    if "overdue" in call.scenarios:
        return Reply(402, b"Service for this project is restricted due to overdue_payment.")
    if "gateway_timeout" in call.scenarios:
        return Reply(544, {"message": "Project API gateway timeout"})
    return None


def _gated(handler: Handler) -> Handler:
    """Return `handler` behind the gateway, which wants a key in the header apikey."""

    def answer(call: Call) -> Reply:
        key = call.headers.get("apikey", "")
        if refusal := _state(call):
            return refusal
        if key != _good_key(call):
            said = f"Invalid API key {key}" if "chatty_errors" in call.scenarios else "Invalid API key"
            return Reply(401, {"message": said, "hint": "Double check your Supabase API key."})
        return handler(call)

    return answer


def _auth(call: Call) -> Reply:
    if "auth_down" in call.scenarios:
        return Reply(503, {"message": "name resolution failed"})
    return Reply(body={"version": "v2.197.0", "name": "GoTrue", "description": "GoTrue is a user API"})


def _rest(call: Call) -> Reply:
    if "rest_down" in call.scenarios:
        return Reply(503, {"code": "PGRST002", "message": "Could not query the database"})
    bearer = call.headers.get("authorization", "").removeprefix("Bearer ")
    legacy = "legacy_key" in call.scenarios
    # A JWT's role counts as a bearer alone, and a new key is none.
    if "publishable_key" in call.scenarios or bearer != (_good_key(call) if legacy else ""):
        return Reply(403, {"message": "Access to schema is forbidden"})
    return Reply(body={"swagger": "2.0"}, headers={"Content-Type": "application/openapi+json"})


def _storage(call: Call) -> Reply:
    # Not behind `_gated`: the gateway asks for no key on this path (kong.yml).
    if refusal := _state(call):
        return refusal
    return Reply(502, b"") if "storage_down" in call.scenarios else Reply(body=b"")


def _metrics(call: Call) -> Reply:
    if refusal := _state(call):
        return refusal
    if "no_metrics" in call.scenarios:
        return _not_found(call)
    pair = base64.b64encode(f"service_role:{_good_key(call)}".encode()).decode()
    if call.headers.get("authorization") != f"Basic {pair}":
        return Reply(401, {"message": "Unauthorized"})
    if "metrics_refused" in call.scenarios:
        return Reply(403, {"message": "not for this plan"})
    if "other_metrics" in call.scenarios:
        return Reply(body=b"<html>200</html>")
    lines = [f"{series} {value!r}" for series, value in _series(call).items()]
    if "spoiled_metrics" in call.scenarios:
        lines += ["pg_up", 'pg_up{a="b"} many', "connection_stats_connection_count NaN", "\x00{} 1"]
    return Reply(body="\n".join(lines).encode() + b"\n", headers={"Content-Type": "text/plain"})


def _series(call: Call) -> dict[str, float]:
    """Return the metrics; totals grow with the clock."""
    on, now = call.scenarios, call.now
    project = 'supabase_project_ref="abcdefghijklmnopqrst",service_type="postgresql"'
    busy, few = "busy" in on, "few_metrics" in on
    failing = 0.2 if "failing_transactions" in on else 0.01
    mean = 6.0 if "slow_statements" in on else 0.004
    found: dict[str, float] = {
        "# HELP pg_up Whether the last scrape could connect to the server": 1,
        f"pg_up{{{project}}}": 0 if "database_down" in on else 1,
        f"node_memory_MemTotal_bytes{{{project}}}": 4.28220416e08,
        f'pg_stat_database_num_backends{{{project},server="localhost:5432"}}': 9,
        f"pg_stat_database_xact_commit_total{{{project}}}": now * 10 * (1 - failing),
        f"pg_stat_database_xact_rollback_total{{{project}}}": now * 10 * failing,
        f"pg_stat_database_deadlocks_total{{{project}}}": 3,
        f"physical_replication_lag_physical_replication_lag_seconds{{{project}}}": 120
        if "lagging" in on
        else 0,
        # The same label twice: a parser that is strict would refuse all of it.
        'supavisor_connections_active{supabase_project_ref="a",supabase_project_ref="a",mode="session"}': 2,
        f'pgbouncer_pools_client_waiting_connections{{{project},database="postgres"}}': 4 if busy else 0,
        f'pgbouncer_pools_client_waiting_connections{{{project},database="other}} 7"}}': 1 if busy else 0,
        f"pgrst_db_pool_waiting{{{project}}}": 2 if busy else 0,
    }
    if not few:
        found[f"max_connections_connection_count{{{project}}}"] = 60
        found[f"pg_stat_statements_total_queries{{{project}}}"] = now * 20
        found[f"pg_stat_statements_total_time_seconds{{{project}}}"] = now * 20 * mean
    if not few and "by_database" not in on:
        name = f"connection_stats_connection_count{{{project},username="
        found[f'{name}"authenticator"}}'] = 50 if busy else 5
        found[f'{name}"supabase_admin"}}'] = 7 if busy else 2
    if few:
        del found[f'pg_stat_database_num_backends{{{project},server="localhost:5432"}}']
    return found


def _not_found(_call: Call) -> Reply:
    return Reply(404, {"error": "requested path is invalid"})


VENDOR = Vendor(
    name="supabase",
    title="Supabase",
    options=_options,
    credentials={"service_role_key": KEY, "legacy_key": LEGACY_KEY},
    server_error=lambda _call: Reply(
        500, {"message": "An invalid response was received from the upstream server"}
    ),
    not_found=_not_found,
    scenarios=SCENARIOS,
    routes={
        "GET /auth/v1/health": _gated(_auth),
        "HEAD /rest/v1/": _gated(_rest),
        "GET /storage/v1/status": _storage,
        "GET /customer/v1/privileged/metrics": _metrics,
    },
)

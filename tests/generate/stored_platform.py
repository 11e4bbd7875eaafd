"""The made-up platform as the store has it: the exporter's own code writes it, Grafana's role reads it."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from exporter.core.alert_action import AlertAction, AlertVerb
from exporter.core.audit import AuditEntry
from exporter.core.delivery import Attempt, Delivery, DeliveryState
from exporter.core.escalation import Escalation
from exporter.core.event_summary import API, EventSummary
from exporter.core.notice import ACKNOWLEDGED, FIRING, RESOLVED, Notice
from exporter.core.ratelimit import RateLimitSummary
from exporter.core.reason import Reason
from exporter.core.store import Failure, StateChange
from exporter.core.summary import HOUR, Summary
from exporter.core.text_message import TextMessage
from exporter.core.token import TokenEvent
from exporter.generate.provisioning import READER, ROLE
from exporter.store.accept import Acceptance, accept
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from exporter.store.ledger import AuditBatch
from exporter.store.rows import insert_rows
from exporter.store.subjects import alert_actions, attempts, escalations, notices, sms
from exporter.store.subjects.event_summaries import EventSummaryBatch
from exporter.store.subjects.ratelimit_summaries import RateLimitSummaryBatch
from exporter.store.subjects.token_log import TokenLogBatch
from tests.generate.dashboards_platform import ALERTS, INTEGRATIONS, NOW, TROUBLES
from tests.servers.postgres import Cluster, program

PASSWORD = "reader's password"
BEGIN, END = int(NOW) - 6 * 3600, int(NOW) + 60
"""The time range of a dashboard, in Unix seconds."""
UNDER_A_MILLISECOND = 0.000464
"""What the beginning of an alert has besides in a message, and not in Alertmanager's API."""
Reader = psycopg.Connection[Any]
SECRETS = ("body-of-a-webhook", "secret-header", "+15550100", "text of a message", "ada@example.com")
"""What is in the tables and in no view."""


def fill(store: Database, now: float) -> None:
    """Write rows of the last hours before `now` (Unix seconds) into every table that a view shows."""
    _write_checks(store, now)
    store.write([TokenLogBatch(_tokens(now)), AuditBatch(_audit(now))])
    hour = int(now - now % HOUR) - HOUR
    key = (API, "acme", hour, "", "/orders", "GET", "")
    store.write([EventSummaryBatch({key: EventSummary(40, 0.0)})])
    limited = (hour, "tenant", "sign-in", "login", "ip", "acme")
    store.write([RateLimitSummaryBatch({limited: RateLimitSummary(90, 10, 0)})])
    with store.writing() as connection:
        notices.add_new(connection, [_notices(now)])
        alert_actions.add(connection, _actions(now))
        escalations.add_new(connection, [_escalation(now)])
        accept(connection, [Acceptance(((_delivery(now), ""), (replace(_delivery(now), **DEAD), "")))])
        attempts.insert_all(connection, [attempts.attempt_row(_attempt(now), _delivery(now))])
        insert_rows(connection, sms.TABLE, [sms.message_row(_message(now))])


def url(server: Cluster, database: str) -> str:
    """Return the store's URL of a database of the exporter's user."""
    return f"postgresql://app:app-password@127.0.0.1:{server.port}/{database}?sslmode=require"


def run_role_file(server: Cluster, database: str, password: str = PASSWORD) -> None:
    """Make the role of Grafana as its file says."""
    words = [
        program("psql"),
        "-h",
        str(server.home),
        "-p",
        str(server.port),
        "-U",
        "postgres",
        "-d",
        database,
    ]
    done = subprocess.run(
        [*words, "-X", "-q", "-f", str(Path(__file__).parents[2] / ROLE)],
        env={"INTEGRATION_STORE_PASSWORD": password},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def connect(
    server: Cluster, database: str = "platform", password: str = PASSWORD, options: str = ""
) -> Reader:
    """Return a session of that role over the network."""
    return psycopg.connect(
        host="127.0.0.1",
        port=server.port,
        user=READER,
        password=password,
        dbname=database,
        sslmode="require",
        autocommit=True,
        options=options,
    )


def _write_checks(store: Database, now: float) -> None:
    batch = CheckBatch()
    for integration, tenant, reason, start, _ in TROUBLES:
        provider, at = INTEGRATIONS[integration][0], now - min(start, 5) * 3600
        key, why = (integration, tenant), Reason(reason)
        batch.failures += [
            Failure(at + 120 * number, key, provider, why, why.meaning, 0.4, 401, (), "4bf92f35")
            for number in range(5)
        ]
        batch.changes.append(
            StateChange(at, key, provider, "connected", "error", why, why.meaning, "4bf92f35")
        )
        summary = Summary(int(at - at % HOUR), provider)
        summary.add_failure(reason)
        summary.add_watch(60.0, failing=True)
        batch.summaries[key, summary.hour] = summary
    store.write([batch])


def _notices(now: float) -> list[Notice]:
    found = []
    for alert, severity, integration, tenant, hours in ALERTS:
        start = now - min(hours, 4) * 3600
        base = Notice(
            at=start + 5,
            state=FIRING,
            alert=alert,
            severity=severity,
            integration=integration,
            tenant=tenant,
            provider=INTEGRATIONS[integration][0],
            fingerprint=f"{alert}-{severity}-{integration}-{tenant}",
            starts=start + UNDER_A_MILLISECOND,
            summary=f"{alert} of {integration}.",
        )
        found.append(base)
        if tenant:
            found.append(_later(replace(base, starts=start), ACKNOWLEDGED, 300.0, None))
        if severity == "medium":
            found.append(_later(base, RESOLVED, 900.0, start + 880))
    return found


def _later(first: Notice, state: str, seconds: float, ends: float | None) -> Notice:
    return Notice(
        first.starts + seconds,
        state,
        *(first.alert, first.severity, first.integration, first.tenant, first.provider),
        *(first.fingerprint, first.starts, ends, first.summary),
    )


def _actions(now: float) -> list[AlertAction]:
    return [
        AlertAction(
            at=now - 600,
            action=AlertVerb.ACKNOWLEDGE,
            actor="user:ada",
            fingerprint=f"{alert}-{severity}-{integration}-{tenant}",
            alert=alert,
            severity=severity,
            integration=integration,
            tenant=tenant,
            starts=now - min(hours, 4) * 3600,
            until=now + 10 * 365 * 86_400,
            note="The vendor works on it.",
        )
        for alert, severity, integration, tenant, hours in ALERTS
        if tenant and severity == "high"
    ]


def _tokens(now: float) -> list[TokenEvent]:
    return [
        TokenEvent(now - 1800 * number, *target, "access", "exporter", "refresh", result, reason, 0.3)
        for target in (("calendar", "acme", "google_calendar"), ("calendar", "initech", "google_calendar"))
        for number, result, reason in ((1, "ok", ""), (2, "failed", "auth"), (3, "adopted", ""))
    ]


def _audit(now: float) -> list[AuditEntry]:
    return [
        AuditEntry(now - 60, "ada@example.com", "token.refreshed", "calendar", tenant="acme", risk=10),
        AuditEntry(now - 30, "ada@example.com", "webhook.refused", outcome="refused", risk=80, flag="score"),
    ]


DEAD: Any = {"id": "d2", "state": DeliveryState.DEAD, "attempts": 9}
"""What one delivery has that was given up."""


def _escalation(now: float) -> Escalation:
    return Escalation(now - 300, "IntegrationDown", "critical", "high", "sms", "", "twilio", "f", now - 2000)


def _delivery(now: float) -> Delivery:
    return Delivery(
        "d1",
        "webhook",
        "acme-crm",
        b"body-of-a-webhook",
        now - 100,
        now + 100,
        tenant="acme",
        headers=(("X-Secret", "secret-header"),),
        reason="timeout",
    )


def _attempt(now: float) -> Attempt:
    return Attempt("d1", 1, now - 90, 1.5, 500, "vendor_error")


def _message(now: float) -> TextMessage:
    return TextMessage(
        "m1", now - 50, "i1", 1, "+15550100", "text of a message", "firing", severity="critical"
    )

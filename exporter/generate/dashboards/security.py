"""Does somebody try passwords, gain rights or take data away, and what must a person look at?"""

from typing import Any

from exporter.alerts.webhooks import BAD_MINUTES, BAD_SIGNATURES
from exporter.core import webhook_metrics
from exporter.core.audit_rules import FAILURE, OUTCOMES, REFUSED
from exporter.core.event_metrics import REJECTED
from exporter.events import _audit_series as audit
from exporter.events import _auth_series as auth
from exporter.events import _rate_limit_series as limits
from exporter.events._audit_alerts import HIGH_FROM
from exporter.events._auth_alerts import FAILED_SIGN_INS, FAILURES_5M
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _reported as reported
from exporter.generate.dashboards import _sql as sql
from exporter.generate.dashboards import _store_panels as store
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import failures_link, tenant_column
from exporter.generate.dashboards._links import VALUE, DataLink, link_to
from exporter.generate.dashboards._panels import PanelQuery, TableColumn
from exporter.generate.dashboards._reported import HOUR, say_nothing
from exporter.generate.dashboards._scale import record
from exporter.generate.dashboards._variables import Choice

SIGN_INS, FAILED = reported.of_tenant(auth.SIGN_INS), reported.of_tenant(auth.FAILURES)
UNREVIEWED, RISK = ask.each(audit.UNREVIEWED), ask.each(audit.HIGHEST_RISK)
UID = "integration-security"
PICKED = (Choice("tenant", audit.EVENTS),)
NAMES = ("tenant",)
LIMITS = DataLink("Rate limits of this tenant", link_to("integration-ratelimits", carry=(), tenant=VALUE))
TENANT = tenant_column(UID, LIMITS, failures_link("tenant", carry=()), carry=NAMES)
PERSON = TableColumn("person", "Person", width=70)
RISK_SCORE = TableColumn("risk", "Risk", width=75)


def _is(*outcomes: str) -> str:
    words = sorted(f"'{word}'" for outcome in outcomes for word in OUTCOMES[outcome])
    return f"lower(outcome) IN ({', '.join(words)})"


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / Security audit",
        description="Who signs in and who cannot, what was flagged for a review, and what was refused.",
        sections=(
            Section("", say_nothing("Not known", _counts())),
            Section("Sign-ins", say_nothing("No sign-in is reported", _sign_ins())),
            Section("Audit", say_nothing("Nothing is known", _audit())),
            Section("Refused at the door", say_nothing("Nothing is known to be refused", _refused())),
            Section("From the store", (_flagged(), _attackers(), _refusals())),
        ),
        variables=PICKED,
    )


def _counts() -> tuple[Any, ...]:
    return (
        show.number(
            "Open reviews",
            "Entries of the audit that a person must look at: `integration-exporter audit list --open`.",
            f"sum({UNREVIEWED})",
            bad=show.BAD,
        ),
        show.number(
            "Tenants at risk",
            f"Tenants with a flagged entry whose risk score is {HIGH_FROM} or more, not reviewed.",
            f"sum({RISK} >= bool {HIGH_FROM})",
            bad=show.BAD,
        ),
        show.number(
            "Failed sign-ins",
            "Attempts to sign in that failed in the last hour, of all tenants that were picked.",
            f"round({reported.rise(FAILED)})",
            bad=show.WARNING,
        ),
        show.number(
            "Bad signatures",
            "Webhooks of the last hour that are not proven to be genuine.",
            f"round({reported.rise(reported.of_tenant(webhook_metrics.SIGNATURE_FAILURES))})",
            bad=show.WARNING,
        ),
        show.number(
            "Blocked, 1 h",
            "Requests of the last hour that a rate limit refused, those of apps included.",
            f"round({reported.rise(reported.of_tenant(limits.BLOCKS))})",
            bad=show.WARNING,
        ),
        show.figure(
            "Audit entries",
            "The number of the last entry in the chain; it never falls.",
            PanelQuery(f"max({reported.of_tenant(audit.CHAIN_LENGTH)})"),
            size=(4, 4),
            unit="short",
        ),
    )


def _sign_ins() -> tuple[Any, ...]:
    worst = ask.top(f"{reported.rise(FAILED, 'tenant')}")
    return (
        show.stacked(
            "Sign-ins per minute, by outcome",
            "Many failures and no success: the way to sign in is broken. Many of both: somebody tries "
            "passwords.",
            PanelQuery(reported.parts(SIGN_INS, FAILED, "succeeded", "failed"), "{{outcome}}"),
            size=(12, 8),
            unit="cpm",
            step="1m",
            colours={"succeeded": show.GOOD, "failed": show.WARNING},
        ),
        show.lines(
            "Failed sign-ins per minute, by tenant",
            f"On average of five minutes, for the {ask.MOST} tenants with the most. Dashed: the strictest "
            "thresholds.",
            (PanelQuery(ask.top(f"max by (tenant) ({record(FAILURES_5M)}) / 5"), "{{tenant}}"),),
            size=(12, 8),
            unit="cpm",
            limits=show.limits_of(FAILED_SIGN_INS),
        ),
        show.lines(
            "Sign-ins that fail, by method",
            f"Share of the attempts, for the {ask.MOST} methods with the most.",
            (PanelQuery(ask.top(reported.share(FAILED, SIGN_INS, "method")), "{{method}}"),),
            size=(12, 8),
            unit="percentunit",
        ),
        show.rows(
            "Tenants by failed sign-ins of an hour",
            f"The {ask.MOST} tenants with the most. `integration-exporter list sign-ins` has the addresses.",
            (
                worst,
                f"{reported.rise(SIGN_INS, 'tenant')} and on (tenant) {worst}",
                f"{reported.share(FAILED, SIGN_INS, 'tenant', HOUR)} and on (tenant) {worst}",
            ),
            (
                TENANT,
                TableColumn("A", "Failed", unit="locale", width=90, decimals=0),
                TableColumn("B", "Attempts", unit="locale", width=90, decimals=0),
                TableColumn("C", "Share", unit="percentunit", decimals=1, bar=True),
            ),
            size=(12, 8),
            sort=(("Failed", True),),
            empty="No sign-in was reported",
        ),
    )


def _audit() -> tuple[Any, ...]:
    most = ask.top(f"({UNREVIEWED} > 0)")
    flags = reported.of_tenant(audit.FLAGS)
    return (
        show.stacked(
            "Entries of the audit per minute, by class",
            "What apps report and what is done to the exporter itself; `privilege` is who may do what, "
            "`export` is data that leaves.",
            PanelQuery(
                reported.per_minute(reported.of_tenant(audit.EVENTS), "action_class"),
                "{{action_class}}",
            ),
            size=(12, 8),
            unit="cpm",
            step="1m",
        ),
        show.bars(
            "Flags in 24 hours, by pattern",
            "What flagged entries look like; `score` is a high risk without a pattern.",
            PanelQuery(ask.top(f"round({reported.rise_of_new(flags, 'pattern', '24h')})"), "{{pattern}}"),
            size=(12, 8),
            unit="short",
        ),
        show.stacked(
            "Flags, by pattern",
            "How many in the time of each bar: one event, or an attack that goes on.",
            PanelQuery(reported.rise_in_step(flags, "pattern"), "{{pattern}}"),
            size=(12, 8),
            unit="short",
            step=show.COUNTED,
        ),
        show.rows(
            "Waiting for a review, by tenant",
            f"The {ask.MOST} tenants with the most flagged entries, and the highest risk score among them.",
            (most, f"{RISK} and on (tenant) {most}"),
            (
                TENANT,
                TableColumn("A", "Entries", width=90),
                TableColumn("B", "Highest risk", bar=True),
            ),
            size=(12, 8),
            sort=(("Highest risk", True), ("Entries", True)),
            empty="Nothing is known to wait",
        ),
    )


def _refused() -> tuple[Any, ...]:
    signatures = reported.of_tenant(webhook_metrics.SIGNATURE_FAILURES)
    return (
        show.stacked(
            "Bad signatures per minute, by source",
            "Webhooks refused as not genuine: a secret that was not rotated here, or an attack. Dashed: the "
            "thresholds for one source.",
            PanelQuery(ask.top(reported.per_minute(signatures, "source, reason")), "{{source}} {{reason}}"),
            size=(8, 8),
            unit="cpm",
            step="1m",
            limits=show.limits_of(BAD_SIGNATURES, 1 / BAD_MINUTES),
        ),
        show.stacked(
            "Blocked per minute, by policy",
            f"Requests that rate limits refused, for the {ask.MOST} policies with the most.",
            PanelQuery(
                ask.top(reported.per_minute(reported.of_tenant(limits.BLOCKS), "policy")), "{{policy}}"
            ),
            size=(8, 8),
            unit="cpm",
            step="1m",
        ),
        show.stacked(
            "Refused events per minute, by reason",
            "Events of apps that are not valid, or of a tenant that the token is not for.",
            PanelQuery(reported.per_minute(reported.of_tenant(REJECTED), "reason"), "{{reason}}"),
            size=(8, 8),
            unit="cpm",
            step="1m",
        ),
    )


def _flagged() -> Any:
    return store.log(
        "Flagged entries",
        "The newest entries that a person must look at, by risk, reviewed ones included. Who a person is "
        "`integration-exporter audit list` says, to administrators.",
        sql.newest(
            "audit",
            ("time", "tenant", "person", "action", "outcome", "risk", "flag"),
            "flag IS NOT NULL",
            variables=NAMES,
        ),
        (
            store.time_column(),
            TENANT,
            PERSON,
            TableColumn("action", "Action", wrap=True),
            TableColumn("outcome", "Outcome", width=110),
            RISK_SCORE,
            TableColumn("flag", "Pattern", wrap=True),
        ),
        size=(24, 8),
        sort=(("Risk", True), ("Time", True)),
        empty="No entry was flagged",
    )


def _attackers() -> Any:
    query = (
        "SELECT person, tenant, sum(count)::bigint AS attempts, max(risk) AS risk, max(time) AS time\n"
        f"FROM {sql.view('audit')}\nWHERE {sql.where(_is(REFUSED, FAILURE), variables=NAMES)}\n"
        f"GROUP BY person, tenant\nORDER BY attempts DESC\nLIMIT {ask.MOST}"
    )
    return store.log(
        "Who fails and is refused most",
        f"The {ask.MOST} persons with the most attempts that failed or were refused, by their number.",
        query,
        (
            PERSON,
            TENANT,
            TableColumn("attempts", "Attempts", width=105),
            RISK_SCORE,
            store.time_column(title="Last"),
        ),
        size=(11, 9),
        sort=(("Attempts", True),),
        empty="No attempt failed",
    )


def _refusals() -> Any:
    return store.log(
        "Refused attempts",
        "The newest attempts to do what somebody may not do; equal ones within a minute are one row.",
        sql.newest(
            "audit",
            ("time", "tenant", "person", "action", "count", "risk"),
            _is(REFUSED),
            variables=NAMES,
        ),
        (
            store.time_column(),
            TENANT,
            PERSON,
            TableColumn("action", "Action", wrap=True),
            TableColumn("count", "Times", width=65),
            RISK_SCORE,
        ),
        size=(13, 9),
        sort=(("Time", True),),
        empty="No attempt was refused",
    )

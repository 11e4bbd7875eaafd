"""Does the watching itself work: probes, scrapes, store and messages, and the rules of Prometheus?"""

from typing import Any

from exporter.alerts.alertmanager import UNREACHABLE
from exporter.alerts.pipeline import ALERTS_LOST, NOTIFICATIONS_FAILING, RULES_FAILING
from exporter.core import event_metrics, notice_metrics, webhook_metrics
from exporter.core import monitoring_series as own
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._panels import PanelQuery, TableColumn
from exporter.generate.dashboards._scale import count_firing

SELF = "integration_exporter_"
RATE = "[$__rate_interval]"
OURS = f"{SELF}build_info"
"""One series for each exporter: what other programs export under the same names is distinguished by it."""
EXPORTER = "{{exporter}}"
OK = {"1": ("Yes", show.GOOD), "0": ("No", show.BAD)}
GROUPS = '{rule_group=~".*(;integration-|/own).*"}'
THIRD, HALF = (8, 8), (12, 8)


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid="integration-exporter",
        title="Integrations / Exporter itself",
        description="Does the watching work: probes on time, scrapes, store, tenants, messages, and rules?",
        sections=(
            Section("", (*_counts(), _exporters())),
            Section("Probes", _probes()),
            Section("Scrapes and series", _scrapes()),
            Section("Store and tenants", (*_store(), *_tenants())),
            Section("What comes in and goes out", _traffic()),
            Section("Process", _process()),
            Section("Rules of Prometheus", _rules()),
        ),
        variables=(),
    )


def each(expr: str, *labels: str, how: str = "max") -> str:
    """Return `expr` once for each exporter: by its address, whatever other labels its job has."""
    by = ", ".join(("exporter", *labels))
    return f'{how} by ({by}) (label_replace({expr}, "exporter", "$1", "instance", "(.+)"))'


def ours(metric: str) -> str:
    """Return a series that other programs have too, of exporters alone."""
    return f"({metric} and on (job, instance) {OURS})"


def _counts() -> tuple[Any, ...]:
    job = f"group by (job) (last_over_time({OURS}[1d]))"
    return (
        show.number(
            "Exporters down",
            "Exporters that Prometheus cannot scrape, of the jobs that had one within a day.",
            f"sum((up and on (job) {job}) == bool 0)",
            bad=show.BAD,
        ),
        show.number(
            "Old configuration",
            "Exporters whose last reload failed: they go on with the configuration from before.",
            f"sum({SELF}config_last_reload_successful == bool 0)",
            bad=show.BAD,
        ),
        show.number(
            "Stores that fail",
            "Exporters that cannot write to their store, or read it.",
            f"sum({SELF}store_healthy == bool 0)",
            bad=show.BAD,
        ),
        show.number(
            "Failing sources",
            "Sources of tenants whose last answer could not be taken over whole.",
            f"sum({SELF}tenants_refresh_successful == bool 0)",
            bad=show.WARNING,
        ).no_value("No source"),
        show.number(
            "Failing rules",
            "Groups of rules that fail, or take longer than their interval.",
            count_firing(RULES_FAILING),
            bad=show.BAD,
        ),
        show.number(
            "Lost messages",
            "Alerts that do not reach Alertmanager, channels that fail, and no answer of Alertmanager.",
            count_firing(ALERTS_LOST, NOTIFICATIONS_FAILING, UNREACHABLE),
            bad=show.BAD,
        ),
    )


def _exporters() -> Any:
    versions = each(OURS, "version", "pythonversion")
    return show.rows(
        "Exporters",
        f"The {ask.MOST} exporters that run longest, with the version of each.",
        (
            f"bottomk({ask.MOST}, {each(ours('process_start_time_seconds'), how='min')}) * 1000",
            versions,
            each(f"{SELF}config_last_reload_success_timestamp_seconds") + " * 1000",
            each(f"{SELF}config_last_reload_successful", how="min"),
            each(f"{SELF}store_healthy", how="min"),
            each(f"{SELF}targets"),
            each(f"{SELF}series"),
        ),
        (
            TableColumn("exporter", "Exporter", wrap=True),
            TableColumn("version", "Version", width=100),
            TableColumn("pythonversion", "Python", width=90),
            TableColumn("A", "Started", unit="dateTimeFromNow", width=125),
            TableColumn("C", "Configuration of", unit="dateTimeFromNow", width=140),
            TableColumn("D", "Reload worked", width=125, words=OK),
            TableColumn("E", "Store works", width=110, words=OK),
            TableColumn("F", "Targets", unit="short", width=90),
            TableColumn("G", "Series", unit="short", width=90),
        ),
        size=(24, 5),
        sort=(("Started", False),),
        empty="No exporter is known",
    )


def _lag(quantile: str) -> str:
    return f"histogram_quantile({quantile}, sum by (le) (rate({SELF}probe_lag_seconds_bucket{RATE})))"


def _probes() -> tuple[Any, ...]:
    return (
        show.lines(
            "Delay of probes",
            "How much later than due probes start, over all exporters: the usual one, and the latest of 100.",
            (PanelQuery(_lag("0.5"), "half of them"), PanelQuery(_lag("0.99"), "99 %")),
            size=THIRD,
            unit="s",
        ),
        show.lines(
            "Probes per second",
            f"Probes that ended, for the {ask.MOST} busiest exporters.",
            (PanelQuery(ask.top(each(f"rate({SELF}probe_lag_seconds_count{RATE})")), EXPORTER),),
            size=THIRD,
            unit="ops",
        ),
        show.lines(
            "Probes under way and waiting",
            "All exporters together. What waits is due, and its provider's lane is full.",
            (
                PanelQuery(f"sum({SELF}probes_running)", "under way"),
                PanelQuery(f"sum({SELF}probe_queue_length)", "waiting"),
            ),
            size=THIRD,
            unit="short",
        ),
        show.stacked(
            "Put off for want of a resource, per hour",
            "Probes and token refreshes that could not be begun: no file descriptor, memory or thread was "
            "left.",
            PanelQuery(f"sum by (resource) (increase({SELF}shortages_total[1h]))", "{{resource}}"),
            size=HALF,
            unit="short",
            step="10m",
        ),
        show.stacked(
            "Tasks that died, per hour",
            "Tasks that must run for ever and were begun again, by name; the log has the error.",
            PanelQuery(f"sum by (task) (increase({SELF}task_failures_total[1h]))", "{{task}}"),
            size=HALF,
            unit="short",
            step="10m",
        ).no_value("No task has died"),
    )


def _scrapes() -> tuple[Any, ...]:
    kept, limit = each(ours(own.SCRAPED)), each(f"{ours(own.SAMPLE_LIMIT)} > 0")
    return (
        show.lines(
            "Duration of scrapes",
            f"How long Prometheus took to scrape each exporter, for the {ask.MOST} slowest.",
            (PanelQuery(ask.top(each(ours("scrape_duration_seconds"))), EXPORTER),),
            size=THIRD,
            unit="s",
        ),
        show.lines(
            "Samples of a scrape",
            "What Prometheus kept of each scrape, and the sample_limit of the job where it is known: "
            "Prometheus shows it with the feature extra-scrape-metrics.",
            (
                PanelQuery(ask.top(kept), EXPORTER),
                PanelQuery(f"min({limit})", "sample_limit"),
            ),
            size=THIRD,
            unit="short",
        ),
        show.lines(
            "Series left out",
            "Counts of events beyond the series limit of their metric in an hour, and series that two "
            "targets have.",
            (
                PanelQuery(
                    ask.top(f"sum by (metric) (increase({webhook_metrics.SERIES_DROPPED}[1h]))"), "{{metric}}"
                ),
                PanelQuery(f"sum({SELF}series_duplicates)", "of two targets"),
            ),
            size=THIRD,
            unit="short",
        ),
    )


def _store() -> tuple[Any, ...]:
    failed = (
        ("store_failed_writes", "writes"),
        ("store_failed_reads", "reads"),
        ("store_dropped", "rows dropped"),
    )
    return (
        show.lines(
            "Failures of the store, per hour",
            "Writes and reads that failed, and rows that were dropped because it failed for long, of all "
            "exporters.",
            tuple(PanelQuery(f"sum(increase({SELF}{name}[1h]))", word) for name, word in failed),
            size=HALF,
            unit="short",
        ),
    )


def _tenants() -> tuple[Any, ...]:
    by = "integration, source"
    oldest = f"{SELF}tenants_last_refresh_timestamp_seconds"
    return (
        show.rows(
            "Sources of tenants",
            "From where the tenants of each integration come, and whether the last answer is in force: those "
            "that fail first.",
            (
                f"bottomk({ask.MOST}, min by ({by}) ({SELF}tenants_refresh_successful))",
                f"min by ({by}) ({oldest}) * 1000",
                f"max by ({by}) ({SELF}tenants_refused_rows)",
                f"max by ({by}) ({SELF}tenants_doubted)",
            ),
            (
                TableColumn("integration", "Integration", wrap=True),
                TableColumn("source", "Source", width=80),
                TableColumn("A", "In force", width=100, words=OK),
                TableColumn("B", "Last answer", unit="dateTimeFromNow", width=125),
                TableColumn("C", "Refused rows", width=110),
                TableColumn("D", "Doubted", width=85),
            ),
            size=HALF,
            sort=(("In force", False),),
            empty="No integration has its tenants from a source",
        ),
        show.bars(
            "Tenants by integration",
            f"Tenants in force, for the {ask.MOST} integrations with most.",
            PanelQuery(ask.top(f"max by (integration) ({SELF}tenants)"), "{{integration}}"),
            size=(24, 7),
            unit="short",
        ),
    )


def _traffic() -> tuple[Any, ...]:
    tried, failed = webhook_metrics.DELIVERIES, webhook_metrics.DELIVERY_FAILURES
    events, rejected = event_metrics.EVENTS, event_metrics.REJECTED
    return (
        show.lines(
            "Events of apps per minute",
            "Accepted by kind, and all that were refused.",
            (
                PanelQuery(f"sum by (kind) (rate({events}{RATE})) * 60", "{{kind}}"),
                PanelQuery(f"sum(rate({rejected}{RATE})) * 60", "refused"),
            ),
            size=THIRD,
            unit="cpm",
        ).no_value("No event has come"),
        show.lines(
            "Deliveries per minute",
            "Attempts to deliver webhooks, to the app and to endpoints, and those that failed.",
            (
                PanelQuery(f"sum by (direction) (rate({tried}{RATE})) * 60", "{{direction}}"),
                PanelQuery(f"sum(rate({failed}{RATE})) * 60", "failed"),
            ),
            size=THIRD,
            unit="cpm",
        ).no_value("Nothing was delivered"),
        show.lines(
            "Notices of Alertmanager per hour",
            "What Alertmanager reported for the history of alerts, by state.",
            (PanelQuery(f"sum by (state) (increase({notice_metrics.NOTICES}[1h]))", "{{state}}"),),
            size=THIRD,
            unit="short",
        ).no_value("No notice has come"),
    )


def _process() -> tuple[Any, ...]:
    files = f"{ours('process_open_fds')} / {ours('process_max_fds')}"
    return (
        show.lines(
            "CPU",
            f"Cores in use, for the {ask.MOST} exporters with most.",
            (
                PanelQuery(
                    ask.top(each(f"rate(process_cpu_seconds_total{RATE}) and on (job, instance) {OURS}")),
                    EXPORTER,
                ),
            ),
            size=(6, 8),
            unit="short",
        ),
        show.lines(
            "Memory",
            f"Resident memory, for the {ask.MOST} exporters with most.",
            (PanelQuery(ask.top(each(ours("process_resident_memory_bytes"))), EXPORTER),),
            size=(6, 8),
            unit="bytes",
        ),
        show.lines(
            "Open files, share of the limit",
            f"For the {ask.MOST} exporters with most. From 90 % on an alert fires.",
            (PanelQuery(ask.top(each(files)), EXPORTER),),
            size=(6, 8),
            unit="percentunit",
        ),
        show.stacked(
            "Log lines per minute",
            "What all exporters write.",
            PanelQuery(f"sum by (level) (rate({SELF}log_messages_total{RATE})) * 60", "{{level}}"),
            size=(6, 8),
            unit="cpm",
            step="10m",
        ),
    )


def _group(expr: str) -> str:
    return f'max by (group) (label_replace({expr}, "group", "$1", "rule_group", ".*[;/](.+)"))'


def _rules() -> tuple[Any, ...]:
    took, pace = f"{own.LAST_DURATION}{GROUPS}", f"{own.GROUP_INTERVAL}{GROUPS}"
    share = ask.top(_group(f"{took} / {pace}"))
    return (
        show.rows(
            "Groups of rules by share of their interval",
            f"The {ask.MOST} groups whose last evaluation took the largest part of their interval; beyond "
            "100 % evaluations are left out.",
            (share, f"{_group(took)} and on (group) {share}", f"{_group(pace)} and on (group) {share}"),
            (
                TableColumn("group", "Group", width=250, wrap=True),
                TableColumn("A", "Of its interval", unit="percentunit", decimals=1, bar=True),
                TableColumn("B", "Took", unit="s", width=90),
                TableColumn("C", "Every", unit="s", width=80),
            ),
            size=HALF,
            sort=(("Of its interval", True),),
            empty="Prometheus does not scrape itself, or has none of our rules",
        ),
        show.lines(
            "Evaluation of all groups",
            "How long one evaluation of every group takes together, and evaluations that failed or were "
            "left out within an hour.",
            (
                PanelQuery(f"sum({took})", "seconds"),
                PanelQuery(f"sum(increase({own.RULE_FAILURES}{GROUPS}[1h]))", "failed"),
                PanelQuery(f"sum(increase({own.MISSED}{GROUPS}[1h]))", "left out"),
            ),
            size=HALF,
            unit="short",
        ).no_value("Prometheus does not scrape itself"),
    )

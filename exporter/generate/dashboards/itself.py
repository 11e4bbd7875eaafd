"""Does the watching itself work: probes, scrapes, store and messages, and the rules of Prometheus?"""

from typing import Any

from exporter.alerts.alertmanager import UNREACHABLE
from exporter.alerts.pipeline import ALERTS_LOST, NOTIFICATIONS_FAILING, RULES_FAILING
from exporter.core import common_metrics, event_metrics, webhook_metrics
from exporter.core import monitoring_series as own
from exporter.core.metric import Metric
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _reported as reported
from exporter.generate.dashboards._alertmanager_panels import notices
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._limits import put_off
from exporter.generate.dashboards._panels import PanelQuery, TableColumn
from exporter.generate.dashboards._rule_panels import rule_panels
from exporter.generate.dashboards._scale import count_firing

SELF = "integration_exporter_"
RATE = "[$__rate_interval]"
OURS = f"{SELF}build_info"
"""One series for each exporter: what other programs export under the same names is distinguished by it."""
EXPORTER = "{{exporter}}"
OK = {"1": ("Yes", show.GOOD), "0": ("No", show.BAD)}
QUARTER, THIRD = (6, 8), (8, 8)


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
            Section("Rules of Prometheus", rule_panels()),
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
        numbers.alerts(
            "Failing rules",
            "Groups of rules that fail, or take longer than their interval.",
            count_firing(RULES_FAILING),
            bad=show.BAD,
            carry=(),
        ),
        numbers.alerts(
            "Lost messages",
            "Alerts that do not reach Alertmanager, channels that fail, and no answer of Alertmanager.",
            count_firing(ALERTS_LOST, NOTIFICATIONS_FAILING, UNREACHABLE),
            bad=show.BAD,
            carry=(),
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
        put_off(str(common_metrics.DEFERRED)),
        show.stacked(
            "Not begun for want of a resource",
            "Probes and token refreshes that could not be begun in the time of each bar: no file descriptor, "
            "memory or thread was left.",
            PanelQuery(reported.rise_in_step(f"{SELF}shortages_total", "resource"), "{{resource}}"),
            size=THIRD,
            unit="short",
            step=show.COUNTED,
        ),
        show.stacked(
            "Tasks that died, by name",
            "Tasks that must run for ever and were begun again in the time of each bar; the log has the "
            "error.",
            PanelQuery(reported.rise_in_step(f"{SELF}task_failures_total", "task"), "{{task}}"),
            size=THIRD,
            unit="short",
            step=show.COUNTED,
        ).no_value("No task has died"),
    )


def _scrapes() -> tuple[Any, ...]:
    kept, limit = each(ours(own.SCRAPED)), each(f"{ours(own.SAMPLE_LIMIT)} > 0")
    return (
        show.lines(
            "Duration of scrapes",
            f"How long Prometheus took to scrape each exporter, for the {ask.MOST} slowest.",
            (PanelQuery(ask.top(each(ours("scrape_duration_seconds"))), EXPORTER),),
            size=QUARTER,
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
            size=QUARTER,
            unit="short",
        ),
        show.stacked(
            "Left out of series, by metric",
            "Counts of events beyond the series limit of their metric, in the time of each bar.",
            PanelQuery(
                ask.top(f"{reported.rise_in_step(str(webhook_metrics.SERIES_DROPPED), 'metric')} > 0"),
                "{{metric}}",
            ),
            size=QUARTER,
            unit="short",
            step=show.COUNTED,
        ).no_value("No count is known to be left out"),
        show.lines(
            "Series that two targets have",
            "Series that are left out, because another target has the same one already.",
            (PanelQuery(f"sum({SELF}series_duplicates)", "series"),),
            size=QUARTER,
            unit="short",
        ),
    )


def _store() -> tuple[Any, ...]:
    failed: dict[str, Metric | str] = {
        "writes": f"{SELF}store_failed_writes",
        "reads": f"{SELF}store_failed_reads",
        "rows dropped": f"{SELF}store_dropped",
    }
    return (
        show.lines(
            "Delay of the store",
            "How long the oldest record has waited that is not in the store yet, for the "
            f"{ask.MOST} slowest exporters.",
            (PanelQuery(ask.top(each(f"{SELF}store_lag_seconds")), EXPORTER),),
            size=QUARTER,
            unit="s",
        ),
        show.lines(
            "Records that wait",
            f"What is still to be written to the store, for the {ask.MOST} exporters with most. At 5,000 of "
            "a kind the oldest are dropped.",
            (PanelQuery(ask.top(each(f"{SELF}store_waiting")), EXPORTER),),
            size=QUARTER,
            unit="short",
        ),
        show.stacked(
            "Failures of the store",
            "Writes and reads that failed, and rows that were dropped because it failed for long, of all "
            "exporters, in the time of each bar.",
            PanelQuery(reported.rises_in_step(failed), "{{event}}"),
            size=QUARTER,
            unit="short",
            step=show.COUNTED,
        ),
        show.lines(
            "Size of the store",
            f"Bytes of the whole database, for the {ask.MOST} largest; exporters may share one.",
            (PanelQuery(ask.top(each(f"{SELF}store_size_bytes")), EXPORTER),),
            size=QUARTER,
            unit="bytes",
        ).no_value("Known after a minute"),
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
            size=(14, 8),
            sort=(("In force", False),),
            empty="No integration has its tenants from a source",
        ),
        show.bars(
            "Tenants by integration",
            f"Tenants in force, for the {ask.MOST} integrations with most.",
            PanelQuery(ask.top(f"max by (integration) ({SELF}tenants)"), "{{integration}}"),
            size=(10, 8),
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
            steps=show.FEW_STEPS,
        ).no_value("Nothing was delivered"),
        notices(THIRD),
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
            size=QUARTER,
            unit="suffix: cores",
        ),
        show.lines(
            "Memory",
            f"Resident memory, for the {ask.MOST} exporters with most.",
            (PanelQuery(ask.top(each(ours("process_resident_memory_bytes"))), EXPORTER),),
            size=QUARTER,
            unit="bytes",
        ),
        show.lines(
            "Open files, share of the limit",
            f"For the {ask.MOST} exporters with most. From 90 % on an alert fires.",
            (PanelQuery(ask.top(each(files)), EXPORTER),),
            size=QUARTER,
            unit="percentunit",
        ),
        show.stacked(
            "Log lines per minute",
            "What all exporters write.",
            PanelQuery(f"sum by (level) (rate({SELF}log_messages_total{RATE})) * 60", "{{level}}"),
            size=QUARTER,
            unit="cpm",
            step="1m",
        ),
    )

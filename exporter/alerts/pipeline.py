"""Does what is found reach somebody? The store, the scrape, the rules, and the messages."""

from exporter.alerts.cases import pipeline as cases
from exporter.alerts.process import COMPONENT
from exporter.core.alert import Alert, Runbook
from exporter.core.counting import increase
from exporter.core.monitoring_series import (
    ALERT_ERRORS,
    ALERTMANAGERS,
    ALERTS_DROPPED,
    GROUP_INTERVAL,
    LAST_DURATION,
    MISSED,
    NOTIFICATION_FAILURES,
    NOTIFICATIONS,
    RULE_FAILURES,
    SAMPLE_LIMIT,
    SCRAPED,
)
from exporter.core.severity import Severity

PLACE = ("job", "instance")
_AT = ", ".join(PLACE)
_OURS = '{job="$job"}'
_STORE = "integration_exporter_store"


def _grown(name: str, length: str = "15m") -> str:
    return f"max by ({_AT}) ({increase(name + _OURS, length)})"


STORE_FAILING = Alert(
    name="IntegrationStoreFailing",
    summary="The exporter cannot use its store.",
    summaries={Severity.HIGH: "The exporter loses rows, because its store fails."},
    description=(
        "The store of the exporter at {{ $labels.instance }} "
        '{{ if eq $labels.severity "high" }}fails for so long that rows were dropped'
        "{{ else }}cannot be written or read{{ end }}."
    ),
    by=PLACE,
    exprs={
        Severity.HIGH: f"{_grown(f'{_STORE}_dropped')} > 0",
        Severity.MEDIUM: (
            f"max by ({_AT}) (max_over_time({_STORE}_healthy{_OURS}[5m])) == 0\n"
            f"or\n{_grown(f'{_STORE}_failed_writes')} > 5\n"
            f"or\n{_grown(f'{_STORE}_failed_reads')} > 5"
        ),
    },
    keep_firing="5m",
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.STORE_FAILING,
    runbook=Runbook(
        meaning=(
            "Medium: for five minutes no write to the store and not every read of it succeeded, or more than "
            "five of either failed within a quarter of an hour. High: what waited to be written was "
            "more than "
            "the exporter keeps, and rows were dropped."
        ),
        impact=(
            "Probes and `/metrics` go on. Lists and statistics have holes; a restart would bring back an old "
            "state; webhooks are answered with 503, so that their senders repeat them."
        ),
        diagnosis=(
            "1. The exporter's log names the failure once: a full disk, no permission, a lost database, a "
            "lock.\n"
            f"2. `{_STORE}_failed_writes` and `{_STORE}_failed_reads`: both, or reads alone?\n"
            "3. `integration-exporter doctor` tries both."
        ),
        mitigation=(
            "Free the disk, bring the database back, or correct `store.url` and reload. What still waits is "
            "written by itself."
        ),
    ),
)

SERIES_NEAR_LIMIT = Alert(
    name="IntegrationExporterSeriesNearLimit",
    summary="The exporter has nearly as many series as Prometheus takes of it.",
    description=(
        "A scrape of {{ $labels.instance }} brings {{ $value | humanizePercentage }} of the samples that "
        "`sample_limit` of its job allows."
    ),
    by=PLACE,
    expr=(
        f"max by ({_AT}) (max_over_time({SCRAPED}{_OURS}[10m]))\n/ on ({_AT})\n"
        f"  (max by ({_AT}) (max_over_time({SAMPLE_LIMIT}{_OURS}[10m])) > 0)\n> 0.8"
    ),
    severities=(Severity.MEDIUM,),
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.SERIES_NEAR_LIMIT,
    runbook=Runbook(
        meaning=(
            "The scrape job has a `sample_limit`, and the exporter shows more than four fifths of it. "
            "Prometheus knows its own limit only with `--enable-feature=extra-scrape-metrics`."
        ),
        impact=(
            "Beyond the limit Prometheus takes nothing at all of a scrape: every target is unknown, and "
            "IntegrationExporterDown fires."
        ),
        diagnosis=(
            "1. More tenants or integrations? `integration_exporter_targets` over weeks.\n"
            "2. Which metric has most series? `topk(5, count by (__name__) "
            '({job="integration-exporter"}))`.\n'
            "3. A value of `extract` whose labels never repeat?"
        ),
        mitigation="Raise `sample_limit`, shard the targets, or leave out a label that never repeats.",
    ),
)

# Ours by their names, and the files that `rule_files` copies beside them.
_GROUPS = '{rule_group=~".*(;integration-|/own).*"}'
_GROUP = "job, instance, rule_group"

RULES_FAILING = Alert(
    name="IntegrationRulesFailing",
    summary="Rules are evaluated late.",
    summaries={Severity.HIGH: "Rules fail, so their alerts cannot fire."},
    description=(
        "Rules of {{ $labels.rule_group }} in Prometheus at {{ $labels.instance }} "
        '{{ if eq $labels.severity "high" }}fail{{ else }}take longer than their interval{{ end }}.'
    ),
    by=("job", "instance", "rule_group"),
    exprs={
        Severity.HIGH: f"sum by ({_GROUP}) (increase({RULE_FAILURES}{_GROUPS}[10m])) > 0",
        Severity.MEDIUM: (
            f"sum by ({_GROUP}) (increase({MISSED}{_GROUPS}[15m])) > 1\n"
            f"or\nmax by ({_GROUP}) (min_over_time({LAST_DURATION}{_GROUPS}[10m]))\n"
            f"  > max by ({_GROUP}) (max_over_time({GROUP_INTERVAL}{_GROUPS}[10m]))"
        ),
    },
    hold="5m",
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.RULES_FAILING,
    runbook=Runbook(
        meaning=(
            "High: for five minutes rules of a group have ended with an error. Medium: evaluations were left "
            "out, or each of ten minutes took longer than the interval of the group. Groups of the exporter "
            "and rule files of your own (`rule_files`) are watched."
        ),
        impact="Alerts of the group fire late or not at all.",
        diagnosis=(
            "1. Prometheus' page of rules shows the error and the duration of each rule.\n"
            '2. "many-to-many matching": two versions of rules are loaded, or series have labels that others '
            "lack; see `generate.aggregation_labels`.\n"
            "3. Late: how many targets are there, and what else does this Prometheus do? "
            "docs/performance.md says what is usual."
        ),
        mitigation=(
            "Load the rule files of the exporter's version alone. Give Prometheus more CPU, or a longer "
            "interval to rules of your own; shard where it is always late."
        ),
    ),
)

ALERTS_LOST = Alert(
    name="IntegrationAlertsNotDelivered",
    summary="Prometheus cannot hand alerts over to Alertmanager.",
    description="Alerts of Prometheus at {{ $labels.instance }} do not reach any Alertmanager.",
    by=PLACE,
    expr=(
        f"sum by ({_AT}) (increase({ALERTS_DROPPED}[10m])) > 0\n"
        f"or\nsum by ({_AT}) (increase({ALERT_ERRORS}[10m])) > 0\n"
        f"or\nmax by ({_AT}) (max_over_time({ALERTMANAGERS}[10m])) < 1"
    ),
    severities=(Severity.HIGH,),
    hold="5m",
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.ALERTS_LOST,
    runbook=Runbook(
        meaning=(
            "For five minutes alerts were dropped, could not be sent, or Prometheus knew no "
            "Alertmanager at all."
        ),
        impact=(
            "Nobody is notified of anything. With several Alertmanagers the others still deliver, this alert "
            "among the rest; with one it is seen on dashboards alone, and `notifications.heartbeat` notices."
        ),
        diagnosis=(
            "1. Prometheus' page of runtime information lists the Alertmanagers that it knows.\n"
            "2. Its log names the failure of a send: refused, a certificate, 401.\n"
            "3. Is the section `alerting` of prometheus.yml there, and of this version?"
        ),
        mitigation="Start Alertmanager, or correct `generate.alertmanager` and write the files again.",
    ),
)

# Alertmanager calls the kind of a channel its integration: that label means something else here.
_BY_CHANNEL = "job, instance, channel"


def _by_channel(name: str) -> str:
    renamed = f'label_join(increase({name}[15m]), "channel", "", "integration")'
    return f"sum by ({_BY_CHANNEL}) ({renamed})"


NOTIFICATIONS_FAILING = Alert(
    name="IntegrationNotificationsFailing",
    summary="Some messages of Alertmanager do not arrive.",
    summaries={Severity.HIGH: "Most messages of Alertmanager over a channel do not arrive."},
    description="Messages of Alertmanager at {{ $labels.instance }} over {{ $labels.channel }} fail.",
    by=("job", "instance", "channel"),
    exprs={
        Severity.HIGH: (
            f"{_by_channel(NOTIFICATION_FAILURES)}\n/ on ({_BY_CHANNEL})\n"
            f"  ({_by_channel(NOTIFICATIONS)} > 0)\n> 0.5"
        ),
        Severity.MEDIUM: f"{_by_channel(NOTIFICATION_FAILURES)} > 0",
    },
    hold="5m",
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.NOTIFICATIONS_FAILING,
    runbook=Runbook(
        meaning=(
            "Within a quarter of an hour Alertmanager gave up messages over a channel (medium), or more than "
            "half of them (high). `channel` is its kind: slack, email, pagerduty, sns, webhook."
        ),
        impact="Whoever is notified by this channel alone learns of nothing. This alert goes by the others.",
        diagnosis=(
            "1. Alertmanager's log names receiver and answer: 404 and 403 are a revoked address or key, 429 "
            "too many messages, a timeout the network.\n"
            "2. `integration-exporter doctor` tries each channel.\n"
            "3. Did a secret change? Its file is read at each message, its path at a reload alone."
        ),
        mitigation=(
            "Write the new secret into its file, or give `notifications` the new address and generate again. "
            "Alertmanager repeats what is still firing at the next `group_interval`."
        ),
    ),
)

PIPELINE = (STORE_FAILING, SERIES_NEAR_LIMIT, RULES_FAILING, ALERTS_LOST, NOTIFICATIONS_FAILING)

"""One integration of one tenant: from its status down to phases of a probe and what the vendor reports."""

from collections.abc import Iterable
from typing import Any

from exporter import registry
from exporter.alerts.availability import CONSECUTIVE
from exporter.alerts.measures import LATENCY
from exporter.core import common_metrics as m
from exporter.core.alert import BY
from exporter.core.metric import Metric
from exporter.generate.dashboards import _limits as limits
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _status as status
from exporter.generate.dashboards._alert_tables import firing_alerts
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import (
    DETAIL,
    ERRORS,
    provider_link,
)
from exporter.generate.dashboards._links import DataLink, link_to
from exporter.generate.dashboards._panels import LIMIT, PanelQuery, TableColumn
from exporter.generate.dashboards._scale import strictest
from exporter.generate.dashboards._variables import Choice

PICKED = ("integration", "tenant")
WORDS = {"1": status.CONNECTED, "0": status.ALL_FAILING, "2": status.UNCONFIGURED}
SMALL = (6, 3)
DATE = '__name__=~".+_timestamp_seconds"'
UNITS = {"ratio": ("share", show.PLAIN)}
IS_SO = {"1": ("Yes", show.PLAIN), "0": ("No", show.PLAIN)}
LOG = DataLink("Log of failures of this target", link_to(ERRORS, carry=PICKED))


def one(expr: str) -> str:
    """Return `expr` for a dashboard that has no variable for the provider: the integration has only one."""
    return expr.replace(', provider=~"$provider"', "").replace(', provider=~"$provider|"', "")


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=DETAIL,
        title="Integrations / Integration",
        description="How is one integration of one tenant: status, failures, time, limits, facts.",
        sections=(
            Section("", (*_now(), _over_time())),
            Section("Why", (_why(), firing_alerts((), (24, 6), one))),
            Section("Latency and failures", (*_latency(), *_failures())),
            Section("Limits", _limits()),
            Section("What the vendor reports", _facts()),
        ),
        variables=tuple(Choice(name, m.INFO, single=True) for name in PICKED),
    )


def _why() -> Any:
    return status.failing((), one, LOG, (24, 4))


def _state() -> str:
    return one(f"{status.SUCCESS} or ({ask.each(m.CONFIGURED)} == 0) + 2")


def _now() -> tuple[Any, ...]:
    share = f"sum(increase({ask.series(m.PROBE_FAILURES)}[1d])) / sum(increase({ask.series(m.PROBES)}[1d]))"
    certificate = " or ".join(
        ask.each(metric, how="min") for metric in (m.CHAIN_EXPIRY, m.CERTIFICATE_EXPIRY)
    )
    return (
        numbers.state("State", "What the last probe found.", _state(), WORDS, size=SMALL),
        show.number(
            "Failures in a row",
            "Failed probes since the last success.",
            one(ask.each(m.CONSECUTIVE_FAILURES)),
            bad=show.BAD,
            size=SMALL,
        ).no_value("Not probed"),
        numbers.moment(
            "Last success",
            "When a probe last succeeded.",
            one(ask.each(m.LAST_SUCCESS)),
            never="Never",
            size=SMALL,
        ),
        numbers.moment(
            "Next probe",
            "When the next probe is due.",
            one(ask.each(m.NEXT_RUN, how="min")),
            never="Not probed",
            size=SMALL,
        ),
        numbers.amount(
            "Last probe",
            "How long the last probe took.",
            one(ask.each(m.DURATION)),
            unit="s",
            none="Not probed",
            decimals=2,
            size=SMALL,
        ),
        numbers.amount(
            "HTTP status",
            "Of the last answer of the last probe.",
            one(ask.each(m.HTTP_STATUS)),
            unit="none",
            none="No HTTP",
            decimals=0,
            size=SMALL,
        ),
        numbers.moment(
            "Certificate expires",
            "When the first certificate of the server's chain expires.",
            one(f"({certificate})"),
            never="None seen",
            size=SMALL,
        ),
        numbers.amount(
            "Failed, 24 h",
            "Share of the integration's probes of a day that failed, over all its tenants and replicas.",
            one(share),
            unit="percentunit",
            none="None",
            decimals=2,
            size=SMALL,
        ),
    )


def _over_time() -> Any:
    return show.states(
        "Status over time",
        "Connected, failing or not configured, at each time of the range.",
        PanelQuery(_state(), "{{integration}} {{tenant}}"),
        WORDS,
        size=(24, 4),
        step="1m",
        links=(LOG, provider_link(PICKED)),
    )


def _latency() -> tuple[Any, ...]:
    return (
        show.lines(
            "Duration of the probes",
            "How long each probe took. Dashed: the thresholds in force here.",
            (PanelQuery(one(ask.each(m.DURATION)), "{{integration}} {{tenant}}"),),
            size=(12, 9),
            unit="s",
            limits=PanelQuery(one(strictest(LATENCY)), LIMIT),
        ).no_value("Not probed"),
        show.stacked(
            "Phases of the probes",
            "Where the time of each probe went: the way (resolve, connect), the handshake (tls), the "
            "vendor's work (processing), the size of the answer (transfer).",
            PanelQuery(one(f"max by (phase) ({ask.series(m.PHASE_DURATION)})"), "{{phase}}"),
            size=(12, 9),
            unit="s",
            step="1m",
        ).no_value("Not probed"),
    )


def _failures() -> tuple[Any, ...]:
    return (
        status.failures(one),
        show.lines(
            "Failures in a row over time",
            "How long each failure lasted, in probes. Dashed: from where an alert fires.",
            (PanelQuery(one(ask.each(m.CONSECUTIVE_FAILURES)), "{{integration}} {{tenant}}"),),
            size=(12, 9),
            unit="short",
            limits=PanelQuery(one(strictest(CONSECUTIVE)), LIMIT),
        ).no_value("Not probed"),
    )


def _limits() -> tuple[Any, ...]:
    return (
        limits.quotas((), one).no_value("This integration reports no quota"),
        limits.rate_limits((), one).no_value("This integration reports no rate limit"),
        limits.tokens((), one).no_value("This integration has no token that expires"),
        limits.costs((), one).no_value("This integration reports no cost"),
        limits.balances((), one).no_value("This integration reports no prepaid money"),
    )


def _own_metrics() -> tuple[Metric, ...]:
    """Return what providers measure that only one of them has."""
    shared = {*m.TARGET_SERIES, *m.SHARED_SERIES}
    own = (metric for probe in registry.probes().values() for metric in probe.metrics)
    return tuple(dict.fromkeys(metric for metric in own if metric not in shared))


def _is_state(metric: Metric) -> bool:
    """Return whether the values of `metric` are yes and no."""
    return (metric.help.startswith("Whether ") and "2 " not in metric.help) or metric.name.endswith("_info")


def _of_vendor(*matchers: str, others: Iterable[str] = ()) -> str:
    """Return the series that only the integration's provider has, and `others`, of which `matchers` are true.

    Their own labels are joined in one, `of`; `fact` is what each is called, `unit` what it is in.
    """
    labels = sorted({label for metric in _own_metrics() for label in metric.labels})
    names = "|".join((*registry.probes(), *others))
    targets = ('integration=~"$integration"', 'tenant=~"$tenant"')
    chosen = ", ".join((f'__name__=~"integration_({names})_.+"', *matchers, *targets))
    named = f'label_replace({{{chosen}}}, "fact", "$1", "__name__", "integration_(.+?)(_timestamp_seconds)?")'
    named = f'label_replace({named}, "unit", "$1", "fact", ".+_(seconds|bytes|ratio)")'
    joined = ", ".join(f'"{label}"' for label in labels)
    of = f'label_replace(label_join({named}, "of", " ", {joined}), "of", "$1", "of", " *(.*?) *")'
    return f"max by ({BY}, fact, of, unit) ({of})"


def _facts() -> tuple[Any, ...]:
    states = "|".join(metric.name for metric in _own_metrics() if _is_state(metric))
    fact, of = TableColumn("fact", "Fact", width=330), TableColumn("of", "Of", wrap=True)
    return (
        show.rows(
            "Facts",
            "Every number that only this provider measures, as the last probe found it; the reference of the "
            "metrics says what each means.",
            (_of_vendor(f'__name__!~".+_timestamp_seconds|{states}"'),),
            (
                fact,
                of,
                TableColumn("A", "Value", unit="locale", width=110),
                TableColumn("unit", "In", width=80, words=UNITS),
            ),
            size=(14, 10),
            sort=(("Fact", False),),
            empty="No fact is known of this target",
        ),
        _dates(),
        show.rows(
            "States",
            "Everything that only this provider says yes or no to, as the last probe found it.",
            (_of_vendor(f'__name__=~"{states}"'),),
            (fact, of, TableColumn("A", "Is so", width=80, words=IS_SO)),
            size=(24, 8),
            sort=(("Is so", True), ("Fact", False)),
            empty="No state is known of this target",
        ),
    )


def _dates() -> Any:
    return show.rows(
        "Dates",
        "When something of the vendor's, a probe or our certificate happened, or will happen.",
        # Two dates that are every target's, and on no other panel.
        (f"{_of_vendor(DATE, others=('client', 'probe_last'))} * 1000",),
        (
            TableColumn("fact", "Date", width=300),
            TableColumn("A", "When", unit="dateTimeFromNow", width=150),
        ),
        size=(10, 10),
        sort=(("Date", False),),
        empty="No date is known of this target",
    )

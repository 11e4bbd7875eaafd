"""Do payments succeed, why do others fail, are they genuine: as the vendor says and as apps report."""

from typing import Any

from exporter.core.alert import BY, Alert
from exporter.core.declines import FAMILIES
from exporter.core.metric import Metric, Scope
from exporter.core.threshold import ThresholdFamily
from exporter.events import _decline_alerts, _payment_alerts, _shares
from exporter.events import _payment_series as e
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _reported as reported
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import detail_link, integration_column, tenant_column
from exporter.generate.dashboards._looks import sign_money
from exporter.generate.dashboards._panels import LIMIT, PanelQuery, Size, TableColumn, limits_of
from exporter.generate.dashboards._scale import count_firing, of_picked_tenants, record, recorded_level
from exporter.probes.stripe import alerts as vendor
from exporter.probes.stripe import decline_alerts
from exporter.probes.stripe import metrics as s

UID = "integration-payments"
COLUMNS = (integration_column(UID, detail_link()), tenant_column(UID, detail_link()))
STRIPE = frozenset({"stripe"})
FAMILY_WORDS = ", ".join(FAMILIES)
STATE = TableColumn("A", "State", width=75, words=show.severity_words(("Fine", show.GOOD)))
REASONS = {"declined": show.QUIET, "failed": show.BAD, "timeout": show.WARNING}
"""Colours of reasons: what lies with us stands out from what a bank says."""


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / Payments",
        description="Do payments succeed, why do those that fail, and are they disputed or fraud?",
        sections=(
            Section("As Stripe says", (*_vendor_numbers(), *_vendor_success()), STRIPE),
            Section("Declines, disputes and payouts as Stripe says", _vendor_details(), STRIPE),
            Section("As apps report", (*_reported_numbers(), *_reported(), *_reported_cases())),
        ),
    )


def _record(name: str) -> str:
    return f"max by ({BY}) ({record(name)})"


def _vendor_numbers() -> tuple[Any, ...]:
    succeeded, all_of = (
        f"sum({_record(vendor.RATIO)} * {_record(vendor.VOLUME)})",
        f"sum({_record(vendor.VOLUME)})",
    )
    return (
        numbers.amount(
            "Payments tried",
            "Attempts to charge in the window of each account's last reading, those that Stripe blocked "
            "left out.",
            all_of,
            unit="short",
            none="Not known",
            decimals=0,
        ),
        numbers.amount(
            "Succeeded",
            "Share of these attempts that succeeded, over all accounts.",
            f"{succeeded} / ({all_of} > 0)",
            unit="percentunit",
            none="Not known",
        ),
        numbers.alerts(
            "Failing accounts",
            "Accounts whose payments fail more often than their threshold allows.",
            count_firing(vendor.PAYMENTS_FAILING),
            bad=show.BAD,
        ),
        numbers.alerts(
            "Declines gather",
            "Families of declines, and tenants, far above their usual share of the failed payments.",
            count_firing(decline_alerts.GATHERED, decline_alerts.TENANT_GATHERED),
            bad=show.WARNING,
        ),
        show.number(
            "Disputes, 24 h",
            "Disputes opened in the last 24 hours.",
            f"sum({ask.each(s.DISPUTES)})",
            bad=show.WARNING,
        ).no_value("Not known"),
        show.number(
            "Fraud warnings",
            "Early fraud warnings of issuers in the last 24 hours.",
            f"sum({ask.each(s.FRAUD_WARNINGS)})",
            bad=show.WARNING,
        ).no_value("Not known"),
    )


def failed_share_limits(family: ThresholdFamily) -> PanelQuery:
    """Return the thresholds of a share of success for a graph of the share of failures."""
    return PanelQuery(f"1 - {ask.limit(family)}", LIMIT)


def _failed_share() -> str:
    """Return the share of the attempts that fail, by integration: of all tenants from their records."""
    failed, volume = record(vendor.FAILED_OF_ALL), record(vendor.VOLUME_OF_ALL)
    ratio, own = (f"max by ({BY}) ({record(name, ask.NOT_ALL)})" for name in (vendor.RATIO, vendor.VOLUME))
    of_all = f"sum by (integration) ({failed}) / (sum by (integration) ({volume}) > 0)"
    return f"{of_all} or sum by (integration) ((1 - {ratio}) * {own}) / (sum by (integration) ({own}) > 0)"


def _vendor_success() -> tuple[Any, ...]:
    ratio, volume = _record(vendor.RATIO), _record(vendor.VOLUME)
    lowest = f"bottomk({ask.MOST}, {ratio} and on ({BY}) ({volume} >= {vendor.LEAST_PAYMENTS}))"
    return (
        show.lines(
            "Share of payments that fail",
            f"For the {ask.MOST} integrations where most fail, over all tenants. Dashed: the thresholds of a "
            "single tenant, the strictest.",
            (PanelQuery(ask.top(_failed_share()), "{{integration}}"),),
            size=(12, 9),
            unit="percentunit",
            limits=failed_share_limits(vendor.PAYMENT_SUCCESS),
            steps=show.FEW_STEPS,
        ).no_value("No payment is known"),
        show.rows(
            "Lowest success",
            f"The {ask.MOST} accounts where the smallest share succeeds, of those with "
            f"{vendor.LEAST_PAYMENTS} attempts in the window, judged by the thresholds in force.",
            (recorded_level(vendor.PAYMENTS_FAILING, lowest), lowest, f"{volume} and on ({BY}) {lowest}"),
            (
                STATE,
                *COLUMNS,
                TableColumn("B", "Succeeded", unit="percentunit", decimals=1, bar=True),
                TableColumn("C", "Attempts", width=90),
            ),
            size=(12, 9),
            sort=(("Succeeded", False),),
            empty="No account has enough payments to judge",
        ),
    )


def _vendor_details() -> tuple[Any, ...]:
    return (
        show.bars(
            "Declines by family, now",
            "Failed charges of the last readings. processing lies with the vendor, card_data and "
            "authentication with the checkout, fraud and velocity with an attack, funds and issuer with "
            "the customers.",
            PanelQuery(f"sort_desc(sum by (family) ({ask.series(s.DECLINES)}))", "{{family}}"),
            size=(8, 9),
            unit="short",
        ).no_value("Not known"),
        show.lines(
            "Disputes and warnings per payment of a day",
            f"Of the {ask.MOST} accounts that are beyond the threshold; once you pick tenants, of all of "
            "theirs. Dashed: the threshold.",
            (PanelQuery(_vendor_shares(), "{{integration}} {{tenant}} {{case}}"),),
            size=(8, 9),
            unit="percentunit",
            limits=limits_of(vendor.FRAUD),
        ).no_value("No account is known to be beyond a threshold"),
        show.bars(
            "Payouts of seven days, by status",
            "Payouts created in the last seven days: failed ones need the account's owner.",
            PanelQuery(f"sort_desc(sum by (status) ({ask.each(s.PAYOUTS, 'status')}))", "{{status}}"),
            size=(8, 9),
            unit="short",
        ).no_value("Not known"),
        _cases(
            "Disputes and fraud warnings of 24 hours, by account",
            "accounts",
            (ask.each(s.DISPUTES), ask.each(s.FRAUD_WARNINGS), ask.each(s.PAYMENTS_DAILY)),
            (vendor.DISPUTES, vendor.WARNINGS),
            (24, 7),
        ),
    )


def _vendor_shares() -> str:
    """Return disputes and warnings per payment of a day, for a graph."""
    # Over hours only those that are recorded as beyond a threshold: all of them would take seconds.
    beyond = (_record(one.suspects_record) for one in (vendor.DISPUTES, vendor.WARNINGS))
    daily = f"(max by ({BY}) ({of_picked_tenants(s.PAYMENTS_DAILY)}) > 0)"
    picked = (f"max by ({BY}) ({of_picked_tenants(one)}) / {daily}" for one in (s.DISPUTES, s.FRAUD_WARNINGS))
    return f"{ask.top(_by_case(*beyond))} or {ask.top(_by_case(*picked))}"


def _by_case(disputes: str, warnings: str) -> str:
    """Return both, which the label `case` distinguishes."""
    return (
        f'label_replace({disputes}, "case", "disputes", "", "")'
        f' or label_replace({warnings}, "case", "warnings", "", "")'
    )


def _cases(
    title: str, places: str, counted: tuple[str, str, str], alerts: tuple[Alert, Alert], size: Size
) -> Any:
    """Return the table of disputes and warnings; `counted` are these two and the payments of the day."""
    disputes, warnings, payments = counted
    most = ask.top(f"({disputes} + {warnings}) > 0")
    of_these = f"and on ({BY}) {most}"
    worst = _by_case(*(recorded_level(one, most) for one in alerts))
    return show.rows(
        title,
        f"The {ask.MOST} {places} with most of both, and their share of a day's payments, the worse "
        "of the two judged by the thresholds in force.",
        (
            f"max by ({BY}) ({worst})",
            f"{disputes} {of_these}",
            f"{warnings} {of_these}",
            f"{most} / ({payments} > 0)",
        ),
        (
            STATE,
            *COLUMNS,
            TableColumn("B", "Disputes", width=85, decimals=0),
            TableColumn("C", "Warnings", width=90, decimals=0),
            TableColumn("D", "Of the day", unit="percentunit", decimals=2, bar=True),
        ),
        size=size,
        sort=(("Of the day", True),),
        empty="No dispute and no warning is known",
    )


def _increase(metric: Metric, window: str) -> str:
    """Return the record of how often something was reported within `window`, by target."""
    return record(_shares.record(metric, Scope.TARGET.value, f"increase{window}"))


def _reported_number(title: str, text: str, metric: Metric, window: str) -> Any:
    expr = f"sum({_increase(metric, window)})"
    return numbers.amount(title, text, expr, unit="short", none="None reported", decimals=0)


def _reported_numbers() -> tuple[Any, ...]:
    return (
        _reported_number("Payments, 1 h", "Payments that apps reported in the last hour.", e.PAYMENTS, "1h"),
        _reported_number(
            "Failed, 1 h", "Those of them that failed, were declined or took too long.", e.FAILURES, "1h"
        ),
        numbers.alerts(
            "Failing tenants",
            "Tenants whose payments fail more often than their threshold allows.",
            count_firing(_payment_alerts.PAYMENTS_FAIL),
            bad=show.BAD,
        ),
        numbers.alerts(
            "Failures gather",
            "Families of declines, and tenants, far above their usual share of the failed payments.",
            count_firing(_decline_alerts.GATHERED, _decline_alerts.TENANT_GATHERED),
            bad=show.WARNING,
        ),
        _reported_number(
            "Disputed, 24 h",
            "Payments that apps reported as disputed in the last 24 hours.",
            e.DISPUTES,
            "1d",
        ),
        _reported_number(
            "Warned of, 24 h",
            "Payments that apps reported with an early fraud warning in the last 24 hours.",
            e.FRAUD_WARNINGS,
            "1d",
        ),
    )


def _reported() -> tuple[Any, ...]:
    failed = f"sum by (integration) ({_increase(e.FAILURES, '1h')})"
    share = f"{failed} / (sum by (integration) ({_increase(e.PAYMENTS, '1h')}) > 0)"
    by_tenant = f"sum by (tenant) ({_increase(e.FAILURES, '1h')})"
    return (
        show.lines(
            "Share of reported payments that fail",
            f"Within an hour, for the {ask.MOST} integrations where most fail. Dashed: the thresholds of a "
            "single tenant, the strictest.",
            (PanelQuery(ask.top(share), "{{integration}}"),),
            size=(12, 9),
            unit="percentunit",
            limits=failed_share_limits(_payment_alerts.SUCCESS),
        ).no_value("No failed payment is reported"),
        show.stacked(
            "Failed payments per minute, by reason",
            "declined is the customer's bank, failed our request or the vendor, timeout the way or a slow "
            "vendor.",
            PanelQuery(
                f"sum by (reason) (rate({ask.series(e.FAILURES)}[$__rate_interval])) * 60", "{{reason}}"
            ),
            size=(12, 9),
            unit="cpm",
            step="1m",
            colours=REASONS,
        ).no_value("No failed payment is reported"),
        show.stacked(
            "Reported declines, by family",
            f"How many in the time of each bar. Families of decline codes: {FAMILY_WORDS}.",
            PanelQuery(_declines(), "{{family}}"),
            size=(8, 9),
            unit="short",
            step=show.COUNTED,
        ).no_value("No decline is reported"),
        _money_taken(),
        show.bars(
            "Failed payments in an hour, by tenant",
            f"The {ask.MOST} tenants with most of them.",
            PanelQuery(ask.top(f"round({by_tenant}) > 0"), "{{tenant}}"),
            size=(8, 9),
            unit="short",
        ).no_value("No failed payment is reported"),
    )


def _declines() -> str:
    """Return how many declines of each family there were in the time of a bar."""
    of_all = f"sum by (family) (sum_over_time({record(_decline_alerts.RISE)}[$__interval]))"
    return f"{of_all} or {reported.rise_in_step(of_picked_tenants(e.DECLINES), 'family')}"


def _money_taken() -> Any:
    volume = f"sum by (currency) (rate({ask.series(e.VOLUME)}[$__rate_interval])) * 3600"
    panel = show.lines(
        "Money taken per hour, by currency",
        "Sum of the payments that succeeded, in units of each currency.",
        (PanelQuery(ask.top(volume), "{{currency}}"),),
        size=(8, 9),
        unit="short",
    )
    sign_money(panel)
    return panel.no_value("No payment is reported")


def _reported_cases() -> tuple[Any, ...]:
    disputes, warnings, payments = (
        f"sum by ({BY}) ({_increase(metric, '1d')})" for metric in (e.DISPUTES, e.FRAUD_WARNINGS, e.PAYMENTS)
    )
    # Counters begin with the first event: a target may have one of both alone.
    both = f"({disputes} or {warnings} * 0)", f"({warnings} or {disputes} * 0)"
    of_all = f"(sum by (integration) ({_increase(e.PAYMENTS, '1d')}) > 0)"
    shares = (
        f"sum by (integration) ({_increase(metric, '1d')}) / {of_all}"
        for metric in (e.DISPUTES, e.FRAUD_WARNINGS)
    )
    return (
        show.lines(
            "Disputed or warned of, share of a day's payments",
            f"For the {ask.MOST} integrations with most, over all tenants. Dashed: the threshold of a single "
            "tenant.",
            (PanelQuery(ask.top(_by_case(*shares)), "{{integration}} {{case}}"),),
            size=(12, 8),
            unit="percentunit",
            limits=limits_of(_payment_alerts.DISPUTED),
        ).no_value("No payment is reported"),
        _cases(
            "Disputed or warned of in 24 hours, by target",
            "targets",
            (*both, payments),
            (_payment_alerts.DISPUTES_HIGH, _payment_alerts.FRAUD_WARNINGS_HIGH),
            (12, 8),
        ),
    )

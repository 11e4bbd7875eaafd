"""Do payments succeed, why do others fail, are they genuine: as the vendor says and as apps report."""

from typing import Any

from exporter.core.alert import BY
from exporter.core.declines import FAMILIES
from exporter.core.metric import Metric, Scope
from exporter.core.threshold import ThresholdFamily
from exporter.events import _decline_alerts, _payment_alerts, _shares
from exporter.events import _payment_series as e
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import detail_link, integration_column, tenant_column
from exporter.generate.dashboards._panels import LIMIT, PanelQuery, TableColumn
from exporter.generate.dashboards._scale import count_firing, record, recorded_level
from exporter.probes.stripe import alerts as vendor
from exporter.probes.stripe import decline_alerts
from exporter.probes.stripe import metrics as s

UID = "integration-payments"
COLUMNS = (integration_column(UID, detail_link()), tenant_column(UID, detail_link()))
STRIPE = frozenset({"stripe"})
WHOLE = "integration, provider"
FAMILY_WORDS = ", ".join(FAMILIES)


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / Payments",
        description="Do payments succeed, why do those that fail, and are they disputed or fraud?",
        sections=(
            Section("As Stripe says", (*_vendor_numbers(), *_vendor_success()), STRIPE),
            Section("Declines, disputes and payouts as Stripe says", _vendor_details(), STRIPE),
            Section("As apps report", (*_reported_numbers(), *_reported())),
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
        show.number(
            "Failing accounts",
            "Accounts whose payments fail more often than their threshold allows.",
            count_firing(vendor.PAYMENTS_FAILING),
            bad=show.BAD,
        ),
        show.number(
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


def _vendor_success() -> tuple[Any, ...]:
    ratio, volume = _record(vendor.RATIO), _record(vendor.VOLUME)
    failed = f"sum by (integration) ((1 - {ratio}) * {volume}) / (sum by (integration) ({volume}) > 0)"
    lowest = f"bottomk({ask.MOST}, {ratio} and on ({BY}) ({volume} >= {vendor.LEAST_PAYMENTS}))"
    return (
        show.lines(
            "Share of payments that fail",
            f"For the {ask.MOST} integrations where most fail, over all tenants. Dashed: the thresholds of a "
            "single tenant, the strictest.",
            (PanelQuery(ask.top(failed), "{{integration}}"),),
            size=(12, 9),
            unit="percentunit",
            limits=failed_share_limits(vendor.PAYMENT_SUCCESS),
        ),
        show.rows(
            "Lowest success",
            f"The {ask.MOST} accounts where the smallest share succeeds, of those with "
            f"{vendor.LEAST_PAYMENTS} attempts in the window, judged by the thresholds in force.",
            (recorded_level(vendor.PAYMENTS_FAILING, lowest), lowest, f"{volume} and on ({BY}) {lowest}"),
            (
                TableColumn("A", "State", width=85, words=show.severity_words(("Fine", show.GOOD))),
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
    disputes, warnings = ask.each(s.DISPUTES), ask.each(s.FRAUD_WARNINGS)
    most = ask.top(f"{disputes} + {warnings} > 0")
    of_these = f"and on ({BY}) {most}"
    return (
        show.bars(
            "Declines by family, now",
            "Failed charges of the last readings. processing lies with the vendor, card_data and "
            "authentication with the checkout, fraud and velocity with an attack, funds and issuer with "
            "the customers.",
            PanelQuery(f"sort_desc(sum by (family) ({ask.series(s.DECLINES)}))", "{{family}}"),
            size=(6, 9),
            unit="short",
        ).no_value("Not known"),
        show.rows(
            "Disputes and fraud warnings",
            f"The {ask.MOST} accounts with most of both in the last 24 hours, and their share of a day's "
            "successful payments.",
            (
                f"{disputes} {of_these}",
                f"{warnings} {of_these}",
                f"({most}) / {ask.each(s.PAYMENTS_DAILY)}",
            ),
            (
                *COLUMNS,
                TableColumn("A", "Disputes", width=85),
                TableColumn("B", "Warnings", width=90),
                TableColumn("C", "Of the day", unit="percentunit", decimals=2, width=110),
            ),
            size=(11, 9),
            sort=(("Of the day", True),),
            empty="No dispute and no warning is known",
        ),
        show.bars(
            "Payouts of seven days, by status",
            "Payouts created in the last seven days: failed ones need the account's owner.",
            PanelQuery(f"sort_desc(sum by (status) ({ask.each(s.PAYOUTS, 'status')}))", "{{status}}"),
            size=(7, 9),
            unit="short",
        ).no_value("Not known"),
    )


def _increase(metric: Metric, window: str) -> str:
    """Return the record of how often something was reported within `window`, by target."""
    return record(_shares.record(metric, Scope.TARGET.value, f"increase{window}"))


def _reported_numbers() -> tuple[Any, ...]:
    return (
        numbers.amount(
            "Payments, 1 h",
            "Payments that apps reported in the last hour.",
            f"sum({_increase(e.PAYMENTS, '1h')})",
            unit="short",
            none="None reported",
            decimals=0,
        ),
        numbers.amount(
            "Failed, 1 h",
            "Those of them that failed, were declined or took too long.",
            f"sum({_increase(e.FAILURES, '1h')})",
            unit="short",
            none="None reported",
            decimals=0,
        ),
        show.number(
            "Failing tenants",
            "Tenants whose payments fail more often than their threshold allows.",
            count_firing(_payment_alerts.PAYMENTS_FAIL),
            bad=show.BAD,
        ),
        show.number(
            "Failures gather",
            "Families of declines, and tenants, far above their usual share of the failed payments.",
            count_firing(_decline_alerts.GATHERED, _decline_alerts.TENANT_GATHERED),
            bad=show.WARNING,
        ),
        numbers.amount(
            "Disputed, 24 h",
            "Payments that apps reported as disputed in the last 24 hours.",
            f"sum({_increase(e.DISPUTES, '1d')})",
            unit="short",
            none="None reported",
            decimals=0,
        ),
        numbers.amount(
            "Warned of, 24 h",
            "Payments that apps reported with an early fraud warning in the last 24 hours.",
            f"sum({_increase(e.FRAUD_WARNINGS, '1d')})",
            unit="short",
            none="None reported",
            decimals=0,
        ),
    )


def _reported() -> tuple[Any, ...]:
    failed = f"sum by (integration) ({_increase(e.FAILURES, '1h')})"
    share = f"{failed} / (sum by (integration) ({_increase(e.PAYMENTS, '1h')}) > 0)"
    by_tenant = f"sum by (tenant) ({_increase(e.FAILURES, '1h')})"
    volume = f"sum by (currency) (rate({ask.series(e.VOLUME)}[$__rate_interval])) * 3600"
    families = f"sum by (family) ({_increase_of_family()})"
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
            step="10m",
        ).no_value("No failed payment is reported"),
        show.stacked(
            "Declines in an hour, by family",
            f"Families of decline codes: {FAMILY_WORDS}.",
            PanelQuery(families, "{{family}}"),
            size=(8, 9),
            unit="short",
            step="10m",
        ).no_value("No decline is reported"),
        show.lines(
            "Money taken per hour, by currency",
            "Sum of the payments that succeeded, in units of each currency.",
            (PanelQuery(ask.top(volume), "{{currency}}"),),
            size=(8, 9),
            unit="short",
        ).no_value("No payment is reported"),
        show.bars(
            "Failed payments in an hour, by tenant",
            f"The {ask.MOST} tenants with most of them.",
            PanelQuery(ask.top(f"{by_tenant} > 0"), "{{tenant}}"),
            size=(8, 9),
            unit="short",
        ).no_value("No failed payment is reported"),
    )


def _increase_of_family() -> str:
    """Return the record of reported declines within an hour, by target and family."""
    return record(_shares.record(e.DECLINES, (*Scope.TARGET.value, "family"), "increase1h"))

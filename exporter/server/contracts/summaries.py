"""Summaries of what apps report."""

from msgspec import UNSET, UnsetType

from exporter.core.defaults import COST_SUBJECTS
from exporter.server.contracts._contract import (
    MONTH,
    AnswerPart,
    CallExample,
    Contract,
    Natural,
    Ratio,
    Reasons,
    Time,
    choice,
)
from exporter.server.contracts._events import (
    SUMMARY_QUERY,
    AiCounts,
    AiFigures,
    Percentiles,
    RequestFigures,
    SummaryHead,
)


class ApiWindow(AnswerPart, kw_only=True):
    """A window of requests: those that apps answered, their calls, and calls to AI services."""

    since: Time
    hours: float
    before_hours: float
    requests: RequestFigures
    calls: RequestFigures
    ai: AiFigures


class RouteRow(RequestFigures, kw_only=True):
    """A route of an app, or of an integration that it calls."""

    route: str
    method: str
    integration: str


class AiRow(AiCounts, kw_only=True):
    """An endpoint of an AI service."""

    endpoint: str
    integration: str
    before: AiCounts | None


class ApiHealthAnswer(SummaryHead, kw_only=True):
    """How requests do that apps report."""

    windows: dict[str, ApiWindow]
    slowest: list[RouteRow]
    worst: list[RouteRow]
    ai: list[AiRow]


class CostCounts(AnswerPart, kw_only=True):
    """Calls to AI services, and what they cost."""

    calls: Natural
    errors: Natural
    error_ratio: Ratio | None
    cost_usd: float
    cost_per_call_usd: float | None


class CostWindow(CostCounts, kw_only=True):
    """The same of a window, beside the one before."""

    since: Time
    hours: float
    before_hours: float
    before: CostCounts | None


class CostRow(CostCounts, kw_only=True):
    """An endpoint, a day or a month."""

    endpoint: str | UnsetType = UNSET
    integration: str | UnsetType = UNSET
    day: str | UnsetType = UNSET
    month: str | UnsetType = UNSET
    before: CostCounts | UnsetType | None = UNSET


class MonthBefore(AnswerPart, kw_only=True):
    """What the month before cost."""

    month: str
    cost_usd: float


class CostMonth(AnswerPart, kw_only=True):
    """This month so far, and what it will come to."""

    month: str
    since: Time
    cost_usd: float
    forecast_usd: float | None
    pace_usd_per_day: float | None
    pace_days: float
    before: MonthBefore


class CostAnswer(SummaryHead, kw_only=True):
    """What AI services cost."""

    by: str
    windows: dict[str, CostWindow]
    month: CostMonth
    costs: list[CostRow]


class PaymentCounts(AnswerPart, kw_only=True):
    """What became of payments."""

    payments: Natural
    succeeded: Natural
    success_ratio: Ratio | None
    reasons: Reasons
    disputed: Natural
    fraud_warnings: Natural


class PaymentWindow(PaymentCounts, kw_only=True):
    """The same of a window, beside the one before."""

    since: Time
    hours: float
    before_hours: float
    before: PaymentCounts | None


class DeclineCounts(AnswerPart, kw_only=True):
    """Declines, and their share of all."""

    declines: Natural
    share: Ratio | None


class DeclineRow(DeclineCounts, kw_only=True):
    """A family of reasons to decline."""

    family: str
    before: DeclineCounts | None


class VolumeCounts(AnswerPart, kw_only=True):
    """Money of payments that succeeded."""

    amount: float
    payments: Natural


class VolumeRow(VolumeCounts, kw_only=True):
    """A currency."""

    currency: str
    before: VolumeCounts | None


class PaymentAnswer(SummaryHead, kw_only=True):
    """Payments: declines by family, volume by currency."""

    windows: dict[str, PaymentWindow]
    declines: list[DeclineRow]
    volume: list[VolumeRow]


class ViewCounts(AnswerPart, kw_only=True):
    """Page views by client."""

    views: Natural
    human: Natural
    bot: Natural
    suspicious: Natural


class ViewWindow(ViewCounts, kw_only=True):
    """The same of a window, beside the one before."""

    since: Time
    hours: float
    before_hours: float
    before: ViewCounts | None


class ViewRow(ViewCounts, kw_only=True):
    """A country or a route."""

    country: str | UnsetType = UNSET
    route: str | UnsetType = UNSET
    share: Ratio | None
    before: ViewCounts | None


class TrafficAnswer(SummaryHead, kw_only=True):
    """Page views by client, country and route."""

    windows: dict[str, ViewWindow]
    countries: list[ViewRow]
    routes: list[ViewRow]


class WidgetCounts(Percentiles, kw_only=True):
    """Loads and failures of widgets."""

    loads: Natural
    failures: Natural
    failure_ratio: float | None
    reasons: Reasons


class WidgetWindow(WidgetCounts, kw_only=True):
    """The same of a window, beside the one before."""

    since: Time
    hours: float
    before_hours: float
    before: WidgetCounts | None


class WidgetRow(WidgetCounts, kw_only=True):
    """A widget of a release."""

    widget: str
    release: str
    before: WidgetCounts | None


class WidgetAnswer(SummaryHead, kw_only=True):
    """How widgets load and fail, by release."""

    windows: dict[str, WidgetWindow]
    widgets: list[WidgetRow]


class SignInCounts(AnswerPart, kw_only=True):
    """Attempts to sign in."""

    sign_ins: Natural
    failures: Natural
    failure_ratio: Ratio | None


class SignInWindow(SignInCounts, kw_only=True):
    """The same of a window, beside the one before."""

    since: Time
    hours: float
    before_hours: float
    before: SignInCounts | None


class SignInRow(SignInCounts, kw_only=True):
    """A method or a country."""

    method: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    before: SignInCounts | None


class SignInAnswer(SummaryHead, kw_only=True):
    """Sign-ins by method and country."""

    windows: dict[str, SignInWindow]
    methods: list[SignInRow]
    countries: list[SignInRow]


def _summary(answer: type[AnswerPart], what: str) -> Contract:
    return Contract(
        {200: answer},
        SUMMARY_QUERY,
        errors=(404,),
        examples=(
            CallExample(f"{what} of the last month", query={"window": MONTH}),
            CallExample(f"{what} of a tenant", query={"tenant": "acme", "limit": "5"}),
        ),
    )


_BY = choice("by", COST_SUBJECTS, "What a row is about.", COST_SUBJECTS[0])

CONTRACTS = {
    ("GET", "/api/v1/api-health"): _summary(ApiHealthAnswer, "Requests"),
    ("GET", "/api/v1/cost-summary"): Contract(
        {200: CostAnswer},
        (_BY, *SUMMARY_QUERY),
        errors=(404,),
        examples=tuple(CallExample(f"Costs by {name}", query={"by": name}) for name in COST_SUBJECTS),
    ),
    ("GET", "/api/v1/payment-summary"): _summary(PaymentAnswer, "Payments"),
    ("GET", "/api/v1/traffic-summary"): _summary(TrafficAnswer, "Page views"),
    ("GET", "/api/v1/widget-summary"): _summary(WidgetAnswer, "Widgets"),
    ("GET", "/api/v1/sign-in-summary"): _summary(SignInAnswer, "Sign-ins"),
}

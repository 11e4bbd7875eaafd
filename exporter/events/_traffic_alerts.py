"""Do people still come, are they people, and from where they usually come?"""

from exporter.core.alert import Alert, Runbook
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.events import _traffic_cases as cases
from exporter.events import _traffic_series as m
from exporter.events._gathering import Gathering
from exporter.events._shares import PLACE, Share, increase, record

DASHBOARD = "integration-widgets"

DROP = ThresholdFamily(
    "traffic_drop_factor",
    "Page views of 15 minutes, in parts of what is usual at this hour of the week, below which they drop.",
    {Severity.HIGH: 0.3},
    rising=False,
    scope=Scope.TENANT,
)
SPIKE = ThresholdFamily(
    "traffic_spike_factor",
    "Page views of 15 minutes, in multiples of what is usual at this hour of the week, above which they"
    " spike.",
    {Severity.MEDIUM: 3},
    minimum=1,
    scope=Scope.TENANT,
)
BOTS = ThresholdFamily(
    "bot_view_ratio",
    "Share of a tenant's page views by bots and suspicious clients, above which they are too many.",
    {Severity.MEDIUM: 0.5},
    unit="ratio",
    maximum=1.0,
    scope=Scope.TENANT,
)
COUNTRY = ThresholdFamily(
    "country_share_factor",
    "How many times its share of the week's page views a country has, above which it is unusual.",
    {Severity.LOW: 5},
    minimum=1,
    scope=Scope.TENANT,
)
LEAST_USUAL, LEAST_VIEWS, LEAST_SHARE = 100, 200, 0.2

_BY = ("tenant",)
PACE, SUBJECT, SEASONAL_PACE = "2m", "traffic", "15m"

NOW = record(m.VIEWS, _BY, "increase15m")
USUAL_LOW, USUAL_HIGH = record(m.VIEWS, _BY, "usual_low"), record(m.VIEWS, _BY, "usual_high")
TIMES_USUAL = record(m.VIEWS, _BY, "times_usual")
"""For dashboards: below 1 in parts of the least that is usual, above 1 in multiples of the most, else 1."""
WEEK, MARGIN = 7 * 24 * 60, 90
"""Minutes of a week, and those to both sides of this one.

Clocks are set forward and back by an hour; what is recorded may be half an hour old.
"""


def _usual(extreme: str) -> str:
    """Return the median of three weeks of the least or most views around this hour.

    Of one holiday, launch or outage in these weeks it takes no notice. A tenant that was not there in all of
    them has nothing that is usual.
    """
    weeks = "\n  or ".join(
        f"label_replace({extreme}_over_time({NOW}[{2 * MARGIN}m] offset {number * WEEK - MARGIN}m),"
        f' "week", "{number}", "", "")'
        for number in (1, 2, 3)
    )
    return (
        f"quantile by (tenant) (0.5,\n  {weeks}\n)\nand on (tenant)\n  count by (tenant) (\n  {weeks}\n) == 3"
    )


def _recorded(name: str) -> str:
    # Beyond two evaluations of the slow group, so that a late one leaves no hole.
    return f"max by (tenant) (last_over_time({name}[35m]))"


_EXPORTER = "count by () (last_over_time(integration_exporter_build_info[10m]))"
"""There is one that could have counted."""

# Counters begin at 0 with a process: without a view since then there is no series, which is none at all.
_NOW_OR_NONE = f"(\n  {NOW}\nor on (tenant)\n  {_recorded(USUAL_LOW)} * 0 and on () {_EXPORTER}\n)"

_RECORDS = {
    NOW: increase(m.VIEWS, _BY, "15m", 'client="human"'),
    USUAL_LOW: _usual("min"),
    USUAL_HIGH: _usual("max"),
    TIMES_USUAL: (
        f"{_NOW_OR_NONE} / on (tenant) {_recorded(USUAL_LOW)} < 1\n"
        f"or\n  {NOW} / on (tenant) {_recorded(USUAL_HIGH)} > 1\n"
        f"or\n  {_NOW_OR_NONE} * 0 + 1 and on (tenant) {_recorded(USUAL_LOW)}"
    ),
}
_SLOWLY = dict.fromkeys((USUAL_LOW, USUAL_HIGH), SEASONAL_PACE)

_WHOSE = "{{ if $labels.tenant }} of tenant {{ $labels.tenant }}{{ end }}"

TRAFFIC_DROP = Alert(
    name="IntegrationTrafficDrop",
    summary="Far fewer page views than usual.",
    description=(
        f"Page views{_WHOSE} are {{{{ $value | humanizePercentage }}}} of what is usual at this hour."
    ),
    observed=f"{_NOW_OR_NONE}\n/ on (tenant)\n  ({_recorded(USUAL_LOW)} >= {LEAST_USUAL})",
    op="<",
    by=_BY,
    family=DROP,
    records=_RECORDS,
    every=PACE,
    record_every=_SLOWLY,
    subject=SUBJECT,
    # As long as a window fills that Prometheus has begun to scrape.
    hold="10m",
    dashboard=DASHBOARD,
    cases=cases.TRAFFIC_DROP,
    runbook=Runbook(
        meaning=(
            "Page views of people within 15 minutes are less than `traffic_drop_factor` (0.3) of the median "
            "of the same hour in the last three weeks, for ten minutes. The least of 90 minutes around it "
            f"counts, so that a change of clocks is no drop. It needs {LEAST_USUAL} usual views, and three "
            "weeks in Prometheus (`--storage.tsdb.retention.time` of 23d or longer)."
        ),
        impact="Customers do not reach the pages, or nobody counts them any more.",
        diagnosis=(
            "1. Open a page. Does it answer, by its name, from outside?\n"
            '2. If so, is the view counted? `integration_exporter_events_total{kind="traffic"}` and '
            "`integration_exporter_events_rejected_total` show what arrives; a release may have lost the "
            "script that counts.\n"
            "3. One route or all, one country or all? `sum by (route) "
            "(increase(integration_page_views_total[15m]))`.\n"
            "4. Is it a holiday? The same days of last year say so."
        ),
        mitigation=(
            "Bring back what does not answer: DNS, certificate, proxy, app. Roll back a release that counts "
            "no more. Silence the alert for a holiday, or for a tenant that has left: of one that has it "
            "ends by itself after a week."
        ),
    ),
)

TRAFFIC_SPIKE = Alert(
    name="IntegrationTrafficSpike",
    summary="Far more page views than usual.",
    description=f"Page views{_WHOSE} are {{{{ $value | humanize }}}} times what is usual at this hour.",
    observed=f"{NOW}\n/ on (tenant)\n  ({_recorded(USUAL_HIGH)} >= {LEAST_USUAL})",
    by=_BY,
    family=SPIKE,
    records=_RECORDS,
    every=PACE,
    record_every=_SLOWLY,
    subject=SUBJECT,
    dashboard=DASHBOARD,
    cases=cases.TRAFFIC_SPIKE,
    runbook=Runbook(
        meaning=(
            "Page views of people within 15 minutes are more than `traffic_spike_factor` (3) times the "
            "median of the same hour in the last three weeks; the most of 90 minutes around it counts. It "
            f"needs {LEAST_USUAL} usual views, and three weeks in Prometheus."
        ),
        impact="The app may become slow; calls to vendors, and what they cost, rise as well.",
        diagnosis=(
            "1. A launch, a campaign, a newsletter, the press? Ask the tenant.\n"
            "2. Are they people? One country, one route, no sign-ins: bots that do not say so.\n"
            "3. Are quotas and rate limits of the integrations still far? See IntegrationQuotaNearLimit."
        ),
        mitigation="Add capacity, or raise the limits of vendors before they are met. Block what is a bot.",
    ),
)

_BOTS = Share(m.VIEWS, m.VIEWS, _BY, "15m", LEAST_VIEWS, ("", 'client!="human"'), ("all_", "bot_"))

BOTS_HIGH = Alert(
    name="IntegrationBotTrafficHigh",
    summary="Most page views are by bots.",
    description=f"{{{{ $value | humanizePercentage }}}} of the page views{PLACE} are by bots.",
    observed=_BOTS.expression,
    by=_BY,
    family=BOTS,
    records=_BOTS.records,
    every=PACE,
    subject=SUBJECT,
    dashboard=DASHBOARD,
    cases=cases.BOTS_HIGH,
    runbook=Runbook(
        meaning=(
            "Bots and suspicious clients have more than `bot_view_ratio` (50 %) of a tenant's page views "
            f"within 15 minutes. It needs {LEAST_VIEWS} views."
        ),
        impact="They take capacity, distort statistics, and look for content, prices or weak spots.",
        diagnosis=(
            '1. Which routes? `sum by (route) (increase(integration_page_views_total{client!="human"}'
            "[15m]))`. Sign-in and checkout are an attack, everything else a crawler.\n"
            "2. The access log of the proxy has their addresses and names.\n"
            "3. Or did people stop? See IntegrationTrafficDrop."
        ),
        mitigation=(
            "Limit their rate or block them at the proxy; tell crawlers that obey it in `robots.txt`."
        ),
    ),
)

_COUNTRIES = Gathering(
    m.COUNTRIES,
    _BY,
    (*_BY, "country"),
    window="15m",
    least=1,
    least_whole=LEAST_VIEWS,
    floor=LEAST_SHARE,
)

USUAL_SHARE = _COUNTRIES.usual
"""The record of the share of a tenant's page views that a country had in the week before."""

COUNTRY_UNUSUAL = Alert(
    name="IntegrationCountryUnusual",
    summary="Unusually many page views come from one country.",
    description=(
        "{{ $labels.country }} has {{ $value | humanize }} times its usual share of the page views"
        f"{PLACE}."
    ),
    observed=_COUNTRIES.expression,
    by=_COUNTRIES.by,
    family=COUNTRY,
    records=_COUNTRIES.records,
    every=_COUNTRIES.pace,
    record_every=_COUNTRIES.record_every,
    subject="countries",
    dashboard=DASHBOARD,
    cases=cases.COUNTRY_UNUSUAL,
    runbook=Runbook(
        meaning=(
            f"Within 15 minutes a country has more than {LEAST_SHARE:.0%} of a tenant's page views, and more "
            f"than `country_share_factor` (5) times its share of the week before. It needs {LEAST_VIEWS} "
            "views, and a day of the past."
        ),
        impact="A campaign works, or somebody rents servers there to crawl or attack.",
        diagnosis=(
            "1. Does the tenant know why?\n"
            "2. Do sign-ins from there succeed, do payments? People do both, bots do neither.\n"
            "3. Did a proxy or CDN begin to hide the visitors' addresses? Then all come from one place."
        ),
        mitigation="Nothing for a campaign. Else limit the rate of its networks at the proxy.",
    ),
)

ALERTS = (TRAFFIC_DROP, TRAFFIC_SPIKE, BOTS_HIGH, COUNTRY_UNUSUAL)

"""Will the credentials last: time left, which a person has to renew, and what happened to each."""

from typing import Any

from exporter.alerts.tokens import (
    REFRESH_FAILURES,
    TOKEN,
    TOKEN_EXPIRING,
    TOKEN_LIFE,
    TOKEN_REFRESH_FAILING,
)
from exporter.core import common_metrics as m
from exporter.core.token import TokenState
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _sql as sql
from exporter.generate.dashboards import _store_panels as store
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import REASONS, integration_column, tenant_column
from exporter.generate.dashboards._limits import RENEWED
from exporter.generate.dashboards._looks import ValueWord
from exporter.generate.dashboards._panels import PanelQuery, TableColumn
from exporter.generate.dashboards._scale import of_picked_tenants, record, recorded_level
from exporter.generate.dashboards._variables import TARGET

UID = "integration-tokens"
DAY = 86_400
BUCKETS = ((0, "expired"), (DAY, "in a day"), (7 * DAY, "in a week"), (30 * DAY, "in 30 days"))
"""Ends of spans of time left, in seconds, ascending, each with its words."""

LEFT = f"({ask.each(m.TOKEN_EXPIRY, 'token')} - time())"
OURS = ask.each(m.TOKEN_REFRESHABLE, "token")
BY_HAND = f"({LEFT} and on ({TOKEN}) {OURS} == 0)"
"""Time left of the tokens that somebody has to renew."""
LEGEND = "{{integration}} {{tenant}} {{token}}"
NONE_KNOWN = "No token"

INTEGRATION, TENANT = integration_column(UID), tenant_column(UID)
TOKEN_COLUMN = TableColumn("token", "Token", width=105)
RESULTS: dict[str, ValueWord] = {
    "ok": ("Done", show.GOOD),
    "adopted": ("Done elsewhere", show.QUIET),
    "failed": ("Failed", show.BAD),
}


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / Tokens",
        description="Which tokens expire, which somebody has to renew, and which cannot be renewed.",
        sections=(
            Section("", (*_counts(), _by_time_left(), _buckets(), _states())),
            Section("Over time", _over_time()),
            Section("From the store", _log()),
        ),
    )


def _counts() -> tuple[Any, ...]:
    return (
        show.number(
            "Expired",
            "Tokens whose time is over. Those that the exporter renews get a new one with the next refresh.",
            f"sum({LEFT} < bool 0)",
            bad=show.BAD,
        ).no_value(NONE_KNOWN),
        show.number(
            "Expire in a day",
            "Tokens that somebody has to renew and that expire within a day.",
            f"sum(({BY_HAND} >= 0) < bool {DAY}) or sum({LEFT}) * 0",
            bad=show.BAD,
        ).no_value(NONE_KNOWN),
        show.number(
            "Expire in a week",
            "Tokens that somebody has to renew and that expire within a week.",
            f"sum(({BY_HAND} >= 0) < bool {7 * DAY}) or sum({LEFT}) * 0",
            bad=show.WARNING,
        ).no_value(NONE_KNOWN),
        show.number(
            "Failing refreshes",
            "Tokens that the exporter renews whose last refresh failed.",
            f"sum({ask.each(m.TOKEN_REFRESH_FAILURES, 'token')} > bool 0) or sum({OURS}) * 0",
            bad=show.BAD,
        ).no_value(NONE_KNOWN),
        show.number(
            "Refused",
            "Tokens that the vendor took back: only a person can bring another one.",
            f"sum({_state(TokenState.REFUSED)}) or sum({OURS}) * 0",
            bad=show.BAD,
        ).no_value(NONE_KNOWN),
        show.number(
            "Unknown expiry",
            "Tokens that the exporter renews and of which it does not know when they expire.",
            f"sum({_state(TokenState.UNKNOWN)}) or sum({OURS}) * 0",
            bad=show.QUIET,
        ).no_value(NONE_KNOWN),
    )


def _state(state: TokenState) -> str:
    """Return 1 for each token in `state`, 0 for the others."""
    matcher = f'state="{state}"'
    return f"max by ({TOKEN}) ({ask.series(m.TOKEN_STATE, matcher)})"


def _by_time_left() -> Any:
    first = f"(bottomk({ask.MOST}, {ask.each(m.TOKEN_EXPIRY, 'token')}) - time())"
    return show.rows(
        "Tokens by time left",
        f"The {ask.MOST} tokens that expire first. The state follows the thresholds in force, and is about "
        "those that a person has to renew.",
        # What the exporter renews lives for an hour at times: how much is left is not judged.
        (recorded_level(TOKEN_EXPIRING, first), first, f"{OURS} and on ({TOKEN}) {first}"),
        (
            TableColumn("A", "State", width=85, words=show.severity_words(("Fine", show.GOOD))),
            INTEGRATION,
            TENANT,
            TOKEN_COLUMN,
            TableColumn("B", "Time left", unit="s", decimals=1, width=110),
            TableColumn("C", "Renewed by", words=RENEWED),
        ),
        size=(14, 10),
        sort=(("Time left", False),),
        empty="No token with an expiry is known",
    )


def _buckets() -> Any:
    parts, before = [], ""
    for end, words in BUCKETS:
        chosen = f"({LEFT}{before} < bool {end})"
        parts.append(_name(f"sum({chosen})", words))
        before = f" >= {end}"
    parts.append(_name(f"sum({LEFT} >= bool {BUCKETS[-1][0]})", "later"))
    return show.bars(
        "How many, by time left",
        "How many tokens have how much time left, those that the exporter renews among them.",
        PanelQuery(" or ".join(parts), "{{left}}"),
        size=(5, 10),
        unit="short",
    ).no_value(NONE_KNOWN)


def _name(expr: str, words: str) -> str:
    return f'label_replace({expr}, "left", "{words}", "", "")'


def _states() -> Any:
    each = f"max by ({TOKEN}, state) ({ask.series(m.TOKEN_STATE)})"
    return show.bars(
        "States",
        "How many of the tokens that the exporter renews are in which state.",
        PanelQuery(f"sort_desc(sum by (state) ({each}))", "{{state}}"),
        size=(5, 10),
        unit="short",
    ).no_value(NONE_KNOWN)


def _left_over_time() -> str:
    """Return the time left over time: of all tenants what is beyond a threshold, of picked ones all."""
    beyond = f"max by ({TOKEN}) ({record(TOKEN_EXPIRING.suspects_record)})"
    ours = f"max by ({TOKEN}) ({of_picked_tenants(m.TOKEN_REFRESHABLE)})"
    left = f"max by ({TOKEN}) ({of_picked_tenants(m.TOKEN_EXPIRY)}) - time()"
    return f"bottomk({ask.MOST}, {beyond}) or bottomk({ask.MOST}, {left} and on ({TOKEN}) {ours} == 0)"


def _failures_over_time() -> str:
    """Return refreshes that failed in a row: of all tenants those beyond a threshold, of picked ones all."""
    beyond = f"max by ({TOKEN}) ({record(TOKEN_REFRESH_FAILING.suspects_record)})"
    picked = f"min by ({TOKEN}) ({of_picked_tenants(m.TOKEN_REFRESH_FAILURES)}) > 0"
    return f"{ask.top(beyond)} or {ask.top(picked)}"


def _over_time() -> tuple[Any, ...]:
    return (
        show.lines(
            "Time left of tokens that a person renews",
            f"The {ask.MOST} that expire first of those beyond a threshold; once you pick tenants, of all of "
            "theirs. Dashed: the strictest thresholds.",
            (PanelQuery(_left_over_time(), LEGEND),),
            size=(12, 9),
            unit="s",
            limits=show.limits_of(TOKEN_LIFE),
        ).no_value("No token is known to expire soon"),
        show.lines(
            "Failed refreshes in a row",
            f"The {ask.MOST} tokens whose refresh fails most often, of those beyond a threshold; once you "
            "pick tenants, of all of theirs. Of replicas the best one counts. Dashed: the strictest "
            "thresholds.",
            (PanelQuery(_failures_over_time(), LEGEND),),
            size=(12, 9),
            unit="short",
            limits=show.limits_of(REFRESH_FAILURES),
        ).no_value("No refresh is known to fail"),
        _failing(),
    )


def _failing() -> Any:
    why = ask.top(f"{ask.each(m.TOKEN_REFRESH_FAILURE_INFO, 'token', 'reason')}")
    known = f"on ({TOKEN}) {why}"
    return show.rows(
        "Why refreshes fail",
        f"Why the last refresh of a token failed, of up to {ask.MOST} tokens, and when one last succeeded.",
        (
            f"{why} * on ({TOKEN}) group_left () {ask.each(m.TOKEN_REFRESH_FAILURES, 'token')}",
            f"{ask.each(m.TOKEN_REFRESH_LAST_SUCCESS, 'token')} * 1000 and {known}",
        ),
        (
            INTEGRATION,
            TENANT,
            TOKEN_COLUMN,
            TableColumn("reason", "Reason", words=REASONS),
            TableColumn("A", "In a row", width=100),
            TableColumn("B", "Last success", unit="dateTimeFromNow", width=125),
        ),
        size=(24, 7),
        sort=(("In a row", True),),
        empty="No refresh is known to fail",
    )


def _log() -> tuple[Any, ...]:
    return (
        store.log(
            "Log of tokens",
            f"The newest {sql.MOST_ROWS} refreshes and what else was done with tokens, and who asked for it.",
            sql.newest(
                "token_log",
                ("time", "integration", "tenant", "token", "operation", "result", "reason", "actor", "took"),
                variables=TARGET,
            ),
            (
                store.time_column(),
                INTEGRATION,
                TENANT,
                TOKEN_COLUMN,
                TableColumn("operation", "Operation", width=110),
                TableColumn("result", "Result", width=125, words=RESULTS),
                TableColumn("reason", "Reason"),
                TableColumn("actor", "By", width=120, wrap=True),
                TableColumn("took", "Took", unit="s", width=90),
            ),
            size=(24, 10),
            sort=(("Time", True),),
            empty="Nothing was done with tokens in the time range",
        ),
        store.stacks(
            "Operations, by result",
            "How many refreshes in the time of each bar succeeded, were done by another process, or failed.",
            sql.over_time("token_log", "result", "count(*)", variables=TARGET),
            size=(24, 7),
            unit="short",
            colours={result: colour for result, (_, colour) in RESULTS.items()},
        ),
    )

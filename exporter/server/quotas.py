"""What the last checks found of vendors' quotas, charges and balances; pure, it reads the board only."""

from collections.abc import Iterable, Iterator
from typing import Any

from exporter.core.common_metrics import COST_MONTH, COST_TODAY, PREPAID_BALANCE, QUOTA_LIMIT, QUOTA_USED
from exporter.core.metric import Metric
from exporter.engine.board import TargetState


def quota_rows(states: Iterable[TargetState]) -> list[dict[str, Any]]:
    """Return a row for each quota, the one that is used up most first; one without a limit comes last.

    A check that failed gives no numbers, so its target has no row.
    """
    rows = [
        _about(state)
        | {"quota": name, "used": used, "limit": limit, "share": used / limit if limit else None}
        for state in states
        for limits in [dict(_values(state, QUOTA_LIMIT))]
        for name, used in _values(state, QUOTA_USED)
        for limit in [limits.get(name)]
    ]
    return sorted(rows, key=lambda row: (row["share"] is None, -(row["share"] or 0.0), row["integration"]))


def charge_rows(states: Iterable[TargetState]) -> list[dict[str, Any]]:
    """Return what vendors charge for today and this month in US dollars, the most expensive first."""
    rows = []
    for state in states:
        month, today = (dict(_values(state, metric)).get("") for metric in (COST_MONTH, COST_TODAY))
        if month is not None or today is not None:
            rows.append(_about(state) | {"month_usd": month, "today_usd": today})
    return sorted(rows, key=lambda row: (-(row["month_usd"] or 0.0), row["integration"], row["tenant"]))


def balance_rows(states: Iterable[TargetState]) -> list[dict[str, Any]]:
    """Return the prepaid money that is left with each vendor, in units of its currency, the least first."""
    rows = [
        _about(state) | {"currency": currency, "balance": balance}
        for state in states
        for currency, balance in _values(state, PREPAID_BALANCE)
    ]
    return sorted(rows, key=lambda row: (row["balance"], row["integration"], row["tenant"]))


def _about(state: TargetState) -> dict[str, Any]:
    target = state.target
    return {"integration": target.integration, "tenant": target.tenant, "provider": target.provider}


def _values(state: TargetState, metric: Metric) -> Iterator[tuple[str, float]]:
    """Yield label and value of the samples of `metric` in the last result."""
    for one in state.result.samples if state.result else ():
        if one.metric is metric:
            yield (one.labels[0] if one.labels else ""), one.number

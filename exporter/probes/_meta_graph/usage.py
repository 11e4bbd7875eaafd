"""How much of its call budgets Meta says is used.

Meta reports shares in percent, not calls: a bucket's limit is 100 here, and what remains is the percent left.
A header is absent where too few calls were made for Meta to report a share: then there is no value.
Source: developers.facebook.com/docs/graph-api/overview/rate-limiting.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from exporter.core.body import json_from
from exporter.core.common_metrics import RATE_LIMIT_LIMIT, RATE_LIMIT_REMAINING, RATE_LIMIT_RESET
from exporter.core.document import Document
from exporter.core.metric import Sample

METRICS = (RATE_LIMIT_LIMIT, RATE_LIMIT_REMAINING, RATE_LIMIT_RESET)
FULL = 100.0
MINUTE = 60.0
LONGEST = 86_400.0
"""A wait beyond a day is taken for a mistake."""

APP = "x-app-usage"
BUSINESS = "x-business-use-case-usage"
AD_ACCOUNT = "x-ad-account-usage"

_MEASURES = ("call_count", "total_time", "total_cputime")
_TYPES = frozenset(
    {
        "ads_insights",
        "ads_management",
        "custom_audience",
        "instagram",
        "leadgen",
        "messenger",
        "pages",
        "whatsapp_business_management",
        "whatsapp_business_messaging",
    }
)
Drift = Callable[[str], None]


@dataclass(frozen=True)
class Bucket:
    """A call budget: `used` in percent, `wait` the seconds until it is open again, None if unknown."""

    name: str
    used: float
    wait: float | None = None


def buckets_of(headers: Mapping[str, str], own: str, drift: Drift) -> dict[str, Bucket]:
    """Return the buckets that the headers of one answer hold, by name.

    `own` is the id of the account that was asked; where a header names several, only that one counts.
    """
    found: dict[str, Bucket] = {}
    for bucket in (*_app(headers, drift), *_business(headers, own, drift), *_ad_account(headers, drift)):
        known = found.get(bucket.name)
        # Several entries may share a name, such as `other`: calls are refused by the fullest one.
        if known is None or bucket.used > known.used:
            found[bucket.name] = bucket
    return found


def usage_samples(buckets: Mapping[str, Bucket], now: float) -> Iterator[Sample]:
    """Return limit, remainder and, where it is known, the time at which each bucket opens."""
    for name, bucket in buckets.items():
        yield RATE_LIMIT_LIMIT(FULL, bucket=name)
        yield RATE_LIMIT_REMAINING(max(FULL - bucket.used, 0.0), bucket=name)
        if bucket.wait:
            yield RATE_LIMIT_RESET(now + bucket.wait, bucket=name)


def wait_of(buckets: Mapping[str, Bucket]) -> float | None:
    """Return the longest wait in seconds of the buckets that are used up, else of all; None if none says."""
    shut = [bucket for bucket in buckets.values() if bucket.used >= FULL]
    waits = [bucket.wait for bucket in shut or buckets.values() if bucket.wait]
    return max(waits, default=None)


def _app(headers: Mapping[str, str], drift: Drift) -> Iterator[Bucket]:
    if (usage := _decode(headers, APP, drift)) is not None and (used := _worst(usage)) is not None:
        yield Bucket("app", used)


def _business(headers: Mapping[str, str], own: str, drift: Drift) -> Iterator[Bucket]:
    usage = _decode(headers, BUSINESS, drift)
    if usage is None:
        return
    accounts = usage.value if isinstance(usage.value, dict) else {}
    for account in [own] if own in accounts else accounts:
        # The id is left out of the path: drift of one account is drift of all.
        for entry in Document(accounts[account], drift, BUSINESS).items():
            kind = entry.text("type")
            used = _worst(entry)
            if used is not None:
                # In minutes here, in seconds in the header of ad accounts.
                wait = entry.amount("estimated_time_to_regain_access")
                yield Bucket(kind if kind in _TYPES else "other", used, _seconds(wait, MINUTE))


def _ad_account(headers: Mapping[str, str], drift: Drift) -> Iterator[Bucket]:
    usage = _decode(headers, AD_ACCOUNT, drift)
    if usage is not None and (used := usage.amount("acc_id_util_pct")) is not None:
        # Optional: a header without it is not drift.
        wait = usage.at("reset_time_duration")
        yield Bucket("ad_account", used, None if wait.value is None else _seconds(wait.amount(), 1.0))


def _decode(headers: Mapping[str, str], name: str, drift: Drift) -> Document | None:
    text = headers.get(name, "").strip()
    if not text:
        return None
    try:
        return Document(json_from(text.encode()), drift, name)
    except ValueError:
        drift(name)
        return None


def _worst(usage: Document) -> float | None:
    # Calls are throttled when any of the three is used up.
    shares = [value for name in _MEASURES if (value := usage.amount(name)) is not None]
    return max(shares, default=None)


def _seconds(count: float | None, unit: float) -> float | None:
    return None if count is None or not count > 0 else min(count * unit, LONGEST)

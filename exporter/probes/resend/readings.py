"""What is read of a Resend account: the usage at every run, the rest on periods of its own."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from exporter.core.common_metrics import (
    QUOTA_LIMIT,
    QUOTA_RESET,
    QUOTA_USED,
    RATE_LIMIT_LIMIT,
    RATE_LIMIT_REMAINING,
    RATE_LIMIT_RESET,
)
from exporter.core.document import Document
from exporter.core.metric import Sample
from exporter.core.probe import DAY
from exporter.probes._readings import StoredAnswer
from exporter.probes._vendor_reading import VendorReading
from exporter.probes.resend import metrics as m
from exporter.probes.resend.api import Api, ResendOptions

MINUTE = 60.0
HOUR = 3600.0

DOMAIN_STATES = (
    *("verified", "pending", "not_started", "partially_verified", "partially_failed"),
    *("temporary_failure", "failed"),
)
OUTCOMES = ("sent", "delivered", "bounced", "complained", "failed")

# The name of each quota, where it is in the answer, and the field that says when it grows again.
_QUOTAS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("emails_daily", ("emails", "daily"), "resets_at"),
    ("emails_monthly", ("emails", "monthly"), "resets_at"),
    ("ai_credits", ("ai_credits",), "next_increase_at"),
    ("automation_runs", ("automation_runs",), "resets_at"),
)
_RESOURCES = ("contacts", "segments", "broadcasts", "domains")


def usage_samples(usage: Document) -> Iterator[Sample]:
    """Return quotas and allocations: the fields of GET /usage. A limit of null is none."""
    usage.must("emails")
    for name, path, reset in _QUOTAS:
        part = usage.at(*path)
        if part.value is None:
            usage.unknown(*path)
            continue
        if (used := part.amount("used")) is not None:
            yield QUOTA_USED(used, quota=name)
        if (limit := _optional(part, "limit", part.amount)) is not None:
            yield QUOTA_LIMIT(limit, quota=name)
        if (when := _optional(part, reset, part.date)) is not None:
            yield QUOTA_RESET(when, quota=name)
    for name in _RESOURCES:
        if (used := usage.amount(name, "used")) is not None:
            yield m.ALLOCATION_USED(used, resource=name)
            part = usage.at(name)
            if (limit := _optional(part, "limit", part.amount)) is not None:
                yield m.ALLOCATION_LIMIT(limit, resource=name)


def _optional(part: Document, name: str, read: Callable[[str], float | None]) -> float | None:
    """Return a field that may be null: only one that is not there at all is drift."""
    if isinstance(part.value, dict) and name in part.value and part.value[name] is None:
        return None
    return read(name)


def header_quotas(headers: Mapping[str, str]) -> Iterator[Sample]:
    """Return the e-mails sent, by the headers, for accounts without the call for the usage."""
    for name in ("daily", "monthly"):
        if (used := _whole_number(headers, f"x-resend-{name}-quota")) is not None:
            yield QUOTA_USED(used, quota=f"emails_{name}")


def rate_samples(headers: Mapping[str, str], now: float) -> Iterator[Sample]:
    """Return the rate limit by its headers: calls per second of the whole team."""
    for name, metric in (("limit", RATE_LIMIT_LIMIT), ("remaining", RATE_LIMIT_REMAINING)):
        if (value := _whole_number(headers, f"ratelimit-{name}")) is not None:
            yield metric(value, bucket="api")
    if (left := _whole_number(headers, "ratelimit-reset")) is not None:
        yield RATE_LIMIT_RESET(now + left, bucket="api")


def _whole_number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    # 15 digits are exact in a float; int() of thousands of them would take long.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


async def fetch_domains(api: Api) -> StoredAnswer:
    """Count the sending domains by status: GET /domains."""
    listing = await api.list("/domains")
    ignored = api.options.ignore_domains
    states = Counter(
        _state_label(item.text("status")) for item in listing.items if item.text("name") not in ignored
    )
    return {"states": {name: states[name] for name in (*DOMAIN_STATES, "other")}, "cut": listing.truncated}


def _state_label(state: str | None) -> str:
    return state if state in DOMAIN_STATES else "other"


def domains_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return the number of domains by status."""
    for state, count in kept["states"].items():
        yield m.DOMAINS(count, status=state)
    yield m.TRUNCATED(kept["cut"], list="domains")


async def fetch_endpoints(api: Api) -> StoredAnswer:
    """Count the webhook endpoints by status: GET /webhooks."""
    listing = await api.list("/webhooks")
    ignored = api.options.ignore_webhook_endpoints
    states = Counter(item.text("status") for item in listing.items if item.at("id").value not in ignored)
    return {"states": {name: states[name] for name in ("enabled", "disabled")}, "cut": listing.truncated}


def endpoints_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return the number of webhook endpoints by status."""
    for state, count in kept["states"].items():
        yield m.WEBHOOK_ENDPOINTS(count, status=state)
    yield m.TRUNCATED(kept["cut"], list="webhooks")


async def fetch_deliveries(api: Api) -> StoredAnswer:
    """Read what became of the e-mails of a day: GET /emails/metrics."""
    now = api.kit.now()
    parameters = (
        ("start_date", _iso(now - DAY)),
        ("end_date", _iso(now)),
        ("metrics", ",".join(OUTCOMES)),
    )
    totals = (await api.get("/emails/metrics", parameters)).must("totals")
    return {name: totals.amount(name) for name in OUTCOMES}


def deliveries_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return the e-mails of a day by outcome."""
    for outcome, count in kept.items():
        if count is not None:
            yield m.EMAILS(count, outcome=outcome)


def _iso(when: float) -> str:
    return datetime.fromtimestamp(int(when), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


READINGS: tuple[VendorReading[Api, ResendOptions], ...] = (
    VendorReading("domains", "domains", 15 * MINUTE, fetch_domains, domains_samples, paged=True, version=2),
    VendorReading("webhooks", "webhooks", HOUR, fetch_endpoints, endpoints_samples, paged=True),
    VendorReading("emails", "emails", HOUR, fetch_deliveries, deliveries_samples),
)

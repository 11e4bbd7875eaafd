"""`ratelimits:` how often endpoints may be called, by whom, and where that is counted."""

from typing import Any
from urllib.parse import urlsplit

from exporter.config import durations, rates
from exporter.config.document.context import Path
from exporter.config.document.values import is_missing
from exporter.config.draft import Draft
from exporter.config.layout_ratelimits import RateLimitPolicyPart, RateLimitsPart
from exporter.core.ratelimit import RateLimitPolicy, RateLimitSettings
from exporter.core.secret import Secret

MEMORY = "memory"
SCHEMES = ("redis", "rediss")
LONGEST = 30 * 86_400
"""Seconds of a window, and of a block that a limit begins, at most."""

SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 0.01, 5.0


def read(draft: Draft, part: RateLimitsPart) -> RateLimitSettings:
    """Return the settings of rate limits."""
    policies: dict[str, RateLimitPolicy] = {}
    for index, one in enumerate(part.policies):
        path = ("ratelimits", "policies", index)
        if one.name in policies:
            draft.add_error((*path, "name"), "the name is taken by another policy", "choose another name")
        found = _policy(draft, path, one)
        if found is not None:
            policies[one.name] = found
    timeout = durations.seconds(part.storage_timeout)
    if not SHORTEST_TIMEOUT <= timeout <= LONGEST_TIMEOUT:
        place = ("ratelimits", "storage_timeout")
        draft.add_error(place, "no request should wait so long, or so short", "write 10ms to 5s")
    return RateLimitSettings(_storage(draft, part.storage), part.when_storage_fails, policies, timeout)


def fields(value: RateLimitSettings) -> dict[str, Any]:
    """Return the settings as the configuration takes them."""
    return {"ratelimits": value}


def _storage(draft: Draft, text: str) -> Secret | None:
    """Return the URL of Redis, None for memory; one with a mistake is reported without being quoted."""
    url = text.strip()
    if url == MEMORY or is_missing(text):
        return None
    if not _is_redis(url):
        key = "storage" if "storage" in draft.keys_of("ratelimits") else "storage_file"
        what = "the storage is neither memory nor the address of a Redis"
        draft.add_error(("ratelimits", key), what, "write memory, or redis://:password@host:6379/0")
    return Secret(url)


def _is_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    database = parts.path.strip("/")
    return (
        parts.scheme in SCHEMES
        and bool(parts.hostname)
        and port != 0
        # Its client would take any option in a query for one of its own.
        and not parts.query
        and not parts.fragment
        and (not database or (database.isascii() and database.isdecimal()))
    )


def _policy(draft: Draft, path: Path, part: RateLimitPolicyPart) -> RateLimitPolicy | None:
    if not part.endpoint.isprintable() or " " in part.endpoint:
        remedy = "write a path such as /api/orders, or a glob such as /api/*"
        draft.add_error((*path, "endpoint"), "the endpoint has a blank or a sign that no path has", remedy)
    amount, seconds = _limit(draft, path, part.limit)
    block_for = durations.seconds(part.block_for)
    if block_for > LONGEST:
        draft.add_error((*path, "block_for"), "nobody is blocked for so long by a limit", "write at most 30d")
    if not amount:
        return None
    return RateLimitPolicy(part.name, part.endpoint, part.by, amount, seconds, block_for)


def _limit(draft: Draft, path: Path, text: str) -> tuple[int, int]:
    """Return number and seconds, 0 and 0 after a mistake."""
    try:
        amount, seconds = rates.rate(text)
    except ValueError:
        amount, seconds = 0, 0.0
    if seconds < 1 or seconds != int(seconds) or seconds > LONGEST:
        what = "the time of the limit is not one of whole seconds, from 1s to 30d"
        draft.add_error((*path, "limit"), what, "write a limit such as 100/1m")
        return 0, 0
    return amount, int(seconds)

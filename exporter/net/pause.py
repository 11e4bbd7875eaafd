"""How long a vendor's headers ask us to wait."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0
"""A vendor that asks for more than a day is taken to have made a mistake."""

_BUCKETS = tuple(
    (f"{prefix}-remaining", f"{prefix}-reset") for prefix in ("ratelimit", "x-ratelimit", "x-rate-limit")
)


def pause_of(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds to wait by `Retry-After`, or by an empty rate-limit bucket, or None.

    `headers` have lower-case names, `now` is Unix seconds. Sources: RFC 9110 section 10.2.3; the fields
    `RateLimit-Remaining` and `RateLimit-Reset` of the IETF draft and their `X-` forms. A reset may be written
    as seconds to wait or as Unix time.
    """
    if "retry-after" in headers and (wait := _retry_after(headers["retry-after"], now)) is not None:
        return wait
    for remaining, reset in _BUCKETS:
        if remaining in headers and headers[remaining].strip() == "0":
            return _reset(headers.get(reset, ""), now)
    return None


def _retry_after(text: str, now: float) -> float | None:
    text = text.strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return _plausible(float(text[:9]))
    try:
        return _plausible(parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _reset(text: str, now: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return _plausible(value - now if value > 1e9 else value)


def _plausible(seconds: float) -> float | None:
    # `not >` also catches NaN, which no comparison would.
    return None if not seconds > 0 else min(seconds, LONGEST)

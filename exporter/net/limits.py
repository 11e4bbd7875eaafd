"""Call budgets: a token bucket for each credential, so that its allowance lasts for the whole 30 days."""

import hashlib
import secrets
from dataclasses import dataclass

from exporter.core.probe import MONTH, Allowance
from exporter.core.secret import Secret

BURST = 3_600.0
"""Seconds of allowance that may be spent at once: what an hour without calls has saved."""

_KEPT = 65_536
_SALT = secrets.token_bytes(16)


def credential_key(provider: str, *parts: "str | Secret") -> str:
    """Return a key of a credential that does not reveal it: a salted hash, another one in every process."""
    digest = hashlib.blake2b(provider.encode(), key=_SALT, digest_size=16)
    for part in parts:
        text = part.reveal() if isinstance(part, Secret) else part
        digest.update(b"\0" + str(len(text)).encode() + b"\0" + text.encode())
    return digest.hexdigest()


@dataclass
class _Bucket:
    tokens: float
    at: float


class Budget:
    """The allowance of one provider, kept apart for each credential.

    A bucket starts full with what one hour allows, at least one call, and fills evenly. `replicas` share
    an allowance, so each has its part. A run that needs more calls than the bucket holds may start when it is
    full; what it spends too much is waited for afterwards. Times are seconds of any clock that never jumps.
    """

    def __init__(self, allowance: Allowance, replicas: int = 1) -> None:
        """Divide `allowance` by `replicas`; what a full bucket holds is taken from the even flow."""
        calls = allowance.calls / max(1, replicas)
        self._size = max(1.0, calls * BURST / MONTH)
        self._rate = max(calls - self._size, calls / 2) / MONTH
        self._buckets: dict[str, _Bucket] = {}

    def wait(self, key: str, calls: float, now: float) -> float:
        """Return the seconds until `calls` may be made with the credential `key`; 0 if now."""
        needed = min(calls, self._size) - self._fill(key, now).tokens
        if needed <= 1e-9:  # what rounding leaves is not worth a wait
            return 0.0
        return needed / self._rate if self._rate else float("inf")

    def saved(self, key: str, now: float) -> float:
        """Return how full the bucket of the credential `key` is, 1.0 for a full one."""
        return self._fill(key, now).tokens / self._size

    def spend(self, key: str, calls: float, now: float) -> None:
        """Take `calls` that were made; the rest may go below zero."""
        self._fill(key, now).tokens -= calls

    def _fill(self, key: str, now: float) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            self._prune(now)
            bucket = self._buckets[key] = _Bucket(self._size, now)
        passed = max(0.0, now - bucket.at)
        bucket.tokens = min(self._size, bucket.tokens + passed * self._rate)
        bucket.at = now
        return bucket

    def _prune(self, now: float) -> None:
        # A full bucket is as good as none, so credentials that are no longer used cost nothing.
        if len(self._buckets) < _KEPT:
            return
        for key in list(self._buckets):
            if self._fill(key, now).tokens >= self._size:
                del self._buckets[key]

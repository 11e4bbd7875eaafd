"""Rate limits: how often somebody may ask, what was decided, and who is blocked."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Literal

from exporter.core.secret import Secret

IdentifierKind = Literal["address", "user", "key"]

EVERY_POLICY = "*"
"""Stands in a block in place of a policy: it holds for all of them."""

AUTOMATIC = "exporter"
"""The actor of a block that a limit itself began."""


@dataclass(frozen=True)
class RateLimitPolicy:
    """At most `amount` requests in any `seconds` for each of those that `by` distinguishes.

    `endpoint` is a glob over paths, in which * stands for any text. Whoever is over the limit is blocked for
    `block_for` seconds, 0 for not at all.
    """

    name: str
    endpoint: str
    by: IdentifierKind
    amount: int
    seconds: int
    block_for: float = 0.0

    def covers(self, endpoint: str) -> bool:
        """Return whether it is about `endpoint`."""
        return fnmatchcase(endpoint, self.endpoint)

    @cached_property
    def fixed(self) -> str:
        """What of the glob is before its first sign that stands for something else."""
        cut = min((self.endpoint.find(sign) for sign in "*?[" if sign in self.endpoint), default=None)
        return self.endpoint[:cut]


@dataclass(frozen=True)
class RateLimitSettings:
    """Everything under `ratelimits:`.

    `storage` is the URL of a Redis, None for the memory of the process. `when_storage_fails` is what is
    answered then, or after `storage_timeout` seconds. `policies` are by name.
    """

    storage: Secret | None = None
    when_storage_fails: Literal["allow", "block"] = "allow"
    policies: Mapping[str, RateLimitPolicy] = field(default_factory=dict)
    storage_timeout: float = 0.1


@dataclass(frozen=True)
class RateLimitDecision:
    """What a limit answered.

    `remaining` is how much the window still takes, `reset` the seconds until it is empty if nothing more
    comes, `retry_after` the seconds after which the same may be asked again with success (0 where it was
    allowed, None where nobody knows). `why` is "" where it was allowed by count, else `limit`, `blocked` or
    `storage`.
    """

    policy: RateLimitPolicy
    allowed: bool
    remaining: int
    reset: float
    retry_after: float | None = 0.0
    why: str = ""


@dataclass(frozen=True)
class RateLimitBlock:
    """Who may not ask until `until` (Unix seconds; None: until somebody unblocks), who says so, and why.

    `policy` is a name, or EVERY_POLICY. `tenant` is the one whose app counts, "" for the exporter's own.
    """

    policy: str
    identifier: str
    tenant: str
    at: float
    until: float | None
    actor: str
    reason: str = ""

    @cached_property
    def id(self) -> str:
        """What distinguishes it: of an identifier and a policy there is one at a time."""
        return digest(self.tenant, self.policy, self.identifier)

    def holds(self, now: float) -> bool:
        """Return whether it still counts."""
        return self.until is None or now < self.until

    @property
    def automatic(self) -> bool:
        """Whether a limit began it."""
        return self.actor == AUTOMATIC


def digest(*parts: str) -> str:
    """Return a short name for `parts` that does not show them.

    No secret goes in: who has a list of candidates can still try them.
    """
    # surrogatepass: an identifier may come out of a header that is no UTF-8.
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


RateLimitKey = tuple[int, str, str, str, str, str]
"""First second of the hour (Unix time), scope (own or app), policy, endpoint, kind of identifier, tenant."""

OWN, APP = "own", "app"
"""Whose endpoint it was: one of the exporter, or one of an app that asked by the check API."""


@dataclass(slots=True)
class RateLimitSummary:
    """Counts of an hour that are added to; `unjudged` of them were decided without the storage."""

    allowed: int = 0
    blocked: int = 0
    unjudged: int = 0

    def record(self, decision: RateLimitDecision) -> None:
        """Count a decision."""
        if decision.allowed:
            self.allowed += 1
        else:
            self.blocked += 1
        self.unjudged += decision.why == "storage"

    def add(self, other: "RateLimitSummary") -> None:
        """Take in what `other`, of the same key, has counted."""
        self.allowed += other.allowed
        self.blocked += other.blocked
        self.unjudged += other.unjudged

    def as_row(self) -> Mapping[str, Any]:
        """Return the numbers by name."""
        return {"allowed": self.allowed, "blocked": self.blocked, "unjudged": self.unjudged}

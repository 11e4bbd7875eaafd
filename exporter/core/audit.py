"""What the audit holds: who did what to which thing, from where, and how it went."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True)
class AuditReview:
    """Somebody looked at a flagged entry at `at` (Unix seconds), and what they noted."""

    at: float
    reviewer: str
    note: str


@dataclass(frozen=True)
class AuditEntry:
    """One thing that somebody did, or tried, at `at` (Unix seconds).

    `actor` is an identity such as `token:ops`, `admin-token` or `source:stripe`; `action` words with a dot
    between them, such as `webhook.refused`; `resource` what it was done to. `outcome` is `success`, `failure`
    or `refused`. `count` is how many alike happened since `at`, where a flood of them is one entry. `details`
    are JSON and hold no secret. `risk` (0 to 100) is None until core/audit_rules.py judges it; `flag` is why
    a person must look at it: a pattern's name, or `score`. `replica` names the process, `id` is the place in
    the chain, `review` what a person found; the store fills them in. Of a person who was erased `actor` is
    `erased:` with their number, and what is personal is empty.
    """

    at: float
    actor: str
    action: str
    resource: str = ""
    outcome: str = "success"
    integration: str = ""
    tenant: str = ""
    address: str = ""
    country: str = ""
    user_agent: str = ""
    count: int = 1
    details: Mapping[str, Any] = field(default_factory=dict)
    risk: int | None = None
    flag: str | None = None
    # The store fills it in; what was written must still equal what is read.
    replica: str = field(default="", compare=False)
    id: int | None = field(default=None, compare=False)
    review: AuditReview | None = field(default=None, compare=False)

    def with_score(self, risk: int, flag: str | None) -> "AuditEntry":
        """Return it with a score and a flag; of every entry that is stored this is made once."""
        made = object.__new__(AuditEntry)
        # A sixth of what dataclasses.replace takes.
        made.__dict__.update(self.__dict__, risk=risk, flag=flag)
        return made


_USUAL = vars(AuditEntry(0.0, "", ""))


def entry_of(at: float, fields: Mapping[str, Any]) -> AuditEntry:
    """Return the entry with these fields, those that must be there among them: apps report many at once.

    A frozen dataclass would set each of its fields by a call.
    """
    made = object.__new__(AuditEntry)
    made.__dict__.update(_USUAL, details={}, at=at)
    made.__dict__.update(fields)
    return made


# Tuples: of every entry there is one of each, and a frozen dataclass takes five times as long to make.
class SignIn(NamedTuple):
    """An attempt to sign in that an app reports; `unknown`: it failed, for there is no such account."""

    at: float
    tenant: str
    actor: str
    address: str
    country: str
    failed: bool
    unknown: bool = False


class Novelty(NamedTuple):
    """Whether an actor who was seen elsewhere before is at an address, or in a country, the first time."""

    address: bool = False
    country: bool = False

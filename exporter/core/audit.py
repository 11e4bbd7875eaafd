"""What the audit holds: who did what to which thing, from where, and how it went."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class AuditEntry:
    """One thing that somebody did, or tried, at `at` (Unix seconds).

    `actor` is an identity such as `token:ops`, `admin-token` or `source:stripe`; `action` words with a dot
    between them, such as `webhook.refused`; `resource` what it was done to. `outcome` is `success`, `failure`
    or `refused`. `count` is how many alike happened since `at`, where a flood of them is one entry. `details`
    are JSON and hold no secret. `risk` (0 to 100) and `flag` (a pattern's name) are None until something
    judges them. `replica` names the process; the store fills it in.
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

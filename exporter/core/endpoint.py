"""What is known of an endpoint besides its configuration: what operators decided, and how it answers."""

from dataclasses import dataclass
from enum import StrEnum


class ReceiverMode(StrEnum):
    """What happens to deliveries for an endpoint."""

    ACTIVE = "active"
    PAUSED = "paused"
    DRAINING = "draining"
    DISABLED = "disabled"

    @property
    def meaning(self) -> str:
        """One sentence for a person."""
        return _MEANING[self]


_MEANING = {
    ReceiverMode.ACTIVE: "Deliveries are made and sent.",
    ReceiverMode.PAUSED: "New deliveries are made and wait with the others.",
    ReceiverMode.DRAINING: "No delivery is made; those that wait are sent.",
    ReceiverMode.DISABLED: "No delivery is made, and none is sent; those that wait stay.",
}


@dataclass(frozen=True)
class ModeChange:
    """`actor` put an endpoint into `mode` at `at` (Unix seconds); `why` is "" where a person wanted it."""

    endpoint: str
    mode: ReceiverMode
    at: float
    actor: str = ""
    why: str = ""


@dataclass(frozen=True)
class EndpointFacts:
    """How an endpoint answers; times are Unix seconds, None for what never happened.

    `failing_since` is the first failure after the last success, `reason` that of the last failure, "" while
    it answers well. `certificate_expiry` is the first one of the server's chain.
    """

    endpoint: str
    last_success: float | None = None
    last_failure: float | None = None
    failing_since: float | None = None
    reason: str = ""
    certificate_expiry: float | None = None

    @property
    def up(self) -> bool | None:
        """Whether the last attempt succeeded, None before the first one."""
        if self.last_success is None and self.last_failure is None:
            return None
        return self.failing_since is None

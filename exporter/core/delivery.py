"""What is on its way to somebody: a delivery, its attempts, and what carries it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from exporter.core.reason import Reason

HeaderLines = tuple[tuple[str, str], ...]
"""Header lines in their order: (name, value), bytes above 127 as latin-1 text."""


class DeliveryState(StrEnum):
    """Where a delivery is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


EXPIRED = "expired"
"""Reason of a delivery whose time was over before the first attempt."""

SHORTAGE = "shortage"
"""Reason of an attempt for which this machine lacked something, such as a descriptor."""

REASONS = (*map(str, Reason), EXPIRED, SHORTAGE)
"""Every `reason` of a delivery and of an attempt."""


@dataclass(frozen=True)
class Delivery:
    """One thing that is brought to one endpoint, at least once; times are Unix seconds.

    `id` is unique over everything that is delivered: a second delivery of that id is a duplicate.
    `message_id` is what the receiver dedupes by. `kind` names the action that carries it. `body` and
    `headers` are exactly what is sent on. `due` is when the next attempt may begin, `attempts` how many were
    made, `reason` and `detail` what the last one failed with ("" where it did not). Of the attempts,
    `attempts_before` do not count any more: they were made before `actor` had it retried by hand.
    """

    id: str
    kind: str
    endpoint: str
    body: bytes
    created: float
    expires: float
    message_id: str = ""
    tenant: str = ""
    type: str = ""
    headers: HeaderLines = ()
    state: DeliveryState = DeliveryState.WAITING
    due: float = 0.0
    attempts: int = 0
    reason: str = ""
    detail: str = ""
    attempts_before: int = 0
    actor: str = ""

    def with_changes(self, **changes: Any) -> "Delivery":
        """Return it with other values of some fields; of every delivery this is made twice."""
        made = object.__new__(Delivery)
        # A sixth of what dataclasses.replace takes.
        made.__dict__.update(self.__dict__, **changes)
        return made


@dataclass(frozen=True)
class Attempt:
    """One attempt to deliver; `number` counts from 1, `reason` is "" where it succeeded.

    `actor` is who asked for it by hand, "" for those of the retry policy. `url` is without credentials.
    `replica` names the process that made it.
    """

    delivery: str
    number: int
    at: float
    duration_seconds: float
    status: int | None = None
    reason: str = ""
    detail: str = ""
    actor: str = ""
    url: str = ""
    kind: str = ""
    endpoint: str = ""
    tenant: str = ""
    replica: str = ""


EndpointKey = tuple[str, str]
"""What has its own queue, limits and breaker: the kind of its deliveries, and the endpoint."""


@dataclass(frozen=True)
class EndpointState:
    """How an endpoint does, for all replicas; times are Unix seconds.

    `failures` follow one another. Nothing is attempted before `open_until` (the circuit breaker) and
    `next_free` (its rate, what it asked for, or the head of its order). `metered`: it takes turns, which
    replicas share.
    """

    failures: int = 0
    open_until: float = 0.0
    next_free: float = 0.0
    metered: bool = False


@dataclass(frozen=True)
class Backlog:
    """What of an endpoint is not delivered: how much waits, since when (Unix seconds), how much is dead."""

    waiting: int = 0
    oldest: float | None = None
    dead: int = 0


@dataclass(frozen=True)
class RetryPolicy:
    """How often and for how long a delivery is tried; durations in seconds."""

    attempts: int = 12
    max_age: float = 3 * 86_400.0
    timeout: float = 15.0


@dataclass(frozen=True)
class EndpointLimits:
    """What an endpoint may be asked: attempts at one time, and `rate` attempts in `per` seconds (0: any).

    `ordered` delivers one after another in the order of acceptance, which costs all concurrency.
    `disable_after` is the number of seconds of nothing but failures after which it is disabled; 0 never.
    """

    concurrency: int = 4
    rate: int = 0
    per: float = 1.0
    ordered: bool = False
    retry: RetryPolicy = RetryPolicy()
    disable_after: float = 0.0


class Receipt(NamedTuple):
    """An attempt that succeeded: what the receiver answered, and where."""

    status: int | None = None
    detail: str = ""
    url: str = ""


class AttemptError(Exception):
    """An attempt that failed; `reason` is of a closed set, `status` the HTTP status where there is one."""

    def __init__(self, reason: str, detail: str = "", status: int | None = None, url: str = "") -> None:
        """Say why in a sentence without credentials."""
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail, self.status, self.url = reason, detail, status, url


class RetryLater(AttemptError):
    """It may succeed later; `after` is the least number of seconds to wait, None as the policy says."""

    def __init__(
        self,
        reason: str,
        detail: str = "",
        status: int | None = None,
        url: str = "",
        *,
        after: float | None = None,
    ) -> None:
        """Keep what the receiver asked for, such as by Retry-After."""
        super().__init__(reason, detail, status, url)
        self.after = after


class GiveUp(AttemptError):
    """It cannot succeed: the delivery is dead at once."""


class Action(Protocol):
    """Carries deliveries of one kind; the files of actions/ each bring one."""

    @property
    def kind(self) -> str:
        """What its deliveries are called: the name of its file."""

    async def run(self, delivery: Delivery) -> Receipt:
        """Try once; raises RetryLater or GiveUp when it was not delivered."""

    def limits(self, endpoint: str) -> EndpointLimits | None:
        """Return the limits of an endpoint, None where it is unknown, disabled or paused: it waits then."""

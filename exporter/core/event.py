"""What apps report: a kind of event, its fields, and what it counts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, Protocol

from msgspec import Meta, Struct

from exporter.core.alert import Alert
from exporter.core.metric import Metric
from exporter.core.panel import Panel

FIRST_SEEN = 50
"""Values of a label that may appear where the configuration lists none."""

ROUTES = 200
"""The same for routes, of which an app has more than of anything else."""

COUNTRIES = 300
"""The same for countries: all there are."""

OTHER = "other"
"""The value of a label in place of one that may not become one."""

Text = Annotated[str, Meta(max_length=500)]
"""A short text of the app; only an allow-list lets it become a label."""

Identifier = Annotated[str, Meta(max_length=200)]
RequiredIdentifier = Annotated[Identifier, Meta(min_length=1)]
"""What an event is about: without a name it would count for nothing that anybody knows."""

Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Money = Annotated[float, Meta(ge=0, le=1e9)]


class EventFields(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every event may say; a kind of event adds its own fields.

    `id` makes it count once. `at` has a time zone; without one the event is of now. `tenant` is "" where it
    is nobody's in particular, `integration` the name of a configured one.
    """

    # Without control characters: PostgreSQL stores no NUL, and the event would be sent again for ever.
    id: Annotated[str, Meta(pattern=r"\A[^\x00-\x1f\x7f]{0,200}\Z")] = ""
    at: Annotated[datetime, Meta(tz=True)] | None = None
    tenant: Annotated[str, Meta(pattern=r"\A(?:[A-Za-z0-9_.-]{1,64})?\Z")] = ""
    integration: Annotated[str, Meta(max_length=200)] = ""


class LabelContext(Protocol):
    """What may become a label, as the configuration in force says."""

    sources: Mapping[str, bool]
    """Sources of webhooks by name, and whether their webhooks are forwarded: those are counted already."""

    def label(self, name: str, value: str) -> str:
        """Return `value` if the allow-list of the label `name` has it, or has room for it; else `other`."""

    def declared(self, name: str) -> Metric | None:
        """Return the metric that the configuration declares under `name`, for the kind `metric`."""


class Measurement(NamedTuple):
    """What an event adds to a series: 1 for a counter, a value for a gauge or a histogram.

    `labels` are those of the metric alone; the way in adds those of its scope. `reference` is what leads from
    a histogram to this event, as an exemplar: a name and an id, which is nobody's name, address or secret.
    """

    metric: Metric
    labels: tuple[str, ...] = ()
    value: float = 1.0
    reference: tuple[str, str] | None = None


class Tally(NamedTuple):
    """What an event adds to the statistics of its hour, tenant and integration.

    `topic` is what is counted, `name` and `variant` are its subject, such as a route and a method: what may
    be a label, and nothing else. `outcome` is "" where all went well. `seconds` is counted in buckets of
    latency, `amount` is a sum of money.
    """

    topic: str
    name: str
    variant: str = ""
    outcome: str = ""
    number: int = 1
    seconds: float | None = None
    amount: float = 0.0


Contribution = Measurement | Tally


class EventError(ValueError):
    """An event that is refused; `path` is the field at fault, such as /labels/queue."""

    def __init__(self, reason: str, path: str, detail: str) -> None:
        """Say what is wrong in a sentence that quotes nothing of the event."""
        super().__init__(detail)
        self.reason, self.path, self.detail = reason, path, detail


RetentionKey = Literal["requests", "webhooks", "audit"]


@dataclass(frozen=True)
class EventKind:
    """One kind of event; its file in events/ has it as KIND.

    `fields` are its own and the common ones. `read` returns what an event adds to series and statistics, and
    may raise EventError. `example` has the fields of a small event that is right: tests and pages show it.
    `labels` are the allow-lists by which `read` asks for labels, and how many of the first values seen may
    appear where the configuration has no such list; kinds that share one agree.

    `durable` kinds are stored before the answer, and count once over all processes. `columns` are the fields
    that a list of them shows besides time, tenant and integration, `path` where it is served. `retention` is
    the key of `store.retention`; None stores nothing. `role` may read the list.
    """

    name: str
    title: str
    fields: type[EventFields]
    read: Callable[[Any, LabelContext], Iterable[Contribution]]
    metrics: tuple[Metric, ...]
    example: Mapping[str, Any]
    labels: Mapping[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    path: str = ""
    retention: RetentionKey | None = "requests"
    durable: bool = False
    role: str = "viewer"
    alerts: tuple[Alert, ...] = ()
    panels: tuple[Panel, ...] = ()


def label_limits(kinds: Iterable[EventKind]) -> dict[str, int]:
    """Return how many of the first values of each allow-list may appear; ValueError where kinds differ."""
    found: dict[str, int] = {}
    for kind in kinds:
        for name, most in kind.labels.items():
            if found.setdefault(name, most) != most:
                raise ValueError(f"kind {kind.name}: another kind lets {found[name]} values of {name} appear")
    return found

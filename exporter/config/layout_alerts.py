"""The keys of one element of `alerts:`, as a type; their descriptions reach editors through the schema."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from exporter.config.layout_parts import PUBLIC, Duration, Part
from exporter.core.severity import Severity

NAME_PATTERN = r"^[A-Z][A-Za-z0-9]{2,79}$"

Words = Annotated[str, Meta(extra=PUBLIC)]
Labelled = dict[str, Words | tuple[Words, ...]]


class AlertPart(Part, frozen=True):
    """An alert of your own: one metric compared with one number."""

    name: Annotated[
        str,
        Meta(
            pattern=NAME_PATTERN,
            description="Name in CamelCase, letters and digits, such as QueueLong; unique.",
            extra=PUBLIC,
        ),
    ]
    metric: Annotated[
        str, Meta(description="A metric that this configuration exports; see the reference of metrics.")
    ]
    op: Annotated[
        Literal[">", ">=", "<", "<=", "==", "!="],
        Meta(description="How the value is compared; in quotes, YAML reads > as the start of a text."),
    ]
    value: Annotated[float, Meta(description="Number that it is compared with.")]
    severity: Annotated[Severity, Meta(description="How urgent it is.")]
    summary: Annotated[
        str, Meta(description="One sentence for the subject of messages.", min_length=1, extra=PUBLIC)
    ]
    description: Annotated[
        str,
        Meta(
            description="Text of messages, as a template of Prometheus: {{ $value }}, {{ $labels.tenant }};"
            " empty: what was compared with what.",
            extra=PUBLIC,
        ),
    ] = ""
    runbook_url: Annotated[str, Meta(description="Web address of what to do.")] = ""
    function: Annotated[
        Literal["last", "avg", "min", "max", "increase", "rate"] | None,
        Meta(
            description="What is compared of the values in `window`: avg, min, max or last of a gauge;"
            " increase or rate (by second) of a counter. By default avg with a window and last without one,"
            " and increase of a counter."
        ),
    ] = None
    window: Annotated[
        Duration | None, Meta(description="Time that is looked at, at least 1m; 15m by default for counters.")
    ] = None
    hold: Annotated[Duration, Meta(description="How long it must be so before the alert fires.")] = (
        msgspec.field(name="for", default="0s")
    )
    keep_firing_for: Annotated[
        Duration | None, Meta(description="How long the alert goes on firing after it is no longer so.")
    ] = None
    where: Annotated[
        Labelled,
        Meta(
            description="Values of labels (integration, provider, tenant, or the metric's own) that it is"
            " for; one or a list."
        ),
    ] = {}
    recipients: Annotated[
        tuple[str, ...],
        Meta(
            description="Names of `notifications.teams` that it goes to, and to nobody else; empty: the"
            " channels of its severity."
        ),
    ] = ()

"""The reference page of kinds of events: fields, labels, series and alerts of each, as its file has them."""

import importlib
import inspect
import json
from collections.abc import Iterable, Iterator

from exporter.core.event import EventKind, label_limits
from exporter.core.event_fields import EventField, own_fields
from exporter.generate import paths
from exporter.generate.document import as_markdown, table

PATH = f"{paths.REFERENCE}/events.md"


def events_page(kinds: Iterable[EventKind]) -> str:
    """Return the page of all kinds."""
    kinds = tuple(kinds)
    return as_markdown(
        "# Kinds of events",
        "What apps report to `POST /api/v1/events`; [events.md](../events.md) says how. Besides these fields "
        "every event may have `id`, `at`, `tenant` and `integration`. Durations are seconds, money is in "
        "major units. To add a kind, see [new-event.md](../new-event.md).",
        *map(_kind, kinds),
        "## Labels",
        "What may become a label, by allow-list: keys under `events.allow`. Without a list so many of the "
        "first values seen may appear; all else is `other`.",
        table(("List", "Values without a list"), _limits(kinds)),
    )


def _kind(kind: EventKind) -> str:
    module = (importlib.import_module(f"exporter.events.{kind.name}").__doc__ or "").strip()
    about = inspect.cleandoc(kind.fields.__doc__ or "")
    rows = [_row(field) for field in own_fields(kind.fields)]
    example = json.dumps({"kind": kind.name, **kind.example})
    return "\n\n".join(
        (
            f"## {kind.title} (`{kind.name}`)",
            module,
            about,
            table(("Field", "Type", "Value"), rows),
            f"```json\n{example}\n```",
            "\n".join(f"- {fact}" for fact in _facts(kind)),
        )
    )


def _row(field: EventField) -> tuple[str, str, str]:
    value = ", ".join(f"`{choice}`" for choice in field.choices) or field.bounds
    return (f"`{field.name}`", f"{field.type}{', required' if field.required else ''}", value)


def _facts(kind: EventKind) -> Iterator[str]:
    """Yield what happens to an event of the kind, a sentence each."""
    if kind.durable:
        yield "It is stored before the answer, and counts once over all processes."
    if kind.retention:
        yield f"It is kept for `store.retention.{kind.retention}`."
    if kind.path:
        yield f"`{kind.path}` lists it for the role {kind.role}."
    if kind.labels:
        yield f"Labels: {', '.join(f'`{name}`' for name in kind.labels)}, as `events.allow` lets them."
    if kind.metrics:
        yield f"Series: {', '.join(f'`{metric}`' for metric in kind.metrics)}."
    if kind.alerts:
        names = (f"[{alert.name}](../runbooks/{alert.name}.md)" for alert in kind.alerts)
        yield f"Alerts: {', '.join(names)}."


def _limits(kinds: Iterable[EventKind]) -> list[tuple[str, str]]:
    return [(f"`{name}`", str(most)) for name, most in sorted(label_limits(kinds).items())]

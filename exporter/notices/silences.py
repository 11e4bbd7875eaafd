"""The silences of maintenance windows: what they match, and how they are found again among all others."""

import re
from collections.abc import Iterable

from exporter.alerts.platform import EXPORTER_DOWN, WATCHDOG
from exporter.core.alertmanager import Matcher, Silence, SilenceState
from exporter.core.maintenance import MaintenanceSpan, MaintenanceWindow

AUTHOR = "integration-exporter"
"""Who made them, as Alertmanager shows it; the comment names the window."""

ALWAYS = (WATCHDOG.name, EXPORTER_DOWN.name)
"""Alerts that no window hides unless it names them: they say that nobody would hear of anything."""

_NAMED = re.compile(r"maintenance ([A-Za-z0-9_.-]+):")

_SECOND = 1.0


def silence_of(window: MaintenanceWindow, span: MaintenanceSpan, silence_id: str = "") -> Silence:
    """Return the silence of a window; with an id it takes the place of that one."""
    text = window.comment or "alerts of what is worked on"
    by = f" (by {window.author})" if window.author else ""
    comment = f"maintenance {window.name}: {text}{by}"
    return Silence(matchers_of(window), span.starts, span.ends, AUTHOR, comment, silence_id)


def matchers_of(window: MaintenanceWindow) -> tuple[Matcher, ...]:
    """Return what a window matches."""
    labels = {
        "integration": window.integrations,
        "provider": window.providers,
        "tenant": window.tenants,
        "alertname": window.alerts,
        "severity": tuple(one.value for one in window.severities),
    }
    named = tuple(_one_of(label, values) for label, values in labels.items() if values)
    if window.alerts:
        return named
    return (*named, Matcher("alertname", "|".join(ALWAYS), is_regex=True, is_equal=False))


def fits(silence: Silence, wanted: Silence) -> bool:
    """Return whether `silence` does what `wanted` should do."""
    return (
        window_of(silence) == window_of(wanted)
        and set(silence.matchers) == set(wanted.matchers)
        # Alertmanager keeps times in its own precision.
        and abs(silence.ends - wanted.ends) < _SECOND
    )


def window_of(silence: Silence) -> str | None:
    """Return the name of the window that a silence is of, None where it is of none."""
    found = _NAMED.match(silence.comment) if silence.author == AUTHOR else None
    return found[1] if found else None


def living(silences: Iterable[Silence]) -> list[Silence]:
    """Return silences of windows that have not expired, always in the same order.

    Each replica keeps the first of two that do the same, so all of them keep the same one.
    """
    ours = (one for one in silences if one.state is not SilenceState.EXPIRED and window_of(one) is not None)
    return sorted(ours, key=lambda one: one.id)


def _one_of(label: str, values: tuple[str, ...]) -> Matcher:
    if len(values) == 1:
        return Matcher(label, values[0])
    return Matcher(
        label, "|".join(re.sub(r"([^A-Za-z0-9_ -])", r"[\1]", one) for one in values), is_regex=True
    )

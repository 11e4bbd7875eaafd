"""Which labels say that two alerts are about the same thing: what inhibits, silences and acknowledges it."""

from collections.abc import Iterable, Mapping

from exporter.core.alertmanager import Matcher
from exporter.core.generation import AGGREGATION_LABELS

MANUAL = "manual"
"""The label of an alert that a person fired: each of them is a thing of its own."""

TEST = "test"
"""The label of an alert that only tests the way to its receivers."""

IDENTITY = (
    "alertname",
    "integration",
    "provider",
    "tenant",
    "token",
    "certificate",
    "quota",
    "bucket",
    "database",
    "period",
    "source",
    "endpoint",
    "direction",
    MANUAL,
)
"""Labels that two steps of one condition share; alerts on events bring more, which callers add.

Silences and acknowledgements match them too.
"""

PLACE = (*AGGREGATION_LABELS, "namespace", TEST)
"""Labels by which one environment never hides another, whatever rules keep apart; tests hide nothing real."""

SCOPE = "scope"
"""The label that each rule of ours sets."""


def identity(kept_apart: Iterable[str] = AGGREGATION_LABELS) -> tuple[str, ...]:
    """Return IDENTITY and the labels of the place, those that rules or alerts keep apart among them."""
    return tuple(dict.fromkeys((*IDENTITY, *kept_apart, *PLACE)))


def silence_matchers(
    labels: Mapping[str, str], kept_apart: Iterable[str] = AGGREGATION_LABELS
) -> tuple[Matcher, ...]:
    """Return what matches an alert with `labels` and all that is the same thing at the same severity.

    As for an inhibition, a label that it lacks must be lacking. Of an alert that is none of ours nothing is
    known but its labels: each of them is matched.
    """
    if SCOPE not in labels:
        return tuple(Matcher(name, value) for name, value in sorted(labels.items()))
    names = (*identity(kept_apart), "severity")
    return tuple(Matcher(name, labels.get(name, "")) for name in names)

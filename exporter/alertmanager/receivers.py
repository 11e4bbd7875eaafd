"""What Alertmanager says of its receivers: the channels of each, how often they were used, and failed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

ATTEMPTS = "alertmanager_notifications_total"
FAILURES = ("alertmanager_notifications_failed_total", "alertmanager_notification_requests_failed_total")
"""The second counts every request that failed, also while Alertmanager tries again for minutes."""

_LINE = re.compile(r"^(\w+)\{([^}]*)\} ([0-9.eE+]+)$", re.MULTILINE)
_KIND = re.compile(r'(?:^|,)integration="([a-z0-9_]+)"')
_CONFIGS = "_configs"


@dataclass(frozen=True)
class NotificationCounts:
    """How often one kind of channel was used since Alertmanager's start, and how often that failed."""

    attempts: float = 0.0
    failures: float = 0.0


class _Config(msgspec.Struct):
    original: str


class _Status(msgspec.Struct):
    config: _Config


def read_counts(body: bytes) -> dict[str, NotificationCounts]:
    """Return the counts by kind of channel, such as `slack`, out of Alertmanager's own /metrics."""
    found: dict[str, dict[str, float]] = {}
    for name, labels, value in _LINE.findall(body.decode(errors="replace")):
        kind = _KIND.search(labels)
        if kind and name in (ATTEMPTS, *FAILURES):
            of_kind = found.setdefault(kind[1], {})
            # Newer versions have a series for each receiver, or for each reason of a failure.
            of_kind[name] = of_kind.get(name, 0.0) + float(value)
    return {
        kind: NotificationCounts(of.get(ATTEMPTS, 0.0), max(of.get(name, 0.0) for name in FAILURES))
        for kind, of in found.items()
    }


def add_counts(members: Iterable[Mapping[str, NotificationCounts]]) -> dict[str, NotificationCounts]:
    """Return the counts of all members of a cluster together."""
    found: dict[str, NotificationCounts] = {}
    for counts in members:
        for kind, one in counts.items():
            before = found.get(kind, NotificationCounts())
            found[kind] = NotificationCounts(before.attempts + one.attempts, before.failures + one.failures)
    return found


def read_channels(body: bytes) -> dict[str, tuple[str, ...]]:
    """Return the kinds of channels of each receiver, one for each that it has; ValueError as answers.py."""
    import yaml  # only a test of the channels reads the configuration of Alertmanager

    try:
        status = msgspec.json.decode(body, type=_Status)
        content = yaml.safe_load(status.config.original)
        return {str(one["name"]): _channels(one) for one in content["receivers"]}
    except (msgspec.DecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"its status has no configuration: {type(error).__name__}") from None


def _channels(receiver: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        sorted(
            key.removesuffix(_CONFIGS)
            for key, configs in receiver.items()
            if key.endswith(_CONFIGS)
            for _ in configs or ()
        )
    )

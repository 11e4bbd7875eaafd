"""Since when an alert waits for somebody: from its start, or from when it was last hidden."""

import re
from collections.abc import Collection, Iterable, Mapping

from exporter.core.alertmanager import ActiveAlert, Matcher, Silence


class WaitingTimes:
    """Remembers until when each alert was silenced or inhibited: only after that it waits for somebody.

    It is of this process. What silences hid before its start is in Alertmanager's list of them, which has
    those that expired, too; what was only inhibited is not known then.
    """

    def __init__(self) -> None:
        """Begin with nothing hidden."""
        self._hidden: dict[str, float] = {}

    def hide(self, fingerprint: str, until: float) -> None:
        """Take it that an alert was hidden up to `until` (Unix seconds)."""
        self._hidden[fingerprint] = max(until, self._hidden.get(fingerprint, until))

    def since(self, alert: ActiveAlert) -> float:
        """Return since when (Unix seconds) `alert` waits."""
        return max(alert.starts, self._hidden.get(alert.fingerprint, alert.starts))

    def keep(self, fingerprints: Collection[str]) -> None:
        """Forget all others."""
        self._hidden = {name: at for name, at in self._hidden.items() if name in fingerprints}


def last_silence(labels: Mapping[str, str], silences: Iterable[Silence], now: float) -> float | None:
    """Return when the last silence expired that hid an alert with `labels`, None where none did."""
    over = (one.ends for one in silences if one.ends <= now and all(_fits(m, labels) for m in one.matchers))
    return max(over, default=None)


def _fits(matcher: Matcher, labels: Mapping[str, str]) -> bool:
    value = labels.get(matcher.name, "")
    if not matcher.is_regex:
        return (value == matcher.value) is matcher.is_equal
    try:
        # Alertmanager anchors them; what its dialect has and this one lacks is taken for no match.
        return (re.fullmatch(matcher.value, value) is not None) is matcher.is_equal
    except re.error:
        return False

"""What Alertmanager has at one moment: its alerts and its silences, as its API v2 speaks of them.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from exporter.core.network import DEFAULT_TLS
from exporter.core.options import TlsOptions
from exporter.core.secret import Secret


class AlertmanagerError(Exception):
    """No member of Alertmanager did what it was asked: one sentence, without credentials.

    `status` is the HTTP status of the last answer, None where nothing answered.
    """

    def __init__(self, detail: str, status: int | None = None) -> None:
        """Keep the sentence and the status."""
        super().__init__(detail)
        self.detail, self.status = detail, status


@dataclass(frozen=True)
class AlertmanagerAddress:
    """How Alertmanager is reached: the base URLs of its members, without a slash at the end.

    `authorization` is the value of the header Authorization, None where it wants none.
    """

    urls: tuple[str, ...]
    authorization: Secret | None = None
    tls: TlsOptions = DEFAULT_TLS


class SilenceState(StrEnum):
    """Whether a silence is in force."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Matcher:
    """One condition on a label: equal (`=`), not equal (`!=`), or a regular expression (`=~`, `!~`)."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def __str__(self) -> str:
        """Return it as Alertmanager writes it."""
        sign = ("=" if self.is_equal else "!") + ("~" if self.is_regex else "" if self.is_equal else "=")
        text = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{sign}"{text}"'


@dataclass(frozen=True)
class Silence:
    """Alerts that notify nobody from `starts` to `ends` (Unix seconds); `id` is "" until it is stored."""

    matchers: tuple[Matcher, ...]
    starts: float
    ends: float
    author: str
    comment: str
    id: str = ""
    state: SilenceState = SilenceState.ACTIVE


@dataclass(frozen=True)
class ActiveAlert:
    """An alert that Alertmanager has; times are Unix seconds.

    `silenced_by` are ids of silences, `inhibited_by` fingerprints of alerts. `receivers` are those that its
    labels lead to. `ends` is when it is taken for resolved unless it is sent again.
    """

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts: float
    ends: float
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class FiredAlert:
    """An alert that is sent to Alertmanager; it is resolved once `ends` (Unix seconds) has passed."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts: float
    ends: float
    source: str = ""

"""An endpoint with all that is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from exporter.core.clock import iso
from exporter.core.endpoint import EndpointFacts, ModeChange, ReceiverMode
from exporter.core.secret import REDACTED, Secret
from exporter.core.webhook import WebhookEndpoint
from exporter.endpoints.body import EndpointBody
from exporter.net import url as urls

FILE, API = "file", "api"
"""Where an endpoint comes from: the configuration file, or the API."""


@dataclass(frozen=True)
class SigningSecret:
    """A secret of an endpoint; `until` (Unix seconds) is when it stops to sign, None for the newest one."""

    value: Secret
    until: float | None = None


def signing(secrets: Sequence[SigningSecret], now: float) -> tuple[Secret, ...]:
    """Return the secrets that sign at `now`, the newest first."""
    return tuple(one.value for one in secrets if one.until is None or one.until > now)


@dataclass(frozen=True)
class EndpointEntry:
    """An endpoint as configured, where it comes from, what was decided about it and how it answers.

    `secrets` are those of the API with their times; one of the file has them in `endpoint` alone. `body` is
    what the API was given; `created` and `changed` are Unix seconds. All three are None for one of the file.
    """

    endpoint: WebhookEndpoint
    origin: str
    mode: ModeChange | None = None
    facts: EndpointFacts | None = None
    secrets: tuple[SigningSecret, ...] = ()
    body: EndpointBody | None = field(default=None, repr=False)
    created: float | None = None
    changed: float | None = None

    @property
    def state(self) -> ReceiverMode:
        """What happens to its deliveries."""
        if not self.endpoint.enabled:
            return ReceiverMode.DISABLED
        return self.mode.mode if self.mode else ReceiverMode.ACTIVE

    @property
    def takes(self) -> bool:
        """Whether deliveries are made for it."""
        return self.state in (ReceiverMode.ACTIVE, ReceiverMode.PAUSED)

    @property
    def sends(self) -> bool:
        """Whether its deliveries are sent."""
        return self.state in (ReceiverMode.ACTIVE, ReceiverMode.DRAINING)

    def effective(self, now: float) -> WebhookEndpoint:
        """Return the endpoint as deliveries find it at `now` (Unix seconds)."""
        secrets = signing(self.secrets, now) if self.secrets else self.endpoint.secrets
        return replace(self.endpoint, enabled=self.sends, secrets=secrets)


def entry_json(entry: EndpointEntry, now: float) -> dict[str, Any]:
    """Return an entry as JSON: nothing that may hold a credential is in it."""
    endpoint, limits, retry = entry.endpoint, entry.endpoint.limits, entry.endpoint.limits.retry
    facts, mode = entry.facts or EndpointFacts(endpoint.name), entry.mode
    return {
        "name": endpoint.name,
        "tenant": endpoint.tenant,
        "origin": entry.origin,
        "state": entry.state.value,
        "state_since": iso(mode.at) if mode else None,
        "state_actor": mode.actor if mode else "",
        "state_why": mode.why if mode else "",
        "url": _redacted(endpoint.url),
        "fallback_url": _redacted(endpoint.fallback_url),
        "types": list(endpoint.types),
        "headers": {name: REDACTED for name, _ in endpoint.headers},
        "enabled": endpoint.enabled,
        "allow_private": endpoint.private,
        "concurrency": limits.concurrency,
        "rate": f"{limits.rate}/{limits.per:g}s" if limits.rate else None,
        "ordered": limits.ordered,
        "retry": {
            "attempts": retry.attempts,
            "max_age_seconds": retry.max_age,
            "timeout_seconds": retry.timeout,
        },
        "disable_after_seconds": limits.disable_after,
        "secrets": [{"expires": iso(one.until)} for one in entry.secrets]
        or [{"expires": None} for _ in endpoint.secrets],
        "up": facts.up,
        "last_success": iso(facts.last_success),
        "last_failure": iso(facts.last_failure),
        "failing_since": iso(facts.failing_since),
        "reason": facts.reason,
        "certificate_expiry": iso(facts.certificate_expiry),
        "certificate_expires_in_seconds": None
        if facts.certificate_expiry is None
        else round(facts.certificate_expiry - now),
        "created": iso(entry.created),
        "changed": iso(entry.changed),
    }


def _redacted(url: str) -> str:
    if not url:
        return ""
    try:
        return urls.parse(url).redact()
    except ValueError:
        return REDACTED

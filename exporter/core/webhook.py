"""The webhooks that are configured: sources that send to us, endpoints that we send to."""

from dataclasses import dataclass, field

from exporter.core.delivery import EndpointLimits, HeaderLines
from exporter.core.options import Options, TlsOptions
from exporter.core.secret import Secret

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Default bound of a webhook's body: Meta sends up to 3 MB (developers.facebook.com, WhatsApp webhooks)."""


@dataclass(frozen=True)
class Forward:
    """Where a verified webhook goes on to: the app's URL, and what one attempt may take.

    The URL is the operator's own, so its address need not be public. `timeout` is that of `limits.retry`.
    """

    url: str
    timeout: float = 10.0
    limits: EndpointLimits = field(default_factory=EndpointLimits)
    tls: TlsOptions = field(default_factory=TlsOptions)


@dataclass(frozen=True)
class WebhookSource:
    """One configured sender, whose webhooks arrive at /webhooks/`name`.

    `scheme` names a file of signatures/. Each of `secrets` is accepted (they rotate). `integration` and
    `provider` are the labels of its series, "" for none. `tolerance` bounds the age of a signature, `silence`
    the time without any webhook (0: not watched), both in seconds. `types` are glob patterns of what may be a
    label. `options` are what the scheme alone knows, such as the header of a generic HMAC.
    `verify_token` answers the challenge of a scheme that has one. A body above `max_body_bytes` is refused.
    """

    name: str
    scheme: str
    secrets: tuple[Secret, ...]
    integration: str = ""
    provider: str = ""
    tenant: str = ""
    tolerance: float = 300.0
    types: tuple[str, ...] = ()
    forward: Forward | None = None
    silence: float = 0.0
    verify_token: Secret | None = None
    options: Options = field(default_factory=Options)
    max_body_bytes: int = MAX_BODY_BYTES


@dataclass(frozen=True)
class WebhookEndpoint:
    """One receiver of a tenant's webhooks.

    `secrets` sign, the newest first; while they rotate every one of them does. `types` are glob patterns of
    the event types it wants, empty for all. `headers` may hold a credential. `private` allows addresses
    that are not public.
    """

    name: str
    tenant: str
    url: str
    secrets: tuple[Secret, ...]
    fallback_url: str = ""
    types: tuple[str, ...] = ()
    headers: HeaderLines = field(default=(), repr=False)
    limits: EndpointLimits = field(default_factory=EndpointLimits)
    tls: TlsOptions = field(default_factory=TlsOptions)
    enabled: bool = True
    private: bool = False


@dataclass(frozen=True)
class Webhooks:
    """Everything under `webhooks:`; `public_url` is the base that vendors call, "" where it is unknown."""

    public_url: str = ""
    sources: tuple[WebhookSource, ...] = ()
    endpoints: tuple[WebhookEndpoint, ...] = ()

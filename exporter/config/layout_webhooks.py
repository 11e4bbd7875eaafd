"""The keys of `webhooks:`, as types; sources and endpoints are judged one by one."""

from typing import Annotated, Any

from msgspec import Meta

from exporter.config import rates
from exporter.config.layout_parts import NAME_PATTERN, PUBLIC, RAW, TENANT_PATTERN, Duration, Part
from exporter.core.options import FILE_TWIN, TlsOptions
from exporter.core.secret import Secret
from exporter.core.webhook import MAX_BODY_BYTES

RATE = "Most attempts in a time, such as 50/1s or 1000/1m; without it: any."

Name = Annotated[
    str,
    Meta(
        pattern=NAME_PATTERN,
        description="The name, in paths and labels: up to 64 letters, digits and _.-, unique.",
        extra=PUBLIC,
    ),
]
Tenant = Annotated[
    str,
    Meta(
        pattern=rf"^$|{TENANT_PATTERN}",
        description="The tenant it belongs to: up to 64 letters, digits and _.-; empty for none.",
        extra=PUBLIC,
    ),
]
Rate = Annotated[str, Meta(pattern=rates.PATTERN, description=RATE)]
Secrets = Annotated[
    tuple[Secret, ...],
    Meta(description="The secrets, several while they rotate, the newest first."),
]
OneSecret = Annotated[Secret | None, Meta(description="The secret, where there is one alone.")]
TypeGlob = Annotated[str, Meta(min_length=1, max_length=128, extra=PUBLIC)]


class RetryPart(Part, frozen=True, kw_only=True):
    """How often and for how long a delivery is tried before it is a dead letter."""

    attempts: Annotated[int, Meta(ge=1, le=100, description="Most attempts.")] = 12
    max_age: Annotated[Duration, Meta(description="Age of the last attempt, at most 30d.")] = "3d"


class EndpointRetryPart(RetryPart, frozen=True, kw_only=True):
    """How often, for how long, and with how much patience a delivery is tried."""

    timeout: Annotated[Duration, Meta(description="Longest time of one attempt, at most 2m.")] = "15s"


class LimitsPart(Part, frozen=True, kw_only=True):
    """What a receiver may be asked."""

    concurrency: Annotated[int, Meta(ge=1, le=256, description="Most attempts at one time.")] = 4
    rate: Annotated[Rate | None, Meta(description=RATE)] = None
    ordered: Annotated[
        bool,
        Meta(description="Deliver one after another, in the order of acceptance; costs all concurrency."),
    ] = False


class ForwardPart(LimitsPart, frozen=True, kw_only=True):
    """Where verified webhooks of a source go on to: your app. Its address need not be public."""

    url: Annotated[str, FILE_TWIN, Meta(description="URL of the app: http:// or https://.")]
    timeout: Annotated[Duration, Meta(description="Longest time of one attempt, at most 2m.")] = "10s"
    retry: Annotated[RetryPart, Meta(description="How often and for how long it is tried.")] = RetryPart()
    tls: Annotated[TlsOptions, Meta(description="How the app's certificate is judged.")] = TlsOptions()


class WebhookSourcePart(Part, frozen=True, kw_only=True):
    """A sender of webhooks; they arrive at /webhooks/<name>."""

    name: Name
    scheme: Annotated[str, Meta(description="How it signs.")]
    secret: OneSecret = None
    secrets: Secrets = ()
    options: Annotated[
        dict[str, Any], Meta(description="What the scheme needs to know beside the secrets.", extra=RAW)
    ] = {}
    integration: Annotated[
        str, Meta(description="The integration whose labels its series have.", extra=PUBLIC)
    ] = ""
    tenant: Tenant = ""
    tolerance: Annotated[
        Duration, Meta(description="Greatest age of a signature that holds a time; 10s to 1d.")
    ] = "5m"
    types: Annotated[
        tuple[TypeGlob, ...],
        Meta(description="Globs of the event types that may be a label; all else is `other`."),
    ] = ()
    forward: Annotated[ForwardPart | None, Meta(description="Where they go on to.")] = None
    silence: Annotated[
        Duration | None,
        Meta(description="Alert when nothing came for so long, at least 1m; without it: never."),
    ] = None
    verify_token: Annotated[
        Secret | None, Meta(description="What a sender such as Meta asks by GET whether the URL is yours.")
    ] = None
    max_body_bytes: Annotated[
        int, Meta(ge=1024, le=26_214_400, description="Most bytes of a body; a longer one is refused.")
    ] = MAX_BODY_BYTES


class WebhookEndpointPart(LimitsPart, frozen=True, kw_only=True):
    """A receiver of a tenant's webhooks, which are signed by Standard Webhooks."""

    name: Name
    tenant: Tenant = ""
    url: Annotated[str, FILE_TWIN, Meta(description="URL of the receiver: http:// or https://.")]
    fallback_url: Annotated[
        str, FILE_TWIN, Meta(description="URL that is tried after the first attempt at `url` failed.")
    ] = ""
    secret: OneSecret = None
    secrets: Secrets = ()
    types: Annotated[
        tuple[TypeGlob, ...], Meta(description="Globs of the event types it gets; without any: all.")
    ] = ()
    headers: Annotated[dict[str, str], Meta(description="More headers of each request.")] = {}
    retry: Annotated[EndpointRetryPart, Meta(description="How often and for how long it is tried.")] = (
        EndpointRetryPart()
    )
    disable_after: Annotated[
        Duration, Meta(description="Disable it after so long of nothing but failures; 0s never does.")
    ] = "5d"
    enabled: Annotated[bool, Meta(description="Whether anything is delivered; what waits stays.")] = True
    allow_private: Annotated[
        bool, Meta(description="Deliver also to addresses that are not public, such as 10.0.0.0/8.")
    ] = False
    tls: Annotated[TlsOptions, Meta(description="How the receiver's certificate is judged.")] = TlsOptions()


class WebhooksPart(Part, frozen=True, kw_only=True):
    """Webhooks that vendors send here, and those that tenants get."""

    public_url: Annotated[
        str,
        Meta(description="What vendors call, up to /webhooks: Twilio signs the whole URL."),
    ] = ""
    sources: Annotated[tuple[Any, ...], Meta(description="Who sends webhooks here.", extra=RAW)] = ()
    endpoints: Annotated[tuple[Any, ...], Meta(description="Who gets webhooks from here.", extra=RAW)] = ()

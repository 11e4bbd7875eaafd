"""HMAC as most other vendors use it: you say the header, the algorithm, and what is signed.

By default the body alone is signed. With `timestamp_header` put `{timestamp}` into `signed`, such as
`{timestamp}.{body}`: the time is then checked against `tolerance`. It is in Unix seconds, or milliseconds
where it has 13 digits. Shopify: `header: X-Shopify-Hmac-Sha256, encoding: base64`. Slack: `header:
X-Slack-Signature, prefix: v0=, timestamp_header: X-Slack-Request-Timestamp, signed:
"v0:{timestamp}:{body}"`.

An id is taken from the body alone, because a header is mostly not signed: without `id_path` equal bodies are
one webhook.

Source: RFC 2104; the examples are from docs.slack.dev, "Verifying requests from Slack", and shopify.dev,
"Verify webhooks".
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

from msgspec import Meta

from exporter.core.options import Options
from exporter.core.signature import (
    IncomingRequest,
    Scheme,
    Trust,
    VerifiedWebhook,
)
from exporter.signatures._proof import (
    behind,
    check_any,
    check_fresh,
    from_base64,
    from_hex,
    header_bytes,
    mac,
    text_at,
    usable,
)

HEADER_PATTERN = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$"
PATH_PATTERN = r"^([A-Za-z0-9_$-]{1,64}(\.[A-Za-z0-9_$-]{1,64}){0,7})?$"
MILLISECONDS = 13
"""Digits of a time in milliseconds, from 2001 to 2286."""

HeaderName = Annotated[str, Meta(pattern=HEADER_PATTERN)]
KeyPath = Annotated[str, Meta(pattern=PATH_PATTERN)]


class HmacOptions(Options, frozen=True, kw_only=True):
    """How the sender signs."""

    header: Annotated[HeaderName, Meta(description="Header that holds the signature.")]
    algorithm: Annotated[
        str, Meta(pattern="^(sha1|sha256|sha512)$", description="Hash: sha1, sha256 or sha512.")
    ] = "sha256"
    encoding: Annotated[
        str, Meta(pattern="^(hex|base64)$", description="How the signature is written: hex or base64.")
    ] = "hex"
    prefix: Annotated[str, Meta(description="What precedes the signature, such as sha256=.")] = ""
    secret_encoding: Annotated[
        str, Meta(pattern="^(text|hex|base64)$", description="How secrets are written: text, hex or base64.")
    ] = "text"  # noqa: S105 -- a way of writing
    timestamp_header: Annotated[
        HeaderName | None, Meta(description="Header that holds the time of the signature.")
    ] = None
    signed: Annotated[
        str,
        Meta(
            pattern=r"^([^{}]|\{timestamp\})*\{body\}([^{}]|\{timestamp\})*$",
            description="What is signed: a text with {body} and, where there is a time, {timestamp}.",
        ),
    ] = "{body}"
    id_path: Annotated[
        KeyPath, Meta(description="Keys of the body, joined by dots, that lead to the id of the event.")
    ] = ""
    type_path: Annotated[KeyPath, Meta(description="Keys of the body that lead to its type.")] = ""
    type_header: Annotated[HeaderName | None, Meta(description="Header that holds the type.")] = None


async def verify(request: IncomingRequest, trust: Trust) -> VerifiedWebhook:
    """Return the id and the type where the options say where they are."""
    options: HmacOptions = trust.options
    timestamp = request.proof(options.timestamp_header) if options.timestamp_header else ""
    given = _signature(request.proof(options.header), options)
    around = (part.replace("{timestamp}", timestamp) for part in options.signed.split("{body}"))
    message = request.body.join(map(header_bytes, around))
    keys = filter(None, (_key(secret, options.secret_encoding) for secret in trust.secrets))
    check_any((mac(key, message, options.algorithm) for key in keys), [given])
    if timestamp:
        seconds = timestamp[:-3] if len(timestamp) == MILLISECONDS else timestamp
        check_fresh(seconds, request.received, trust.tolerance)
    return VerifiedWebhook(_at(request, options.id_path), _type(request, options))


def _signature(text: str, options: HmacOptions) -> bytes:
    text = behind(options.prefix, text)
    return from_hex(text) if options.encoding == "hex" else from_base64(text)


def _key(secret: bytes, encoding: str) -> bytes:
    """Return the key in a secret, b"" where there is none: everybody could sign with an empty one."""
    text = secret.decode("utf-8", "replace")
    if encoding == "hex":
        return from_hex(text)
    return from_base64(text) if encoding == "base64" else secret


def _at(request: IncomingRequest, path: str) -> str:
    return text_at(request.body, *path.split(".")) if path else ""


def _type(request: IncomingRequest, options: HmacOptions) -> str:
    named = usable(request.header(options.type_header)) if options.type_header else ""
    return named or _at(request, options.type_path)


def _problems(options: HmacOptions, secrets: Sequence[str]) -> Iterator[str]:
    timed = "{timestamp}" in options.signed
    if timed and not options.timestamp_header:
        yield "signed has {timestamp}, and there is no timestamp_header; add timestamp_header:"
    if options.timestamp_header and not timed:
        yield "timestamp_header is not signed, so it proves nothing; add {timestamp} to signed, or remove it"
    for text in secrets:
        if not _key(text.encode(), options.secret_encoding):
            yield f"a secret is no {options.secret_encoding}; correct it, or secret_encoding"


SCHEME = Scheme("hmac", "HMAC", verify, options=HmacOptions, signs_time=True, problems=_problems)

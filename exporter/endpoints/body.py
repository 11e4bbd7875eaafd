"""An endpoint as the API takes it: the keys of the configuration file, checked by the same rules."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from exporter.config import durations, rates
from exporter.config.layout_parts import Duration
from exporter.config.layout_webhooks import EndpointRetryPart, LimitsPart, Name, Tenant, TypeGlob
from exporter.config.sections.webhooks.checks import (
    DAY,
    WebhookIssue,
    between,
    globs,
    headers,
    receiver_address,
)
from exporter.config.sections.webhooks.reader import LONGEST_RETRY, LONGEST_TIMEOUT
from exporter.core.delivery import EndpointLimits, RetryPolicy
from exporter.core.options import TlsOptions
from exporter.core.secret import Secret
from exporter.core.webhook import WebhookEndpoint

SEALED = ("url", "fallback_url", "headers")
"""Keys whose values may hold a credential: they are stored encrypted, and shown in part."""

MOST_HEADERS = 20
MOST_TYPES = 100

HeadersBody = Annotated[dict[str, Annotated[str, Meta(max_length=4096)]], Meta(description="More headers.")]


class EndpointBody(LimitsPart, frozen=True, kw_only=True):
    """The keys of an endpoint besides its secrets, which nobody reads again."""

    name: Name
    tenant: Tenant = ""
    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    fallback_url: Annotated[str, Meta(max_length=2048)] = ""
    types: Annotated[tuple[TypeGlob, ...], Meta(max_length=MOST_TYPES)] = ()
    headers: HeadersBody = msgspec.field(default_factory=dict)
    retry: EndpointRetryPart = EndpointRetryPart()
    disable_after: Duration = "5d"
    enabled: bool = True
    allow_private: bool = False


def parse(values: Mapping[str, Any]) -> EndpointBody:
    """Return the endpoint that `values` describe; ValueError says which key is wrong, and what to write."""
    try:
        body = msgspec.convert(dict(values), EndpointBody, strict=True)
    except msgspec.ValidationError as error:
        raise ValueError(_plain(str(error))) from None
    for path, what, remedy in _issues(body):
        raise ValueError(f"{'.'.join(map(str, path))}: {what}; {remedy}")
    return body


def build(body: EndpointBody, secrets: tuple[Secret, ...], ca_file: str = "") -> WebhookEndpoint:
    """Return the endpoint; `ca_file` are the authorities that it is judged by, "" for the system's."""
    count, per = rates.rate(body.rate) if body.rate else (0, 1.0)
    seconds = durations.seconds
    retry = RetryPolicy(body.retry.attempts, seconds(body.retry.max_age), seconds(body.retry.timeout))
    limits = EndpointLimits(
        concurrency=1 if body.ordered else body.concurrency,
        rate=count,
        per=per,
        ordered=body.ordered,
        retry=retry,
        disable_after=seconds(body.disable_after),
    )
    return WebhookEndpoint(
        name=body.name,
        tenant=body.tenant,
        url=body.url,
        secrets=secrets,
        fallback_url=body.fallback_url,
        types=body.types,
        headers=tuple(body.headers.items()),
        limits=limits,
        tls=TlsOptions(ca_file=ca_file),
        enabled=body.enabled,
        private=body.allow_private,
    )


def split(body: EndpointBody) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is stored as it is, and what is stored encrypted; names and tenants are columns."""
    values: dict[str, Any] = json.loads(msgspec.json.encode(body))
    hidden = {name: values.pop(name) for name in SEALED}
    for name in ("name", "tenant"):
        values.pop(name)
    return values, hidden


def merge(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with `changes`; the keys of `retry` are changed one by one."""
    merged = {**values, **changes}
    if isinstance(changes.get("retry"), dict) and isinstance(values.get("retry"), dict):
        merged["retry"] = {**values["retry"], **changes["retry"]}
    return merged


def _issues(body: EndpointBody) -> Iterator[WebhookIssue]:
    for name in (body.name, body.tenant):
        if "\n" in name:  # the pattern's $ lets a trailing line break through
            yield ("name",), "it has a line break", "write it on one line"
    yield from receiver_address(body.url, ("url",))
    if body.fallback_url:
        yield from receiver_address(body.fallback_url, ("fallback_url",))
    yield from globs(body.types, ("types",))
    if len(body.headers) > MOST_HEADERS:
        yield ("headers",), "there are too many", f"keep at most {MOST_HEADERS}"
    yield from headers(body.headers, ("headers",))
    yield from between(body.retry.timeout, 0.1, LONGEST_TIMEOUT, ("retry", "timeout"))
    yield from between(body.retry.max_age, 1.0, LONGEST_RETRY, ("retry", "max_age"))
    yield from between(body.disable_after, 0.0, 365 * DAY, ("disable_after",))
    if body.rate:
        yield from _rate(body.rate)


def _rate(text: str) -> Iterator[WebhookIssue]:
    try:
        rates.rate(text)
    except ValueError as error:
        what, _, remedy = str(error).partition("; ")
        yield ("rate",), what, remedy


def _plain(text: str) -> str:
    """Return msgspec's sentence with the key in front: `Expected `int` ... - at `$.concurrency``."""
    what, _, place = text.partition(" - at `$")
    key = place.strip("`.") or "the body"
    return f"{key}: {what[0].lower()}{what[1:]}"

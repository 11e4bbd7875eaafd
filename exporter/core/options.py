"""What a provider's options are made of."""

from functools import cache
from typing import Annotated, Any

import msgspec

from exporter.core.secret import Secret

PER_TENANT = msgspec.Meta(extra={"tenant": True}, extra_json_schema={"x-tenant": True})
"""Mark of an option that a tenant's row may set: `Annotated[str, PER_TENANT]`."""

TENANT_ADDRESS = msgspec.Meta(
    extra={"tenant": True, "address": True}, extra_json_schema={"x-tenant": True, "x-address": True}
)
"""Mark of an option that a tenant's row may set and that says where we connect.

Where the row comes from outside (HTTP, SQL), every address that the target is dialled at must be public.
"""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every provider's options; fields are YAML keys, types become the JSON Schema.

    A field of type `Secret` gets a `<name>_file` twin in YAML. Descriptions belong into
    `Annotated[..., msgspec.Meta(description=...)]`: they reach editors and the reference pages.
    """


class TlsOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a server's certificate is judged and which one we show."""

    ca_file: Annotated[
        str, msgspec.Meta(description="PEM file of the authorities to trust instead of the system's.")
    ] = ""
    cert_file: Annotated[
        str, msgspec.Meta(description="PEM file of our own certificate, for mutual TLS.")
    ] = ""
    key_file: Annotated[str, msgspec.Meta(description="PEM file of the key of `cert_file`.")] = ""
    server_name: Annotated[
        str, msgspec.Meta(description="Name to ask for and to verify instead of the host.")
    ] = ""
    insecure_skip_verify: Annotated[
        bool, msgspec.Meta(description="Accept any certificate; its expiry is still exported.")
    ] = False
    min_version: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(TLS12|TLS13)$", description="Oldest protocol version to accept: TLS12 or TLS13."
        ),
    ] = "TLS12"
    legacy: Annotated[
        bool,
        msgspec.Meta(
            description="Also speak what only old servers know: TLS 1.2 with RSA key exchange or CBC and "
            "SHA-1, keys from 1024 bits, and no secure renegotiation."
        ),
    ] = False


def secret_fields(options: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the names of the fields of `options` that hold a Secret."""
    info: Any = msgspec.inspect.type_info(options)
    return tuple(field.encode_name for field in info.fields if _holds_secret(field.type))


def tenant_fields(options: type[msgspec.Struct]) -> frozenset[str]:
    """Return the names of the fields of `options` that a tenant's row may set."""
    info: Any = msgspec.inspect.type_info(options)
    return frozenset(field.encode_name for field in info.fields if _marked(field.type, "tenant"))


@cache
def address_fields(options: type[msgspec.Struct]) -> frozenset[str]:
    """Return the names of the fields of `options` by which a tenant's row says where we connect."""
    info: Any = msgspec.inspect.type_info(options)
    return frozenset(field.encode_name for field in info.fields if _marked(field.type, "address"))


def _holds_secret(kind: Any) -> bool:
    if isinstance(kind, msgspec.inspect.Metadata):
        return _holds_secret(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return any(map(_holds_secret, kind.types))
    return isinstance(kind, msgspec.inspect.CustomType) and kind.cls is Secret


def _marked(kind: Any, mark: str) -> bool:
    return isinstance(kind, msgspec.inspect.Metadata) and bool((kind.extra or {}).get(mark))

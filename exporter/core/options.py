"""What a provider's options are made of."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Self, TypeVar

import msgspec

from exporter.core.secret import Secret

T = TypeVar("T", bound=msgspec.Struct)

PER_TENANT = msgspec.Meta(extra={"tenant": True}, extra_json_schema={"x-tenant": True})
"""Mark of an option that a tenant's row may set: `Annotated[str, PER_TENANT]`."""

TENANT_ADDRESS = msgspec.Meta(
    extra={"tenant": True, "address": True}, extra_json_schema={"x-tenant": True, "x-address": True}
)
"""Mark of an option that a tenant's row may set and that says where we connect.

Where the row comes from outside (HTTP, SQL), every address that the target is dialled at must be public.
"""

FILE_TWIN = msgspec.Meta(extra={"twin": True}, extra_json_schema={"x-twin": True})
"""Mark of a text that may be a credential, such as the address of a webhook: it has a `<name>_file` twin.

What the file holds is treated as a credential; of a URL only scheme and host are shown.
"""

OPERATOR = msgspec.Meta(extra={"operator": True}, extra_json_schema={"x-operator": True})
"""Mark of a part of a tenant's option that only the operator sets: a row takes it from the integration.

It is what decides in which header or parameter a credential goes. The list of tenants in the
configuration file itself is the operator's own and may set it.
"""


def steers(*credentials: str) -> msgspec.Meta:
    """Mark an option that decides where, or as whom, `credentials` are sent.

    A tenant's row that sets it must bring these credentials itself, so that no row leads the operator's
    credential to a place of its choice. The list in the configuration file is the operator's own.
    """
    return msgspec.Meta(extra={"tenant": True, "steers": credentials}, extra_json_schema={"x-tenant": True})


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every provider's options; fields are YAML keys, types become the JSON Schema.

    A field of type `Secret`, or marked FILE_TWIN, gets a `<name>_file` twin in YAML. Descriptions belong into
    `Annotated[..., msgspec.Meta(description=...)]`: they reach editors and the reference pages.
    """

    def trusting(self, ca_file: str) -> Self:
        """Return the options with `ca_file` (PEM) trusted wherever they name no authorities of their own."""
        return trusting(self, ca_file)


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


@cache
def steering_fields(options: type[msgspec.Struct]) -> Mapping[str, tuple[str, ...]]:
    """Return the options that decide where credentials go, each with those credentials.

    An address decides it for all of them.
    """
    info: Any = msgspec.inspect.type_info(options)
    found = {
        field.encode_name: tuple(extra["steers"])
        for field in info.fields
        if "steers" in (extra := extra_of(field.type))
    }
    return found | dict.fromkeys(address_fields(options), secret_fields(options))


def twin_fields(options: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the names of the fields of `options` that a file may hold: secrets, and texts marked so."""
    info: Any = msgspec.inspect.type_info(options)
    marked = (field.encode_name for field in info.fields if _has_mark(field.type, "twin"))
    return (*secret_fields(options), *marked)


def trusting(part: T, ca_file: str) -> T:
    """Return `part` with `ca_file` in every TlsOptions in it that verifies by the system's authorities."""
    changed = {}
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if (new := _trusting(value, ca_file)) is not value:
            changed[name] = new
    return msgspec.structs.replace(part, **changed) if changed else part


def _trusting(value: Any, ca_file: str) -> Any:
    if isinstance(value, TlsOptions):
        # Authorities of its own go before the default, and one that verifies nothing needs none.
        own = value.ca_file or value.insecure_skip_verify
        return value if own else msgspec.structs.replace(value, ca_file=ca_file)
    if isinstance(value, msgspec.Struct):
        return trusting(value, ca_file)
    if isinstance(value, tuple) and any(isinstance(one, msgspec.Struct) for one in value):
        return tuple(_trusting(one, ca_file) for one in value)
    return value


def secret_fields(options: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the names of the fields of `options` that hold a Secret."""
    info: Any = msgspec.inspect.type_info(options)
    return tuple(field.encode_name for field in info.fields if _holds_secret(field.type))


def tenant_fields(options: type[msgspec.Struct]) -> frozenset[str]:
    """Return the names of the fields of `options` that a tenant's row may set."""
    info: Any = msgspec.inspect.type_info(options)
    return frozenset(field.encode_name for field in info.fields if _has_mark(field.type, "tenant"))


@cache
def address_fields(options: type[msgspec.Struct]) -> frozenset[str]:
    """Return the names of the fields of `options` by which a tenant's row says where we connect."""
    info: Any = msgspec.inspect.type_info(options)
    return frozenset(field.encode_name for field in info.fields if _has_mark(field.type, "address"))


def _holds_secret(kind: Any) -> bool:
    if isinstance(kind, msgspec.inspect.Metadata):
        return _holds_secret(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return any(map(_holds_secret, kind.types))
    return isinstance(kind, msgspec.inspect.CustomType) and kind.cls is Secret


def _has_mark(kind: Any, mark: str) -> bool:
    return bool(extra_of(kind).get(mark))


def extra_of(kind: Any) -> Mapping[str, Any]:
    """Return the marks of a field's msgspec.inspect type."""
    return (kind.extra or {}) if isinstance(kind, msgspec.inspect.Metadata) else {}

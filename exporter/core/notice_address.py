"""How Alertmanager reaches the exporter: for the history of alerts, and for text messages."""

from typing import Annotated

import msgspec
from msgspec import Meta

from exporter.core.options import TlsOptions
from exporter.core.secret import Secret


class NoticeAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where Alertmanager sends its notices, as whom, and whom it trusts there."""

    bearer_token: Annotated[
        Secret | None,
        Meta(description="A token of the role notify, of the exporter's web configuration."),
    ] = None
    url: Annotated[
        str,
        Meta(
            description="Base URL of the exporter as Alertmanager reaches it; empty: each of"
            " `generate.exporter.addresses`."
        ),
    ] = ""
    tls: Annotated[TlsOptions, Meta(description="How the exporter's certificate is judged.")] = TlsOptions()

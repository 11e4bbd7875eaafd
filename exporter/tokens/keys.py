"""The identity of tokens: in memory, and in the store."""

import hashlib
from collections.abc import Hashable

from exporter.core.probe import Target
from exporter.core.token import EXTERNAL, Grant, LongLivedGrant, MetaExchange, RefreshToken, TokenSettings


def key_of(target: Target, grant: Grant, settings: TokenSettings) -> Hashable:
    """Return the identity of an account: targets with one credential share its token."""
    if settings.source == "sql" or (settings.source == "store" and isinstance(grant, LongLivedGrant)):
        # What a row of a tenant holds may change at any time, so it cannot name the account.
        return (settings.source, *target.key)
    return name_of(target, grant, settings) if isinstance(grant, LongLivedGrant) else grant


def name_of(target: Target, grant: Grant, settings: TokenSettings) -> str:
    """Return the name of the tokens in the store; another configured token has another name."""
    if settings.source == "store":
        return f"store:{target.integration}/{target.tenant}"
    parts: tuple[str, ...] = ()
    if isinstance(grant, RefreshToken):
        parts = ("refresh", grant.token_url, grant.client_id, grant.refresh_token.reveal())
    elif isinstance(grant, MetaExchange):
        parts = ("meta", grant.token_url, grant.app_id, grant.access_token.reveal())
    if not parts or parts[-1] in ("", EXTERNAL.reveal()):  # nothing that others could share
        parts = (*parts, *target.key)
    return f"seed:{hashlib.blake2b(chr(0).join(parts).encode(), digest_size=16).hexdigest()}"

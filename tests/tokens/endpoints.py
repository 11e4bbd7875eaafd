"""Targets whose tokens are renewed, and a manager that renews them from a real token endpoint."""

from collections.abc import Iterable
from typing import Any

import msgspec

from exporter.core.configuration import Configuration, Integration, StoreSettings
from exporter.core.metric import Sample
from exporter.core.network import Trace
from exporter.core.notifications import Notifications
from exporter.core.options import Options
from exporter.core.probe import Kit, Probe, Target
from exporter.core.secret import Secret
from exporter.core.token import (
    EXTERNAL,
    AccessToken,
    ClientCredentials,
    Grant,
    JwtBearer,
    MetaExchange,
    RefreshToken,
    TokenSettings,
)
from exporter.sandbox.oauth import CLIENT_ID, CLIENT_SECRET, OAuthServer
from exporter.tokens.manager import TokenManager


class TokenOptions(Options, frozen=True, kw_only=True):
    """The options of the made-up provider."""

    token_url: str
    kind: str = "refresh"
    refresh_token: Secret = Secret("")
    access_token: Secret = Secret("")
    client_secret: Secret = Secret(CLIENT_SECRET)


def grant_of(options: TokenOptions) -> Grant | None:
    if options.kind == "refresh":
        token = options.refresh_token or EXTERNAL
        return RefreshToken(options.token_url, CLIENT_ID, options.client_secret, token, options.access_token)
    if options.kind == "meta":
        return MetaExchange(options.token_url, CLIENT_ID, options.client_secret, options.access_token)
    if options.kind == "client":
        return ClientCredentials(options.token_url, CLIENT_ID, options.client_secret, auth_style="body")
    if options.kind == "service":
        return JwtBearer(options.token_url, "robot@example", options.access_token)
    return None


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    grant = grant_of(target.options)
    if grant is not None:
        await kit.token(grant)
    return []


PROBE = Probe("made", "Made", TokenOptions, check, grant=grant_of, token_option="refresh_token")


def made(server: OAuthServer, name: str, tenant: str = "acme", **options: Any) -> Target:
    """Return a target; `name` is its integration."""
    path = "/v26.0/oauth/access_token" if options.get("kind") == "meta" else "/token"
    given: dict[str, Any] = {"token_url": server.url(path), **options}
    return Target(name, tenant, PROBE, TokenOptions(**given), 60.0, 10.0)


def changed(target: Target, **options: Any) -> Target:
    """Return `target` with other options."""
    return Target(
        target.integration,
        target.tenant,
        target.probe,
        msgspec.structs.replace(target.options, **options),
        60.0,
        10.0,
    )


def configured(*targets: Target, settings: TokenSettings | None = None) -> Configuration:
    """Return a configuration of `targets`, all with the same settings of tokens."""
    names = {target.integration: target.probe for target in targets}
    tokens = settings or TokenSettings()
    return Configuration(
        path=None,
        integrations=tuple(
            Integration(name, probe, False, 60.0, tokens=tokens) for name, probe in names.items()
        ),
        targets={target.key: target for target in targets},
        thresholds=(),
        notifications=Notifications(),
        store=StoreSettings(),
    )


async def ask_token(manager: TokenManager, target: Target, refused: AccessToken | None = None) -> AccessToken:
    """Ask for the token of `target` as a probe does; `refused` is one that the probed server did not take."""
    grant = grant_of(target.options)
    assert grant is not None
    return await manager.get(target, grant, Trace(), refused)

"""The options of a Google Calendar integration, and how its access token is got.

Sources: developers.google.com/identity/protocols/oauth2 (web server apps, service accounts).
"""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from exporter.core.options import PER_TENANT, Options, TlsOptions, steers
from exporter.core.secret import Secret
from exporter.core.token import Grant, JwtBearer, RefreshToken
from exporter.probes._vendor_api import WEB_ADDRESS, BaseUrl

SCOPE_PREFIX = "https://www.googleapis.com/auth/"
READ_ONLY = "calendar.readonly"
"""What a service account asks for where the configuration names no scopes."""


class GoogleCalendarOptions(Options, frozen=True):
    """One of three credentials: a `token` that is used as is, a `refresh_token`, or a `service_account`."""

    client_id: Annotated[
        str, steers("client_secret"), Meta(description="Id of the OAuth client, for refreshing.")
    ] = ""
    client_secret: Annotated[Secret | None, PER_TENANT, Meta(description="Secret of the OAuth client.")] = (
        None
    )
    token: Annotated[
        Secret | None,
        PER_TENANT,
        Meta(description="Access token, ya29...; without a refresh_token it is used as it is."),
    ] = None
    refresh_token: Annotated[
        Secret | None, PER_TENANT, Meta(description="Refresh token of the tenant's consent, 1//...")
    ] = None
    service_account: Annotated[
        Secret | None, PER_TENANT, Meta(description="JSON key of a service account, the whole text.")
    ] = None
    subject: Annotated[
        str,
        PER_TENANT,
        Meta(description="User that the service account acts for (domain-wide delegation)."),
    ] = ""
    # As a segment of a path, `.` and `..` would lead away from the calendars even when they are quoted.
    calendar_id: Annotated[
        str,
        PER_TENANT,
        Meta(
            pattern=r"^(?!\.{1,2}$)[^\s/?#]{0,254}$",
            description="Id of the calendar; the user's own one if empty.",
        ),
    ] = ""
    scopes: Annotated[
        tuple[str, ...],
        PER_TENANT,
        Meta(
            description="Scopes that the platform needs, such as calendar.events; one that is not granted is"
            " reported. A service account asks for them."
        ),
    ] = ()
    access_role: Annotated[
        str,
        PER_TENANT,
        Meta(
            pattern=r"^(|freeBusyReader|reader|writer|owner)$",
            description="Least role on the calendar that the platform needs: freeBusyReader, reader, writer"
            " or owner.",
        ),
    ] = ""
    base_url: BaseUrl = "https://www.googleapis.com/calendar/v3"
    token_url: Annotated[str, Meta(pattern=WEB_ADDRESS, description="Where tokens are given out.")] = (
        "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    )
    tokeninfo_url: Annotated[
        str, Meta(pattern=WEB_ADDRESS, description="Where access tokens are inspected.")
    ] = "https://oauth2.googleapis.com/tokeninfo"
    tls: Annotated[TlsOptions, Meta(description="How the certificates of these addresses are judged.")] = (
        TlsOptions()
    )


def short(scope: str) -> str:
    """Return a scope without the address that all of Google's scopes begin with."""
    return scope.removeprefix(SCOPE_PREFIX)


def grant_of(options: GoogleCalendarOptions) -> Grant | None:
    """Return how the access token is renewed, None where the one in the options is used as it is."""
    if options.service_account:
        return _assertion(options, options.service_account)
    if options.refresh_token and options.client_id and options.client_secret:
        return RefreshToken(
            options.token_url,
            options.client_id,
            options.client_secret,
            options.refresh_token,
            options.token or Secret(""),
            tls=options.tls,
        )
    return None


def _assertion(options: GoogleCalendarOptions, account: Secret) -> JwtBearer | None:
    key = _key_of(account)
    if key is None:
        return None
    # The key's own token_uri is not used: a tenant could name any address there.
    return JwtBearer(
        options.token_url,
        key["client_email"],
        Secret(key["private_key"]),
        key_id=str(key.get("private_key_id", "")),
        subject=options.subject,
        scopes=tuple(SCOPE_PREFIX + short(scope) for scope in options.scopes or (READ_ONLY,)),
        tls=options.tls,
    )


def _key_of(account: Secret) -> dict[str, Any] | None:
    """Return the fields of a JSON key, None where it is none."""
    try:
        found = msgspec.json.decode(account.reveal())
    # RecursionError, because the text is a tenant's and may be nested to any depth.
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("type") != "service_account":
        return None
    wanted = ("client_email", "private_key")
    return found if all(isinstance(found.get(name), str) and found[name] for name in wanted) else None


def mistakes(options: GoogleCalendarOptions) -> list[str]:
    """Return what is wrong with options that each have the right type."""
    found = []
    if options.service_account and _key_of(options.service_account) is None:
        found.append("service_account is no JSON key of a service account; give the whole text of the file")
    if options.service_account and (options.token or options.refresh_token):
        found.append("service_account and a token or refresh_token are set; give one of them")
    if options.subject and not options.service_account:
        found.append("subject is for a service_account; remove it, or give the account's key")
    odd = [scope for scope in options.scopes if not re.fullmatch(r"calendar(\.[a-z]+)*", short(scope))]
    if odd:
        found.append("scopes has one that is none of Google Calendar's; write such as calendar.events")
    return found

"""Who is calling, and whether they may."""

import hashlib
import hmac
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from exporter.core.defaults import CHANGE_HEADER
from exporter.server import alternative_names
from exporter.server.admin import AdminToken, cookie_name
from exporter.server.local import check_local, peer_of
from exporter.server.paths import Paths
from exporter.server.web_config.file import WebConfigFile
from exporter.server.web_config.passwords import Passwords, TooBusyError
from exporter.server.web_config.settings import AllowedTenants, Role, Roles, WebConfig


class Effect(Enum):
    """What a request does besides reading."""

    READ = "reads"
    SPEND = "reads, and spends calls of a vendor"
    CHANGE = "changes something"


@dataclass(frozen=True)
class AccessRule:
    """Who may use a route. `role` None: any caller.

    `open` routes need no role while no access is configured, `inner` ones need admin then, whatever `role`
    says. Identities that are bound to tenants may use only routes that are `narrow`: these answer with the
    part that belongs to the tenants. `others` are roles that will do as well, `of_tenant` one that will do
    for identities that are bound to tenants. `unlimited` routes do not count for the web file's `rate_limit`.
    """

    role: Role | None
    effect: Effect = Effect.READ
    open: bool = False
    narrow: bool = False
    inner: bool = False
    unlimited: bool = False
    others: Roles = frozenset()
    of_tenant: Role | None = None

    def allows(self, identity: "Identity") -> bool:
        """Return whether one of the roles of `identity` will do."""
        if self.role is None or identity.has(self.role) or any(map(identity.has, self.others)):
            return True
        return identity.tenants is not None and self.of_tenant is not None and identity.has(self.of_tenant)

    def admits(self, identity: "Identity") -> bool:
        """Return whether `identity` gets an answer: its roles will do, and its tenants are no obstacle."""
        return self.allows(identity) and (self.narrow or identity.tenants is None)


@dataclass(frozen=True)
class Identity:
    """Who calls: `name` is the actor in the log; browsers send the credentials of `ambient` ones unasked."""

    name: str
    roles: Roles
    tenants: AllowedTenants = None
    ambient: bool = True

    def has(self, role: Role) -> bool:
        """Return whether it has `role`; admin has viewer too."""
        return role in self.roles or (role is Role.VIEWER and Role.ADMIN in self.roles)

    def sees(self, tenant: str) -> bool:
        """Return whether it may know of `tenant`."""
        return self.tenants is None or tenant in self.tenants


_BEARER = {"WWW-Authenticate": 'Bearer realm="integration-exporter"'}
_ASKS_TOKEN = "this needs the admin token; the first lines of the exporter's log name its file"  # noqa: S105 - a text

NOBODY = Identity("nobody", frozenset())
LOOPBACK = Identity("loopback", frozenset({Role.VIEWER}))
ADMIN_TOKEN = Identity("admin-token", frozenset(Role), ambient=False)
ADMIN_SESSION = Identity("admin-session", frozenset(Role))
IDENTITY = web.RequestKey("identity", Identity)


class Access:
    """Judges each request by the web configuration of the moment."""

    def __init__(
        self,
        web_config: WebConfigFile,
        paths: Paths,
        admin: AdminToken,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Remember where the rules come from; `admin` counts while no access is configured."""
        self._web = web_config
        self._paths = paths
        self._admin = admin
        self._now = now
        self._passwords = Passwords()

    async def admit(self, request: web.Request, rule: AccessRule) -> Identity:
        """Return who calls, or raise the HTTP error that says why they may not."""
        config = self._web.current
        _check_target(request)
        _check_allowed_sans(config, request)
        if rule.role is None or (rule.open and not config.closed):
            return NOBODY
        identity = await self._identify(config, request) if config.closed else self._local(request, rule)
        # Also of one who is refused: the audit names them.
        request[IDENTITY] = identity
        if not rule.allows(identity):
            raise web.HTTPForbidden(text=f"this needs the role {rule.role}, which {identity.name} has not")
        if identity.tenants is not None and not rule.narrow:
            raise web.HTTPForbidden(text=f"{identity.name} is bound to tenants, and this shows all of them")
        self._check_origin(request, rule, identity)
        return identity

    async def _identify(self, config: WebConfig, request: web.Request) -> Identity:
        # Credentials that are wrong are never passed over for what a proxy or a certificate says.
        if "Authorization" in request.headers:
            identity = await self._from_header(config, request)
        else:
            identity = _from_proxy(config, request) or _from_certificate(config, request)
        if identity is None:
            raise web.HTTPUnauthorized(text="say who you are", headers=_challenge(config))
        return identity

    def _local(self, request: web.Request, rule: AccessRule) -> Identity:
        """Return who calls from this machine, while no access is configured."""
        check_local(request)
        identity = self._admin_of(request)
        if not identity.has(Role.ADMIN) and (rule.inner or not rule.allows(identity)):
            if not self._admin.usable():
                raise web.HTTPForbidden(
                    text=f"this needs --web.config.file, or the admin token: {self._admin.trouble}"
                )
            raise web.HTTPUnauthorized(text=_ASKS_TOKEN, headers=_BEARER)
        return identity

    def _admin_of(self, request: web.Request) -> Identity:
        given = request.headers.getall("Authorization", [])
        if given:
            scheme, _, value = given[0].partition(" ")
            if len(given) == 1 and scheme.lower() == "bearer" and self._admin.fits(value.strip()):
                return ADMIN_TOKEN
            raise web.HTTPUnauthorized(text="this is not the admin token of this exporter", headers=_BEARER)
        session = request.cookies.get(cookie_name(request), "")
        return ADMIN_SESSION if self._admin.has_session(session, self._now()) else LOOPBACK

    async def _from_header(self, config: WebConfig, request: web.Request) -> Identity | None:
        given = request.headers.getall("Authorization", [])
        if len(given) != 1:
            return None
        scheme, _, value = given[0].partition(" ")
        if scheme.lower() == "bearer":
            return _from_token(config, value.strip())
        return await self._from_password(config, value.strip()) if scheme.lower() == "basic" else None

    async def _from_password(self, config: WebConfig, value: str) -> Identity | None:
        try:
            user, colon, password = b64decode(value, validate=True).decode().partition(":")
        except (Base64Error, UnicodeDecodeError, ValueError):
            return None
        if not (config.users and colon):
            return None
        try:
            right = await self._passwords.verify(dict(config.users), user, password)
        except TooBusyError:
            raise web.HTTPServiceUnavailable(
                text="too many passwords are being checked; try again", headers={"Retry-After": "2"}
            ) from None
        return Identity(f"user:{user}", config.roles_of(user)) if right else None

    def _check_origin(self, request: web.Request, rule: AccessRule, identity: Identity) -> None:
        """Refuse what another site made a browser send; see https://owasp.org/www-community/attacks/csrf."""
        if rule.effect is Effect.READ or not identity.ambient:
            return
        # Behind a proxy a browser names the external address, which the request itself does not show.
        origins = {f"{request.scheme}://{request.host}".lower(), self._paths.origin} - {""}
        headers = request.headers
        # No browser sends a header of these twice: all of them are judged.
        origin = {one.lower() for one in headers.getall("Origin", [])}
        same_site = set(headers.getall("Sec-Fetch-Site", [])) <= {"same-origin", "none"}
        # A browser that sends neither, as to plain HTTP on another machine, still names the page at times.
        page = {_origin_of(one) for one in headers.getall("Referer", [])}
        if not same_site or not origin | page <= origins:
            raise web.HTTPForbidden(text="this request comes from another site; open the exporter's own page")
        # A form cannot send a header, and a script of another site only after a preflight, which is refused.
        if rule.effect is Effect.CHANGE and headers.getall(CHANGE_HEADER, []) != ["1"]:
            raise web.HTTPForbidden(text=f"changes need the header {CHANGE_HEADER}: 1")


ACCESS = web.AppKey("access", Access)


def _check_target(request: web.Request) -> None:
    """Refuse a request line that names another host than the header does (RFC 9112, section 3.2.2)."""
    line = request.raw_path
    if not line.startswith("/") and _authority(line) != request.headers.get("Host", "").lower():
        raise web.HTTPBadRequest(text="the request line and the header Host name different hosts")


def _authority(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _origin_of(page: str) -> str:
    return f"{page.partition('://')[0].lower()}://{_authority(page)}"


def _from_token(config: WebConfig, value: str) -> Identity | None:
    digest = hashlib.sha256(value.encode()).digest()
    found: Identity | None = None
    for token in config.tokens:  # all of them, so that the time says nothing of the place
        if hmac.compare_digest(digest, token.digest):
            found = Identity(f"token:{token.name}", token.roles, token.tenants, ambient=False)
    return found


def _from_proxy(config: WebConfig, request: web.Request) -> Identity | None:
    proxy, peer = config.proxy, peer_of(request)
    if proxy is None or peer is None or not any(peer in network for network in proxy.networks):
        return None
    names = request.headers.getall(proxy.header, [])
    # Given twice, the proxy did not remove what the client sent.
    if len(names) != 1 or not (0 < len(names[0]) <= 256 and names[0].isprintable()):
        return None
    return Identity(f"proxy:{names[0]}", config.roles_of(names[0], proxy.roles))


def _from_certificate(config: WebConfig, request: web.Request) -> Identity | None:
    names = _alternative_names(request)
    if names is None:
        return None
    for entry in config.certificates:
        if entry.san in names:
            return Identity(f"certificate:{entry.name}", entry.roles, entry.tenants)
    # Where nothing else is configured, a certificate of the authority is all that a reader needs.
    only_way = not (config.users or config.tokens or config.proxy or config.certificates)
    if only_way and config.tls and config.tls.verifies:
        return Identity("certificate:" + next(iter(sorted(names)), "client"), frozenset({Role.VIEWER}))
    return None


def _alternative_names(request: web.Request) -> frozenset[str] | None:
    """Return the names in the client's verified certificate, None where it showed none."""
    found: Any = request.transport.get_extra_info("peercert") if request.transport else None
    if not found:
        return None
    return alternative_names.names(found)


def _check_allowed_sans(config: WebConfig, request: web.Request) -> None:
    allowed = config.tls.client_allowed_sans if config.tls else ()
    if allowed and not (_alternative_names(request) or frozenset()) & set(allowed):
        raise web.HTTPForbidden(text="the name in the client certificate is not allowed")


def _challenge(config: WebConfig) -> Mapping[str, str]:
    # Browsers open their dialog for Basic: it is offered only where there are passwords.
    if config.users:
        return {"WWW-Authenticate": 'Basic realm="integration-exporter", charset="UTF-8"'}
    return _BEARER

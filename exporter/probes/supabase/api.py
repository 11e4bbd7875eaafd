"""The calls to a Supabase project, and what a refusal means.

Sources: supabase.com/docs (API keys, troubleshooting/http-status-codes, guides/telemetry/metrics),
supabase/supabase docker/volumes/api/kong.yml, PostgREST (HEAD of the root is its description without a body).
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from exporter.core.document import is_moment
from exporter.core.errors import ProbeError
from exporter.core.network import Answer, Header, Request
from exporter.core.options import PER_TENANT, Options, TlsOptions, steers
from exporter.core.probe import Kit
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net.pause import pause_of
from exporter.net.reasons import reason_of_status
from exporter.probes._vendor_api import WEB_ADDRESS

PROJECT = "{project}"
METRICS_PATH = "/customer/v1/privileged/metrics"
MAX_METRICS = 8 << 20
"""Bytes of the metrics; some hundred thousand are usual."""
_SEARCHED = 4096


class SupabaseOptions(Options, frozen=True):
    """The options of a Supabase integration."""

    url: Annotated[
        str,
        Meta(
            pattern=WEB_ADDRESS,
            description="Address of the project; {project} stands for the option `project`.",
        ),
    ] = "https://{project}.supabase.co"
    project: Annotated[
        str,
        steers("service_role_key"),
        Meta(
            pattern=r"^[a-z0-9]{0,63}$", description="Reference of the project, such as abcdefghijklmnopqrst."
        ),
    ] = ""
    service_role_key: Annotated[
        Secret | None,
        PER_TENANT,
        Meta(description="Secret key, sb_secret_..., or the legacy service_role key."),
    ] = None
    services: Annotated[
        tuple[str, ...],
        PER_TENANT,
        Meta(description="Services that the platform uses: auth, rest, storage."),
    ] = ("auth", "rest", "storage")
    metrics: Annotated[
        bool, Meta(description="Whether to read the database's metrics, which only hosted projects have.")
    ] = True
    tls: Annotated[TlsOptions, Meta(description="How the certificate of `url` is judged.")] = TlsOptions()


@dataclass(frozen=True)
class Service:
    """One service of a project and the cheapest call that shows that it works."""

    name: str
    path: str
    method: str = "GET"
    field: str = ""


SERVICES = {
    service.name: service
    for service in (
        Service("auth", "/auth/v1/health", field="version"),
        # Without a body: the description of a large schema has megabytes.
        Service("rest", "/rest/v1/", "HEAD"),
        Service("storage", "/storage/v1/status"),
    )
}


class Api:
    """The calls of one run to one project."""

    def __init__(self, options: SupabaseOptions, kit: Kit) -> None:
        """Prepare to call; a project that is not named is a ProbeError."""
        if PROJECT in options.url and not options.project:
            raise ProbeError(Reason.NOT_CONFIGURED, "no project is configured, and no url that needs none")
        self.kit = kit
        self._base = options.url.replace(PROJECT, options.project).rstrip("/")
        self._key = options.service_role_key or Secret("")
        self._tls = options.tls

    async def ask(self, service: Service) -> None:
        """Fail unless the service answers as it should."""
        answer = await self._call(service.path, service.method, self._headers())
        if not 200 <= answer.status < 300:
            raise refusal(service.name, answer, self.kit.now())
        if service.field:
            self.kit.document(answer).must(service.field)

    async def metrics(self) -> str:
        """Return the text of the database's metrics; a refusal is a ProbeError."""
        pair = base64.b64encode(f"service_role:{self._key.reveal()}".encode()).decode()
        answer = await self._call(METRICS_PATH, "GET", (("Authorization", Secret(f"Basic {pair}")),))
        if answer.status != 200:
            raise refusal("metrics", answer, self.kit.now())
        return answer.body.decode("utf-8", "replace")

    async def _call(self, path: str, method: str, auth: tuple[Header, ...]) -> Answer:
        request = Request(f"{self._base}{path}", method, auth=auth, tls=self._tls, max_body=MAX_METRICS)
        return await self.kit.call(request)

    def _headers(self) -> tuple[Header, ...]:
        # A new key speaks for itself; a legacy one is a JWT, whose role counts only as a bearer.
        bearer = Secret(f"Bearer {self._key.reveal()}")
        return (("apikey", self._key), *((("Authorization", bearer),) if is_legacy(self._key) else ()))


def is_legacy(key: Secret) -> bool:
    """Return whether a key is one of the old kind: a JWT."""
    return re.fullmatch(r"eyJ[\w-]*\.[\w-]+\.[\w-]*", key.reveal()) is not None


def expiry_of(key: Secret) -> float | None:
    """Return when a legacy key expires, by its own claim; None where it has none."""
    try:
        text = key.reveal().split(".")[1]
        # A JWT leaves out the padding of base64 (RFC 7515, section 2), which Python demands.
        claims: Any = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (IndexError, binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    end: Any = claims.get("exp") if isinstance(claims, dict) else None
    number = float(end) if isinstance(end, (int, float)) and not isinstance(end, bool) else 0.0
    return number if is_moment(number) else None


_BY_STATUS = {
    540: (Reason.ACCOUNT, "the project is paused"),
    544: (Reason.VENDOR_ERROR, "the project did not answer its own gateway in time"),
}


def refusal(place: str, answer: Answer, now: float) -> ProbeError:
    """Return the error that `answer` means; `now` is Unix seconds.

    Of the body only the codes of restrictions are looked for: messages may repeat what was sent.
    """
    reason, words = _BY_STATUS.get(answer.status) or _of_status(place, answer)
    shown = f": {words}" if words else ""
    detail = f"{place} answered HTTP {answer.status}{shown}"
    return ProbeError(reason, detail, retry_after=pause_of(answer.headers, now))


def _of_status(place: str, answer: Answer) -> tuple[Reason, str]:
    if answer.status == 402:
        return _restriction(answer.body)
    # A publishable key may read tables, but not the description of the API.
    if answer.status == 403 and place == "rest":
        return Reason.PERMISSION, "the key is no secret key and no service_role key"
    return reason_of_status(answer.status) or Reason.BAD_RESPONSE, ""


def _restriction(body: bytes) -> tuple[Reason, str]:
    found = re.search(rb"\b(exceed(?:ed)?_[a-z_]{1,40}|overdue_payment)\b", body[:_SEARCHED])
    code = found[1].decode() if found else ""
    if code == "overdue_payment":
        return Reason.ACCOUNT, "the project is restricted (overdue_payment)"
    return Reason.QUOTA, f"the project is restricted ({code or 'no reason given'})"

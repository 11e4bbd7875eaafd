"""One call of the Graph API: what is sent, what comes back beside the body, and what a refusal means.

Sources: developers.facebook.com/docs/graph-api (overview, versioning, securing requests, error handling).
"""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from exporter.core.document import Document
from exporter.core.metric import Sample
from exporter.core.network import Answer, Header, Request
from exporter.core.options import PER_TENANT, Options, TlsOptions, steers
from exporter.core.probe import DAY, Kit
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net.pause import pause_of
from exporter.probes._meta_graph.errors import (
    INVALID_PARAMETER,
    VERSION_GONE,
    GraphError,
    codes_of,
    error_of,
    reason_of,
    sentence,
)
from exporter.probes._meta_graph.metrics import GraphMetrics
from exporter.probes._meta_graph.usage import Bucket, buckets_of, usage_samples, wait_of
from exporter.probes._meta_graph.versions import DEFAULT, end_of, is_newer
from exporter.probes._readings import FurtherReadings
from exporter.probes._vendor_api import BaseTls, BaseUrl, Page, PagedList, Parameters, address, read_pages

PAGE = 100
"""Elements of a page that we ask for."""
MAX_BODY = 8 << 20
"""Bytes of one answer: a page of message templates holds their texts."""
# Marketing API only: it has served the call with a newer version than the one that was asked for.
AD_VERSION_WARNING = "x-ad-api-version-warning"
EFFECTIVE_VERSION = "facebook-api-version"


class GraphOptions(Options, frozen=True):
    """The options of every integration on the Graph API."""

    access_token: Annotated[
        Secret | None, PER_TENANT, Meta(description="Token of a system user or a user of the app.")
    ] = None
    app_id: Annotated[
        str,
        steers("app_secret"),
        Meta(pattern=r"^[0-9]{0,32}$", description="Id of the app that the token was made for."),
    ] = ""
    app_secret: Annotated[
        Secret | None,
        PER_TENANT,
        Meta(description="Secret of the app: it proves each call and lets the token be inspected."),
    ] = None
    api_version: Annotated[
        str,
        Meta(
            pattern=r"^v[0-9]{1,3}\.[0-9]{1,2}$", description="Version of the API to ask for, such as v26.0."
        ),
    ] = DEFAULT
    base_url: BaseUrl = "https://graph.facebook.com"
    tls: BaseTls = TlsOptions()


@dataclass(frozen=True)
class Fields:
    """Fields to ask of an object: `full`, or only `basic` where the version does not know one of them."""

    name: str
    full: tuple[str, ...]
    basic: tuple[str, ...]


class Graph:
    """The calls of one run. `own` is the id of the account that the usage headers are read for."""

    def __init__(
        self,
        options: GraphOptions,
        kit: Kit,
        metrics: GraphMetrics,
        own: str,
        ends: Mapping[str, str],
        token: Secret | None = None,
    ) -> None:
        """Prepare to call as `token`; `ends` are the announced end dates of versions."""
        self.options = options
        self.kit = kit
        self.metrics = metrics
        self.refused: dict[str, bool] = {}
        self._further: FurtherReadings | None = None
        self._own = own
        self._token = token or options.access_token or Secret("")
        self._buckets: dict[str, Bucket] = {}
        self._deprecated: bool | None = None
        if (end := end_of(options.api_version, ends)) is not None:
            kit.fact(metrics.version_end(end, version=options.api_version))
            # None until an answer names the version that served it; no sample is made of None.
            self._deprecated = True if end <= kit.now() else None

    @property
    def further(self) -> FurtherReadings:
        """The readings after the first call, which must have been made."""
        if self._further is None:
            self._further = FurtherReadings(self.kit, self.metrics.reading_refused)
        return self._further

    @property
    def app_token(self) -> Secret | None:
        """The token of the app itself, None unless both its id and its secret are known."""
        secret = self.options.app_secret
        # "id|secret" is itself an access token (facebook-login/guides/access-tokens, app access tokens).
        return Secret(f"{self.options.app_id}|{secret.reveal()}") if secret and self.options.app_id else None

    async def get(
        self,
        path: str,
        parameters: Parameters = (),
        *,
        place: str,
        token: Secret | None = None,
        secrets: tuple[Header, ...] = (),
    ) -> Document:
        """Return the object at `path`; a refusal is a GraphError that names `place`, which holds no id.

        `token` speaks instead of the integration's own one; `secrets` go into the query on the wire alone.
        """
        bearer = token or self._token
        answer = await self.kit.call(self._request(path, parameters, bearer, secrets))
        buckets = buckets_of(answer.headers, self._own, self.kit.trace.drift.append)
        # Before the status is judged: a throttled answer is the one that says how long to wait.
        self._buckets |= buckets
        self._observe_version(answer)
        if answer.status != 200:
            raise self._refusal(answer, buckets, place)
        return self.kit.document(answer)

    async def get_fields(self, path: str, fields: Fields, parameters: Parameters = ()) -> Document:
        """Return the object at `path` with its `fields`.

        One field that the version does not know makes the whole call fail: then, and for a day after, only
        the basic ones are asked for.
        """
        key, now = f"fields/{fields.name}/{self.options.api_version}", self.kit.now()
        failed = self.kit.recall(key)
        # A stored value that is not a number, or is in the future, counts as none.
        if not (isinstance(failed, (int, float)) and 0 <= now - failed < DAY):
            try:
                found = await self._with(path, fields.full, fields.name, parameters)
            except GraphError as error:
                # Code 100 with another reason is about a proof or a missing object: fewer fields do not help.
                if error.code != INVALID_PARAMETER or error.reason is not Reason.BAD_RESPONSE:
                    raise
                self.kit.log(f"{error.detail}; asking for the basic fields only, for a day")
                self.kit.remember(key, now)
            else:
                self.refused[f"{fields.name}_fields"] = False
                return found
        self.refused[f"{fields.name}_fields"] = True
        return await self._with(path, fields.basic, fields.name, parameters)

    async def _with(self, path: str, names: tuple[str, ...], place: str, parameters: Parameters) -> Document:
        return await self.get(path, (("fields", ",".join(names)), *parameters), place=place)

    async def pages(self, read: Callable[[Parameters], Awaitable[Document]], limit: int) -> PagedList:
        """Return a list of at most `limit` pages; `read` asks for the page with the given parameters."""

        async def each(after: Parameters) -> Page:
            page = await read((("limit", str(PAGE)), *after))
            cursor = page.at("paging", "cursors", "after").value
            # Only `next` says that there is more: the last page has cursors, too. Its address is not
            # followed, since it repeats the access token.
            more = page.at("paging", "next").value is not None and isinstance(cursor, str)
            return tuple(page.must("data").items()), (("after", cursor),) if more else ()

        return await read_pages(each, limit)

    def samples(self) -> Iterator[Sample]:
        """Return what the calls reported beside their bodies: usage, version, refused readings."""
        yield from usage_samples(self._buckets, self.kit.now())
        if self._deprecated is not None:
            yield self.metrics.version_deprecated(self._deprecated, version=self.options.api_version)
        for reading, refused in self.refused.items():
            yield self.metrics.reading_refused(refused, reading=reading)
        if self._further:
            yield from self._further.samples()

    def _request(
        self, path: str, parameters: Parameters, bearer: Secret, secrets: tuple[Header, ...]
    ) -> Request:
        options = self.options
        if options.app_secret:
            secrets = (*secrets, ("appsecret_proof", proof(options.app_secret, bearer)))
        return Request(
            url=address(options.base_url, f"/{options.api_version}{path}", parameters),
            auth=(("Authorization", Secret(f"Bearer {bearer.reveal()}")),),
            query=secrets,
            tls=options.tls,
            max_body=MAX_BODY,
        )

    def _observe_version(self, answer: Answer) -> None:
        served = answer.headers.get(EFFECTIVE_VERSION, "")
        if answer.headers.get(AD_VERSION_WARNING) or is_newer(served, self.options.api_version):
            self._deprecated = True
        # Never back to False within a run: one warning stays true whatever later answers say.
        elif served and self._deprecated is None:
            self._deprecated = False

    def _refusal(self, answer: Answer, buckets: Mapping[str, Bucket], place: str) -> GraphError:
        error = error_of(answer)
        code, _ = codes_of(error)
        # Meta's support asks for this id. It comes from outside, so only a plain one reaches the log.
        trace_id = error.get("fbtrace_id")
        shown = (
            trace_id if isinstance(trace_id, str) and re.fullmatch(r"[\w-]{1,64}", trace_id) else "unknown"
        )
        self.kit.log(f"{place}: HTTP {answer.status}, fbtrace_id {shown}")
        if code == VERSION_GONE:
            self._deprecated = True
        reason = reason_of(answer.status, error)
        # The longest wait: calls while an app is throttled are counted too, and put off its end.
        waits = [wait for wait in (pause_of(answer.headers, self.kit.now()), wait_of(buckets)) if wait]
        wait = max(waits, default=None) if reason is Reason.RATE_LIMITED else None
        return GraphError(reason, sentence(place, answer.status, error), code, wait)


def proof(app_secret: Secret, token: Secret) -> Secret:
    """Return the appsecret_proof of `token`: hex of HMAC-SHA256 with the app's secret as the key."""
    return Secret(hmac.new(app_secret.reveal().encode(), token.reveal().encode(), hashlib.sha256).hexdigest())

"""What the JSON APIs of several vendors have in common: options, addresses, pace, refusals, lists."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from msgspec import Meta

from exporter.core.body import json_of
from exporter.core.document import Document
from exporter.core.errors import ProbeError
from exporter.core.network import Answer, Header, Request
from exporter.core.options import TlsOptions
from exporter.core.probe import Kit
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net.pause import pause_of

PagesOf100 = Annotated[
    int, Meta(ge=1, le=20, description="Most pages of 100 that are read of any list; each page is a call.")
]
"""The option `pages` of a vendor whose pages hold 100 elements."""

WEB_ADDRESS = r"^https?://[^/\s?#@]+(/[^\s?#]*)?$"
"""Pattern of an address that paths are added to: without a query, and without credentials in it."""

BaseUrl = Annotated[str, Meta(pattern=WEB_ADDRESS, description="Where the API is.")]
"""The option `base_url`: the operator's alone, since credentials are sent there."""

BaseTls = Annotated[TlsOptions, Meta(description="How the certificate of `base_url` is judged.")]
"""The option `tls` beside `base_url`."""

Parameters = Sequence[tuple[str, str]]
"""Parameters of a query, as (name, value)."""

Page = tuple[Sequence[Document], Parameters]
"""The elements of one page, and the parameters that bring the next one: () after the last."""


LONGEST_PAUSE = 2.0
"""Seconds that a run waits between two calls where the vendor asks for it; more is left to a later run."""


class Pace:
    """The calls of one run, as far apart as the vendor's headers ask.

    These are `Retry-After`, and `RateLimit-Remaining: 0` with its reset. Each host is a vendor of its own.
    """

    def __init__(self, kit: Kit) -> None:
        """Begin without a pause."""
        self._kit = kit
        self._open: dict[str, float] = {}

    async def call(self, request: Request) -> Answer:
        """Make one HTTP call in its time; ProbeError (`rate_limited`) where that is too far off."""
        host = urlsplit(request.url).netloc
        await self._wait(self._open.get(host, 0.0) - time.monotonic())
        answer = await self._kit.call(request)
        if (pause := pause_of(answer.headers, self._kit.now())) is not None:
            self._open[host] = time.monotonic() + pause
        return answer

    async def _wait(self, seconds: float) -> None:
        if seconds <= 0:
            return
        deadline = self._kit.trace.deadline
        left = math.inf if deadline is None else deadline - time.monotonic()
        # Half of what is left: after the pause there must be time for the call itself and for others.
        if seconds > min(LONGEST_PAUSE, left / 2):
            raise ProbeError(
                Reason.RATE_LIMITED, f"not asked: the vendor wants a pause of {math.ceil(seconds)} s first"
            )
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class PagedList:
    """The elements of a list in their order; `truncated` when there were more than the pages allowed."""

    items: tuple[Document, ...]
    truncated: bool


async def read_pages(read: Callable[[Parameters], Awaitable[Page]], most: int) -> PagedList:
    """Return a list, page by page, `most` pages at most; `read` is given () for the first one."""
    items: list[Document] = []
    after: Parameters = ()
    for _ in range(most):
        fresh, after = await read(after)
        items += fresh
        if not after:
            return PagedList(tuple(items), truncated=False)
    return PagedList(tuple(items), truncated=True)


Refuse = Callable[[str, Answer], Exception]
"""Makes the error that an answer means, from the name of what was asked for and the answer."""


class VendorApi:
    """The calls of one run to JSON under one address: as the vendor, its credential and its pace want them.

    `headers` are those of the last answer.
    """

    def __init__(
        self,
        kit: Kit,
        base_url: str,
        tls: TlsOptions,
        auth: tuple[Header, ...],
        refuse: Refuse,
        *,
        extra: tuple[Header, ...] = (),
        max_body: int = 1 << 20,
    ) -> None:
        """Prepare to call with the headers `auth` and `extra`; every status but 200 is raised by `refuse`.

        `max_body` bounds one answer, in bytes.
        """
        self.kit = kit
        self.headers: Mapping[str, str] = {}
        self._base_url = base_url
        self._request = Request(base_url, headers=extra, auth=auth, tls=tls, max_body=max_body)
        self._refuse = refuse
        self._pace = Pace(kit)

    async def get(self, path: str, parameters: Parameters = ()) -> Document:
        """Return the object at `path`, which begins with a slash; a refusal raises what `refuse` makes."""
        return await self.read(self._base_url, path, parameters, name=path)

    async def read(self, base_url: str, path: str, parameters: Parameters, *, name: str) -> Document:
        """Return the object at `path` of `base_url`, which people know as `name`."""
        answer = await self._pace.call(replace(self._request, url=address(base_url, path, parameters)))
        # Before the status is judged: refusals carry headers of the rate limit, too.
        self.observe(answer)
        if answer.status == 200:
            return self.kit.document(answer)
        raise self._refuse(name, answer)

    def observe(self, answer: Answer) -> None:
        """Note what an answer, a refusal too, says beside its body."""
        self.headers = answer.headers

    async def list_by_id(
        self, path: str, cursor: str, most: int, parameters: Parameters = (), size: int = 100
    ) -> PagedList:
        """Return the list at `path`, `most` pages of `size` at most; `cursor` takes the last id of a page."""

        async def read(after: Parameters) -> Page:
            page = await self.get(path, (*parameters, ("limit", str(size)), *after))
            return page_by_id(page, cursor)

        return await read_pages(read, most)


def bearer(token: Secret | None, scheme: str = "Bearer") -> tuple[Header, ...]:
    """Return the header that carries `token`, or an empty one where it is not configured."""
    return (("Authorization", Secret(f"{scheme} {token.reveal() if token else ''}")),)


def page_by_id(page: Document, cursor: str) -> Page:
    """Read a page `{"data": [{"id"}, ...], "has_more"}`; the parameter `cursor` takes the last id."""
    fresh = tuple(page.must("data").items())
    last = fresh[-1].text("id") if fresh else None
    # Without a last id the next call would bring the first page again, and again.
    more = page.flag("has_more") and last is not None
    return fresh, ((cursor, last or ""),) if more else ()


def address(base_url: str, path: str, parameters: Parameters) -> str:
    """Return the URL of a call; `path` begins with a slash."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"{base_url.rstrip('/')}{path}{query}"


def decimal(document: Document, name: str, *, signed: bool = False) -> float | None:
    """Return a number that an API writes as text, or None and drift; below zero only where it is `signed`."""
    text = document.text(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    # float() also reads "nan" and "inf", which no vendor means.
    if math.isfinite(value) and (signed or value >= 0):
        return value
    document.unknown(name)
    return None


def refusal_of(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON object that came with a refusal, {} where there is none.

    A proxy in between may answer HTML: then the status alone has to do.
    """
    try:
        body = json_of(answer)
    except ProbeError:
        return {}
    return body if isinstance(body, dict) else {}

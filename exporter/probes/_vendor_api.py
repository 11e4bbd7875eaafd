"""What the JSON APIs of several vendors have in common: options, addresses, refusals, and lists in pages."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from msgspec import Meta

from exporter.core.body import json_of
from exporter.core.document import Document
from exporter.core.errors import ProbeError
from exporter.core.network import Answer
from exporter.core.options import TlsOptions

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


@dataclass(frozen=True)
class Listing:
    """The elements of a list in their order; `truncated` when there were more than the pages allowed."""

    items: tuple[Document, ...]
    truncated: bool


async def listed(read: Callable[[Parameters], Awaitable[Page]], most: int) -> Listing:
    """Return a list, page by page, `most` pages at most; `read` is given () for the first one."""
    items: list[Document] = []
    after: Parameters = ()
    for _ in range(most):
        fresh, after = await read(after)
        items += fresh
        if not after:
            return Listing(tuple(items), truncated=False)
    return Listing(tuple(items), truncated=True)


def page_by_id(page: Document, cursor: str) -> Page:
    """Read a page `{"data": [{"id"}, ...], "has_more"}`; the parameter `cursor` takes the last id."""
    fresh = tuple(page.must("data").items())
    last = fresh[-1].text("id") if fresh else None
    more = page.flag("has_more") and last is not None
    return fresh, ((cursor, last or ""),) if more else ()


def address(base_url: str, path: str, parameters: Parameters) -> str:
    """Return the URL of a call; `path` begins with a slash."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"{base_url.rstrip('/')}{path}{query}"


def refusal_of(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON object that came with a refusal, {} where there is none.

    A proxy in between may answer HTML: then the status alone has to do.
    """
    try:
        body = json_of(answer)
    except ProbeError:
        return {}
    return body if isinstance(body, dict) else {}

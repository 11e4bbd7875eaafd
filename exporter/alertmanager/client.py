"""Asks Alertmanager by its API v2, whichever member of its cluster answers."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import quote

from exporter.alertmanager.answers import (
    alerts_body,
    read_alerts,
    read_nothing,
    read_silence_id,
    read_silences,
    silence_body,
)
from exporter.alertmanager.receivers import NotificationCounts, add_counts, read_channels, read_counts
from exporter.core.alertmanager import (
    ActiveAlert,
    AlertmanagerAddress,
    AlertmanagerError,
    FiredAlert,
    Matcher,
    Silence,
)
from exporter.core.errors import ProbeError, Shortage
from exporter.core.network import Answer, Header, Network, Request, Trace

T = TypeVar("T")

TIMEOUT = 10.0
"""Seconds for an answer, whichever member gives it: people wait for it, and clients 30 s at most."""

LARGEST = 64 << 20
"""Bytes of an answer: 10,000 alerts with long annotations are about 20 MB."""

_QUOTED = 200
"""Bytes of a refusal that an error quotes."""


class AlertmanagerClient:
    """The members of one Alertmanager; `address` returns how they are reached now.

    Members share silences by gossip, so one that answers is enough to read and to change them. Alerts they
    do not share: each member gets those that are sent, as it does from Prometheus. Every method raises
    AlertmanagerError.
    """

    def __init__(
        self, network: Network, address: Callable[[], AlertmanagerAddress], timeout: float = TIMEOUT
    ) -> None:
        """Begin with the first member; `timeout` are the seconds for an answer."""
        self._network = network
        self._address = address
        self._timeout = timeout
        self._last = ""

    @property
    def members(self) -> tuple[str, ...]:
        """The URLs of all members."""
        return self._address().urls

    async def alerts(self, matchers: Sequence[Matcher] = ()) -> list[ActiveAlert]:
        """Return the alerts that fire and match all of `matchers`, those silenced or inhibited among them."""
        return await self._first("GET", f"/api/v2/alerts{_filters(matchers)}", read_alerts)

    async def silences(self, matchers: Sequence[Matcher] = ()) -> list[Silence]:
        """Return the silences whose own matchers include `matchers`, those that have expired among them."""
        return await self._first("GET", f"/api/v2/silences{_filters(matchers)}", read_silences)

    async def put_silence(self, silence: Silence) -> str:
        """Store `silence`, in place of the one with its id if it has any; return the id that it has now."""
        return await self._first("POST", "/api/v2/silences", read_silence_id, silence_body(silence))

    async def expire_silence(self, silence_id: str) -> None:
        """Let a silence expire now; one that is unknown or has expired is an error with status 404 or 500."""
        await self._first("DELETE", f"/api/v2/silence/{quote(silence_id, safe='')}", read_nothing)

    async def channels(self) -> dict[str, tuple[str, ...]]:
        """Return the kinds of channels of each receiver by its name, such as `slack`, one for each it has."""
        return await self._first("GET", "/api/v2/status", read_channels)

    async def notification_counts(self) -> dict[str, NotificationCounts] | None:
        """Return how often each kind of channel was used and failed; None where no member's /metrics answers.

        The counts are those of all members that answer.
        """
        address = self._address()
        asked = [self._ask(address, url, "GET", "/metrics", b"") for url in address.urls]
        results = await asyncio.gather(*asked, return_exceptions=True)
        known = [read_counts(one.body) for one in results if not isinstance(one, BaseException)]
        return add_counts(known) if known else None

    async def fire(self, alerts: Sequence[FiredAlert]) -> tuple[str, ...]:
        """Send `alerts` to every member; return the URLs of those that took them, at least one."""
        address = self._address()
        body = alerts_body(alerts)
        asked = [self._fire_at(address, url, body) for url in address.urls]
        results = await asyncio.gather(*asked, return_exceptions=True)
        taken = tuple(
            url
            for url, result in zip(address.urls, results, strict=True)
            if not isinstance(result, BaseException)
        )
        errors = [one for one in results if isinstance(one, BaseException)]
        unexpected = [one for one in errors if not isinstance(one, AlertmanagerError)]
        if unexpected or not taken:
            raise (unexpected or errors)[0]
        return taken

    async def _fire_at(self, address: AlertmanagerAddress, url: str, body: bytes) -> None:
        path = "/api/v2/alerts"
        # A proxy that asks for a password answers 200, too.
        _read(url, path, read_nothing, await self._ask(address, url, "POST", path, body))

    async def _first(self, method: str, path: str, read: Callable[[bytes], T], body: bytes = b"") -> T:
        """Return what the first member answers that answers at all; the last one that did is asked first."""
        address = self._address()
        error: AlertmanagerError | None = None
        # One that takes the connection and says nothing leaves its share to the others.
        share = self._timeout / max(1, len(address.urls))
        for url in sorted(address.urls, key=lambda one: one != self._last):
            try:
                answer = await self._ask(address, url, method, path, body, share)
            except AlertmanagerError as failure:
                # What one member refuses the others refuse, too; one that is ill says nothing of the others.
                if failure.status is not None and failure.status < 500:
                    raise
                error = error or failure
                continue
            self._last = url
            return _read(url, path, read, answer)
        raise error or AlertmanagerError("no address of Alertmanager is configured")

    async def _ask(
        self,
        address: AlertmanagerAddress,
        url: str,
        method: str,
        path: str,
        body: bytes,
        seconds: float | None = None,
    ) -> Answer:
        limit = seconds or self._timeout
        headers: tuple[Header, ...] = (("Content-Type", "application/json"),) if body else ()
        auth: tuple[Header, ...] = (
            (("Authorization", address.authorization),) if address.authorization else ()
        )
        request = Request(
            f"{url}{path}",
            method,
            headers=headers,
            auth=auth,
            body=body,
            tls=address.tls,
            max_body=LARGEST,
        )
        try:
            async with asyncio.timeout(limit):
                answer = await self._network.call(request, Trace())
        except TimeoutError:
            raise AlertmanagerError(f"Alertmanager at {url} does not answer within {limit:.3g} s") from None
        except ProbeError as error:
            raise AlertmanagerError(f"Alertmanager at {url} does not answer: {error.detail}") from None
        except Shortage as error:
            raise AlertmanagerError(f"Alertmanager at {url} cannot be asked: {error}") from None
        if answer.status != 200:
            raise AlertmanagerError(_refusal(url, path, answer), answer.status)
        return answer


def _read(url: str, path: str, read: Callable[[bytes], T], answer: Answer) -> T:
    try:
        return read(answer.body)
    except ValueError as failure:
        raise AlertmanagerError(
            f"{url} does not answer {_name(path)} as Alertmanager does: {failure}"
        ) from None


def _filters(matchers: Sequence[Matcher]) -> str:
    words = "&".join(f"filter={quote(str(one), safe='')}" for one in matchers)
    return f"?{words}" if words else ""


def _name(path: str) -> str:
    return path.partition("?")[0]


def _refusal(url: str, path: str, answer: Answer) -> str:
    words = answer.body[:_QUOTED].decode(errors="replace")
    said = "".join(one if one.isprintable() else " " for one in words).strip()
    text = f"Alertmanager at {url} answers HTTP {answer.status} to {_name(path)}"
    return f"{text}: {said}" if said else text

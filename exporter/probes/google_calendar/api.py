"""The calls of one run: the token is asked about once an hour, the calendar at each run.

Sources: developers.google.com/workspace/calendar/api/v3, google-auth (tokeninfo).
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from exporter.core.document import Document, is_moment
from exporter.core.errors import ProbeError
from exporter.core.network import Answer, Request
from exporter.core.probe import AccessToken, Grant, Kit
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.probes.google_calendar.errors import names_of, of_calendar, reasons_in, refusal
from exporter.probes.google_calendar.options import SCOPE_PREFIX, GoogleCalendarOptions, short
from exporter.probes.google_calendar.scopes import Call

PERIOD = 3600.0
"""Seconds between two inspections of a token."""
TOKENINFO = "tokeninfo"
KEY = f"{TOKENINFO}/1"
"""The number goes up when the shape of what is kept changes."""

PRIMARY = "primary"
MADE_UP = Secret("a-refresh-token-that-nobody-was-given")
StoredAnswer = dict[str, Any]


class Api:
    """Calls with one access token, which is replaced once where it is refused.

    `info_refused` says that the token could not be inspected when that was last due.
    """

    def __init__(self, options: GoogleCalendarOptions, kit: Kit, grant: Grant | None) -> None:
        """Prepare to call; without a `grant` the token of `options` is used as it is."""
        self.kit = kit
        self._options = options
        self._grant = grant
        self._token = AccessToken(options.token or Secret(""), fresh=True)
        self.info_refused = False

    async def sign_in(self) -> None:
        """Get the access token, where it is not the one of the options."""
        if self._grant:
            self._token = await self.kit.token(self._grant)

    async def token_info(self, patience: float) -> StoredAnswer | None:
        """Return what is known of the token: its `scopes` and `expiry`, either may be None.

        An old answer does where Google gives no new one within `patience` seconds; None where it never gave
        one.
        """
        try:
            async with asyncio.timeout(patience):
                kept: StoredAnswer | None = await self.kit.every(KEY, PERIOD, self._inspect)
                return kept
        except ProbeError as error:
            if error.reason is Reason.AUTH:
                raise
            why = error.detail
        except TimeoutError:
            why = f"no answer within {patience:g} s"
        # What the calendar answers decides, not what an inspector of tokens does, unless it knows the token
        # and refuses it.
        self.info_refused = True
        self.kit.log(f"the token's scopes could not be read again: {why}")
        old: StoredAnswer | None = self.kit.recall(KEY)
        return old

    async def _inspect(self) -> StoredAnswer:
        def ask(token: Secret) -> Request:
            return Request(
                self._options.tokeninfo_url, query=(("access_token", token),), tls=self._options.tls
            )

        # A token that is not valid is answered by 400, not by 401.
        answer = await self._ask(ask, lambda found: "invalid_token" in names_of(found))
        if answer.status != 200:
            raise refusal(TOKENINFO, answer, self.kit.now())
        kept = _reduce(self.kit.document(answer))
        if self._grant and kept["expiry"] is not None:
            granted = kept["scopes"]
            scopes = None if granted is None else frozenset(SCOPE_PREFIX + name for name in granted)
            self.kit.report_token(self._token.value, kept["expiry"], scopes)
        return kept

    async def read(self, call: Call) -> Document:
        """Return the answer of `call`; a refusal is a ProbeError."""
        answer = await self._ask(lambda token: self._request(call, token), lambda found: found.status == 401)
        if answer.status != 200:
            raise refusal(call.name, answer, self.kit.now())
        document = self.kit.document(answer)
        # Each resource of Google's APIs names its kind: an answer without one is from something else.
        document.must("kind")
        if call.post:
            _check_calendars(document)
        return document

    async def _ask(self, ask: Callable[[Secret], Request], refused: Callable[[Answer], bool]) -> Answer:
        """Make a call; where the token is refused that was in memory, once more with another one."""
        answer = await self.kit.call(ask(self._token.value))
        # A token that was fetched in this run would not get better by fetching another one.
        if not refused(answer) or self._grant is None or self._token.fresh:
            return answer
        other = await self.kit.token(self._grant, refused=self._token)
        if other.value == self._token.value:
            return answer
        self.kit.log("the token from memory was refused: asking again with another one")
        self._token = other
        return await self.kit.call(ask(other.value))

    def _request(self, call: Call, token: Secret) -> Request:
        options = self._options
        calendar = options.calendar_id or PRIMARY
        path = call.path.format(calendar=quote(calendar, safe=""))
        fields = f"{'&' if '?' in path else '?'}fields={call.fields}" if call.fields else ""
        body = self._free_busy(calendar) if call.post else b""
        return Request(
            url=f"{options.base_url.rstrip('/')}{path}{fields}",
            method="POST" if call.post else "GET",
            headers=(("Content-Type", "application/json"),) if call.post else (),
            auth=(("Authorization", Secret(f"Bearer {token.reveal()}")),),
            body=body,
            tls=options.tls,
        )

    def _free_busy(self, calendar: str) -> bytes:
        # A minute: whether there is an answer is all that we want to know.
        since = int(self.kit.now())
        times = {"timeMin": _iso(since), "timeMax": _iso(since + 60)}
        return msgspec.json.encode({**times, "items": [{"id": calendar}]})


async def check_client(options: GoogleCalendarOptions, kit: Kit) -> None:
    """Fail where Google does not know the OAuth client.

    No call does only that: a refresh with a made-up token is refused as `invalid_grant` where the client
    is a good one, since a server looks at the client first (RFC 6749, section 6).
    """
    answer = await kit.call(
        Request(
            options.token_url,
            "POST",
            form=(
                ("grant_type", "refresh_token"),
                ("client_id", options.client_id),
                ("client_secret", options.client_secret or Secret("")),
                ("refresh_token", MADE_UP),
            ),
            tls=options.tls,
        )
    )
    if "invalid_grant" not in names_of(answer):
        raise refusal("token", answer, kit.now())
    kit.trace.http_status = None  # the refusal was the answer that we hoped for


def _reduce(info: Document) -> StoredAnswer:
    """Return what is kept of GET tokeninfo, whose numbers are texts."""
    scope = info.must("scope").text()
    expiry = info.text("exp") or ""
    # Cut before float(), which reads any number of digits; isdigit() alone admits those of other scripts.
    plausible = expiry.isascii() and expiry.isdigit() and is_moment(float(expiry[:20]))
    if expiry and not plausible:
        info.unknown("exp")
    return {
        "scopes": None if scope is None else sorted({short(name) for name in scope.split()}),
        "expiry": float(expiry) if plausible else None,
    }


def _check_calendars(answer: Document) -> None:
    """Fail where freeBusy, which answers 200 even then, reports an error of the calendar."""
    calendars = answer.must("calendars").value
    for entry in calendars.values() if isinstance(calendars, dict) else ():
        errors = entry.get("errors") if isinstance(entry, dict) else None
        if errors:
            raise of_calendar(tuple(reasons_in(errors)))


def _iso(when: int) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

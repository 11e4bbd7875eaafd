"""What one run hands to a check."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from exporter.core.body import json_of
from exporter.core.clock import Clock
from exporter.core.common_metrics import TOKEN_EXPIRY, TOKEN_REFRESHABLE
from exporter.core.document import Document
from exporter.core.errors import Shortage
from exporter.core.metric import Sample
from exporter.core.network import Answer, ConnectedPeer, Network, Request, Talk, Trace
from exporter.core.options import TlsOptions
from exporter.core.secret import Secret
from exporter.core.token import AccessToken, Grant, MetaExchange
from exporter.net.pause import pause_of

MOST_DETAILS = 8
LONGEST_DETAIL = 200
"""Bounds of what a run may show on the status page: names that a vendor chose may be of any length.

The length is cut where credentials are starred: half a credential would not be found.
"""

CachedAnswers = dict[str, tuple[float, Any]]
"""Last answers of `every`: key to (Unix seconds, JSON value)."""


class TokenProvider(Protocol):
    """Where the tokens of a run come from; see `Kit.token` and `Kit.report_token`."""

    async def get(self, grant: Grant, trace: Trace, refused: AccessToken | None = None) -> AccessToken:
        """Return an access token."""

    def observe(self, token: str, expiry: float | None, scopes: frozenset[str] | None) -> None:
        """Take what the vendor reports of a token."""


class RunKit:
    """The kit of one run; `answers` and `tokens` outlive it. `secrets` are those that the run learned."""

    def __init__(self, network: Network, clock: Clock, answers: CachedAnswers, tokens: TokenProvider) -> None:
        """Start with an empty trace."""
        self.trace = Trace()
        self.secrets: set[str] = set()
        self._tokens = tokens
        self._network = network
        self._clock = clock
        self._answers = answers

    async def call(self, request: Request) -> Answer:
        """Make one HTTP call and remember what the vendor's headers ask of us."""
        self.trace.calls += 1
        try:
            answer = await self._network.call(request, self.trace)
        except Shortage:
            self.trace.calls -= 1  # it did not leave this machine
            raise
        if (pause := pause_of(answer.headers, self._clock.now())) is not None:
            self.trace.pause = max(pause, self.trace.pause or 0.0)
        return answer

    async def connect(
        self, host: str, port: int, *, tls: TlsOptions | None = None, family: str = "any"
    ) -> ConnectedPeer:
        """Open and close a connection."""
        return await self._network.connect(host, port, self.trace, tls=tls, family=family)

    def talk(
        self,
        host: str,
        port: int,
        *,
        tls: TlsOptions | None = None,
        family: str = "any",
        datagrams: bool = False,
    ) -> AbstractAsyncContextManager[Talk]:
        """Open a connection to speak on."""
        return self._network.talk(host, port, self.trace, tls=tls, family=family, datagrams=datagrams)

    async def token(self, grant: Grant, refused: AccessToken | None = None) -> AccessToken:
        """Return an access token; its expiry, and that we renew it, are facts."""
        token = await self._tokens.get(grant, self.trace, refused)
        self.secrets.add(token.value.reveal())
        if isinstance(grant, MetaExchange):  # its expiry comes from an inspection, not by its endpoint
            return token
        self.fact(TOKEN_REFRESHABLE(1, token="access"))  # noqa: S106 - a label's value
        if token.expiry is not None:
            self.fact(TOKEN_EXPIRY(token.expiry, token="access"))  # noqa: S106 - a label's value
        return token

    def report_token(self, token: Secret, expiry: float | None, scopes: frozenset[str] | None = None) -> None:
        """Take what the vendor reports of a token."""
        self._tokens.observe(token.reveal(), expiry, scopes)

    async def every(self, key: str, period: float, call: Callable[[], Awaitable[Any]]) -> Any:
        """Return the last answer of `call`, or make it when that is older than `period` seconds."""
        answer = self._answers.get(key)
        now = self._clock.now()
        # Not from the future: after a clock was set back such an answer would serve for too long.
        if answer is not None and 0 <= now - answer[0] < period:
            return answer[1]
        value = await call()
        self._answers[key] = (now, value)
        return value

    def recall(self, key: str) -> Any:
        """Return what was remembered under `key`, None if nothing."""
        answer = self._answers.get(key)
        return answer[1] if answer else None

    def remember(self, key: str, value: Any) -> None:
        """Keep `value` for the next run."""
        self._answers[key] = (self._clock.now(), value)

    def now(self) -> float:
        """Return the wall clock in Unix seconds."""
        return self._clock.now()

    def log(self, text: str) -> None:
        """Add a line to the log of this run."""
        self.trace.note(text)

    def vendor_detail(self, name: str, text: str | None) -> None:
        """Show viewers of the status how the vendor names things."""
        if text and len(self.trace.vendor_details) < MOST_DETAILS:
            readable = "".join(character if character.isprintable() else " " for character in text)
            self.trace.vendor_details += ((name, readable),)

    def fact(self, sample: Sample) -> None:
        """Keep a dated sample even when the check fails after this."""
        if not sample.metric.dated:
            raise ValueError(f"{sample.metric} is not a dated metric")
        self.trace.facts.append(sample)

    def document(self, answer: Answer) -> Document:
        """Return the JSON body of `answer`; odd fields count as drift."""
        return Document(json_of(answer), self.trace.drift.append)

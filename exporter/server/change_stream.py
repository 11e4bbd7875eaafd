"""Live changes for open pages: gathered, sent twice a second at most, to each what its caller may know of."""

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from aiohttp import web

from exporter.core.changes import ANY, Change, ChangeFeed
from exporter.server.access import Identity
from exporter.server.change_kinds import SLOW, ChangeKind, kinds_of, names_for
from exporter.server.services import SERVICES, StreamLimits
from exporter.server.web_config.settings import AllowedTenants, Role

MOST_WAITING = 8
"""Messages that a client may leave unread before it is cut off."""

MOST_CHANGES, MOST_NAMES = 2000, 20
"""Changes between two messages beyond which nobody is named, and names in a message."""

RETRY = 3000
"""Milliseconds after which a browser comes again."""

ALIVE = b": alive\n\n"
ACCESS_CHANGED = b"event: access\ndata: {}\n\n"
"""The last event of a stream whose caller may read another part than before, or nothing any more."""

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    # nginx would keep a message until its buffer is full.
    "X-Accel-Buffering": "no",
}

AccessJudge = Callable[[], Awaitable[Identity]]
"""Judges a caller again; raises the HTTP error by which it would be refused now."""


class Audience(NamedTuple):
    """What a caller may know of: all with the same get the same text."""

    admin: bool
    tenants: AllowedTenants


@dataclass(eq=False)
class ChangeClient:
    """One open stream; an empty text in its queue is the end. A `doubtful` caller must be judged again."""

    identity: Identity
    transport: asyncio.BaseTransport | None
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    doubtful: bool = False

    @property
    def audience(self) -> Audience:
        """What its caller may know of."""
        return Audience(self.identity.has(Role.ADMIN), self.identity.tenants)

    @property
    def gone(self) -> bool:
        """Whether the connection is closed, which its own task learns when it next writes."""
        return self.transport is None or self.transport.is_closing()

    def offer(self, text: bytes) -> None:
        """Have `text` written in its turn; who does not read is cut off, and comes again."""
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            if isinstance(self.transport, asyncio.Transport):
                self.transport.abort()


class ChangeStream:
    """All open streams of a process. It listens to `feed` while there is one, from any thread."""

    def __init__(self, feed: ChangeFeed, limits: StreamLimits) -> None:
        """Belong to the running loop."""
        self._feed = feed
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._clients: set[ChangeClient] = set()
        self._closed = False
        # No id of another process is one of ours: who comes back from it may have missed something.
        self._name = secrets.token_hex(4)
        self._number = 0
        self._next = self._next_slow = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._slow_timer: asyncio.TimerHandle | None = None
        self._lock = threading.Lock()
        # Both are guarded by the lock.
        self._pending: set[Change] = set()
        self._slow: set[Change] = set()

    def __len__(self) -> int:
        """Return how many streams are open."""
        return len(self._clients)

    async def serve(self, request: web.Request, identity: Identity, judge: AccessJudge) -> web.StreamResponse:
        """Answer a stream until the caller goes, may no longer read, or the exporter stops."""
        client = self._join(identity, request.transport)
        response = web.StreamResponse(headers=HEADERS)
        try:
            await response.prepare(request)
            await response.write(self._greeting(client, request.headers.get("Last-Event-ID")))
            async for text in self._texts(client, judge):
                await response.write(text)
        except ConnectionError:
            pass  # the browser went away, or did not read
        finally:
            self._leave(client)
        return response

    def close(self) -> None:
        """End every stream at once, and open none any more."""
        self._closed = True
        for client in self._clients:
            client.offer(b"")

    def doubt(self) -> None:
        """Judge every caller again before it hears anything more: who may read what has changed."""
        for client in self._clients:
            client.doubtful = True
            client.offer(ALIVE)

    def doubt_soon(self) -> None:
        """Do the same on the loop; any thread may."""
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self.doubt)

    def note(self, change: Change) -> None:
        """Take a change for the next message; any thread may."""
        with self._lock:
            slow = change.subject in SLOW
            waiting = self._slow if slow else self._pending
            first = not waiting
            if len(waiting) >= MOST_CHANGES:
                # Who is bound to a tenant reads again for nothing, which is better than never.
                change = Change(change.subject, ANY, ANY)
            waiting.add(change)
        if first:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._plan_slow if slow else self._plan)

    def _join(self, identity: Identity, transport: asyncio.BaseTransport | None) -> ChangeClient:
        # A page that was closed must not keep out the next one until its task has noticed.
        there = [one for one in self._clients if not one.gone]
        own = sum(one.identity.name == identity.name for one in there)
        bound = identity.tenants is not None
        if len(there) >= self._limits.most or (bound and own >= self._limits.of_bound):
            raise web.HTTPServiceUnavailable(
                text="too many pages are open; this one is renewed without the stream",
                headers={"Retry-After": "30"},
            )
        if self._closed:
            raise web.HTTPServiceUnavailable(text="the exporter is stopping", headers={"Retry-After": "5"})
        client = ChangeClient(identity, transport)
        self._clients.add(client)
        self._feed.listener = self.note
        return client

    def _leave(self, client: ChangeClient) -> None:
        self._clients.discard(client)
        if not self._clients:
            self._feed.listener = None
            # What happens now, nobody hears: whoever comes back has missed something.
            self._number += 1

    def _greeting(self, client: ChangeClient, last: str | None) -> bytes:
        head = f"retry: {RETRY}\nid: {self._id}\n\n".encode()
        if last is None or last == self._id:
            return head
        return head + self._message(names_for(client.identity), None, None)

    async def _texts(self, client: ChangeClient, judge: AccessJudge) -> AsyncIterator[bytes]:
        due = self._loop.time() + self._limits.beat
        while True:
            try:
                async with asyncio.timeout_at(due):
                    text = await client.queue.get()
            except TimeoutError:
                text = ALIVE
            if not text:
                return
            if client.doubtful or self._loop.time() >= due:
                # Before the question: what changes while it is answered counts as well.
                client.doubtful, due = False, self._loop.time() + self._limits.beat
                # A token that was withdrawn must not go on listening for as long as it stays connected.
                if not await _still_fits(client.identity, judge):
                    yield ACCESS_CHANGED
                    return
            yield text

    @property
    def _id(self) -> str:
        return f"{self._name}-{self._number}"

    def _plan(self) -> None:
        if self._timer is None:
            wait = max(self._limits.gather, self._next - self._loop.time())
            self._timer = self._loop.call_later(wait, self._dispatch)

    def _plan_slow(self) -> None:
        if self._slow_timer is None:
            wait = max(self._limits.gather, self._next_slow - self._loop.time())
            self._slow_timer = self._loop.call_later(wait, self._release_slow)

    def _release_slow(self) -> None:
        self._slow_timer, self._next_slow = None, self._loop.time() + self._limits.slow_gap
        with self._lock:
            self._pending |= self._slow
            self._slow.clear()
        self._plan()

    def _dispatch(self) -> None:
        self._timer, self._next = None, self._loop.time() + self._limits.gap
        with self._lock:
            pending, self._pending = self._pending, set()
        found = [(kind, change) for change in pending for kind in kinds_of(change.subject)]
        if not found:
            return
        self._number += 1
        texts = {
            audience: self._text(audience, found) for audience in {one.audience for one in self._clients}
        }
        for client in self._clients:
            if text := texts[client.audience]:
                client.offer(text)

    def _text(self, audience: Audience, found: Iterable[tuple[ChangeKind, Change]]) -> bytes:
        """Return the message to `audience`, b"" where nothing concerns it."""
        about = [(kind, change) for kind, change in found if kind.concerns(*audience, change.tenant)]
        if not about:
            return b""
        return self._message(
            sorted({kind.name for kind, _ in about}),
            _names(change.integration for _, change in about),
            _names(change.tenant for _, change in about),
        )

    def _message(self, kinds: list[str], integrations: list[str] | None, tenants: list[str] | None) -> bytes:
        said = {"kinds": kinds, "integrations": integrations, "tenants": tenants}
        # JSON of one line: a line break would end the field.
        return b"id: %b\nevent: change\ndata: %b\n\n" % (self._id.encode(), msgspec.json.encode(said))


STREAMS = web.AppKey("streams", ChangeStream)


async def run_streams(app: web.Application) -> AsyncIterator[None]:
    """Give the application its streams; another web configuration may end them."""
    app[STREAMS] = ChangeStream(app[SERVICES].feed, app[SERVICES].streams)
    app[SERVICES].web.on_change = app[STREAMS].doubt_soon
    yield
    app[STREAMS].close()


async def close_streams(app: web.Application) -> None:
    """End the streams when the exporter begins to stop: they would hold it up until they are cut."""
    app[STREAMS].close()


def _names(values: Iterable[str | None]) -> list[str] | None:
    """Return the names, each once; None where there are too many, or some are not known."""
    found = set(values)
    if found & {None, ANY} or len(found) > MOST_NAMES:
        return None
    return sorted(filter(None, found), key=str)


async def _still_fits(identity: Identity, judge: AccessJudge) -> bool:
    try:
        return await judge() == identity
    except web.HTTPException:
        return False

"""The client: an app reports events, a thread sends them, and the app never waits nor fails for it."""

import atexit
import os
import ssl
import time
import uuid
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from exporter.client.event_queue import EventQueue
from exporter.client.kinds import Kinds
from exporter.client.sender import Sender, log
from exporter.client.transport import Transport

EXIT_TIMEOUT = 2.0
"""Seconds for which a process that ends waits for its last events."""


@dataclass(frozen=True)
class Statistics:
    """Numbers of events since the start of the process: what became of them.

    `queued` wait, `sent` were accepted, `rejected` the exporter refused, `invalid` were no JSON, `dropped`
    found no room in the queue. `failing` says that the exporter does not answer at present.
    """

    queued: int
    sent: int
    rejected: int
    invalid: int
    dropped: int
    failing: bool


class Client(Kinds):
    """Reports events to the exporter at `url` with the bearer `token` of a user with the role ingest.

    Nothing here raises into the app or blocks it, but for a wrong `url` at the start (ValueError). Events
    wait in a queue of `queue` at most; a thread sends them in batches of `batch` every `interval` seconds,
    and at the end of the process. `tenant` is that of events that name none. Without a `url` every call is a
    no-op: so an app runs unchanged where there is no exporter.

    Forked processes (gunicorn, multiprocessing) each get a queue and a thread of their own.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str = "",
        *,
        tenant: str = "",
        queue: int = 10_000,
        batch: int = 500,
        interval: float = 1.0,
        timeout: float = 5.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare; the thread and the connection are made when the first event comes."""
        self.tenant = tenant
        self._batch = max(1, min(batch, 1000))  # the exporter takes 1,000 events at once
        self._queue = EventQueue(queue)
        self._interval = interval
        self._transport = Transport(url, token, timeout, context) if url else None
        self._sender = self._new_sender()
        _clients.add(self)

    @classmethod
    def from_environment(cls, **settings: Any) -> "Client":
        """Return a client for INTEGRATION_EXPORTER_URL with INTEGRATION_EXPORTER_TOKEN.

        Where the variable is not set it does nothing.
        """
        url = os.environ.get("INTEGRATION_EXPORTER_URL", "")
        return cls(url, os.environ.get("INTEGRATION_EXPORTER_TOKEN", ""), **settings)

    @property
    def enabled(self) -> bool:
        """Whether it has an exporter to report to."""
        return self._sender is not None

    def event(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Report an event of `kind`; fields that are None are left out.

        An `id` makes it count once however often it is sent; without one it gets one here. `at` is now unless
        given, as a datetime or as Unix seconds.
        """
        sender = self._sender
        if sender is None:
            return
        try:
            event = {key: value for key, value in fields.items() if value is not None}
            event["kind"] = kind
            event.setdefault("id", uuid.uuid4().hex)
            event["at"] = _timestamp(event.get("at"))
            if self.tenant:
                event.setdefault("tenant", self.tenant)
            if self._queue.add(event):
                sender.start()
            if len(self._queue) == self._batch:
                sender.notify()
        except Exception:  # noqa: BLE001 - what an app reports must never break what it does
            self.skip()

    def skip(self) -> None:
        """Count an event that could not be made as dropped; call it where an exception is handled."""
        self._queue.dropped += 1
        log.debug("an event was not taken", exc_info=True)

    def flush(self, timeout: float = 5.0) -> bool:
        """Send what waits; return whether all of it was sent within `timeout` seconds. This blocks."""
        return self._sender is None or self._sender.flush(timeout)

    def close(self, timeout: float = EXIT_TIMEOUT) -> bool:
        """Flush, and end the thread; events after it are dropped and counted."""
        return self._sender is None or self._sender.close(timeout)

    @property
    def statistics(self) -> Statistics:
        """What became of the events so far."""
        sender = self._sender
        if sender is None:
            return Statistics(0, 0, 0, 0, 0, failing=False)
        return Statistics(
            self._queue.unsettled,
            sender.sent,
            sender.rejected,
            sender.invalid,
            self._queue.dropped,
            sender.failing,
        )

    def _new_sender(self) -> Sender | None:
        if self._transport is None:
            return None
        return Sender(self._queue, self._transport, self._batch, self._interval)

    def _forget(self) -> None:
        """Start again in a child process, which has neither the thread nor may send the parent's events."""
        self._queue.forget()
        if self._transport is not None:
            self._transport.close()
        self._sender = self._new_sender()


def _timestamp(at: Any) -> str:
    """Return `at` in RFC 3339, in UTC."""
    if isinstance(at, str):
        return at
    if isinstance(at, datetime):
        return at.astimezone(UTC).isoformat()
    return datetime.fromtimestamp(time.time() if at is None else float(at), UTC).isoformat()


_clients: "weakref.WeakSet[Client]" = weakref.WeakSet()


def _close_all() -> None:
    deadline = time.monotonic() + EXIT_TIMEOUT
    for client in list(_clients):
        client.close(max(0.0, deadline - time.monotonic()))


def _forget_all() -> None:
    for client in list(_clients):
        client._forget()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_forget_all)

"""The background thread that sends what waits, and waits longer after each failure."""

import logging
import random
import time
from threading import Event as Flag
from threading import Thread

from exporter.client.batch import EncodedBatch, encode
from exporter.client.event_queue import EventQueue
from exporter.client.transport import PostAnswer, Transport

FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
"""Seconds between two attempts while the exporter does not answer."""

FLUSH_WAIT = 0.1
"""Seconds between two attempts while somebody waits for a flush."""

log = logging.getLogger("integration_exporter.client")


class Sender:
    """Sends events of `queue` by `transport`, at most `batch` in a request, every `interval` seconds.

    `sent`, `rejected` and `invalid` count events; `failing` says that the last request was not answered.
    """

    def __init__(self, queue: EventQueue, transport: Transport, batch: int, interval: float) -> None:
        """Prepare; the thread starts with the first event."""
        self.sent = self.rejected = self.invalid = 0
        self.failing = False
        self._queue, self._transport = queue, transport
        self._batch, self._interval = batch, interval
        self._unsent: list[EncodedBatch] = []
        self._thread: Thread | None = None
        self._wake, self._idle = Flag(), Flag()
        self._flush_until = 0.0
        self._closing = False
        self._wait = FIRST_WAIT

    def start(self) -> None:
        """Start the thread where it does not run."""
        if self._thread is None and not self._closing:
            # A daemon: a process that ends does not wait for an exporter that is away.
            self._thread = Thread(target=self._run, name="integration-exporter-client", daemon=True)
            self._thread.start()

    def notify(self) -> None:
        """Send soon: a whole batch waits."""
        self._wake.set()

    def flush(self, timeout: float) -> bool:
        """Send everything now; return whether all of it was within `timeout` seconds."""
        end = time.monotonic() + timeout
        while self._queue.unsettled and (left := end - time.monotonic()) > 0:
            self.start()
            self._flush_until = end
            self._idle.clear()
            self._wake.set()
            # Then looked at again: the thread may say so of what it did before the last event came.
            self._idle.wait(left)
        return not self._queue.unsettled

    def close(self, timeout: float) -> bool:
        """Flush and end the thread; return whether everything was sent."""
        done = self.flush(timeout)
        self._closing = True
        self._wake.set()
        return done

    @property
    def _flushing(self) -> bool:
        return time.monotonic() < self._flush_until

    def _run(self) -> None:
        self._sleep(done=True)  # the first event is rarely alone
        while True:
            done = self._drain()
            if done or not self._flushing:
                self._idle.set()
            if self._closing:
                break
            self._sleep(done)
        self._transport.close()

    def _sleep(self, done: bool) -> None:
        """Wait for the next batch, or after a failure for the next attempt."""
        if not done and self._flushing:
            time.sleep(FLUSH_WAIT)
            return
        # With jitter: processes that failed together do not come back together.
        wait = self._interval if done else self._wait * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        end = time.monotonic() + wait
        while (left := end - time.monotonic()) > 0 and self._wake.wait(left):
            self._wake.clear()
            # A batch that fills up is no reason to ask a receiver earlier that does not answer.
            if done or self._closing or self._flushing:
                return

    def _drain(self) -> bool:
        """Send batch after batch; return False once one fails, which is then kept."""
        while True:
            if not self._unsent:
                events = self._queue.take(self._batch)
                if not events:
                    return True
                self._unsent = encode(events)
            while self._unsent:
                if not self._send(self._unsent[0]):
                    return False

    def _send(self, batch: EncodedBatch) -> bool:
        """Send the first of the unsent batches; return False if it is to be tried again."""
        answer = self._transport.send(batch.body) if batch.texts else PostAnswer(200)
        if answer.status == 413 and len(batch) > 1:
            self._unsent[:1] = batch.halves()
            return True
        self._note(answer)
        if not answer.taken and not answer.final:
            return False
        refused = answer.rejected if answer.taken else len(batch)
        self.sent += len(batch) - refused
        self.rejected += refused
        self.invalid += batch.invalid
        self._unsent.pop(0)
        # Last: who waits until nothing is unsettled reads the counts.
        self._queue.settle(len(batch) + batch.invalid)
        return True

    def _note(self, answer: PostAnswer) -> None:
        """Log a change of state once, and choose the next wait."""
        if answer.taken or answer.final:
            if answer.final:
                log.warning("the exporter refused events: status %d", answer.status)
            elif self.failing:
                log.warning("events reach the exporter again")
            self.failing, self._wait = False, FIRST_WAIT
            return
        if not self.failing:
            log.warning("events do not reach the exporter: %s", answer.error or f"status {answer.status}")
        self.failing = True
        asked = answer.after or 0.0
        self._wait = min(LONGEST_WAIT, max(asked, self._wait * 2))

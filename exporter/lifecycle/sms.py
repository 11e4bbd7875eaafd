"""Text messages, built of parts that webhooks have too: counters, the outbox, and the queue to the disk."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from exporter.core.clock import Clock
from exporter.core.configuration import Configuration
from exporter.core.network import Network
from exporter.core.shutdown import ShutdownLimit
from exporter.core.sms_incident import TextVerdict
from exporter.core.supervisor import Supervisor
from exporter.lifecycle.webhooks import WebhookParts
from exporter.notices.sms import SmsIntake
from exporter.notices.sms_follow_up import TextFollowUp
from exporter.notices.sms_ledger import TextLedger
from exporter.store.subjects.sms import Acknowledgement, TextOrder, account_of, note_accepted, take_orders

TEXTS_TASK = "text messages"

LOOK_PATIENCE = 2.0
"""Seconds that a message waits for the store to say whether it was sent: somebody on duty waits for it."""


@dataclass(frozen=True)
class SmsParts:
    """Everything about text messages in a process; `wake` has the outbox look at what waits."""

    intake: SmsIntake
    ledger: TextLedger
    follow_up: TextFollowUp
    wake: Callable[[], None]
    supervisor: Supervisor

    def apply(self, configuration: Configuration) -> None:
        """Send by `configuration` from now on; what waits goes out by it."""
        self.ledger.apply(configuration.notifications.sms)
        self.wake()

    async def start(self) -> None:
        """Follow up what vendors took, also what the last process sent."""
        self.supervisor.keep(TEXTS_TASK, self.follow_up.run)

    async def stop(self, deadline: ShutdownLimit) -> None:
        """Ask nothing more; what is under way is asked about by the next process."""
        del deadline  # what it waits for is cut at once
        await self.supervisor.stop(TEXTS_TASK)


def build_sms(webhooks: WebhookParts, network: Network, clock: Clock, supervisor: Supervisor) -> SmsParts:
    """Return the parts; `webhooks` shows what they count, commits what they store, and carries what waits."""
    outbox, counters = webhooks.outbox, webhooks.counters
    commits = outbox.commits

    def note(taken: Acknowledgement) -> Awaitable[None]:
        return commits.write(note_accepted, taken)

    def find(delivery: str) -> Awaitable[str]:
        return webhooks.writer.read(lambda connection: account_of(connection, delivery), LOOK_PATIENCE)

    def store(order: TextOrder) -> Awaitable[tuple[TextVerdict, int]]:
        return commits.write(take_orders, order)

    ledger = webhooks.texts = TextLedger(note, find, counters.add, counters.set, clock.now)
    follow_up = TextFollowUp(ledger, commits, network, lambda: outbox.backlogs, outbox.wake, clock.now)
    return SmsParts(
        SmsIntake(ledger, store, outbox.wake, clock.now), ledger, follow_up, outbox.wake, supervisor
    )

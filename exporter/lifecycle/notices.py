"""The history of alerts and the desk where they are answered, built of parts that webhooks have too."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from exporter import registry
from exporter.alertmanager.address import address_of
from exporter.alertmanager.client import AlertmanagerClient
from exporter.core.alertmanager import AlertmanagerAddress
from exporter.core.clock import Clock
from exporter.core.configuration import Configuration
from exporter.core.errors import StoreError
from exporter.core.network import Network
from exporter.core.notice import Notice, NoticeFate
from exporter.core.shutdown import ShutdownLimit
from exporter.core.supervisor import Supervisor
from exporter.lifecycle.webhooks import WebhookParts
from exporter.notices.acknowledgements import Acknowledgements
from exporter.notices.desk import AlertDesk
from exporter.notices.intake import NoticeIntake
from exporter.notices.manual import ManualAlerts
from exporter.notices.series import MOST_NAMES
from exporter.store.alert_records import AlertRecord, add_records
from exporter.store.noise import alert_noise
from exporter.store.subjects.notices import add_new
from exporter.store.writer import Writer

MANUAL_TASK = "alerts by hand"

SHOWN_SECONDS = 30 * 86_400.0
"""An alert that fired in this time has series from the start on."""


@dataclass(frozen=True)
class AlertParts:
    """What takes notices, and where alerts are answered."""

    intake: NoticeIntake
    desk: AlertDesk
    writer: Writer
    supervisor: Supervisor
    now: Callable[[], float]

    async def start(self) -> None:
        """Show the series of known alerts, and send what was fired by hand from now on."""
        since = self.now() - SHOWN_SECONDS
        try:
            known = await self.writer.read(
                lambda connection: alert_noise(connection, ("alert",), since, limit=MOST_NAMES)
            )
            self.intake.alerts.show(name for one in known for name in one.subject)
        except StoreError:
            # Their series then begin when they fire; the store has logged why it fails.
            pass
        self.supervisor.keep(MANUAL_TASK, self.desk.manual.run)

    async def stop(self, deadline: ShutdownLimit) -> None:
        """End tests of the notifications that are under way."""
        del deadline  # what they wait for is cut at once
        await self.desk.drills.stop()


def build_notices(
    webhooks: WebhookParts, clock: Clock, network: Network, configuration: Callable[[], Configuration]
) -> AlertParts:
    """Return the parts; `webhooks` shows what they count, and commits what they store.

    `configuration` returns the one that is in force: it says where Alertmanager is.
    """
    commits, counters = webhooks.outbox.commits, webhooks.counters

    def store(notices: Sequence[Notice]) -> Awaitable[list[NoticeFate]]:
        return commits.write(add_new, notices)

    def record(entry: AlertRecord) -> Awaitable[bool]:
        return commits.write(add_records, entry)

    def write(step: Callable[..., Any], item: Any) -> Awaitable[Any]:
        return commits.write(step, item)

    def address() -> AlertmanagerAddress:
        current = configuration()
        return address_of(current.notifications.alertmanager, current.generation)

    def kept_apart() -> tuple[str, ...]:
        current = configuration()
        own = (*current.generation.aggregation_labels, *current.events.alert_labels)
        return (*registry.alert_labels(), *own)

    intake = NoticeIntake(store, counters.add, counters.set, clock.now)
    client = AlertmanagerClient(network, address)
    acknowledgements = Acknowledgements(client, kept_apart)
    read = webhooks.writer.read
    manual = ManualAlerts(client, write, read, clock.now)
    desk = AlertDesk(client, acknowledgements, record, read, intake.alerts, manual, clock.now)
    return AlertParts(intake, desk, webhooks.writer, webhooks.supervisor, clock.now)

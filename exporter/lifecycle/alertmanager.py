"""What the exporter does to Alertmanager by itself, as one: built, applied and started together."""

from dataclasses import dataclass, field
from functools import partial

from exporter.alertmanager.address import address_of
from exporter.alertmanager.client import AlertmanagerClient
from exporter.core.alertmanager import AlertmanagerAddress
from exporter.core.clock import Clock
from exporter.core.configuration import Configuration
from exporter.core.network import Network
from exporter.core.shutdown import ShutdownLimit
from exporter.core.supervisor import Supervisor
from exporter.ingest.counters import EventCounters
from exporter.notices.contact import AlertmanagerContact
from exporter.notices.escalation import EscalationWatch
from exporter.notices.maintenance import MaintenanceKeeper
from exporter.store.database import Database
from exporter.store.escalations import EscalationStore
from exporter.store.maintenance import MaintenanceStore

ESCALATION_TASK, MAINTENANCE_TASK = "escalation", "maintenance"


@dataclass
class AlertmanagerSettings:
    """How Alertmanager is reached now."""

    address: AlertmanagerAddress = field(default_factory=lambda: AlertmanagerAddress(()))

    def apply(self, configuration: Configuration) -> None:
        """Reach it as `configuration` says from now on."""
        self.address = address_of(configuration.notifications.alertmanager, configuration.generation)


@dataclass
class AlertmanagerParts:
    """Everything in a process that looks at Alertmanager again and again."""

    settings: AlertmanagerSettings
    contact: AlertmanagerContact
    escalation: EscalationWatch
    maintenance: MaintenanceKeeper
    supervisor: Supervisor

    def apply(self, configuration: Configuration) -> None:
        """Work by `configuration` from now on."""
        self.settings.apply(configuration)
        self.contact.apply(configuration)
        self.escalation.apply(configuration)
        self.maintenance.apply(configuration)

    async def start(self) -> None:
        """Begin to look."""
        self.supervisor.keep(ESCALATION_TASK, self.escalation.run)
        self.supervisor.keep(MAINTENANCE_TASK, self.maintenance.run)

    async def stop(self, deadline: ShutdownLimit) -> None:
        """Look no more; what is escalated and silenced stays for the next process."""
        del deadline  # a look that is under way is cut, and the next process makes it again
        for name in (ESCALATION_TASK, MAINTENANCE_TASK):
            await self.supervisor.stop(name)


def build_alertmanager(
    database: Database,
    counters: EventCounters,
    network: Network,
    clock: Clock,
    supervisor: Supervisor,
) -> AlertmanagerParts:
    """Return the parts; `counters` shows what they count."""
    settings = AlertmanagerSettings()
    client = AlertmanagerClient(network, lambda: settings.address)
    contact = AlertmanagerContact(counters.set)
    watch = EscalationWatch(client, EscalationStore(database), contact, counters.add, clock.now)
    keeper = MaintenanceKeeper(
        client, MaintenanceStore(database), contact, counters.set, counters.keep, clock.now
    )
    keeper.on_foreign = partial(database.feed.note, "maintenance_window")
    return AlertmanagerParts(settings, contact, watch, keeper, supervisor)

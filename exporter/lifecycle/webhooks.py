"""The parts that take, keep and bring on webhooks, as one: built, applied, started and stopped together."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import structlog

from exporter import registry
from exporter.core.action import ActionKit
from exporter.core.audit import entry_of
from exporter.core.clock import Clock
from exporter.core.configuration import Configuration
from exporter.core.delivery import Attempt, Delivery, DeliveryState
from exporter.core.endpoint import EndpointFacts
from exporter.core.errors import StoreError
from exporter.core.network import Network
from exporter.core.options import TlsOptions, trusting
from exporter.core.shutdown import ShutdownLimit
from exporter.core.supervisor import Supervisor
from exporter.core.text_message import SMS, TextMessages
from exporter.endpoints.directory import EndpointDirectory
from exporter.endpoints.stored import EndpointStore
from exporter.engine.engine import Engine
from exporter.ingest.audit import WINDOW, AuditLog
from exporter.ingest.audit_trail import AuditTrail
from exporter.ingest.backlog_series import DELIVER, BacklogSeries, ReceiverFacts
from exporter.ingest.counters import EventCounters
from exporter.ingest.risk import RiskJudge
from exporter.ingest.webhook_series import WebhookSeries
from exporter.ingest.webhook_summaries import WebhookSummaries
from exporter.ingest.webhooks import WebhookIntake
from exporter.outbox.outbox import Outbox
from exporter.signatures import schemes
from exporter.signatures._keys import KeyCache
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.store.ledger import AuditLedger
from exporter.store.subjects import deliveries
from exporter.store.threads import in_thread
from exporter.store.writer import Writer

AUDIT_SWITCH = "AUDIT_LOGGING_ENABLED"
AUDIT_TASK, REVIEWS_TASK = "audit", "audit reviews"
ENDPOINTS_TASK, SUMMARIES_TASK = "webhook endpoints", "webhook summaries"


@dataclass
class WebhookParts:
    """Everything about webhooks in a process."""

    audit: AuditLog
    trail: AuditTrail
    counters: EventCounters
    series: WebhookSeries
    intake: WebhookIntake
    outbox: Outbox
    endpoints: EndpointDirectory
    endpoint_store: EndpointStore
    writer: Writer
    supervisor: Supervisor
    summaries: WebhookSummaries
    tls: TlsOptions = field(default_factory=TlsOptions)
    texts: TextMessages | None = None

    def apply(self, configuration: Configuration) -> None:
        """Work by `configuration` from now on; what waits stays."""
        self.audit.enabled = AUDIT_SWITCH not in configuration.switched_off
        self.trail.apply(configuration)
        self.tls = trusting(TlsOptions(), configuration.ca_file)
        self.endpoint_store.exchange_keys(Seals(configuration.store.token_keys))
        self.endpoints.apply(configuration.webhooks, configuration.ca_file)
        self.intake.apply(configuration.webhooks)
        self.outbox.wake()

    async def start(self) -> None:
        """Carry what waits, also what the last process left; a store that fails now costs a delay alone."""
        with suppress(StoreError):
            await self.endpoints.refresh()
            if changed := await in_thread(self.endpoint_store.encrypt_again):
                log = structlog.get_logger("exporter.endpoints")
                log.info("stored endpoints were encrypted by the newest key", count=changed)
        self.supervisor.keep(ENDPOINTS_TASK, self.endpoints.run)
        self.supervisor.keep(SUMMARIES_TASK, self.summaries.run)
        self.supervisor.keep(AUDIT_TASK, lambda: self.audit.run(WINDOW))
        self.supervisor.keep(REVIEWS_TASK, self.trail.run)
        await self.outbox.start()
        names = [source.name for source in self.intake.sources()]
        with suppress(StoreError):
            self.series.remember(
                await self.writer.read(lambda connection: deliveries.last_received(connection, names))
            )

    async def stop(self, deadline: ShutdownLimit) -> None:
        """Let attempts end before the deadline; what is left waits for the next process."""
        await self.outbox.stop(deadline.left)
        self.audit.sweep(everything=True)
        self.summaries.hand_over()

    def receivers(self) -> Iterator[ReceiverFacts]:
        """Yield how each receiver does."""
        for entry in self.endpoints.entries():
            # What a person or the file switched off is no trouble; the exporter says why it did.
            by_itself = entry.mode is not None and bool(entry.mode.why)
            yield ReceiverFacts(
                entry.endpoint.name,
                entry.endpoint.tenant,
                entry.endpoint.enabled and (entry.sends or by_itself),
                entry.sends,
                entry.facts or EndpointFacts(entry.endpoint.name),
                entry.endpoint.enabled and by_itself and not entry.sends,
            )

    def note_attempt(self, delivery: Delivery, attempt: Attempt) -> None:
        """Count an attempt, and put what became of the webhook into the audit."""
        if delivery.kind == SMS:  # it has series and a list of its own
            return
        self.series.attempt(delivery, attempt)
        self.summaries.record(delivery, attempt)
        outcome = "success" if not attempt.reason else "failure"
        dead = delivery.state is DeliveryState.DEAD
        fields = {
            "actor": attempt.actor or "exporter",
            "action": f"webhook.{'given_up' if dead else delivery.kind}",
            "resource": f"endpoint:{delivery.endpoint}",
            "outcome": outcome,
            "tenant": delivery.tenant,
            "details": {"reason": attempt.reason, "status": attempt.status, "detail": attempt.detail},
        }
        entry = entry_of(attempt.at, fields)
        self.audit.add_repeatable(entry, attempt.reason)


def build_webhooks(
    database: Database,
    writer: Writer,
    engine: Engine,
    network: Network,
    clock: Clock,
    supervisor: Supervisor,
) -> WebhookParts:
    """Return the parts, without sources and endpoints; their series are shown at the engine's scrapes."""
    counters, judge = EventCounters(engine.exposition), RiskJudge()
    audit = AuditLog(writer.submit, clock.now, AuditLedger(judge), counters)
    endpoint_store = EndpointStore(database, Seals(()))
    directory = EndpointDirectory(endpoint_store, writer.submit, clock.now, audit.add)
    directory.on_foreign = partial(database.feed.note, "webhook_endpoint", None)
    kit = ActionKit(
        network,
        directory.get,
        lambda name: parts.intake.source(name),
        clock.now,
        directory.report,
        lambda: parts.texts,
    )
    outbox = Outbox(
        database, [make(kit) for make in registry.actions().values()], clock=clock, supervisor=supervisor
    )
    series = WebhookSeries(counters)
    intake = WebhookIntake(
        outbox,
        schemes(),
        KeyCache(network, clock.now, lambda: parts.tls),
        series,
        audit,
        engine.hasten,
        clock.now,
    )
    trail = AuditTrail(audit, judge, outbox.commits, writer.read, counters, clock.now)
    parts: WebhookParts = WebhookParts(
        audit,
        trail,
        counters,
        series,
        intake,
        outbox,
        directory,
        endpoint_store,
        writer,
        supervisor,
        WebhookSummaries(writer.submit),
    )
    directory.on_change = outbox.wake
    directory.abandon = partial(outbox.abandon, DELIVER)
    outbox.listeners.append(parts.note_attempt)
    shown = BacklogSeries(counters, lambda: outbox.backlogs, intake.sources, parts.receivers)
    # What is flagged is counted before the counters are shown.
    engine.more_series += [trail.show, shown.show]
    return parts

"""What waits, what is dead and which receivers answer, as a scrape shows it."""

from exporter.core import webhook_metrics as m
from exporter.core.delivery import Attempt, Backlog, Delivery, EndpointKey
from exporter.core.endpoint import EndpointFacts
from exporter.core.webhook import Webhooks, WebhookSource
from exporter.exposition import Exposition
from exporter.ingest.backlog_series import BacklogSeries, ReceiverFacts
from exporter.ingest.counters import EventCounters
from exporter.ingest.webhook_series import WebhookSeries
from tests.ingest.intake import github


class Scene:
    """Everything that the gauges are read from."""

    def __init__(self) -> None:
        self.backlogs: dict[EndpointKey, Backlog] = {}
        self.sources: list[WebhookSource] = [github(), github("stored", forward=None)]
        self.receivers: list[ReceiverFacts] = []
        self.counters = EventCounters(Exposition())
        self.series = BacklogSeries(
            self.counters, lambda: self.backlogs, lambda: self.sources, lambda: self.receivers
        )

    def scrape(self) -> None:
        for _ in self.series.show():
            pass


APP = ("code", "http", "", "github", "inbound")
CRM = ("", "", "acme", "crm", "outbound")
UP = ("", "", "acme", "crm")


def crm(
    facts: EndpointFacts, *, watched: bool = True, sends: bool = True, disabled: bool = False
) -> ReceiverFacts:
    return ReceiverFacts("crm", "acme", watched, sends, facts, disabled)


def test_backlogs_are_shown_by_endpoint_and_are_zero_where_nothing_waits() -> None:
    scene = Scene()
    scene.receivers = [crm(EndpointFacts("crm"))]
    scene.backlogs = {("deliver", "crm"): Backlog(3, 50.0, 2), ("deliver", "gone"): Backlog(9, 1.0, 0)}
    scene.scrape()
    value = scene.counters.value
    assert (value(m.BACKLOG, CRM), value(m.OLDEST, CRM), value(m.DEAD, CRM)) == (3.0, 50.0, 2.0)
    assert (value(m.BACKLOG, APP), value(m.OLDEST, APP), value(m.DEAD, APP)) == (0.0, None, 0.0)
    scene.backlogs, scene.sources = {}, []
    scene.scrape()
    assert (value(m.BACKLOG, CRM), value(m.OLDEST, CRM), value(m.BACKLOG, APP)) == (0.0, None, None)


def test_a_receiver_is_up_by_its_last_attempt_and_unknown_before_the_first() -> None:
    scene = Scene()
    for facts, more, expected in (
        (EndpointFacts("crm"), {}, None),
        (EndpointFacts("crm", last_success=5.0), {}, 1.0),
        (EndpointFacts("crm", last_failure=9.0, failing_since=9.0), {}, 0.0),
        (EndpointFacts("crm", last_success=5.0), {"sends": False}, 0.0),
        (EndpointFacts("crm", last_success=5.0), {"sends": False, "watched": False}, None),
    ):
        scene.receivers = [crm(facts, **more)]
        scene.scrape()
        value = scene.counters.value(m.ENDPOINT_UP, UP)
        assert value == expected, (facts, more)


def test_one_that_the_exporter_has_disabled_says_so_until_it_is_gone() -> None:
    scene = Scene()
    for receivers, expected in (
        ([crm(EndpointFacts("crm"))], 0.0),
        ([crm(EndpointFacts("crm"), sends=False, disabled=True)], 1.0),
        ([], None),
    ):
        scene.receivers = receivers
        scene.scrape()
        assert scene.counters.value(m.ENDPOINT_DISABLED, UP) == expected


def test_last_success_and_certificate_are_facts_of_a_receiver() -> None:
    scene = Scene()
    scene.receivers = [crm(EndpointFacts("crm", last_success=5.0, certificate_expiry=1e9))]
    scene.scrape()
    assert scene.counters.value(m.ENDPOINT_LAST_SUCCESS, UP) == 5.0
    assert scene.counters.value(m.ENDPOINT_CERTIFICATE, UP) == 1e9
    scene.receivers = []
    scene.scrape()
    assert scene.counters.value(m.ENDPOINT_CERTIFICATE, UP) is None


def test_the_failures_of_a_receiver_that_is_gone_are_forgotten() -> None:
    scene = Scene()
    series = WebhookSeries(scene.counters)
    series.apply(Webhooks("", tuple(scene.sources)), 0.0)
    scene.receivers = [crm(EndpointFacts("crm"))]
    for kind, name in (("deliver", "crm"), ("forward", "github")):
        delivery = Delivery(name, kind, name, b"", 0.0, 9.0, tenant="acme" if kind == "deliver" else "")
        series.attempt(delivery, Attempt(name, 1, 5.0, 0.1, reason="timeout"))
    scene.scrape()
    value = scene.counters.value
    assert value(m.CONSECUTIVE_FAILURES, CRM) == value(m.CONSECUTIVE_FAILURES, APP) == 1.0
    scene.receivers = []
    scene.scrape()
    assert value(m.CONSECUTIVE_FAILURES, CRM) is None and value(m.DELIVERIES, CRM) is None
    assert value(m.CONSECUTIVE_FAILURES, APP) == 1.0 and value(m.DELIVERIES, APP) == 1.0
    assert value(m.EVENTS, ("code", "http", "", "stored", "inbound")) == 0.0

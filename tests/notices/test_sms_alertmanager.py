"""A real Alertmanager brings text messages to exporters that are killed, and to two that share a store."""

from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from tests.notices.messages import alert
from tests.servers.alertmanager import alertmanager, alertmanager_pair
from tests.servers.ports import free_port
from tests.servers.sms_exporter import SmsExporter, kill_often
from tests.servers.text_vendors import SECOND_SID, SID, TextVendors, sms_yaml, text_vendors
from tests.waiting import until

KILLS = 3
"""Kills in the suite; `python -m tests.servers.sms_exporter 50` is the long way."""

TEXT = "CRITICAL payments tenant acme: IntegrationDown: IntegrationDown of payments"


def sent(**labels: Any) -> dict[str, Any]:
    one = alert(severity="critical", tenant="acme", **labels)
    return {key: one[key] for key in ("labels", "annotations")} | {"startsAt": "2026-11-28T12:00:00Z"}


def _has(vendors: TextVendors, number: int) -> bool:
    return len(vendors.sent) >= number


async def test_kill_9_between_acceptance_and_message_loses_none(tmp_path: Path) -> None:
    found = await kill_often(tmp_path, KILLS)
    assert found.acknowledged >= KILLS and found.lost == []
    # A kill repeats at most what is not finished, and that is at most everything that came before it.
    assert found.again <= sum(6 * kill for kill in range(1, KILLS + 1))


async def test_what_alertmanager_sends_reaches_twilio_and_while_that_is_down_the_second_account(
    tmp_path: Path,
) -> None:
    async with text_vendors() as vendors:
        exporter = SmsExporter(tmp_path / "exporter", sms_yaml(vendors.url))
        config = await exporter.generate()
        await exporter.start()
        try:
            async with alertmanager(tmp_path, config) as server:
                await server.post([sent()])
                await until(lambda: vendors.texts(SID) == [TEXT])
                await server.post([sent() | {"endsAt": "2026-11-28T12:30:00Z"}])
                await until(lambda: vendors.texts(SID) == [TEXT, f"RESOLVED {TEXT}"])
                vendors.answers[SID] = (503, None)
                await server.post([sent(integration="mail")])
                await until(lambda: len(vendors.texts(SECOND_SID)) == 1)
                # About the exporter itself: not by this way, with or without SNS.
                await server.post([sent(alertname="IntegrationExporterDown", component="exporter")])
                await server.post([sent(integration="last")])
                await until(lambda: len(vendors.texts(SECOND_SID)) == 2)
        finally:
            await exporter.process.stop()
        assert len(vendors.sent) == 4 and vendors.refused == []
        assert not [text for text in vendors.texts() if "ExporterDown" in text]


async def test_two_replicas_and_a_cluster_of_two_alertmanagers_send_one_message(
    database: str, tmp_path: Path
) -> None:
    ports = free_port(), free_port()
    async with text_vendors() as vendors, AsyncExitStack() as stack:
        sms = sms_yaml(vendors.url)
        replicas = [
            SmsExporter(tmp_path / f"replica{place}", sms, database, ports, place) for place in range(2)
        ]
        config = await replicas[0].generate()
        for replica in replicas:
            await replica.start()
            stack.push_async_callback(replica.process.stop)
        async with alertmanager_pair(tmp_path, config) as both:
            for number, state in enumerate(({}, {"endsAt": "2026-11-28T12:30:00Z"}), 1):
                for server in both:
                    await server.post([sent() | state])
                await until(partial(_has, vendors, number))
            # The last of all: whatever would have come twice was there before it.
            for server in both:
                await server.post([sent(integration="last")])
            await until(lambda: any(" last " in text for text in vendors.texts()))
        assert [text.partition(" ")[0] for text in vendors.texts()] == ["CRITICAL", "RESOLVED", "CRITICAL"]

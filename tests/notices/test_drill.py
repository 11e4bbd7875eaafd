"""Test alerts go the whole way: generated routes, a real Alertmanager, sinks shaped like every channel."""

import asyncio
import email
import email.policy
import json
import time
from collections.abc import AsyncIterator, Sequence, Sized
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.alertmanager.client import AlertmanagerClient
from exporter.cli import main
from exporter.core.alertmanager import AlertmanagerAddress, FiredAlert, Matcher, Silence
from exporter.core.notifications import Notifications
from exporter.core.severity import Severity
from exporter.net.network import LoopNetwork
from exporter.notices.drill import DrillRequest, Drills
from tests.rules.delivered import write_bundle
from tests.server.alert_office import Office, fired, labels, office_at
from tests.server.test_access import TOKENS
from tests.servers.alertmanager import alertmanager
from tests.servers.authority import Authority
from tests.servers.mail import Mail, mail_room
from tests.servers.message_sinks import MessageSinks, message_sinks
from tests.servers.text_vendors import sms_settings
from tests.waiting import until

PATH = "/api/v1/alerts/test"
CHANNELS = {
    "critical": ["email", "pagerduty", "slack", "sns", "webhook"],
    "high": ["email", "slack", "webhook"],
    "medium": ["slack", "webhook"],
    "low": ["email", "webhook"],
}


@dataclass
class Range:
    """A server, the Alertmanager that it asks, and what that sends to."""

    office: Office
    sinks: MessageSinks
    mail: Mail

    @property
    def channels(self) -> Sequence[Sized]:
        """What came, by channel."""
        return self.sinks.webhook, self.sinks.slack, self.sinks.pagerduty, self.sinks.sms, self.mail.letters

    async def run(self, **body: str) -> dict[str, Any]:
        """Run a test to its end; return what it found."""
        reply = await self.office.ask(PATH, "POST", body=body)
        assert reply.status == 202, reply.text
        found: dict[str, Any] = reply.json
        while found["state"] == "running":
            await asyncio.sleep(0.05)
            found = (await self.office.ask(f"{PATH}/{found['id']}")).json
        return found


@asynccontextmanager
async def shooting_range(folder: Path, slack: str = "") -> AsyncIterator[Range]:
    """Serve everything until the end of the block; `slack` is another path there than that of the sink."""
    authority = Authority(folder)
    mail = Mail(authority.server(), authority.server())
    async with message_sinks() as sinks, mail_room(mail) as room:
        config = write_bundle(folder, authority, sinks.port, room.mail.port, "1s")
        _open_all_hours(config)
        if slack:
            (folder / "secrets/slack-url").write_text(f"http://127.0.0.1:{sinks.port}/{slack}")
        aws = {"AWS_SHARED_CREDENTIALS_FILE": f"{folder}/secrets/aws-credentials"}
        async with alertmanager(folder, config, aws) as server, office_at(folder, [server.address]) as office:
            desk, client = office.stage.desk, office.stage.client
            # The routes of this configuration wait for a second, whatever the severity.
            desk.drills = Drills(client, time.time, lambda _severity: 0.0)
            yield Range(office, sinks, mail)


def _tests(sinks: MessageSinks) -> set[str]:
    """Return the severities of tests that the webhook got."""
    return {one["commonLabels"]["severity"] for one in sinks.webhook if "test" in one["commonLabels"]}


def _titles(made: Range) -> list[str]:
    return [one["attachments"][0]["title"] for one in made.sinks.slack]


def _pages(made: Range) -> list[str]:
    return [one["payload"]["summary"] for one in made.sinks.pagerduty if "payload" in one]


def _subjects(made: Range) -> list[str]:
    letters = [email.message_from_bytes(one, policy=email.policy.default) for one in made.mail.letters]
    return [str(one["Subject"]) for one in letters]


def _open_all_hours(config: Path) -> None:
    content = yaml.safe_load(config.read_text())
    for interval in content["time_intervals"]:
        interval["time_intervals"] = [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]
    config.write_text(yaml.safe_dump(content))


async def test_one_of_each_severity_reaches_every_channel_marked_and_not_hidden_by_real_ones(
    tmp_path: Path,
) -> None:
    async with shooting_range(tmp_path) as made:
        # Real alerts that would hide the tests, if they were not kept apart.
        real = [
            fired(labels("", severity, alertname="IntegrationTestAlert", integration="test", provider=""))
            for severity in ("critical", "high")
        ]
        await made.office.stage.client.fire(real)
        # By all of its channels: what came later would count as a message of the test.
        await until(lambda: all(made.channels))
        found = await made.run()
        await until(lambda: len(_tests(made.sinks)) == len(CHANNELS))
        rows = {row["severity"]: row for row in found["alerts"]}
        assert {name: row["channels"] for name, row in rows.items()} == CHANNELS
        assert {name: row["receivers"] for name, row in rows.items()} == {name: [name] for name in CHANNELS}
        assert all(row["hidden_by"] == [] for row in rows.values())
        assert found["problems"] == [] and set(found["failed"]) == set()
        assert found["sent"]["slack"] >= 3 and found["sent"]["email"] >= 3
        assert any(title.startswith("[CRITICAL]") for title in _titles(made)), "real ones have no mark"
        # What is counted is under way: a channel has it a moment later.
        await until(lambda: sum(title.startswith("[TEST] [") for title in _titles(made)) >= 3)
        await until(lambda: any(one["Message"].startswith("TEST CRITICAL test: ") for one in made.sinks.sms))
        await until(lambda: any(text.startswith("[TEST] [CRITICAL] test Alert: ") for text in _pages(made)))
        await until(lambda: sum(subject.startswith("[TEST] [") for subject in _subjects(made)) >= 3)
        # They are over at once: nothing of them is left but the real ones.
        assert {row["alert"] for row in await made.office.rows()} == {"IntegrationTestAlert"}
        assert all("test" not in row["labels"] for row in await made.office.rows())


async def test_a_channel_is_tested_by_the_severity_that_reaches_the_fewest_others(tmp_path: Path) -> None:
    async with shooting_range(tmp_path) as made:
        assert [row["severity"] for row in (await made.run(channel="slack"))["alerts"]] == ["medium"]
        assert [row["severity"] for row in (await made.run(channel="sms"))["alerts"]] == ["critical"]
        reply = await made.office.ask(PATH, "POST", body={"channel": "pigeon"})
        assert reply.status == 400 and "there are: email, pagerduty, slack" in reply.json["error"]


async def test_text_messages_are_a_channel_where_the_exporter_is_the_bridge(tmp_path: Path) -> None:
    async with shooting_range(tmp_path) as made:
        made.office.stage.client.channels = _webhooks_alone  # type: ignore[method-assign]  # no SNS there
        refused = await made.office.ask(PATH, "POST", body={"channel": "sms"})
        assert refused.status == 400
        made.office.house.room.notifications = Notifications(
            sms=sms_settings("http://127.0.0.1:1", sns=False)
        )
        assert [row["severity"] for row in (await made.run(channel="sms"))["alerts"]] == ["critical"]
        reply = await made.office.ask(PATH, "POST", body={"channel": "sms", "severity": "high"})
        assert reply.status == 400 and "has the severity high" in reply.json["error"]


async def _webhooks_alone() -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(CHANNELS, ("webhook",))


async def test_a_rule_is_tested_with_its_labels(tmp_path: Path) -> None:
    async with shooting_range(tmp_path) as made:
        found = await made.run(rule="IntegrationDown", service="payments", tenant="acme", severity="critical")
        (row,) = found["alerts"]
        assert (row["alert"], row["service"], row["tenant"]) == ("IntegrationDown", "payments", "acme")
        assert found["problems"] == []
        await until(lambda: made.sinks.webhook)
        (sent,) = [one for one in made.sinks.webhook if one["status"] == "firing"]
        assert sent["commonLabels"]["provider"] == "http" and sent["commonLabels"]["scope"]
        reply = await made.office.ask(PATH, "POST", body={"rule": "IntegrationDwn"})
        assert reply.status == 404 and "did you mean IntegrationDown?" in reply.json["error"]
        assert (await made.office.ask(PATH, "POST", body={"wait": "2h"})).status == 400


async def test_alerts_by_hand_go_where_their_severity_goes_and_hide_one_another_never(tmp_path: Path) -> None:
    async with shooting_range(tmp_path) as made:
        for severity in ("critical", "high"):
            body = {"service": "payments", "severity": severity, "message": f"{severity} by hand"}
            assert (await made.office.ask("/api/v1/alerts", "POST", body=body)).status == 201
        rows = {row["severity"]: row for row in await made.office.rows()}
        assert {name: (row["state"], row["receivers"]) for name, row in rows.items()} == {
            "critical": ("firing", ["critical"]),
            "high": ("firing", ["high"]),
        }
        await until(lambda: len(made.sinks.slack) >= 2)
        texts = [one["attachments"][0] for one in made.sinks.slack]
        assert {one["title"] for one in texts} == {
            "[CRITICAL] payments Alert: critical by hand",
            "[HIGH] payments Alert: high by hand",
        }
        # There is no runbook for what nobody foresaw: no link leads nowhere.
        assert all("|Runbook>" not in one["text"] and "|Alerts>" in one["text"] for one in texts)


async def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    async with shooting_range(tmp_path, slack="nowhere") as made:
        now = time.time()
        everything = Silence((Matcher("severity", "high"),), now, now + 600, "ada", "quiet")
        await made.office.stage.client.put_silence(everything)
        found = await made.run(wait="30s")
        assert found["failed"]["slack"] >= 1
        said = "\n".join(found["problems"])
        assert "high: a silence or an inhibition hides it" in said and "slack: " in said


async def test_a_receiver_without_a_channel_is_a_problem_and_two_tests_do_not_run_at_once(
    tmp_path: Path,
) -> None:
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    async with alertmanager(tmp_path, config) as server, office_at(tmp_path, [server.address]) as office:
        reply = await office.ask(PATH, "POST", body={"severity": "high", "wait": "30s"})
        assert reply.json["problems"] == ["high: nobody has no channel, so nobody is notified"]
        assert (await office.ask(PATH, "POST", body={})).status == 409
        await office.stage.desk.drills.stop()
        assert await office.rows() == [], "a test that is stopped leaves no alert behind"


class HoldingClient(AlertmanagerClient):
    """A client that sends its first alerts at once, and those after them when it may."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.sent, self.gate = 0, asyncio.Event()

    async def fire(self, alerts: Sequence[FiredAlert]) -> tuple[str, ...]:
        self.sent += 1
        if self.sent > 1:
            await self.gate.wait()
        return await super().fire(alerts)


async def test_a_test_is_over_once_its_alerts_are(tmp_path: Path) -> None:
    config, network = tmp_path / "alertmanager.yml", LoopNetwork()
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    async with alertmanager(tmp_path, config) as server:
        client = HoldingClient(network, lambda: AlertmanagerAddress((f"http://{server.address}",)))
        drills = Drills(client, time.time, lambda _severity: 0.0)
        drill = await drills.start(DrillRequest((Severity.HIGH,), {}, wait=0.1), "ada")
        await until(lambda: client.sent == 2)
        assert [drill.running, drills.running, len(await client.alerts())] == [True, True, 1]
        client.gate.set()
        await until(lambda: not drill.running)
        assert [drills.running, len(await client.alerts())] == [False, 0]
    await network.close()


async def test_the_command_prints_where_tests_lead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text(TOKENS["admin"])
    async with shooting_range(tmp_path) as made:
        flags = (f"--exporter.url={made.office.house.url}", f"--token-file={token}")
        words = ["alerts", "test", "--severity=medium", *flags]
        assert await asyncio.to_thread(main, words) == 0
        shown = capsys.readouterr()
        assert shown.out.splitlines()[1].split() == [
            *("medium", "IntegrationTestAlert", "medium", "slack,", "webhook")
        ]
        assert "slack: 1 sent" in shown.err
        assert await asyncio.to_thread(main, [*words, "--json", "--no-wait"]) == 0
        assert json.loads(capsys.readouterr().out)["state"] == "running"
        await made.office.stage.desk.drills.stop()

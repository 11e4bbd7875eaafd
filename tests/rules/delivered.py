"""Messages as they really arrive: alerts sent through a real Alertmanager with generated files to sinks."""

import asyncio
import email
import email.policy
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import yaml

from exporter import registry
from exporter.config.load import load_file
from exporter.core.severity import Severity
from exporter.generate import bundle
from tests.rules.tools import write
from tests.servers.alertmanager import alertmanager
from tests.servers.authority import Authority
from tests.servers.mail import PASSWORD, USER, Mail, mail_room
from tests.servers.message_sinks import MessageSinks, message_sinks
from tests.waiting import until

GOLDEN = Path(__file__).parent / "golden"
BEGIN, END = "2026-01-05T00:54:00Z", "2026-01-05T00:56:20Z"
FOREVER = "2099-01-01T00:00:00Z"
_ALERTS = {alert.name: alert for alert in registry.alerts()}
_CONFIGURATION = """\
generate:
  exporter: {{url: "http://exporter.example:10055"}}
  secrets: {{dir: "{folder}/secrets"}}
notifications:
  grafana_url: https://grafana.example
  slack: {{api_url: "http://127.0.0.1:{port}/slack"}}
  email:
    to: [ops@example.org]
    sender: monitoring@example.org
    smarthost: "127.0.0.1:{mail}"
    username: {user}
    password: "{password}"
    tls: {{ca_file: "{ca}"}}
  pagerduty: {{routing_key: key, url: "http://127.0.0.1:{port}/pagerduty"}}
  sms: {{to: ["+491701234567"], sns: {{region: eu-central-1, access_key: AKIA, secret_key: planted}}}}
  webhook: {{url: "http://127.0.0.1:{port}/webhook"}}
"""


def notice(
    name: str, severity: Severity, description: str, reason: str = "", **labels: str
) -> dict[str, Any]:
    """Return an alert as Prometheus sends it, with the labels and annotations of its rule."""
    alert = _ALERTS[name]
    query = "&".join(f"{key}={labels[key]}" for key in ("integration", "tenant") if key in labels)
    variables = "&".join(f"var-{part}" for part in query.split("&") if part)
    annotations = {
        "summary": alert.say(severity),
        "description": description,
        "reason": reason,
        "runbook_url": f"http://exporter.example:10055/runbooks/{name}",
        "dashboard_url": f"https://grafana.example/d/{alert.dashboard}?{variables}",
        "details_url": f"http://exporter.example:10055/integration?{query}" if alert.cause == "probe" else "",
    }
    return {
        "labels": {"alertname": name, "severity": str(severity), **alert.fixed_labels, **labels},
        "annotations": {key: text for key, text in annotations.items() if text},
    }


@dataclass(frozen=True)
class Delivery:
    """What every channel got."""

    sinks: MessageSinks
    letters: list[EmailMessage]
    log: str

    def of(self, integration: str) -> "Delivery":
        """Return what is about one integration, by the title that all messages of people begin with."""

        def ours(text: str) -> bool:
            return f"] {integration} Alert: " in text

        sinks = MessageSinks(
            slack=[one for one in self.sinks.slack if ours(one["attachments"][0]["title"])],
            pagerduty=[one for one in self.sinks.pagerduty if _component(one) in ("", integration)],
            sms=[one for one in self.sinks.sms if f" {integration}" in one["Message"].partition(": ")[0]],
            webhook=[one for one in self.sinks.webhook if one["commonLabels"]["integration"] == integration],
        )
        return Delivery(sinks, [one for one in self.letters if ours(str(one["Subject"]))], self.log)

    @property
    def text(self) -> str:
        """Everything in one text, for a golden file; since when it fires is the time of the test."""
        text = "\n".join(line for part in self._parts() for line in (*part, ""))
        return re.sub(r"since \d{4}-\d\d-\d\d \d\d:\d\d UTC", "since 2026-01-05 00:54 UTC", text)

    def _parts(self) -> Iterable[tuple[str, ...]]:
        for number, letter in enumerate(self.letters, 1):
            yield f"==== mail {number}", f"Subject: {letter['Subject']}", "", body(letter, "plain").rstrip()
            yield f"==== mail {number}, HTML", body(letter, "html").rstrip()
        for number, one in enumerate(self.sinks.slack, 1):
            (part,) = one["attachments"]
            yield f"==== Slack {number}, {part['color']}", part["title"], part["title_link"], part["text"]
        for number, event in enumerate(self.sinks.pagerduty, 1):
            shown = {key: value for key, value in event.items() if key != "dedup_key"}
            # Numbers are text before Alertmanager 0.30, and what is empty is null since then.
            details = event["payload"]["custom_details"].items()
            shown["payload"]["custom_details"] = {
                key: str("" if value is None else value) for key, value in details
            }
            yield f"==== PagerDuty {number}", json.dumps(shown, indent=2, ensure_ascii=False)
        for number, one in enumerate(self.sinks.sms, 1):
            yield f"==== SMS {number}", one["Message"]


def _component(event: Mapping[str, Any]) -> str:
    # A resolving event has the same payload as a triggering one.
    return str(event.get("payload", {}).get("component", ""))


def body(letter: EmailMessage, kind: str) -> str:
    """Return the `plain` or `html` body of a mail."""
    part = letter.get_body((kind,))
    assert part is not None, f"a mail without {kind}"
    return str(part.get_content()).replace("\r\n", "\n")


def golden(name: str, text: str) -> str:
    """Return the golden text of that name; with UPDATE_GOLDEN=1, write `text` as the new one first."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return path.read_text()


def deliver(folder: Path, alerts: list[dict[str, Any]], wait: str = "2s") -> Delivery:
    """Fire `alerts`, then resolve them, both collected for `wait`; return what arrived."""
    return asyncio.run(_deliver(folder, alerts, wait))


async def _deliver(folder: Path, alerts: list[dict[str, Any]], wait: str) -> Delivery:
    authority = Authority(folder)
    mail = Mail(authority.server(), authority.server())
    async with message_sinks() as sinks, mail_room(mail) as room:
        config = write_bundle(folder, authority, sinks.port, room.mail.port, wait)
        aws = {"AWS_SHARED_CREDENTIALS_FILE": f"{folder}/secrets/aws-credentials"}
        async with alertmanager(folder, config, aws) as server:
            # Not in the past: a group does not wait for its others when one of them is old already.
            begin = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
            await server.post([{**alert, "startsAt": begin, "endsAt": FOREVER} for alert in alerts])
            await _settle(sinks, mail, alerts, 1)
            await server.post([{**alert, "startsAt": BEGIN, "endsAt": END} for alert in alerts])
            await _settle(sinks, mail, alerts, 2)
    parsed = [email.message_from_bytes(one, policy=email.policy.default) for one in mail.letters]
    log = (folder / "alertmanager.log").read_text()
    return Delivery(sinks, parsed, log)


async def _settle(sinks: MessageSinks, mail: Mail, alerts: list[dict[str, Any]], times: int) -> None:
    """Wait until every channel has what the severities of `alerts` send it."""
    labels = [one["labels"] for one in alerts]
    groups = {(one["alertname"], one["integration"], one["severity"]) for one in labels}
    kinds = [kind for *_, severity in groups for kind in Severity(severity).channels]
    await until(lambda: len(sinks.webhook) >= len(groups) * times)
    await until(lambda: len(sinks.slack) + len(sinks.refused) >= kinds.count("slack") * times)
    await until(lambda: len(sinks.pagerduty) + len(sinks.refused) >= kinds.count("pagerduty") * times)
    await until(lambda: len(mail.letters) >= kinds.count("email") * times)
    await until(lambda: len(sinks.sms) + len(sinks.refused) >= kinds.count("sms"))


def write_bundle(folder: Path, authority: Authority, port: int, mail: int, wait: str) -> Path:
    """Write what `generate` writes, but for the pace: nobody waits a minute here. SNS is the sink."""
    text = _CONFIGURATION.format(
        folder=folder, port=port, mail=mail, ca=authority.ca_file, user=USER, password=PASSWORD
    )
    (folder / "c.yml").write_text(text)
    made = bundle.user_files(load_file(str(folder / "c.yml"), registry.catalogue(), {}))
    write(folder / "secrets", {name: secret.reveal() for name, secret in made.secrets.items()})
    content = yaml.safe_load(made.files["alertmanager/alertmanager.yml"])
    for route in (content["route"], *content["route"]["routes"]):
        route |= {"group_wait": wait, "group_interval": wait}
    for receiver in content["receivers"]:
        for config in receiver.get("sns_configs", ()):
            config["api_url"] = f"http://127.0.0.1:{port}/sns/"
    write(folder, {**made.files, "alertmanager/alertmanager.yml": yaml.safe_dump(content)})
    return folder / "alertmanager/alertmanager.yml"

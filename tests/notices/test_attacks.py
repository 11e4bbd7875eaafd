"""Attacks and outages as apps report them, from a real Prometheus that has their past to a receiver.

Every alert on what apps report gets the series of its first firing case, in an environment of its own, as
blocks that end now. Prometheus evaluates the generated rules over all of them at once; their alerts go
through a real Alertmanager with the generated routes and inhibitions. Only the paces are shorter.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import registry
from exporter.config.load import load_file
from exporter.core.alert import Alert, Case
from exporter.core.durations import seconds
from exporter.generate import bundle
from exporter.generate.rule_tests import complete
from exporter.generate.samples import pieces_of
from tests.rules.tools import program, write
from tests.servers.alertmanager import alertmanager
from tests.servers.message_sinks import MessageSinks, message_sinks
from tests.servers.prometheus import stored_prometheus
from tests.waiting import until

BESIDES = (
    *("IntegrationWebhookFailing", "IntegrationWebhookFailingRepeatedly", "IntegrationWebhookSourceSilent"),
    *("IntegrationWebhookBadSignatures", "IntegrationCostOfDayHigh", "IntegrationEventSeriesDropped"),
    "IntegrationAuditEventFlagged",
)
"""Alerts of other sources on what is reported, sent or spent."""

FAMILIES = tuple(registry.families().values())
ALERTS = [alert for name in registry.event_sources() for alert in registry.sources()[name].alerts]
ALERTS += [alert for alert in registry.alerts() if alert.name in BESIDES]
PAST = 130 * 60
"""Seconds; the longest case has 125 minutes."""

DELIVERY = 90.0
"""Seconds until an alert that did not arrive is missing."""

CONFIGURATION = """\
integrations: []
notifications: {{webhook: {{url: "http://127.0.0.1:{port}/webhook"}}}}
"""


def firing(alert: Alert) -> Case:
    case = next(case for case in alert.cases if case.fires and not case.exempt)
    return complete(alert, case, FAMILIES)


def lines(alert: Alert, now: int) -> Iterator[str]:
    """Yield the samples of the alert's case, of which the moment that is judged is now, as OpenMetrics."""
    case = firing(alert)
    begin, step = now - seconds(case.at), seconds(case.interval)
    for name, values in case.series.items():
        metric, _, labels = name.rstrip("}").partition("{")
        head = f'{metric}{{{labels}{"," if labels else ""}environment="{alert.name}"}}'
        number = 0
        for piece in pieces_of(values):
            for index in range(piece.count):
                moment = begin + number * step
                number += 1
                if piece.first is not None and moment <= now:
                    yield f"{head} {piece.first + piece.step * index:.10g} {moment}"


def rule_files() -> dict[str, str]:
    """Return the text of the generated rule files that have one of the alerts, and of the thresholds."""
    found = {}
    for path, text in bundle.files().items():
        if path.startswith("prometheus/rules/"):
            rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
            # A threshold is recorded once for all files.
            if Path(path).stem == "thresholds" or {a.name for a in ALERTS} & {r.get("alert") for r in rules}:
                found[Path(path).name] = text
    return found


def quick(text: str) -> str:
    """Return a rule file that is evaluated each second, and whose alerts fire at once."""
    content = yaml.safe_load(text)
    for group in content["groups"]:
        group["interval"] = "1s"
        for rule in group["rules"]:
            rule.pop("for", None)
    return yaml.safe_dump(content)


def long_records(rules: Mapping[str, str]) -> str:
    """Return a rule file of the records that other rules read over a range, each minute."""
    groups = [group for text in rules.values() for group in yaml.safe_load(text)["groups"]]
    each = [rule for group in groups for rule in group["rules"]]
    text = "\n".join(rule["expr"] for rule in each)
    read = {name for rule in each if (name := rule.get("record")) if f"{name}[" in text}
    found = [rule for rule in each if rule.get("record") in read]
    return yaml.safe_dump({"groups": [{"name": "past", "interval": "1m", "rules": found}]})


async def promtool(*words: str) -> None:
    process = await asyncio.create_subprocess_exec(
        program("promtool"), *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def _attack(folder: Path) -> list[dict[str, Any]]:
    """Return the alerts that the receiver got."""
    async with message_sinks() as sinks:
        rules, config = rule_files(), _alertmanager_file(folder, sinks.port)
        async with alertmanager(folder, config) as server:
            await _remember(folder, rules)
            write(folder, {f"live/{name}": quick(text) for name, text in rules.items()})
            peers = [{"static_configs": [{"targets": [server.address]}]}]
            live = {"rule_files": ["live/*.yml"], "alerting": {"alertmanagers": peers}}
            async with stored_prometheus(folder, live):
                wanted = {alert.name for alert in ALERTS}
                # Each test says what is missing.
                with suppress(TimeoutError):
                    await until(lambda: wanted <= {name_of(one) for one in received(sinks)}, DELIVERY)
        return list(received(sinks))


def received(sinks: MessageSinks) -> Iterator[dict[str, Any]]:
    for message in sinks.webhook:
        yield from message["alerts"]


def name_of(notice: Mapping[str, Any]) -> str:
    """Return the alert's name if it is of its own case, "" if another one's case raised it too."""
    labels = notice["labels"]
    return str(labels["alertname"]) if labels.get("environment") == labels["alertname"] else ""


async def _remember(folder: Path, rules: Mapping[str, str]) -> None:
    """Write the past into blocks: what was scraped, then what was recorded of it and is read over a range."""
    now = int(time.time())
    text = "\n".join(line for alert in ALERTS for line in lines(alert, now))
    (folder / "past.txt").write_text(f"{text}\n# EOF\n")
    await promtool(
        "tsdb", "create-blocks-from", "openmetrics", str(folder / "past.txt"), str(folder / "tsdb")
    )
    (folder / "past.yml").write_text(long_records(rules))
    async with stored_prometheus(folder, {}) as url:
        await promtool(
            *("tsdb", "create-blocks-from", "rules", f"--start={now - PAST}", f"--end={now}"),
            *(f"--url={url}", f"--output-dir={folder / 'recorded'}", "--eval-interval=1m"),
            str(folder / "past.yml"),
        )
    for block in (folder / "recorded").iterdir():
        if re.fullmatch("[0-9A-Z]{26}", block.name):
            block.rename(folder / "tsdb" / block.name)


def _alertmanager_file(folder: Path, port: int) -> Path:
    """Write the generated files; nobody waits for a minute or for working hours here."""
    (folder / "my.yml").write_text(CONFIGURATION.format(port=port))
    write(folder, bundle.user_files(load_file(str(folder / "my.yml"), registry.catalogue(), {})).files)
    path = folder / "alertmanager/alertmanager.yml"
    content = yaml.safe_load(path.read_text())
    for route in (content["route"], *content["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "1s"}
        route.pop("active_time_intervals", None)
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return asyncio.run(_attack(tmp_path_factory.mktemp("attacks")))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_the_alert_of_an_attack_reaches_its_receiver(alert: Alert, delivered: list[dict[str, Any]]) -> None:
    found = [one for one in delivered if name_of(one) == alert.name]
    assert found, f"only {sorted({one['labels']['alertname'] for one in delivered})} arrived"
    wanted = {(name, value) for name, value in firing(alert).fires[0].items() if value and name != "severity"}
    assert any(wanted <= set(one["labels"].items()) for one in found), json.dumps(found)
    for one in found:
        assert one["annotations"]["summary"] and one["annotations"]["runbook_url"].endswith(alert.name)
        assert "<no value>" not in one["annotations"]["description"]


def test_every_alert_beside_those_of_the_kinds_is_among_them() -> None:
    assert {alert.name for alert in ALERTS} >= set(BESIDES)

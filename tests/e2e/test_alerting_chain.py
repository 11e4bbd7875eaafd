"""From series to messages through a real Prometheus and Alertmanager, fifteen times as fast as in life.

One run has what disturbs an operator at night: an exporter that restarts, a replica that is gone while the
other one hangs, an integration that flaps, a database that refuses, an environment that is cut off.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from exporter import registry
from exporter.core.common_metrics import (
    CONFIGURED,
    CONSECUTIVE_FAILURES,
    CRITICAL,
    FAILURE_INFO,
    NEXT_RUN,
    SUCCESS,
)
from exporter.core.metric import Scope
from exporter.core.notifications import Notifications
from exporter.generate import bundle, routing
from exporter.generate.secret_files import SecretFiles
from tests.servers.alertmanager import alertmanager
from tests.servers.prometheus import prometheus, shorten_route

PACE = 15.0
LENGTH = 22 * 60.0
"""Seconds of the story; it takes LENGTH / PACE."""
RESTART = (480.0, 540.0)
INTEGRATIONS = (("db", "postgres"), ("third", "http"), ("pay", "stripe"), ("sms", "twilio"), ("late", "tcp"))


class Story:
    """What each exporter shows as time goes by, and every message that came of it."""

    def __init__(self) -> None:
        """Wait for `begin`."""
        self._began = 0.0
        self.messages: list[dict[str, Any]] = []

    def begin(self) -> None:
        """Let the time of the story begin."""
        self._began = time.time()

    @property
    def now(self) -> float:
        """Seconds of the story."""
        return (time.time() - self._began) * PACE

    async def show(self, request: web.Request) -> web.Response:
        """Answer a scrape of the exporter that the path names."""
        name, now = request.match_info["name"], self.now
        if name == "gone" or (name == "alive" and RESTART[0] <= now < RESTART[1]):
            return web.Response(status=503)
        lines = [*_thresholds(), *(self._staging() if name == "staging" else self._production(now))]
        return web.Response(text="\n".join((*lines, "")))

    async def take(self, request: web.Request) -> web.Response:
        """Take a message of Alertmanager; the path names the receiver."""
        self.messages.append({**await request.json(), "to": request.match_info["name"]})
        return web.Response()

    def _production(self, now: float) -> Iterator[str]:
        soon = time.time() + 60
        yield from _target("db", "postgres", "", 9, soon, "quota")
        # Two minutes well, two minutes with a failure every twenty seconds.
        yield from _target("third", "http", "", max(0, int(now % 240 - 100) // 20), soon, "vendor_error")
        yield _line(CRITICAL, 1, integration="third", provider="http")
        for number in range(6):
            yield from _target("pay", "stripe", f"t{number}", 9 if number == 0 else 0, soon, "auth")
            yield from _target("sms", "twilio", f"t{number}", 0, soon)
        # It hangs after five minutes, when the other replica has been down for long.
        yield from _target("late", "tcp", "", 0, self._began + 300 / PACE)

    def _staging(self) -> Iterator[str]:
        for number in range(6):
            yield from _target("pay", "stripe", f"t{number}", 3, time.time() + 60, "dns")
            yield from _target("sms", "twilio", f"t{number}", 3, time.time() + 60, "dns")

    def about(self, alert: str, status: str = "firing", **labels: str) -> list[dict[str, Any]]:
        """Return the messages with an alert of that name, status and labels."""
        wanted = {"alertname": f"Integration{alert}", **labels}
        return [
            message
            for message in self.messages
            if any(
                one["status"] == status and wanted.items() <= one["labels"].items()
                for one in message["alerts"]
            )
        ]


def _line(metric: object, value: float, **labels: str) -> str:
    inside = ",".join(f'{name}="{text}"' for name, text in labels.items())
    return f"{metric}{{{inside}}} {value}"


def _target(
    integration: str, provider: str, tenant: str, failures: int, due: float, reason: str = ""
) -> Iterator[str]:
    who = {"integration": integration, "provider": provider, "tenant": tenant}
    yield _line(CONFIGURED, 1, **who)
    yield _line(SUCCESS, int(not failures), **who)
    yield _line(CONSECUTIVE_FAILURES, failures, **who)
    yield _line(NEXT_RUN, due, **who)
    if failures:
        yield _line(FAILURE_INFO, 1, **who, reason=reason)


def _thresholds() -> Iterator[str]:
    for integration, provider in INTEGRATIONS:
        where = {"integration": integration, "provider": provider, "tenant": ""}
        for family in registry.families().values():
            if family.scope is Scope.TARGET:
                for severity, number in family.steps.items():
                    yield _line(family.metric, number, **where, severity=severity.value)


def _route(port: int) -> dict[str, Any]:
    """Return the shipped configuration of Alertmanager with a webhook in place of every channel."""
    shipped = routing.configuration(Notifications(), SecretFiles("/run/x"))
    names = [receiver["name"] for receiver in shipped["receivers"]]
    hooks = [
        {"name": name, "webhook_configs": [{"url": f"http://127.0.0.1:{port}/messages/{name}"}]}
        for name in names
    ]
    return {
        "route": shorten_route(shipped["route"], PACE),
        "inhibit_rules": shipped["inhibit_rules"],
        "time_intervals": shipped["time_intervals"],
        "receivers": hooks,
    }


def _targets(port: int) -> list[dict[str, Any]]:
    environments = {"gone": "production", "alive": "production", "staging": "staging"}
    return [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {
                "__metrics_path__": f"/exporters/{name}",
                "instance": name,
                "environment": environment,
            },
        }
        for name, environment in environments.items()
    ]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Tell the whole story once; the tests read what came of it."""
    return asyncio.run(_tell(tmp_path_factory.mktemp("chain")))


async def _tell(folder: Path) -> Story:
    found = Story()
    async with _served(found) as port:
        config = folder / "alertmanager.yml"
        config.write_text(yaml.safe_dump(_route(port)))
        async with alertmanager(folder, config) as running:
            found.begin()
            async with prometheus(folder, bundle.rule_files(), _targets(port), running.address, PACE):
                await asyncio.sleep(LENGTH / PACE)
    return found


@asynccontextmanager
async def _served(story: Story) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/exporters/{name}", story.show)
    app.router.add_post("/messages/{name}", story.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def test_a_restart_repeats_no_message(story: Story) -> None:
    assert len(story.about("DatabaseConnectionsRefused")) == 1
    assert story.about("DatabaseConnectionsRefused", "resolved") == []


def test_a_database_that_refuses_is_one_message(story: Story) -> None:
    assert story.about("Down", integration="db") == story.about("TargetFailing", integration="db") == []
    assert story.about("QuotaNearLimit") == []


def test_an_integration_that_flaps_pages_once_and_is_called_so(story: Story) -> None:
    assert len(story.about("Down", integration="third", severity="critical")) == 1
    assert story.about("Down", "resolved", integration="third") == []
    assert story.about("TargetFailing", integration="third") == []
    assert [message["to"] for message in story.about("Flapping", integration="third")] == ["medium"]


def test_a_replica_that_is_gone_does_not_hide_that_the_other_one_hangs(story: Story) -> None:
    assert story.about("ExporterDown", instance="gone")
    assert story.about("ExporterDown", replicas="none") == []
    assert story.about("ProbeStale", integration="late", environment="production")


def test_an_environment_that_is_cut_off_hides_nothing_of_another(story: Story) -> None:
    assert story.about("ExporterIsolated", environment="staging")
    assert story.about("ExporterIsolated", environment="production") == []
    assert story.about("TargetFailing", environment="staging") == []
    (message,) = story.about("TargetFailing", environment="production", integration="pay")
    assert {one["labels"]["environment"] for one in message["alerts"]} == {"production"}

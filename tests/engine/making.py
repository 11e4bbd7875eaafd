"""Targets, probes and configurations made for a test."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec

from exporter.core.configuration import Configuration, Integration, StoreSettings
from exporter.core.metric import Metric, Sample
from exporter.core.network import Answer, ConnectedPeer, Request, Talk, Trace
from exporter.core.notifications import Notifications
from exporter.core.options import Options
from exporter.core.probe import Check, Kit, Probe, Target
from exporter.core.secret import Secret
from exporter.core.threshold import Threshold

QUEUE = Metric("integration_made_queue_length", "Jobs waiting.")
BLOCKED_UNTIL = Metric(
    "integration_made_blocked_until_timestamp_seconds", "When the block ends.", unit="seconds", dated=True
)


class MadeOptions(Options, frozen=True, kw_only=True):
    secret_key: Secret | None = Secret("sk_planted_secret")
    step: str = ""


async def good(target: Target, kit: Kit) -> Iterable[Sample]:
    return [QUEUE(3)]


def made_probe(check: Check = good, **fields: Any) -> Probe:
    settings: dict[str, Any] = {"interval": 60.0, "needs": ("secret_key",), "credential": "secret_key"}
    return Probe("made", "Made", MadeOptions, check, (QUEUE, BLOCKED_UNTIL), **(settings | fields))


def made_target(
    name: str = "payments",
    tenant: str = "",
    probe: Probe | None = None,
    *,
    interval: float = 60.0,
    timeout: float = 10.0,
    critical: bool = False,
    options: MadeOptions | None = None,
    labels: tuple[tuple[str, str], ...] = (),
) -> Target:
    return Target(
        name, tenant, probe or made_probe(), options or MadeOptions(), interval, timeout, labels, critical
    )


def made_configuration(
    targets: Sequence[Target], *, thresholds: tuple[Threshold, ...] = (), **fields: Any
) -> Configuration:
    integrations = {
        target.integration: Integration(target.integration, target.probe, target.critical, target.interval)
        for target in targets
    }
    return Configuration(
        path=None,
        integrations=tuple(integrations.values()),
        targets={target.key: target for target in targets},
        thresholds=thresholds,
        notifications=Notifications(),
        store=StoreSettings(),
        **fields,
    )


class NoNetwork:
    """A network that a check of a test must not use."""

    async def call(self, request: Request, trace: Trace) -> Answer:
        raise AssertionError("no call was expected")

    async def connect(
        self, host: str, port: int, trace: Trace, *, tls: Any = None, family: str = "any"
    ) -> ConnectedPeer:
        raise AssertionError("no connection was expected")

    def talk(self, host: str, port: int, trace: Trace, **more: Any) -> AbstractAsyncContextManager[Talk]:
        raise AssertionError("no talk was expected")


class FixedNetwork(NoNetwork):
    """A network that gives one answer to every call."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[Request] = []

    async def call(self, request: Request, trace: Trace) -> Answer:
        self.requests.append(request)
        trace.http_status = self.answer.status
        return self.answer


def json_answer(value: object, status: int = 200, **headers: str) -> Answer:
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, names, msgspec.json.encode(value), "http://127.0.0.1/")


Callback = Callable[[], Awaitable[Any]]

"""No vendor's impossible number is taken as it stands: no count below zero, no date in the Stone Age."""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from exporter import registry
from exporter.core.common_metrics import PREPAID_BALANCE
from exporter.core.metric import Metric
from exporter.core.network import Network
from exporter.core.probe import Probe, Result
from exporter.core.reason import Reason
from exporter.engine.kit import CachedAnswers
from exporter.probes.facebook_ads.metrics import BALANCE
from exporter.probes.stripe.metrics import BALANCE_AVAILABLE, BALANCE_PENDING
from exporter.sandbox.harness import Call, Handler, Reply, Vendor
from tests.clock import HandClock
from tests.probes.day import probed, staged, target_of

VENDORS = registry.sandbox_vendors()
SUBJECTS = [probe for probe in registry.probes().values() if probe.name in VENDORS and not probe.generic]

SIGNED: tuple[Metric, ...] = (BALANCE_AVAILABLE, BALANCE_PENDING, PREPAID_BALANCE, BALANCE)
"""Money of an account, which its vendor lets fall below zero."""

CODE = re.compile(r"code\Z")
"""End of the name of what is a number and counts nothing: one that nobody knows is `other`."""

# Of texts, whole numbers and prices as some vendors write them, and samples of a database's metrics.
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")
LINE = re.compile(r"^([a-z_:]+(?:\{.*\})?) (-?[0-9.e+]+)$", re.MULTILINE)
Route = tuple[str, str]
"""Of an answer: its route, and the path of a number in it, with [] for every index."""


def numbers(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each number in a body."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from numbers(part, f"{path}.{key}")
    elif isinstance(value, list):
        for part in value:
            yield from numbers(part, f"{path}[]")
    elif isinstance(value, bytes):
        yield from (match[1] for match in LINE.finditer(value.decode()))
    elif _is_number(value):
        yield path


def changed(value: Any, wanted: str, change: Callable[[float], float], path: str = "") -> Any:
    """Return the body with the numbers at `wanted` changed, texts as texts."""
    if isinstance(value, dict):
        return {key: changed(part, wanted, change, f"{path}.{key}") for key, part in value.items()}
    if isinstance(value, list):
        return [changed(part, wanted, change, f"{path}[]") for part in value]
    if isinstance(value, bytes):
        return LINE.sub(
            lambda m: f"{m[1]} {change(float(m[2])) if m[1] == wanted else m[2]}", value.decode()
        ).encode()
    if path != wanted or not _is_number(value):
        return value
    if isinstance(value, str) and DATE.match(value):
        return f"{'0001' if change(1.0) < 0 else '9999'}{value[4:]}"
    return f"{change(float(value)):g}" if isinstance(value, str) else change(float(value))


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return (NUMBER.match(value) or DATE.match(value)) is not None
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class Tamperer:
    """A vendor whose answers have one number changed; `seen` are all numbers of its answers."""

    def __init__(self, vendor: Vendor) -> None:
        self.seen: dict[Route, None] = {}
        self.target: Route | None = None
        self.change: Callable[[float], float] = float
        routes = {name: self._tampered(name, handler) for name, handler in vendor.routes.items()}
        self.vendor = replace(vendor, routes=routes)

    def _tampered(self, route: str, handler: Handler) -> Handler:
        def answer(call: Call) -> Reply:
            reply = handler(call)
            for path in numbers(reply.body):
                if not CODE.search(path):
                    self.seen[route, path] = None
            if self.target is None or self.target[0] != route:
                return reply
            return replace(reply, body=changed(copy.deepcopy(reply.body), self.target[1], self.change))

        return answer


UNREAD = ("google_calendar",)
"""Providers that read no number but an expiry."""

CHANGES: dict[str, Callable[[float], float]] = {
    "negative": lambda value: -1 - abs(value),
    "far below": lambda _value: -1e40,
    "far beyond": lambda _value: 1e40,
}


def impossible(result: Result) -> list[str]:
    """Return each sample that cannot be."""
    found = []
    for sample in (*result.samples, *result.facts):
        below = sample.number < 0 and sample.metric not in SIGNED
        odd_date = "timestamp" in sample.metric.name and not 1e9 < sample.number < 1e11
        if below or odd_date:
            found.append(f"{sample.metric}{sample.labels} {sample.number}")
    return found


def measured(result: Result) -> set[tuple[str, tuple[str, ...], float]]:
    return {(str(s.metric), s.labels, s.number) for s in result.samples if s.metric not in SIGNED}


@pytest.mark.parametrize("probe", SUBJECTS, ids=lambda probe: probe.name)
async def test_no_impossible_number_of_a_vendor_is_shown(probe: Probe, network: Network) -> None:
    clock, tamperer = HandClock(), Tamperer(VENDORS[probe.name])
    async with staged(tamperer.vendor, clock) as stage:
        target = target_of(probe, stage.options)

        async def run(answers: CachedAnswers) -> Result:
            return await probed(target, network, clock=clock, answers=answers)

        good = measured(await run({}))
        read = 0
        for name, change in CHANGES.items():
            for spot in list(tamperer.seen):
                tamperer.target, tamperer.change = spot, change
                result = await run({})
                place = f"{spot} {name}"
                assert result.ok or result.reason is Reason.BAD_RESPONSE, f"{place}: {result.detail}"
                assert impossible(result) == [], place
                if name == "negative" and measured(result) != good:
                    read += 1
                    assert result.drift or not result.ok, f"{place}: what is lost is drift"
        assert read or not tamperer.seen or probe.name in UNREAD

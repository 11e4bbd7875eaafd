"""How tests see a provider: a day on which all is well, and ways to spoil it.

The simulated vendor of the same name in `exporter/sandbox/` is a provider's day. A provider whose server is
of another kind supplies its own: `GOOD_DAY`, a `GoodDay`, in `tests/probes/test_<name>.py`.
"""

import base64
import importlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

from exporter import registry
from exporter.core.clock import Clock, SystemClock
from exporter.core.common_metrics import CERTIFICATE_SERIES
from exporter.core.network import Network
from exporter.core.probe import Probe, Result, Target
from exporter.core.reason import Reason
from exporter.core.secret import reveal_all
from exporter.engine.kit import CachedAnswers
from exporter.engine.run import run
from exporter.exposition import Exposition
from exporter.net.tokens import Tokens
from exporter.sandbox.harness import FAULTS, Stand, Vendor, serve
from tests.waiting import PATIENCE

GOLDEN = Path(__file__).parent / "golden"
CERTIFICATE_DATES = frozenset(metric.name for metric in CERTIFICATE_SERIES)
"""Metrics that the engine adds by itself where a certificate was seen; no two days have the same values."""


class Stage(Protocol):
    """A provider's servers while they run; `options` are the YAML options that reach them."""

    options: Mapping[str, Any]

    async def spoil(self, fault: str | None) -> None:
        """Put the fault on, or take it off."""

    async def play(self, scenario: str) -> None:
        """Turn one of the vendor's own troubles on."""


@dataclass(frozen=True)
class GoodDay:
    """`open` starts the servers; `reasons` are the faults they can show with the exact reason of each.

    `scenarios` are those in which metrics appear that a good day has not. `volatile` are metrics whose values
    are not the same on two days; they are left out of the golden text.
    """

    open: Callable[[], AbstractAsyncContextManager[Stage]]
    reasons: Mapping[str, Reason]
    scenarios: tuple[str, ...] = ()
    volatile: frozenset[str] = frozenset()


class SandboxStage:
    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.options: Mapping[str, Any] = stand.vendor.options(stand.endpoint)

    async def spoil(self, fault: str | None) -> None:
        await self.stand.set_fault(fault)

    async def play(self, scenario: str) -> None:
        await self.stand.set_scenario(scenario)


@asynccontextmanager
async def staged(vendor: Vendor, clock: Clock | None = None) -> AsyncIterator[SandboxStage]:
    async with serve([vendor], now=(clock or SystemClock()).now) as sandbox:
        yield SandboxStage(sandbox.stands[vendor.name])


def good_day(name: str) -> GoodDay:
    """Return the day of a provider: its own, or that of the simulated vendor of the same name."""
    path = Path(__file__).parent / f"test_{name}.py"
    module = importlib.import_module(f"tests.probes.test_{name}") if path.exists() else None
    own: GoodDay | None = getattr(module, "GOOD_DAY", None)
    if own is not None:
        return own
    vendor = registry.sandbox_vendors().get(name)
    assert vendor, (
        f"{name} has neither exporter/sandbox/{name}.py nor GOOD_DAY in tests/probes/test_{name}.py"
    )
    return GoodDay(
        open=lambda: staged(vendor),
        reasons={fault: Reason(vendor.reason(fault)) for fault in FAULTS if fault in vendor.faults},
        scenarios=tuple(vendor.scenarios),
    )


def target_of(
    probe: Probe, options: Mapping[str, Any], *, timeout: float = PATIENCE, **changes: Any
) -> Target:
    """Return a target with YAML `options`, each of `changes` laid over them."""
    merged = {**options, **changes}
    typed = msgspec.convert(merged, probe.options, dec_hook=lambda kind, value: kind(value))
    return Target("payments", "acme", probe, typed, probe.interval, timeout)


async def probed(
    target: Target,
    network: Network,
    *,
    clock: Clock | None = None,
    answers: CachedAnswers | None = None,
    tokens: Tokens | None = None,
) -> Result:
    """Run a target once, as the engine does; `tokens` are those that runs share, none for a single one."""
    return await run(target, network, clock or SystemClock(), {} if answers is None else answers, tokens)


def hurried(target: Target) -> Target:
    """Return the target with a timeout that a test can wait for."""
    return replace(target, timeout=0.3)


def values(result: Result) -> dict[str, float]:
    """Return what was measured as {"name{label,...}": value}, without the prefix of all names."""
    found = {}
    for sample in (*result.samples, *result.facts):
        labels = f"{{{','.join(sample.labels)}}}" if sample.labels else ""
        found[sample.metric.name.removeprefix("integration_") + labels] = sample.number
    return found


def names(result: Result) -> set[str]:
    """Return the names of the metrics in a result."""
    return {sample.metric.name for sample in (*result.samples, *result.facts)}


def leaks(target: Target, *places: object) -> list[str]:
    """Return each secret of the target that shows in any of `places`, also in another dress."""
    text = repr(places)
    found = []
    for secret in reveal_all(target.options):
        dressed = base64.b64encode(secret.encode()).decode().rstrip("=")
        found += [secret for form in (secret, quote(secret, safe=""), dressed) if form in text]
    return found


def exposed(result: Result, target: Target, *, without: frozenset[str] = frozenset()) -> str:
    """Return the exposition text of a result's own samples."""
    exposition = Exposition()
    common = (("integration", target.integration), ("provider", target.provider), ("tenant", target.tenant))
    kept = [s for s in (*result.samples, *result.facts) if s.metric.name not in without]
    exposition.put(
        target.key,
        common,
        [(s.metric, tuple(zip(s.metric.labels, s.labels, strict=True)), s.value) for s in kept],
    )
    return exposition.render(openmetrics=False, gzip=False).decode()


def golden(name: str, text: str) -> str:
    """Return the golden text of that name; with UPDATE_GOLDEN=1, write `text` as the new one first."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return path.read_text()

"""A simulated vendor as the tests of its probe see it: run after run, with what was kept and asked so far.

A test file names its vendor and its probe in a class of its own, below `VendorStage`, and adds what only
this vendor has.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from exporter.core.network import Network
from exporter.core.probe import Probe, Result
from exporter.engine.kit import CachedAnswers
from exporter.net.tokens import Tokens
from exporter.sandbox.harness import Answer, Reply, Vendor
from tests.clock import HandClock
from tests.probes.day import SandboxStage, leaks, probed, staged, target_of


class VendorStage:
    """A simulated vendor while it runs, what is known of it so far, and a clock that only the test moves.

    `base` is the part of every path that `asked` leaves out. Where `tokens` are set, all runs share them.
    """

    vendor: ClassVar[Vendor]
    tested: ClassVar[Probe]
    base: ClassVar[str] = ""
    staging: ClassVar[type[SandboxStage]] = SandboxStage

    def __init__(self, stage: SandboxStage, network: Network, clock: HandClock) -> None:
        self.stage, self.network, self.clock = stage, network, clock
        self.answers: CachedAnswers = {}
        self.tokens: Tokens | None = None

    async def probe(self, tenant: str = "acme", **options: Any) -> Result:
        """Run the probe once, `options` laid over those that are good; no run may show a secret."""
        self.stage.stand.calls.clear()
        target = replace(target_of(self.tested, self.stage.options, **options), tenant=tenant)
        result = await probed(
            target, self.network, clock=self.clock, answers=self.answers, tokens=self.tokens
        )
        assert leaks(target, result, self.answers) == []
        return result

    async def refuse(self, status: int, body: object, path: str = "/", **headers: str) -> None:
        """Answer every call at or below `path` so from now on; `_` in the name of a header is `-`."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        await self.stage.stand.set_fault(None, answer=Answer(Reply(status, body, named), path))

    @property
    def asked(self) -> list[str]:
        """Paths of the calls of the last run, in their order."""
        return [call.path.removeprefix(self.base) for call in self.stage.stand.calls]


Staged = TypeVar("Staged", bound=VendorStage)
Opener = Callable[..., AbstractAsyncContextManager[Staged]]


def opener(kind: type[Staged], network: Network) -> Opener[Staged]:
    """Return what opens a stage of that kind, on which the named scenarios are on."""

    @asynccontextmanager
    async def open_stage(*scenarios: str) -> AsyncIterator[Staged]:
        clock = HandClock()
        async with staged(kind.vendor, clock) as plain:
            stage = kind.staging(plain.stand)
            for scenario in scenarios:
                await stage.play(scenario)
            yield kind(stage, network, clock)

    return open_stage

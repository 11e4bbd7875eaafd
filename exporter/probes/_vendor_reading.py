"""One further reading of a vendor's API: what it asks, how often, for which permission, and what it shows."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from exporter.core.metric import Sample
from exporter.core.reason import Reason
from exporter.probes._readings import LACKING, FurtherReadings, StoredAnswer, calls_a_month


class PagedOptions(Protocol):
    """Options of a provider that bound how many pages of a list are read."""

    @property
    def pages(self) -> int:
        """Most pages of any list; each is a call."""


CallsT = TypeVar("CallsT")
OptionsT = TypeVar("OptionsT", bound=PagedOptions)


def _always(_options: object) -> bool:
    return True


@dataclass(frozen=True)
class VendorReading(Generic[CallsT, OptionsT]):
    """A reading by the calls `CallsT` of a provider with the options `OptionsT`.

    `fetch` asks and reduces the answer to what is kept; `samples` makes the samples of that (fal's, which
    speak of a day, are given the time too). `permission` is what the credential must be allowed. `period`,
    in seconds, may depend on the options, and so may whether it `applies`. Not `paged`, it makes `each`
    calls. `version` goes up when the shape of what is kept changes.
    """

    key: str
    permission: str
    period: float | Callable[[OptionsT], float]
    fetch: Callable[[CallsT], Awaitable[StoredAnswer]]
    # The parameters are left open: fal's functions take the time as a second one.
    samples: Callable[..., Iterator[Sample]]
    paged: bool = False
    each: int = 1
    version: int = 1
    applies: Callable[[OptionsT], bool] = _always

    def seconds(self, options: OptionsT) -> float:
        """Return how long an answer serves."""
        return self.period(options) if callable(self.period) else self.period

    def calls(self, options: OptionsT) -> int:
        """Return the most calls that one reading makes."""
        return options.pages if self.paged else self.each

    async def read(
        self, api: CallsT, options: OptionsT, further: FurtherReadings, lacking: Collection[Reason] = LACKING
    ) -> StoredAnswer:
        """Return the last answer, {} where there is none; see FurtherReadings.read."""
        return await further.read(
            f"{self.key}/{self.version}",
            self.seconds(options),
            lambda: self.fetch(api),
            permission=self.permission,
            lacking=lacking,
        )


def vendor_calls_a_month(
    interval: float, readings: Sequence[VendorReading[CallsT, OptionsT]], options: OptionsT
) -> float:
    """Return the reads in 30 days: one in each run, and those of the `readings` that apply."""
    due = (reading for reading in readings if reading.applies(options))
    return calls_a_month(interval, ((one.calls(options), one.seconds(options)) for one in due))

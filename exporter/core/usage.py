"""How much of quotas and of buckets of calls was used up, as a run found it."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from exporter.core.common_metrics import QUOTA_LIMIT, QUOTA_USED, RATE_LIMIT_LIMIT, RATE_LIMIT_REMAINING
from exporter.core.metric import Sample

QUOTA, RATE_LIMIT = "quota", "rate_limit"

_NAMES = {one.name for one in (QUOTA_USED, QUOTA_LIMIT, RATE_LIMIT_REMAINING, RATE_LIMIT_LIMIT)}


class UsageKey(NamedTuple):
    """A quota or a bucket of calls of a vendor's, by its name."""

    kind: str
    name: str


class UsageSum(NamedTuple):
    """What `runs` found, added up: the average is a quotient. `size` is 0 where there is no limit."""

    runs: int
    used: float
    size: float

    def plus(self, other: "UsageSum") -> "UsageSum":
        """Return both together."""
        return UsageSum(self.runs + other.runs, self.used + other.used, self.size + other.size)

    @property
    def ratio(self) -> float | None:
        """Return the share that was used on average, None where there is no limit."""
        return self.used / self.size if self.size > 0 else None


Usages = dict[UsageKey, UsageSum]


def usages_of(samples: Iterable[Sample]) -> Usages:
    """Return what one run found of each allowance."""
    # Few providers have any: the rest costs a look at each name.
    found = {(one.metric.name, one.labels): one.number for one in samples if one.metric.name in _NAMES}
    return dict(_pairs(found)) if found else {}


def _pairs(found: dict[tuple[str, tuple[str, ...]], float]) -> Iterator[tuple[UsageKey, UsageSum]]:
    for (name, labels), value in found.items():
        if name == QUOTA_USED.name:
            size = found.get((QUOTA_LIMIT.name, labels), 0.0)
            yield UsageKey(QUOTA, labels[0]), UsageSum(1, value, size)
        elif name == RATE_LIMIT_REMAINING.name and (RATE_LIMIT_LIMIT.name, labels) in found:
            size = found[RATE_LIMIT_LIMIT.name, labels]
            yield UsageKey(RATE_LIMIT, labels[0]), UsageSum(1, max(0.0, size - value), size)

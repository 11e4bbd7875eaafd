"""The terms on which any source of tenants is asked: how often, how long, and how much it may answer."""

from dataclasses import dataclass

from exporter.config.feeds.row import FeedProblem

LARGEST = 64 << 20
"""How much an answer may hold: bytes of a body, or characters of all values."""


@dataclass(frozen=True, kw_only=True)
class FetchLimits:
    """What holds for every source.

    `refresh` and `timeout` are seconds, `most` is rows. `allow_empty` says that an answer without tenants is
    believed where there were some; `loss_after` is for how many seconds most tenants must be gone from the
    answers until that is believed. `cache_file` names the file of the last good rows, "" for none.
    """

    refresh: float = 300.0
    timeout: float = 10.0
    most: int = 20_000
    allow_empty: bool = False
    loss_after: float = 3_600.0
    cache_file: str = ""

    def late(self) -> FeedProblem:
        """Return what is wrong when the answer was not whole in time."""
        return FeedProblem(f"no complete answer within {self.timeout:g} s", "look after it, or raise timeout")

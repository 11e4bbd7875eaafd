"""From PromQL as alerts write it to that of rule files: placeholders filled in, environments apart."""

import math
import re
from dataclasses import dataclass

from exporter.core.defaults import JOB
from exporter.core.generation import AGGREGATION_LABELS

# Grouping and matching by name. `without` and `ignoring` keep every other label by themselves.
_LABEL_LIST = re.compile(r"(\$?)\b(by|on)\s*\(([^()]*)\)")


@dataclass(frozen=True)
class TextValues:
    """What differs between installations in the text of rules.

    `lookback` (a duration) and `job` (the exporter's scrape job) stand for `$lookback` and `$job`. `labels`
    are kept apart everywhere: they are added to every `by (...)` and `on (...)`. What carries none of them
    is grouped and matched as if they were not written. `$on (...)` matches by what it names alone.
    """

    lookback: str
    job: str = JOB
    labels: tuple[str, ...] = AGGREGATION_LABELS

    def of(self, text: str) -> str:
        """Return `text` filled in."""
        filled = text.replace("$lookback", self.lookback).replace("$job", self.job)
        return _LABEL_LIST.sub(self._with_labels, filled)

    def of_text(self, text: str) -> str:
        """Return an annotation with the places of its lookups filled in."""
        # Lookups fill in four values of their own before these.
        apart = "".join(f",{label}=%[{number}]q" for number, label in enumerate(self.labels, 5))
        places = "".join(f" $labels.{label}" for label in self.labels)
        return text.replace("$apart", apart).replace("$places", places)

    def _with_labels(self, found: re.Match[str]) -> str:
        named = [name.strip() for name in found[3].split(",") if name.strip()]
        added = [label for label in self.labels if label not in named and not found[1]]
        return f"{found[2]} ({', '.join((*named, *added))})"


def look_back(longest_interval: float) -> str:
    """Return the look-back over measured values: max(10m, 2.5 x the longest interval), in whole minutes."""
    # 2.5 intervals hold the last value over one failed probe, with half an interval for delays.
    return f"{max(10, math.ceil(2.5 * longest_interval / 60))}m"

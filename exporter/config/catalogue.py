"""What a configuration may name: handed in, because configuration is below the probes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.core.probe import Probe
from exporter.core.signature import Scheme
from exporter.core.threshold import ThresholdFamily, ThresholdReach


@dataclass(frozen=True)
class Catalogue:
    """Every provider, every family of thresholds and every scheme of signatures, by name.

    `alerts` are the names of all alerts, `records` those of all recorded series, `event_labels` those of
    the allow-lists of events. `reach` says by provider which families its targets can be compared with; a
    provider that it lacks reaches all of them.
    """

    probes: Mapping[str, Probe]
    families: Mapping[str, ThresholdFamily]
    schemes: Mapping[str, Scheme] = field(default_factory=dict)
    alerts: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()
    event_labels: frozenset[str] = frozenset()
    reach: Mapping[str, ThresholdReach] = field(default_factory=dict)

    def families_of(self, provider: str, *, renewed: bool = True) -> Mapping[str, ThresholdFamily]:
        """Return the families that targets of `provider` reach, with `renewed` those of tokens too."""
        reach = self.reach.get(provider)
        if reach is None:
            return self.families
        names = reach.always | reach.renewed if renewed else reach.always
        return {name: family for name, family in self.families.items() if name in names}

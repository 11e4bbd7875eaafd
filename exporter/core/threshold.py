"""Numbers the operator sets: a family of thresholds, one step per severity."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from exporter.core.metric import Labels, Metric, Scope
from exporter.core.severity import Severity

# Not by a matcher: for tenant="" and tenant!="" Prometheus merges the postings of every value of the label,
# which takes longer with each tenant. vector(1) has no labels, so it matches what has no tenant.
DEFAULT_ONLY = "and $on (tenant) vector(1)"
"""What leaves of the series of thresholds, in PromQL, the defaults."""

OVERRIDE_ONLY = "unless $on (tenant) vector(1)"
"""What leaves of them the overrides of tenants."""


@dataclass(frozen=True)
class ThresholdFamily:
    """Thresholds of one condition, exported as `integration_threshold_<name>`.

    `name` is also the key under `thresholds:` in YAML. `steps` are the defaults. `rising` says which
    way is worse: True when larger values are worse, so that a higher severity needs a larger number.
    `unit` is the unit suffix of `name`, "" for counts. `scope` is what a number holds for: Scope.TARGET, or
    Scope.TENANT for what belongs to no integration. `environment` names, per severity, an
    environment variable that sets the default; its value is multiplied by `environment_scale`.
    """

    name: str
    help: str
    steps: dict[Severity, float]
    rising: bool = True
    unit: str = ""
    minimum: float = 0.0
    maximum: float | None = None
    environment: tuple[tuple[Severity, str], ...] = ()
    environment_scale: float = 1.0
    scope: Scope = Scope.TARGET

    def __post_init__(self) -> None:
        """Refuse a scope without tenant: overrides are those of tenants."""
        if "tenant" not in self.scope.value:
            raise ValueError(f"thresholds {self.name}: the scope must be TARGET or TENANT")

    @property
    def default_labels(self) -> tuple[str, ...]:
        """The labels by which defaults differ, beside `severity`: those of the scope but `tenant`."""
        return tuple(label for label in self.scope.value if label != "tenant")

    @cached_property
    def metric(self) -> Metric:
        """The metric that carries the thresholds; its `tenant` label is "" for the default."""
        return Metric(
            f"integration_threshold_{self.name}",
            self.help,
            unit=self.unit,
            labels=("severity",),
            scope=self.scope,
        )

    # Prometheus' convention for names of recorded series: level, metric and operation, joined by colons.
    @property
    def default_record(self) -> str:
        """The name under which the defaults are recorded."""
        return f"{'_'.join((*self.default_labels, 'severity'))}:{self.metric}:default"

    @property
    def override_record(self) -> str:
        """The name under which the tenants' overrides are recorded."""
        return f"{'_'.join((*self.scope.value, 'severity'))}:{self.metric}:override"

    @property
    def loosest_record(self) -> str:
        """The name of the threshold that is crossed first, of all severities and tenants."""
        # What belongs to a tenant alone has no label left, and no level in the name.
        return f"{'_'.join(self.default_labels) or 'all'}:{self.metric}:loosest"

    @property
    def records(self) -> tuple[str, ...]:
        """The names of all that is recorded of the family."""
        return (self.default_record, self.override_record, self.loosest_record)

    def disorder(self, steps: dict[Severity, float]) -> str:
        """Return what is wrong with the order of `steps`, or "".

        A higher severity must be the stricter one: otherwise its alert fires first and hides the lower one.
        """
        levels = [severity for severity in Severity if severity in steps]
        for higher, lower in pairwise(levels):
            # Equal steps are allowed: both alerts fire, and the higher one hides the lower.
            gap = steps[higher] - steps[lower]
            if (gap if self.rising else -gap) < 0:
                wrong = "below" if self.rising else "above"
                return f"{higher} ({steps[higher]:g}) must not be {wrong} {lower} ({steps[lower]:g})"
        return ""

    # The dictionary of its steps has no hash.
    def __hash__(self) -> int:
        """Hash by name: families are unique by name."""
        return hash(self.name)


@dataclass(frozen=True)
class ThresholdReach:
    """Names of the families that series of one provider's targets can be compared with.

    `renewed` are those that read what the exporter says of a token which it renews, and nothing else of the
    provider's: only a target with such a token reaches them.
    """

    always: frozenset[str] = frozenset()
    renewed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Threshold:
    """One resolved number: a default (`tenant` is "") or a tenant's override.

    `integration` and `provider` are "" where the family's scope has none.
    """

    family: ThresholdFamily
    integration: str
    provider: str
    tenant: str
    severity: Severity
    value: float

    @property
    def labels(self) -> Labels:
        """The labels of its series: those of the family's scope, and `severity`."""
        texts = {"integration": self.integration, "provider": self.provider, "tenant": self.tenant}
        scope = ((label, texts[label]) for label in self.family.scope.value)
        return (*scope, ("severity", self.severity.value))

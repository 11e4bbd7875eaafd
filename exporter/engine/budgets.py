"""The call budgets of the current configuration: one for each provider, kept apart by credential."""

from exporter.core.configuration import Configuration
from exporter.core.probe import Target
from exporter.core.secret import Secret
from exporter.net.limits import Budget, credential_key


class Budgets:
    """What each credential may still spend; times are those of a clock that never jumps."""

    def __init__(self) -> None:
        """Start without allowances."""
        self._budgets: dict[str, Budget] = {}
        self._replicas = 0

    def apply(self, configuration: Configuration) -> None:
        """Make the allowances those of `configuration`; one that is there remembers what was spent."""
        # Replicas share an allowance evenly: what was spent of another share says nothing of this one.
        if self._replicas != configuration.replicas:
            self._budgets.clear()
        self._replicas = configuration.replicas
        for probe in {integration.probe for integration in configuration.integrations}:
            if probe.allowance and probe.name not in self._budgets:
                self._budgets[probe.name] = Budget(probe.allowance, configuration.replicas)

    def wait(self, target: Target, now: float) -> float:
        """Return the seconds until `target` may make a call; 0 if now."""
        budget = self._of(target)
        return budget.wait(_credential(target), 1.0, now) if budget else 0.0

    def spare(self, target: Target, now: float) -> bool:
        """Return whether so much is saved that one more run of `target` takes nothing from scheduled ones."""
        budget = self._of(target)
        return budget is None or budget.saved(_credential(target), now) >= 0.5

    def spend(self, target: Target, calls: int, now: float) -> None:
        """Take the calls that a run of `target` made."""
        if budget := self._of(target):
            budget.spend(_credential(target), calls, now)

    def _of(self, target: Target) -> Budget | None:
        return None if target.over_budget else self._budgets.get(target.provider)


def _credential(target: Target) -> str:
    value = getattr(target.options, target.probe.credential, None) if target.probe.credential else None
    return credential_key(target.provider, value if isinstance(value, Secret) else str(target))

"""What a reader picks at the top of a dashboard: each variable is said here once, dashboards name them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.core import common_metrics, webhook_metrics
from exporter.core.metric import Metric, Scope
from exporter.generate.dashboards._promql import match_variables
from exporter.generate.dashboards._sdk import dashboard, kinds, models
from exporter.generate.provisioning import PROMETHEUS_NAME, PROMETHEUS_UID, STORE_NAME, STORE_TYPE, STORE_UID

DATASOURCE = kinds.DataSourceRef(type_val="prometheus", uid="${datasource}")
STORE = kinds.DataSourceRef(type_val=STORE_TYPE, uid="${store}")
TARGET = Scope.TARGET.value
"""The variables of a dashboard on targets."""


@dataclass(frozen=True)
class Choice:
    """A variable: its values are those of the label `name` in the series of `metric`, narrowed by `matchers`.

    Variables that come before it on the same dashboard narrow it too, where the metric has their labels. A
    `single` one has one value at a time, at first the first of the list.
    """

    name: str
    metric: Metric
    matchers: tuple[str, ...] = ()
    single: bool = False

    def build(self, before: Iterable[str]) -> Any:
        """Return the variable for a dashboard that has the variables `before` in front of it."""
        narrowed = (name for name in before if name in self.metric.label_names)
        matchers = ", ".join((*match_variables(narrowed), *self.matchers))
        selector = f"{self.metric}{{{matchers}}}" if matchers else str(self.metric)
        query = {
            "qryType": 1,
            "query": f"label_values({selector}, {self.name})",
            "refId": f"variable-{self.name}",
        }
        choice = dashboard.QueryVariable(self.name).label(self.name.capitalize().replace("_", " "))
        choice.datasource(DATASOURCE).query(query).refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        choice.sort(models.VariableSort.NATURAL_ASC)
        if self.single:
            return choice
        everything = models.VariableOption(selected=True, text="All", value="$__all")
        # Without `.*` Grafana writes All out as a list of every value: ten thousand tenants in each query.
        return choice.multi(True).include_all(True).current(everything).all_value(".*")


CHOICES = {
    choice.name: choice
    for choice in (
        *(Choice(name, common_metrics.INFO) for name in TARGET),
        Choice("source", webhook_metrics.SOURCE_SINCE),
        Choice("endpoint", webhook_metrics.ENDPOINT_UP),
        Choice("token", common_metrics.TOKEN_REFRESHABLE),
    )
}
"""The variables that several dashboards have, by name."""


def variables_of(choices: Sequence[str | Choice], *, store: bool) -> list[Any]:
    """Return the variables of a dashboard in order: where data comes from, then `choices`.

    A name stands for the choice of CHOICES. `store`: whether a panel reads the store in PostgreSQL.
    """
    built = [_source("datasource", "Data source", "prometheus", PROMETHEUS_NAME, PROMETHEUS_UID)]
    if store:
        built.append(_source("store", "Store", STORE_TYPE, STORE_NAME, STORE_UID))
    before: list[str] = []
    for one in choices:
        choice = CHOICES[one] if isinstance(one, str) else one
        built.append(choice.build(before))
        before.append(choice.name)
    return built


def names_of(choices: Iterable[str | Choice]) -> tuple[str, ...]:
    """Return the names of `choices`."""
    return tuple(one if isinstance(one, str) else one.name for one in choices)


def _source(name: str, title: str, kind: str, default: str, uid: str) -> Any:
    option = models.VariableOption(selected=False, text=default, value=uid)
    return dashboard.DatasourceVariable(name).label(title).type(kind).current(option)

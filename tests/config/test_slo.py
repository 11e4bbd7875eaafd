"""`slo:` how available an integration is meant to be, and the series that rules read of it."""

import pytest

from exporter.core.common_metrics import SLO_OBJECTIVE, SLO_WINDOW
from exporter.core.service_level import ServiceLevel
from exporter.engine.counters import Counters
from tests.config.house import House

DAY = 86_400.0


def integration(slo: str, defaults: str = "") -> str:
    head = f"defaults: {{slo: {defaults}}}\n" if defaults else ""
    own = f", slo: {slo}" if slo else ""
    return f"{head}integrations:\n- {{name: a, provider: web, options: {{url: 'http://a/'}}{own}}}\n"


@pytest.mark.parametrize(
    ("own", "defaults", "objective", "days"),
    [
        ("", "", 0.995, 30),
        ("{objective: 99.9}", "", 0.999, 30),
        ("{window: 7d}", "", 0.995, 7),
        ("{objective: 99.9}", "{objective: 99, window: 28d}", 0.999, 28),
        ("", "{objective: 99}", 0.99, 30),
        ("{objective: 0}", "{objective: 99}", 0.0, 30),
    ],
)
def test_an_integration_says_key_by_key_what_differs_from_the_defaults(
    house: House, own: str, defaults: str, objective: float, days: int
) -> None:
    (found,) = house.load(integration(own, defaults)).integrations
    assert found.service_level == ServiceLevel(objective, days * DAY)


@pytest.mark.parametrize(
    ("slo", "what"),
    [
        ("{objective: 100}", "not below 100"),
        ("{objective: -1}", "below the least value 0"),
        ("{objective: 0.995}", "the objective 0.995 is in percent"),
        ("{window: 14d}", "'14d' is not known here"),
        ("{objectiv: 99}", "unknown key objectiv"),
    ],
)
def test_what_is_no_objective_is_a_mistake(house: House, slo: str, what: str) -> None:
    (mistake,) = house.mistakes(integration(slo))
    assert what in mistake.what


def test_the_series_say_the_objective_and_are_absent_without_one() -> None:
    def shown(level: ServiceLevel) -> dict[str, object]:
        series = Counters(critical=False, service_level=level).series()
        return {metric.name: value for metric, _, value in series if metric in (SLO_OBJECTIVE, SLO_WINDOW)}

    assert shown(ServiceLevel(0.999, 7 * DAY)) == {SLO_OBJECTIVE.name: 0.999, SLO_WINDOW.name: 604_800.0}
    assert shown(ServiceLevel(0.0)) == {}


def test_another_objective_shows_without_a_failed_run() -> None:
    first, second = (Counters(critical=False, service_level=ServiceLevel(one)) for one in (0.99, 0.999))
    assert first.rare_values() != second.rare_values()


def test_a_default_objective_that_is_a_share_is_one_mistake(house: House) -> None:
    second = "- {name: b, provider: web, options: {url: 'http://b/'}}\n"
    (mistake,) = house.mistakes(integration("", "{objective: 0.995}") + second)
    assert "write 99.5 for 99.5 %, or 0 for none" in str(mistake)

"""Page views of three weeks and a day: what is usual is learnt from them, and what happened once is not."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from exporter.events import _traffic_alerts as alerts
from exporter.events import _traffic_series as m
from exporter.generate import bundle
from exporter.generate.document import as_yaml
from tests.rules.tools import program, run, write

WEEK, TODAY = 7 * 24, 21 * 24
"""Hours of a week, and the hour at which the fourth week begins; today is its first day."""

Views = Callable[[int], float | None]
"""Views of five minutes in an hour since the beginning; None where there is no series."""


def usual(hour: int) -> float:
    """Quiet nights, a steep morning and evening, and less of everything on two days of the week."""
    busy = 20 if 7 <= hour % 24 < 19 else 4
    return busy * (0.5 if hour // 24 % 7 in (2, 3) else 1) * 10


def _on_day(first_hour: int, factor: float, views: Views = usual) -> Views:
    def changed(hour: int) -> float | None:
        value = views(hour)
        return value if value is None or not first_hour <= hour < first_hour + 24 else value * factor

    return changed


TENANTS: dict[str, Views] = {
    "steady": usual,
    "holiday-last-week": _on_day(TODAY - WEEK, 0.05),
    "holiday-today": _on_day(TODAY, 0.05),
    "launch-last-week": _on_day(TODAY - WEEK, 20),
    "launch-today": _on_day(TODAY, 6),
    "dead-pixel-two-weeks-ago": _on_day(TODAY - 2 * WEEK, 0),
    "dead-pixel-at-noon": lambda hour: 0 if hour >= TODAY + 12 else usual(hour),
    "process-began-and-nothing-came": lambda hour: None if hour >= TODAY + 12 else usual(hour),
    "clocks-go-forward": lambda hour: usual(hour + 1 if hour >= TODAY - 48 else hour),
    "clocks-go-back": lambda hour: usual(hour - 1 if hour >= TODAY - 48 else hour),
    "first-week-and-gone": lambda hour: None if hour < TODAY - 120 else 0 if hour >= TODAY else usual(hour),
    "small": lambda hour: 0 if hour >= TODAY else 1,
}
DROP, SPIKE = "IntegrationTrafficDrop", "IntegrationTrafficSpike"
MORNING = {(DROP, "holiday-today"), (SPIKE, "launch-today")}
AFTERNOON = MORNING | {(DROP, "dead-pixel-at-noon"), (DROP, "process-began-and-nothing-came")}
CLOCKS = "clocks-.*|steady"
MOMENTS: list[tuple[str, str, set[tuple[str, str]]]] = [
    (".*", "3h", set()),
    (".*", f"{TODAY - 12}h", set()),
    *((".*", f"{TODAY + hour}h30m", MORNING) for hour in (9, 10, 11)),
    *((".*", f"{TODAY + hour}h30m", AFTERNOON) for hour in (13, 14, 15, 16)),
    *((CLOCKS, f"{TODAY + hour}h{half}m", set()) for hour in (5, 6, 7, 8, 18, 19, 20) for half in (0, 30)),
]
"""Which tenants are looked at, when, and what fires; clocks make a difference in mornings and evenings."""


def _counter(views: Views, hours: int) -> str:
    pieces, total = [], 0.0
    for hour in range(hours):
        rate = views(hour)
        if rate is None:
            pieces.append("_x12" if not total else "stale _x11")
        else:
            pieces.append(f"{total:g}+{rate:g}x11")
            total += 12 * rate
    return " ".join(pieces)


def _expected(fires: set[tuple[str, str]]) -> list[dict[str, object]]:
    return [{"labels": f'{{alertname="{name}", tenant="{tenant}"}}', "value": 1} for name, tenant in fires]


def _file() -> dict[str, object]:
    hours = TODAY + 24
    series = {
        f'{m.VIEWS}{{tenant="{tenant}",route="/",client="human"}}': _counter(views, hours)
        for tenant, views in TENANTS.items()
    }
    series['integration_exporter_build_info{version="1"}'] = f"1x{hours * 12}"
    for family in (alerts.DROP, alerts.SPIKE):
        for severity, value in family.steps.items():
            series[f'{family.metric}{{severity="{severity}",tenant=""}}'] = f"{value:g}x{hours * 12}"
    tests = [
        {
            "expr": f'sum by (alertname, tenant) (ALERTS{{alertname=~"{DROP}|{SPIKE}",tenant=~"{tenants}",'
            'alertstate="firing"})',
            "eval_time": moment,
            "exp_samples": _expected(fires),
        }
        for tenants, moment, fires in MOMENTS
    ]
    return {
        "interval": "5m",
        "input_series": [{"series": name, "values": text} for name, text in series.items()],
        "promql_expr_test": tests,
    }


def _judge(folder: Path, rules: str) -> str:
    content = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "30m",
        "group_eval_order": [group["name"] for group in yaml.safe_load(rules)["groups"]],
        "tests": [_file()],
    }
    write(folder, {"rules.yml": rules, "weeks.yml": as_yaml(content)})
    done = run(program("promtool"), "test", "rules", "weeks.yml", cwd=folder)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _rules() -> str:
    groups = bundle.rule_files()["traffic_events"]["groups"]
    wanted = ("integration-threshold-traffic-", "integration-traffic-")
    return as_yaml({"groups": [group for group in groups if group["name"].startswith(wanted)]})


def test_weeks_of_page_views_give_the_alerts_that_they_should(tmp_path: Path) -> None:
    assert _judge(tmp_path, _rules()) == ""


@pytest.mark.parametrize(
    ("old", "new", "tenant"),
    [
        (
            "quantile by (tenant, cluster, environment) (0.5,",
            "max by (tenant, cluster, environment) (",
            "launch",
        ),
        ("[180m] offset", "[31m] offset", "clocks"),
        (">= 100", ">= 1", "small"),
    ],
)
def test_a_rule_that_learns_wrongly_is_found_by_them(tmp_path: Path, old: str, new: str, tenant: str) -> None:
    rules = _rules()
    assert old in rules
    assert tenant in _judge(tmp_path, rules.replace(old, new))

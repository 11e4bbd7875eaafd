"""The error budget is spent by failures that are recorded, however short the past of a Prometheus is."""

from pathlib import Path
from typing import Any

from exporter.alerts.service_level import BUDGET_LEFT, KNOWN_HOURS
from exporter.core.common_metrics import CONSECUTIVE_FAILURES, SLO_OBJECTIVE
from exporter.generate import bundle
from exporter.generate.document import as_yaml
from tests.rules.tools import program, run, write

WHOLE = '{integration="payments",provider="stripe"}'
MINUTES = 36
"""Of 43,200 in 30 days: 99.5 % allows 216 of them, and of these one sixth fails here."""


def _sample(name: str, value: float, moment: str) -> dict[str, Any]:
    return {
        "expr": f"round({name}, 0.1)",
        "eval_time": moment,
        "exp_samples": [{"labels": WHOLE, "value": value}],
    }


def _answer(folder: Path, rules: dict[str, Any]) -> str:
    """Return what promtool says of 36 minutes of failure in an hour that is all there is, "" for nothing."""
    test = {
        "interval": "1m",
        "input_series": [
            {"series": f"{CONSECUTIVE_FAILURES}{WHOLE}", "values": f"1x{MINUTES - 1} 0x60"},
            {"series": f"{SLO_OBJECTIVE}{WHOLE}", "values": "0.995x100"},
        ],
        "promql_expr_test": [_sample(BUDGET_LEFT, 0.8, "60m"), _sample(KNOWN_HOURS, 1.0, "60m")],
    }
    content = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "group_eval_order": [group["name"] for group in rules["groups"]],
        "tests": [test],
    }
    write(folder, {"rules.yml": as_yaml(rules), "tests.yml": as_yaml(content)})
    done = run(program("promtool"), "test", "rules", "tests.yml", cwd=folder)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _rules() -> dict[str, Any]:
    """Return the records alone: alerts would look for thresholds."""
    groups = []
    for name in ("probes", "service_level"):
        for group in bundle.rule_files()[name]["groups"]:
            records = [rule for rule in group["rules"] if "record" in rule]
            groups.append({**group, "rules": records})
    return {"groups": groups}


def test_a_short_past_spends_no_more_than_what_failed_in_it(tmp_path: Path) -> None:
    assert _answer(tmp_path, _rules()) == ""


def test_a_mean_of_a_short_past_would_be_seen(tmp_path: Path) -> None:
    rules = _rules()
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        if rule["record"] == BUDGET_LEFT:
            rule["expr"] = rule["expr"].replace("sum_over_time", "720 * 60 * avg_over_time")
    assert BUDGET_LEFT in _answer(tmp_path, rules)

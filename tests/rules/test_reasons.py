"""Texts of alerts say why the probes fail, as it stands at that moment; labels never do."""

import re
from pathlib import Path
from typing import Any

from exporter.generate.document import as_yaml
from tests.rules.tools import program, run

WHO = 'integration="pay",provider="stripe"'
FAILS = "integration_probe_consecutive_failures"
WHY = "integration_probe_failure_info"
LIMIT = f'integration_threshold_consecutive_failures{{{WHO},tenant="",severity="high"}}'


def _texts(tree: Path, folder: Path, alert: str, series: dict[str, str]) -> list[str]:
    """Return the descriptions of `alert`, as Prometheus writes them after 20 minutes of `series`."""
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"alertname": alert, "eval_time": "20m", "exp_alerts": []}],
    }
    rules = [f"{tree}/prometheus/rules/{name}.yml" for name in ("probes", "thresholds")]
    document = {"rule_files": rules, "tests": [test]}
    (folder / "test.yml").write_text(as_yaml(document))
    done = run(program("promtool"), "test", "rules", str(folder / "test.yml"))
    notes = re.findall(r"Annotations:\{(.*?)\},?\n", done.stdout + done.stderr)
    found = [dict(re.findall(r'(\w+)="(.*?)"(?:, |$)', note)) for note in notes]
    return sorted(f"{one['description']} {one.get('reason', '')}".strip() for one in found)


def _failing(tenant: str, reasons: dict[str, str]) -> dict[str, str]:
    why = {
        f'{WHY}{{{WHO},tenant="{tenant}",reason="{reason}"}}': values for reason, values in reasons.items()
    }
    return {f'{FAILS}{{{WHO},tenant="{tenant}"}}': "5x40", **why}


def test_a_failing_target_says_the_reason_of_its_newest_probe(tree: Path, tmp_path: Path) -> None:
    series = {LIMIT: "3x40", **_failing("acme", {"dns": "1x10 stale _x30", "auth": "_x10 1x30"})}
    series |= _failing("globex", {}) | _failing("", {"tls": "1x40"})
    assert _texts(tree, tmp_path, "IntegrationTargetFailing", series) == [
        "pay (stripe) has failed 5 probes in a row for tenant acme. auth",
        "pay (stripe) has failed 5 probes in a row for tenant globex.",
        "pay (stripe) has failed 5 probes in a row. tls",
    ]


def test_an_integration_that_is_down_counts_the_reasons_of_its_targets(tree: Path, tmp_path: Path) -> None:
    series = {LIMIT: "3x40"}
    for tenant, reason in (("a", "auth"), ("b", "auth"), ("c", "timeout")):
        series |= _failing(tenant, {reason: "1x40"})
    (text,) = _texts(tree, tmp_path, "IntegrationDown", series)
    assert text == "All 3 targets of pay (stripe) failed at least 5 probes in a row. auth 2, timeout 1"


def test_the_only_target_of_an_integration_is_called_so(tree: Path, tmp_path: Path) -> None:
    series = {LIMIT: "3x40", **_failing("", {"dns": "1x40"})}
    (text,) = _texts(tree, tmp_path, "IntegrationDown", series)
    assert text == "The only target of pay (stripe) failed at least 5 probes in a row. dns 1"


def test_an_outage_counts_the_targets_that_fail_and_those_that_there_are(tree: Path, tmp_path: Path) -> None:
    series = {LIMIT: "3x40"}
    for number in range(1200):
        failing = _failing(f"t{number}", {"timeout": "1x40"})
        well = {f'{FAILS}{{{WHO},tenant="t{number}"}}': "0x40"}
        series |= failing if number < 812 else well
    (text,) = _texts(tree, tmp_path, "IntegrationOutage", series)
    assert text == (
        "812 of 1,200 targets of pay (stripe) fail for reasons that lie with the vendor or the way to it."
        " timeout 812"
    )


def test_reasons_of_one_environment_are_not_those_of_another(tree: Path, tmp_path: Path) -> None:
    production = {"auth": "1x40"}
    series = {LIMIT: "3x40", **_failing("", production)}
    series = {name.replace(WHO, f'{WHO},environment="production"', 1): run for name, run in series.items()}
    series |= {f'{WHY}{{{WHO},environment="staging",tenant="",reason="tls"}}': "1x40"}
    texts = _texts(tree, tmp_path, "IntegrationTargetFailing", series)
    assert texts == ["pay (stripe) has failed 5 probes in a row. auth"]

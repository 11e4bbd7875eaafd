"""Thresholds of declared metrics become rules that promtool proves, routes that keep apart, and pages."""

from itertools import product
from pathlib import Path

import pytest
import yaml

from exporter import registry
from exporter.alerts.app_metrics import app_alert
from exporter.cli import main
from exporter.config.load import load_text
from exporter.core.alert import CASE_KINDS
from exporter.core.app_metric import PREFIX, app_family
from exporter.core.configuration import Configuration
from exporter.core.metric import Kind, Metric
from exporter.core.severity import Severity
from exporter.generate import bundle
from exporter.generate.document import as_yaml
from exporter.generate.rule_tests import tests_of as generated_tests
from exporter.generate.rule_text import TextValues
from exporter.generate.rules import Links, alert_files
from exporter.generate.runbook_html import runbook_html
from tests.rules.tools import program, run, write

TEXT = """\
integrations: []
events:
  metrics:
    - {name: jobs_waiting, help: "Jobs {{ that }} wait.", labels: {queue: [mail, pdf]},
       thresholds: {medium: 100, high: 1000}}
    - {name: mails_total, type: counter, help: Mails., thresholds: {low: 500}}
notifications: {webhook: {url: "http://127.0.0.1:9/"}}
"""
LADDERS = [
    {Severity.MEDIUM: 100.0},
    {Severity.MEDIUM: 100.0, Severity.HIGH: 1000.0},
    {Severity.LOW: 1.5, Severity.MEDIUM: 2.5, Severity.HIGH: 1e6, Severity.CRITICAL: 1e9},
    {Severity.MEDIUM: 5.0, Severity.HIGH: 5.0},
    {Severity.HIGH: 0.0},
]
NEGATIVE = {Severity.LOW: -20.0, Severity.HIGH: -1.0}


def families() -> list[tuple[Metric, dict[Severity, float], bool]]:
    made = []
    for number, (steps, rising) in enumerate(product([*LADDERS, NEGATIVE], (True, False))):
        if not rising:
            steps = dict(zip(steps, sorted(steps.values(), reverse=True), strict=True))
        made.append((Metric(f"{PREFIX}g{number}", "A.", labels=("queue",)), steps, rising))
        # Nobody adds less than nothing.
        if min(steps.values()) > 0 or (rising and min(steps.values()) == 0):
            made.append((Metric(f"{PREFIX}c{number}_total", "A.", Kind.COUNTER), steps, rising))
    return made


def loaded(folder: Path) -> Configuration:
    return load_text(TEXT, str(folder / "my.yml"), registry.catalogue(), {})


def test_the_rules_of_every_kind_of_ladder_pass_their_cases(tmp_path: Path) -> None:
    made = [(metric, app_family(metric, steps, rising=rising)) for metric, steps, rising in families()]
    alerts = tuple(app_alert(metric, family) for metric, family in made)
    every = [family for _, family in made]
    rules = alert_files({"app_metrics": alerts}, every, TextValues("10m"), Links("http://exporter"))
    tests = generated_tests(alerts, every, {"app_metrics.yml": rules["app_metrics"]})
    write(tmp_path, {"app_metrics.yml": as_yaml(rules["app_metrics"]), "tests.yml": as_yaml(tests)})
    done = run(program("promtool"), "test", "rules", "tests.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(
        program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", "app_metrics.yml", cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for alert in alerts:
        assert {case.kind for case in alert.cases} >= set(CASE_KINDS) - {"quiet"}
        fired = {labels.get("severity", "") for case in alert.cases for labels in case.fires}
        assert fired == {str(level) for level in alert.levels}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"", "")) / 15', '"", "")) / 30'),
        ("max by (integration, provider, tenant, queue)", "min by (integration, provider, tenant, queue)"),
        ('severity="high"', 'severity="medium"'),
        ("> on (cluster", ">= on (cluster"),
    ],
)
def test_a_wrong_rule_is_found_by_its_case(tmp_path: Path, old: str, new: str) -> None:
    made = bundle.user_files(loaded(tmp_path)).files
    name = "prometheus/rules/app_metrics.yml"
    # Aggregation labels stand behind: the text is replaced without them.
    text = made[name].replace(", cluster, environment)", ")")
    for content, passes in ((text, True), (text.replace(old, new), False)):
        write(tmp_path, {**made, name: content})
        done = run(program("promtool"), "test", "rules", "app_metrics.yml", cwd=tmp_path / "prometheus/tests")
        assert (done.returncode == 0) is passes, done.stdout + done.stderr


def test_a_bundle_has_rules_tests_pages_and_labels_that_keep_alerts_apart(tmp_path: Path) -> None:
    made = bundle.user_files(loaded(tmp_path)).files
    rules = yaml.safe_load(made["prometheus/rules/app_metrics.yml"])
    found = {
        (rule["alert"], rule["labels"]["severity"])
        for group in rules["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert found == {
        ("IntegrationAppJobsWaitingHigh", "high"),
        ("IntegrationAppJobsWaitingHigh", "medium"),
        ("IntegrationAppMailsHigh", "low"),
    }
    assert "runbooks/IntegrationAppJobsWaitingHigh.md" in made
    alertmanager = yaml.safe_load(made["alertmanager/alertmanager.yml"])
    # Else a queue that is far beyond would hide another one that is a little beyond.
    steps = [rule for rule in alertmanager["inhibit_rules"] if "severity=" in rule["source_matchers"][0]]
    assert steps and all("queue" in rule["equal"] for rule in steps)
    assert "queue" not in alertmanager["route"]["group_by"]
    assert "queue" in made["alertmanager/templates/facts.tmpl"]


def test_a_bundle_without_thresholds_has_nothing_of_it(tmp_path: Path) -> None:
    plain = load_text("integrations: []\n", str(tmp_path / "my.yml"), registry.catalogue(), {})
    assert not [path for path in bundle.user_files(plain).files if "app_metrics" in path]


def test_check_rules_proves_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.commands.check_rules.files", dict)
    (tmp_path / "my.yml").write_text(TEXT)
    main(("check", "rules", f"--config.file={tmp_path / 'my.yml'}"))
    assert f"ok: {tmp_path / 'my.yml'}: tests of app_metrics" in capsys.readouterr().out


def test_the_exporter_serves_the_page_of_such_an_alert(tmp_path: Path) -> None:
    events = loaded(tmp_path).events
    alert = app_alert(events.metrics["jobs_waiting"], events.families["jobs_waiting"])
    found = runbook_html(alert.name, (alert,))
    assert found and "events.metrics" in found[0] and "above 1000" in found[0]
    assert runbook_html(alert.name) is None

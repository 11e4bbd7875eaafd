"""Alerts of the user's own become checked rules: judged by promtool, routed to their recipients by amtool."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import registry
from exporter.cli import main
from exporter.config.load import load_text
from exporter.core.common_metrics import DURATION, PROBES, QUOTA_USED
from exporter.core.configuration import Configuration
from exporter.core.own_alert import OwnAlert
from exporter.core.severity import Severity
from exporter.generate import bundle, own_alerts
from exporter.generate.document import as_yaml
from exporter.generate.rule_text import TextValues
from exporter.generate.rules import Links
from tests.rules.tools import program, run, write

ALERT = OwnAlert("QueueLong", QUOTA_USED, ">", 100.0, Severity.MEDIUM, "The queue is long.")
OPS = (">", ">=", "<", "<=", "==", "!=")
VALUES = (100.0, 0.0, -1.5)
WAYS = (("last", ""), ("avg", "2m"), ("max", "7d"))
COUNTED = [
    replace(ALERT, metric=PROBES, op=op, value=value, function=function, window=window)
    for op, value, function, window in product(OPS, (0.0, 2.5), ("increase", "rate"), ("5m", "1d"))
    # The configuration refuses these: never true, always, or hardly ever.
    if (op, value) not in (("<", 0.0), (">=", 0.0), ("==", 2.5), ("!=", 2.5))
]
MEASURED = [
    replace(ALERT, op=op, value=value, function=function, window=window)
    for op, value, (function, window) in product(OPS, VALUES, WAYS)
]
ODD = [
    replace(ALERT, hold="1h", keep_firing="10m"),
    replace(ALERT, where=(("quota", ('a"b\\', "c.d|e")), ("tenant", ("acme",)))),
    replace(ALERT, where=(("quota", ('a"b\\',)),)),
    replace(
        ALERT, metric=DURATION, summary='{{ "x" }} {{', description="{{ $value }} of {{ $labels.tenant }}"
    ),
    replace(ALERT, integrations=(("payments", "stripe", "acme"),)),
]
ALERTS = [replace(one, name=f"Own{number:03}") for number, one in enumerate((*MEASURED, *COUNTED, *ODD))]
FILLING = TextValues("10m")
LINKS = Links("http://exporter")


def judged(folder: Path, alerts: list[OwnAlert], rules: Any, name: str = "own") -> tuple[bool, str]:
    write_test(folder, alerts, rules, name)
    done = run(program("promtool"), "test", "rules", f"{name}-tests.yml", cwd=folder)
    return done.returncode == 0, done.stdout + done.stderr


def write_test(folder: Path, alerts: list[OwnAlert], rules: Any, name: str) -> None:
    tests = own_alerts.test_file(alerts, f"{name}.yml")
    write(folder, {f"{name}.yml": as_yaml(rules), f"{name}-tests.yml": as_yaml(tests)})


@pytest.mark.parametrize("replicas", [1, 3])
def test_the_test_of_every_kind_of_alert_passes_on_its_rule(tmp_path: Path, replicas: int) -> None:
    # A few to a file: promtool evaluates every rule of a file in every test.
    parts = [ALERTS[start : start + 4] for start in range(0, len(ALERTS), 4)]
    for number, part in enumerate(parts):
        rules = own_alerts.rule_file(part, FILLING, LINKS, replicas)
        write_test(tmp_path, part, rules, f"part{number}")
    tests = sorted(path.name for path in tmp_path.glob("*-tests.yml"))
    done = run(program("promtool"), "test", "rules", *tests, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    files = sorted(path.name for path in tmp_path.glob("*.yml") if path.name not in tests)
    done = run(program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", *files, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_test_in_which_it_fires_and_one_without_data() -> None:
    names = [test["name"] for test in own_alerts.test_file(ALERTS, "own.yml")["tests"]]
    for alert in ALERTS:
        kinds = {name.partition(", ")[2] for name in names if name.startswith(f"{alert.name},")}
        restart = set() if alert.function in own_alerts.COUNTERS else {"restart"}
        assert kinds == {"fires", "quiet", "missing"} | restart


SABOTAGE = [
    ("another comparison", ALERT, "> 100", "< 100"),
    ("another number", ALERT, "> 100", "> 200"),
    (
        "no look-back over a restart",
        ALERT,
        "last_over_time(integration_quota_used[10m])",
        "integration_quota_used",
    ),
    ("a longer hold", replace(ALERT, hold="5m"), "5m", "50m"),
    (
        "a label lost",
        replace(ALERT, integrations=(("payments", "stripe", "acme"),)),
        "provider, tenant, quota",
        "provider, quota",
    ),
    ("another severity", ALERT, "medium", "low"),
    ("another metric", ALERT, "integration_quota_used", "integration_quota_limit"),
]


@pytest.mark.parametrize(
    ("alert", "old", "new"), [one[1:] for one in SABOTAGE], ids=[one[0] for one in SABOTAGE]
)
def test_a_wrong_rule_is_found_by_its_test(tmp_path: Path, alert: OwnAlert, old: str, new: str) -> None:
    text = as_yaml(own_alerts.rule_file([alert], FILLING, LINKS, 1))
    assert old in text
    assert judged(tmp_path, [alert], yaml.safe_load(text))[0]
    assert not judged(tmp_path, [alert], yaml.safe_load(text.replace(old, new)))[0]


@pytest.mark.parametrize(
    ("op", "values", "of_replicas", "of_environments"),
    [(">", (200, 50), 0, 1), (">", (200, 150), 1, 2), ("<", (50, 200), 0, 1), ("<", (50, 60), 1, 2)],
)
def test_replicas_must_agree_and_environments_need_not(
    tmp_path: Path, op: str, values: tuple[int, int], of_replicas: int, of_environments: int
) -> None:
    alert = replace(ALERT, op=op)
    content = own_alerts.test_file([alert], "own.yml")
    content["tests"] = [
        _counting("instance", values, of_replicas),
        _counting("environment", values, of_environments),
    ]
    rules = own_alerts.rule_file([alert], FILLING, LINKS, 2)
    write(tmp_path, {"own.yml": as_yaml(rules), "tests.yml": as_yaml(content)})
    done = run(program("promtool"), "test", "rules", "tests.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def _counting(label: str, values: tuple[int, int], alerts: int) -> dict[str, Any]:
    """Return a test in which two series that differ by `label` raise so many alerts."""
    series = [
        {"series": f'integration_quota_used{{{label}="{place}"}}', "values": f"{value}x30"}
        for place, value in zip("ab", values, strict=True)
    ]
    firing = {
        "expr": 'count(ALERTS{alertstate="firing"}) or vector(0)',
        "eval_time": "20m",
        "exp_samples": [{"labels": "{}", "value": alerts}],
    }
    return {"interval": "1m", "input_series": series, "promql_expr_test": [firing]}


CONFIGURATION = """\
integrations:
- name: booking
  provider: http
  options:
    url: https://booking.example/health
    extract: [{metric: queue_length, path: queue.length, help: Jobs that wait.}]
alerts:
- {name: QueueLong, metric: integration_http_queue_length, op: ">", value: 100, for: 10m, severity: medium,
   summary: Long., recipients: [team-a]}
- {name: QueueStuck, metric: integration_http_queue_length, op: ">", value: 5, window: 1h, function: min,
   severity: high, summary: Stuck., recipients: [team-a, team-b], runbook_url: "https://runbooks.example/x"}
- {name: QueueAny, metric: integration_http_queue_length, op: ">", value: 1, severity: low, summary: Any.}
rule_files: [mine.yml]
notifications:
  webhook: {url: "http://127.0.0.1:9/all"}
  teams:
  - {name: team-a, integrations: [booking], webhook: {url: "http://127.0.0.1:9/a"}}
  - {name: team-b, tenants: [nobody], quiet_hours: {start: "22:00", end: "06:00"},
     webhook: {url: "http://127.0.0.1:9/b"}}
"""
MINE = "groups:\n- name: mine\n  rules:\n  - {alert: Mine, expr: up == 0, labels: {severity: high}}\n"


def configured(folder: Path) -> Configuration:
    write(folder, {"mine.yml": MINE})
    return load_text(CONFIGURATION, str(folder / "my.yml"), registry.catalogue(), {})


def test_the_bundle_has_the_rules_their_tests_and_the_copies(tmp_path: Path) -> None:
    made = bundle.user_files(configured(tmp_path)).files
    tree = write(tmp_path / "out", made)
    (group,) = yaml.safe_load(made["prometheus/rules/own.yml"])["groups"]
    assert [rule["alert"] for rule in group["rules"]] == ["QueueLong", "QueueStuck", "QueueAny"]
    assert group["rules"][1]["annotations"]["runbook_url"] == "https://runbooks.example/x"
    assert made["prometheus/rules/own-mine.yml"].endswith(MINE)
    assert made["prometheus/rules/own-mine.yml"].startswith("# generated, do not edit")
    tested = run(program("promtool"), "test", "rules", "own.yml", cwd=tree / "prometheus/tests")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    done = run(program("promtool"), "check", "config", str(tree / "prometheus/prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{tree}/prometheus/rules/own-mine.yml" in done.stdout


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({"alertname": "QueueLong", "severity": "medium"}, ["team-team-a"]),
        ({"alertname": "QueueStuck", "severity": "high"}, ["team-team-a", "team-team-b"]),
        # The same teams again, where nobody acknowledged it.
        ({"alertname": "QueueLong", "severity": "high", "escalated_from": "medium"}, ["team-team-a"]),
        (
            {"alertname": "QueueStuck", "severity": "critical", "escalated_from": "high"},
            ["team-team-a", "team-team-b"],
        ),
        ({"alertname": "QueueAny", "severity": "low"}, ["team-team-a", "low"]),
        ({"alertname": "Mine", "severity": "high"}, ["team-team-a", "high"]),
        ({"alertname": "IntegrationDown", "severity": "high"}, ["team-team-a", "high"]),
    ],
)
@pytest.mark.parametrize("file", ["alertmanager", "into-yours"])
def test_an_alert_goes_to_its_recipients_alone(
    tmp_path: Path, file: str, labels: dict[str, str], receivers: list[str]
) -> None:
    made = bundle.user_files(configured(tmp_path)).files
    content = yaml.safe_load(made[f"alertmanager/{file}.yml"])
    if file == "into-yours":
        labels = labels | {"scope": "tenant"}
        receivers = [f"integration-{name}" for name in receivers]
        content["route"] |= {"receiver": "yours"}
        content["receivers"].append({"name": "yours"})
        content["templates"] = []
    path = tmp_path / "alertmanager.yml"
    path.write_text(as_yaml(content))
    words = [f"{name}={value}" for name, value in {**labels, "integration": "booking"}.items()]
    done = run(program("amtool"), "config", "routes", "test", f"--config.file={path}", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().split(",") == receivers


def test_a_rule_file_is_gone_from_the_bundle_when_it_is_gone_from_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(tmp_path)
    out, path = tmp_path / "out", tmp_path / "my.yml"
    words = ("generate", f"--config.file={path}", f"--out={out}", f"--secrets.dir={tmp_path}/secrets")
    path.write_text(CONFIGURATION)
    assert main(words) == 0
    assert (out / "prometheus/rules/own-mine.yml").exists()
    head, _, tail = CONFIGURATION.partition("alerts:\n")
    path.write_text(head + tail[tail.index("notifications:") :])
    assert main(words) == 0
    assert not [*out.rglob("own*")]
    capsys.readouterr()

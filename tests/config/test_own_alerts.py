"""`alerts:` and `rule_files:`: what they may say, and that every mistake is named with its remedy."""

from pathlib import Path

import pytest

from exporter import registry
from exporter.alerts.availability import ALL_FAILING, CONSECUTIVE, TARGET_FAILING
from exporter.config.load import load_file, load_text
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.severity import Severity

HEAD = """\
integrations:
- name: booking
  provider: http
  options:
    url: https://booking.example/health
    extract: [{metric: queue_length, path: queue.length, help: Jobs that wait., labels: {queue: queue.name}}]
- {name: broker, provider: tcp, options: {host: localhost, port: 1}}
notifications:
  teams: [{name: team-a, minimum_severity: medium, webhook: {url: "http://127.0.0.1:9/"}}]
"""
ALERT = {
    "name": "QueueLong",
    "metric": "integration_http_queue_length",
    "op": '">"',
    "value": "100",
    "severity": "medium",
    "summary": "The queue is long.",
}


def written(**changes: str) -> str:
    keys = ALERT | {key.rstrip("_"): value for key, value in changes.items()}
    return f"{HEAD}alerts:\n- {{{', '.join(f'{key}: {value}' for key, value in keys.items() if value)}}}\n"


def loaded(text: str, folder: Path) -> Configuration:
    return load_text(text, str(folder / "my.yml"), registry.catalogue(), {"TOKEN": "planted-credential-x"})


def mistakes(text: str, folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text, folder)
    return [f"{mistake.line}: {mistake.what}; {mistake.remedy}" for mistake in caught.value.mistakes]


def test_an_alert_says_what_is_compared_with_what(tmp_path: Path) -> None:
    text = written(for_="10m", recipients="[team-a]", where="{queue: [mail, sms], integration: booking}")
    (alert,) = loaded(text, tmp_path).alerts
    assert (str(alert.metric), alert.op, alert.value) == ("integration_http_queue_length", ">", 100)
    assert (alert.function, alert.window, alert.hold) == ("last", "", "10m")
    assert alert.severity is Severity.MEDIUM
    assert alert.where == (("integration", ("booking",)), ("queue", ("mail", "sms")))
    assert alert.integrations == (("booking", "http", ""),)
    assert alert.recipients == ("team-a",)


@pytest.mark.parametrize(
    ("changes", "function", "window"),
    [
        ({}, "last", ""),
        ({"window": "1h30m"}, "avg", "1h30m"),
        ({"window": "3600s", "function": "max"}, "max", "1h"),
        ({"metric": "integration_probes_total"}, "increase", "15m"),
        ({"metric": "integration_probes_total", "function": "rate", "window": "5m"}, "rate", "5m"),
    ],
)
def test_what_is_left_out_is_what_fits_the_metric(
    tmp_path: Path, changes: dict[str, str], function: str, window: str
) -> None:
    (alert,) = loaded(written(**changes), tmp_path).alerts
    assert (alert.function, alert.window) == (function, window)


MISTAKES = [
    (
        {"metric": "integration_http_queue_lenght"},
        "unknown metric",
        "did you mean integration_http_queue_length?",
    ),
    ({"metric": "up"}, "unknown metric up", "docs/reference/metrics.md"),
    (
        {"metric": "integration_stripe_livemode"},
        "no integration of this file exports integration_stripe_livemode",
        "add an integration of stripe",
    ),
    ({"metric": "integration_exporter_tasks"}, "of the exporter itself", "rule_files:"),
    ({"metric": ""}, "the key metric is missing", "add metric:"),
    ({"op": '"=>"'}, "op: '=>' is not known here", "did you mean"),
    ({"value": "many"}, "value: expected a number", "without quotes"),
    ({"value": "1e999"}, "value: expected a number", "without quotes"),
    ({"severity": "medum"}, "'medum' is not known here", "did you mean medium?"),
    ({"severity": "none"}, "'none' is not known here", "use one of critical, high, low, medium"),
    ({"summary": ""}, "the key summary is missing", "add summary:"),
    ({"name": "queue_long"}, "name: 'queue_long' has the wrong form", "CamelCase"),
    ({"name": "IntegrationDown"}, "IntegrationDown is an alert of the exporter", "another name"),
    ({"for_": "soon"}, "'soon' is no duration", "write a duration"),
    ({"for_": "1500ms"}, "for has parts of a second", "whole seconds"),
    ({"window": "30s"}, "the window is below a minute", "at least 1m"),
    ({"function": "avg"}, "avg needs a window", "add window: 15m"),
    ({"function": "rate"}, "is no counter", "use avg, min, max or last"),
    ({"metric": "integration_probes_total", "function": "max"}, "is a counter", "use increase or rate"),
    ({"metric": "integration_probes_total", "op": '"<"', "value": "0"}, "never true", "another value"),
    ({"metric": "integration_probes_total", "op": '">="', "value": "0"}, "always true", "another value"),
    ({"metric": "integration_probes_total", "op": '"=="'}, "an increase is an estimate", "use >= or <="),
    ({"where": "{que: x}"}, "has no label que", "did you mean queue?"),
    ({"where": "{queue: []}"}, "no value is named", "write one"),
    ({"where": "{integration: bokking}"}, "not in this file", "did you mean booking?"),
    ({"where": "{integration: broker}"}, "broker does not export", "booking"),
    ({"recipients": "[team-b]"}, "there is no team team-b", "did you mean team-a?"),
    ({"recipients": "[team-a]", "severity": "low"}, "takes alerts from medium up", "raise the severity"),
    ({"runbook_url": "runbooks"}, "runbook_url is no web address", "https://"),
    ({"summary": "'the ${TOKEN} leaks'"}, "the summary of an alert holds a credential", "remove it"),
    ({"metrics": "x"}, "unknown key metrics", "did you mean metric?"),
]


@pytest.mark.parametrize(("changes", "what", "remedy"), MISTAKES)
def test_a_mistake_is_named_once_with_its_line_and_remedy(
    tmp_path: Path, changes: dict[str, str], what: str, remedy: str
) -> None:
    (mistake,) = mistakes(written(**changes), tmp_path)
    assert mistake.startswith("11: ")
    assert what in mistake
    assert remedy in mistake
    assert "planted" not in mistake


def test_one_wrong_alert_keeps_no_other_one_from_being_judged(tmp_path: Path) -> None:
    second = "- {name: Second, metric: integration_nothing, op: '>', value: 1, severity: low, summary: x}\n"
    again = "- {name: Second, metric: integration_info, op: '>', value: 1, severity: low, summary: x}\n"
    found = sorted(mistakes(written(op="7") + second + again, tmp_path))
    assert [line.partition(":")[0] for line in found] == ["11", "12", "13"]
    assert "given twice" in found[2]


def test_a_metric_of_an_integration_with_a_mistake_is_no_mistake_of_its_own(tmp_path: Path) -> None:
    text = written().replace("url: https://booking", "url: booking")
    (mistake,) = mistakes(text, tmp_path)
    assert "the URL must start with http" in mistake


def test_a_metric_of_tenants_is_known_by_the_options_of_their_integration(tmp_path: Path) -> None:
    text = written().replace("  options:\n", "  tenants: {list: [{id: acme}, {id: beta}]}\n  options:\n", 1)
    (alert,) = loaded(text, tmp_path).alerts
    assert alert.integrations == (("booking", "http", "acme"),)


RULES = """\
groups:
- name: mine
  interval: 1m
  rules:
  - {record: "job:up:sum", expr: sum by (job) (up)}
  - alert: MineDown
    expr: up == 0
    for: 5m
    labels: {severity: high}
    annotations: {summary: "{{ $labels.job }} is down ${NOT_A_VARIABLE}"}
  - {alert: MineDown, expr: up == 0, labels: {severity: medium}}
"""


def test_rule_files_are_found_by_patterns_and_kept_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "rules/deep").mkdir(parents=True)
    (tmp_path / "rules/a.yml").write_text(RULES)
    (tmp_path / "rules/deep/b.yaml").write_text(RULES.replace("Mine", "Other"))
    files = loaded(f"{HEAD}rule_files: [rules/**/*.y*ml, rules/a.yml]\n", tmp_path)
    assert [one.name for one in files.rule_files] == ["own-rules-a", "own-rules-deep-b"]
    assert files.rule_files[0].text == RULES
    assert {str(tmp_path / "rules/a.yml"), str(tmp_path / "rules/deep/b.yaml")} <= files.files


WRONG_RULES = [
    *(
        (RULES.replace("job:up:sum", name), f"{name} is recorded by the shipped rules", "another name")
        for name in (ALL_FAILING, CONSECUTIVE.loosest_record, TARGET_FAILING.suspects_record)
    ),
    ("groups: [", "unreadable YAML", ""),
    ("rules: []\n", "the file has no list groups", "write groups:"),
    (RULES.replace("name: mine", "nam: mine"), "unknown key nam", "did you mean name?"),
    (RULES.replace("interval: 1m", "interval: soon"), "the interval is no duration", "30s"),
    (RULES.replace("expr: sum by (job) (up)", "exp: up"), "unknown key exp", "did you mean expr?"),
    (RULES.replace("expr: sum by (job) (up)", "expr: ''"), "a rule has no expression", "add expr:"),
    (RULES.replace('record: "job:up:sum"', "record: a-b"), "no name of a metric", "letters"),
    (RULES.replace('record: "job:up:sum", ', ""), "either an alert or a record", "give one"),
    (RULES.replace("for: 5m", "for: 5 minutes"), "for is no duration", "30s"),
    (RULES.replace("{severity: high}", "{severity: urgent}"), "the severity is not known", "use one of"),
    (RULES.replace("{severity: high}", "{team: x}"), "no label severity", "add labels: {severity: medium}"),
    (RULES.replace("{severity: high}", "{severity: '{{ $value }}'}"), "is a template", "one rule for each"),
    (RULES.replace("{severity: high}", "{severity: high, a-b: x}"), "no Prometheus label name", "letters"),
    (RULES.replace("{severity: high}", "{severity: high, team: 1}"), "the value is no text", "quotes"),
    (RULES.replace("alert: MineDown\n", "alert: IntegrationDown\n"), "is there already", "another name"),
    (RULES.replace("alert: MineDown\n", "alert: QueueLong\n"), "is there already", "another name"),
    (RULES + RULES.partition("\n")[2], "two groups of the file have one name", "rename"),
    (RULES.replace("- name: mine", "- 5\n- name: mine"), "a group is no mapping", "write name:"),
]


@pytest.mark.parametrize(("text", "what", "remedy"), WRONG_RULES)
def test_a_wrong_rule_file_is_a_mistake_with_its_own_line(
    tmp_path: Path, text: str, what: str, remedy: str
) -> None:
    (tmp_path / "mine.yml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        loaded(written() + "rule_files: [mine.yml]\n", tmp_path)
    found = [mistake for mistake in caught.value.mistakes if what in mistake.what]
    assert found, caught.value.mistakes
    assert remedy in found[0].remedy
    assert found[0].file == str(tmp_path / "mine.yml")


def test_two_files_with_an_alert_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_text(RULES)
    found = mistakes(f"{HEAD}rule_files: ['[ab].yml']\n", tmp_path)
    assert all("the alert MineDown is in" in mistake for mistake in found)
    assert found


@pytest.mark.parametrize("pattern", ["none.yml", "rules/*.yml"])
def test_a_pattern_without_a_file_is_a_mistake(tmp_path: Path, pattern: str) -> None:
    (mistake,) = mistakes(f"{HEAD}rule_files: ['{pattern}']\n", tmp_path)
    assert mistake.startswith("10: ")


def test_files_that_would_be_one_copy_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.yml").write_text(RULES)
    (tmp_path / "a-b.yml").write_text(RULES.replace("Mine", "Other"))
    (mistake,) = mistakes(f"{HEAD}rule_files: [a/b.yml, a-b.yml]\n", tmp_path)
    assert "would both be copied to own-a-b.yml" in mistake


def test_a_reload_takes_a_rule_file_that_changed_and_refuses_a_wrong_one(tmp_path: Path) -> None:
    path, rules = tmp_path / "my.yml", tmp_path / "mine.yml"
    path.write_text(f"{HEAD}rule_files: [mine.yml]\n")
    rules.write_text(RULES)
    before = load_file(str(path), registry.catalogue(), {})
    rules.write_text(RULES.replace("for: 5m", "for: 6m"))
    assert load_file(str(path), registry.catalogue(), {}) != before
    rules.write_text("groups: 5\n")
    with pytest.raises(ConfigError):
        load_file(str(path), registry.catalogue(), {})

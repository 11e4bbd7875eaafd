"""`check rules`: what Prometheus' and Alertmanager's tools say of the rules, and what they could not."""

import os
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.commands import check_rules
from exporter.generate import bundle
from tests.rules.tools import program

CONFIGURATION = """\
integrations: [{name: broker, provider: tcp, options: {host: localhost, port: 1}}]
alerts:
- {name: BrokerSlow, metric: integration_probe_duration_seconds, op: ">", value: 1, severity: low,
   summary: Slow., recipients: [team-a]}
rule_files: [mine.yml]
notifications: {teams: [{name: team-a, webhook: {url: "http://127.0.0.1:9/"}}]}
"""
MINE = "groups:\n- name: mine\n  rules:\n  - {alert: Mine, expr: up == 0, labels: {severity: high}}\n"
Captured = pytest.CaptureFixture[str]
# Without tests: those of the shipped rules are run one by one elsewhere.
SHIPPED = {name: text for name, text in bundle.files().items() if not name.startswith("prometheus/tests/")}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(check_rules, "files", lambda: SHIPPED)
    (tmp_path / "mine.yml").write_text(MINE)
    (tmp_path / "my.yml").write_text(CONFIGURATION)
    return tmp_path / "my.yml"


def own(output: str) -> list[str]:
    return [line for line in output.splitlines() if "shipped" not in line]


def test_every_part_of_the_users_own_is_judged(path: Path, capsys: Captured) -> None:
    assert program("promtool") and program("amtool")
    assert main(("check", "rules", f"--config.file={path}")) == 0
    lines = own(capsys.readouterr().out)
    parts = ("prometheus/prometheus.yml", "tests of own", "alertmanager/alertmanager.yml")
    routes = [*(f"route of {level}" for level in ("critical", "high", "medium", "low"))]
    for part in (*parts, *routes, "recipients of BrokerSlow"):
        assert f"ok: {path}: {part}" in lines
    assert any(line.endswith("rule files") and line.startswith("ok: ") for line in lines)


def test_promql_that_cannot_be_read_is_found_and_the_exit_code_is_1(path: Path, capsys: Captured) -> None:
    (path.parent / "mine.yml").write_text(MINE.replace("up == 0", "up =="))
    assert main(("check", "rules", f"--config.file={path}")) == 1
    output = capsys.readouterr().out
    assert f"failed: {path}: " in output
    assert "own-mine.yml" in output
    assert "parse error" in output
    assert "SUCCESS" not in output and "/integration-exporter-rules-" not in output


def test_a_template_that_cannot_be_read_is_found(path: Path, capsys: Captured) -> None:
    path.write_text(CONFIGURATION.replace("summary: Slow.", "summary: Slow., description: '{{ $valu }}'"))
    assert main(("check", "rules", f"--config.file={path}")) == 1
    assert "undefined variable" in capsys.readouterr().out


def test_a_missing_tool_is_named_and_fails_only_where_that_is_asked_for(
    path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path.parent / "bin").mkdir()
    monkeypatch.setitem(os.environ, "PATH", str(path.parent / "bin"))
    assert main(("check", "rules", f"--config.file={path}")) == 0
    output = capsys.readouterr().out
    assert "because promtool is not installed (Debian's package prometheus)" in output
    assert "because amtool is not installed (Debian's package prometheus-alertmanager)" in output
    assert " 0 of " in f" {output.splitlines()[-1]}"
    assert main(("check", "rules", "--strict", f"--config.file={path}")) == 1


def test_a_tool_that_fails_shows_what_it_said(
    path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = path.parent / "bin"
    folder.mkdir()
    for tool in ("promtool", "amtool"):
        (folder / tool).write_text("#!/bin/sh\necho it is broken >&2\nexit 3\n")
        (folder / tool).chmod(0o755)
    monkeypatch.setitem(os.environ, "PATH", f"{folder}:{os.environ['PATH']}")
    assert main(("check", "rules", f"--config.file={path}")) == 1
    output = capsys.readouterr().out
    assert "    it is broken" in output
    assert "ok: " not in output


def test_an_alert_that_reaches_others_than_its_recipients_is_found(
    path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_rules, "team_receiver_name", lambda team: f"another-{team}")
    assert main(("check", "rules", f"--config.file={path}")) == 1
    assert "it goes to team-team-a, not to another-team-a" in capsys.readouterr().out


def test_a_plain_check_counts_what_is_the_users_own(path: Path, capsys: Captured) -> None:
    assert main(("check", f"--config.file={path}")) == 0
    assert "1 alert of your own, 1 rule file of your own" in capsys.readouterr().out

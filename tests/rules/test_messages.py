"""What people read: every template rendered by Alertmanager's own tool with sample data."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from exporter.core.severity import Severity
from tests.rules.tools import program, run

EVIL = "<script>alert(1)</script> & 'more'"


def _alert(number: int, status: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {**_COMMON, "tenant": f"t{number}", **labels},
        "annotations": {**_NOTES, "description": f"Target {number} {EVIL}."},
        "startsAt": "2026-11-21T10:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": f"{number:016x}",
    }


_COMMON = {
    "alertname": "IntegrationTargetFailing",
    "integration": "payments",
    "provider": "stripe",
    "severity": "high",
    "scope": "tenant",
}
_NOTES = {
    "summary": "Probes of an integration's target fail one after the other.",
    "runbook_url": "https://docs.example/runbooks/IntegrationTargetFailing.md",
    "dashboard_url": "https://grafana.example/d/integration-overview?var-integration=payments",
}


def _data(*alerts: dict[str, Any], status: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "receiver": "high",
        "status": status,
        "alerts": list(alerts),
        "groupLabels": {"alertname": "IntegrationTargetFailing"},
        "commonLabels": {**_COMMON, **labels},
        "commonAnnotations": _NOTES,
        "externalURL": "http://alertmanager:9093",
    }


def _render(tree: Path, tmp_path: Path, name: str, data: dict[str, Any], kind: str = "text") -> str:
    (tmp_path / "data.json").write_text(json.dumps(data))
    done = run(
        program("amtool"),
        "template",
        "render",
        f"--template.glob={tree}/alertmanager/templates/*.tmpl",
        f'--template.text={{{{ template "{name}" . }}}}',
        f"--template.type={kind}",
        f"--template.data={tmp_path / 'data.json'}",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.rstrip("\n")


def test_the_subject_of_a_mail_names_severity_service_and_message(tree: Path, tmp_path: Path) -> None:
    subject = _render(tree, tmp_path, "integration.subject", _data(_alert(1)))
    assert subject == "[HIGH] payments Alert: Probes of an integration's target fail one after the other."


def test_the_subject_tells_how_many_alerts_there_are(tree: Path, tmp_path: Path) -> None:
    subject = _render(tree, tmp_path, "integration.subject", _data(_alert(1), _alert(2)))
    assert subject.endswith("one after the other. (2 alerts)")


def test_the_subject_of_a_resolved_alert_says_so(tree: Path, tmp_path: Path) -> None:
    data = _data(_alert(1, "resolved"), status="resolved")
    subject = _render(tree, tmp_path, "integration.subject", data)
    assert subject.startswith("[HIGH] payments Alert: resolved: Probes")


def test_an_alert_of_the_exporter_itself_has_a_service_too(tree: Path, tmp_path: Path) -> None:
    data = _data(_alert(1))
    data["commonLabels"] = {"alertname": "IntegrationExporterDown", "severity": "high"}
    assert _render(tree, tmp_path, "integration.subject", data).startswith(
        "[HIGH] integration-exporter Alert: "
    )


def test_a_message_of_an_unknown_severity_is_still_whole(tree: Path, tmp_path: Path) -> None:
    data = _data(_alert(1))
    del data["commonLabels"]["severity"]
    assert _render(tree, tmp_path, "integration.subject", data).startswith("[UNKNOWN] payments Alert: ")
    assert _render(tree, tmp_path, "integration.colour", data).startswith("#")
    assert _render(tree, tmp_path, "integration.sms", data)


@pytest.mark.parametrize("severity", Severity)
def test_a_mail_has_the_colour_of_its_severity_and_the_next_steps(
    tree: Path, tmp_path: Path, severity: Severity
) -> None:
    html = _render(tree, tmp_path, "integration.email.html", _data(_alert(1), severity=str(severity)), "html")
    assert severity.colour in html
    assert severity.response in html
    assert '<a href="https://docs.example/runbooks/IntegrationTargetFailing.md">' in html
    assert "https://grafana.example/d/integration-overview?var-integration=payments" in html
    assert "Next steps" in html
    assert "ZgotmplZ" not in html, "the template engine refused a value"


def test_what_a_tenant_writes_cannot_change_a_mail(tree: Path, tmp_path: Path) -> None:
    html = _render(tree, tmp_path, "integration.email.html", _data(_alert(1)), "html")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_mail_about_a_resolved_alert_has_no_next_steps(tree: Path, tmp_path: Path) -> None:
    data = _data(_alert(1, "resolved"), status="resolved")
    html = _render(tree, tmp_path, "integration.email.html", data, "html")
    assert "RESOLVED" in html
    assert "Next steps" not in html
    assert "Next steps" not in _render(tree, tmp_path, "integration.email.text", data)


@pytest.mark.parametrize(
    ("name", "kind", "most"),
    [
        ("integration.slack", "text", 10),
        ("integration.email.text", "text", 20),
        ("integration.email.html", "html", 20),
    ],
)
def test_a_long_list_is_cut_and_says_so(tree: Path, tmp_path: Path, name: str, kind: str, most: int) -> None:
    text = _render(tree, tmp_path, name, _data(*(_alert(number) for number in range(500))), kind)
    assert len(re.findall(r"Target \d+", text)) == most
    assert re.search(rf"first {most} of 500", text)
    assert len(text) < 12_000


def test_a_short_list_is_whole(tree: Path, tmp_path: Path) -> None:
    text = _render(tree, tmp_path, "integration.slack", _data(*(_alert(number) for number in range(10))))
    assert len(re.findall(r"Target \d+", text)) == 10
    assert "only the first" not in text


def test_slack_links_to_runbook_dashboard_and_silence(tree: Path, tmp_path: Path) -> None:
    text = _render(tree, tmp_path, "integration.slack", _data(_alert(1)))
    assert "<https://docs.example/runbooks/IntegrationTargetFailing.md|Runbook>" in text
    assert "|Dashboard>" in text
    silence = re.search(r"<(\S+)\|Silence>", text)
    assert silence is not None
    assert silence[1] == (
        "http://alertmanager:9093/#/silences/new?filter=%7B"
        "integration%3D%22payments%22%2C%20provider%3D%22stripe%22%2C%20"
        "alertname%3D%22IntegrationTargetFailing%22%7D"
    )


def test_a_path_without_a_base_address_is_shown_as_text_not_as_a_dead_link(
    tree: Path, tmp_path: Path
) -> None:
    data = _data(_alert(1))
    data["commonAnnotations"] = {**_NOTES, "runbook_url": "docs/runbooks/IntegrationTargetFailing.md"}
    assert "|Runbook>" not in _render(tree, tmp_path, "integration.slack", data)
    html = _render(tree, tmp_path, "integration.email.html", data, "html")
    assert "<code>docs/runbooks/IntegrationTargetFailing.md</code>" in html


def test_a_text_message_is_plain_and_never_longer_than_two_segments(tree: Path, tmp_path: Path) -> None:
    data = _data(_alert(1), _alert(2), integration="zahlungen-ü€[]{}|~^\\" + "x" * 400)
    text = _render(tree, tmp_path, "integration.sms", data)
    assert len(text) <= 306
    assert re.fullmatch(r"[ -Z_a-z]+", text), "a character outside of plain GSM-7"
    plain = _render(tree, tmp_path, "integration.sms", _data(_alert(1), _alert(2)))
    assert plain.startswith("HIGH payments: IntegrationTargetFailing (2) Probes of an integration's target")


@pytest.mark.parametrize(
    ("severity", "word"),
    [("critical", "critical"), ("high", "error"), ("medium", "warning"), ("low", "info")],
)
def test_pagerduty_gets_the_severity_in_its_own_words(
    tree: Path, tmp_path: Path, severity: str, word: str
) -> None:
    data = _data(_alert(1), severity=severity)
    assert _render(tree, tmp_path, "integration.pagerduty.severity", data) == word

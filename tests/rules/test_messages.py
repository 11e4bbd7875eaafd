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
    "summary": "A target fails, several probes in a row.",
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
    assert subject == "[HIGH] payments Alert: A target fails, several probes in a row."


def test_the_subject_tells_how_many_alerts_there_are(tree: Path, tmp_path: Path) -> None:
    subject = _render(tree, tmp_path, "integration.subject", _data(_alert(1), _alert(2)))
    assert subject.endswith("in a row. (2 alerts)")


def test_the_subject_of_a_resolved_alert_says_so(tree: Path, tmp_path: Path) -> None:
    data = _data(_alert(1, "resolved"), status="resolved")
    subject = _render(tree, tmp_path, "integration.subject", data)
    assert subject.startswith("[HIGH] payments Alert: resolved: A target")


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
    ("name", "kind"),
    [("integration.slack", "text"), ("integration.email.text", "text"), ("integration.email.html", "html")],
)
def test_of_a_long_list_three_have_a_line_and_thirty_are_named(
    tree: Path, tmp_path: Path, name: str, kind: str
) -> None:
    text = _render(tree, tmp_path, name, _data(*(_alert(number) for number in range(500))), kind)
    assert len(re.findall(r"Target \d+", text)) == 3
    (names,) = re.findall(r"all 500: ((?:t\d+, )+)\.\.\.", text)
    assert names.split(", ")[:-1] == [f"t{number}" for number in range(30)]
    assert len(text) < 6_000


def test_the_names_of_a_long_list_are_told_apart_by_reason(tree: Path, tmp_path: Path) -> None:
    alerts = [_alert(number) for number in range(8)]
    for alert, reason in zip(alerts, ("auth", "timeout", "auth", "timeout", "auth"), strict=False):
        alert["annotations"]["reason"] = reason
    lines = _render(tree, tmp_path, "integration.pagerduty.firing", _data(*alerts)).splitlines()
    assert lines[1:4] == [
        "\t• without a reason (3 of 8): t5, t6, t7",
        "\t• timeout (2 of 8): t1, t3",
        "\t• auth (3 of 8): t0, t2, t4",
    ]
    assert lines[4].startswith("\t• for example: Target 0")
    assert lines[4].endswith("Reason: auth. (since 2026-11-21 10:00 UTC)")
    assert len(lines) == 7


@pytest.mark.parametrize("name", ["integration.slack", "integration.email.text"])
def test_a_short_list_is_whole(tree: Path, tmp_path: Path, name: str) -> None:
    text = _render(tree, tmp_path, name, _data(*(_alert(number) for number in range(5))))
    assert len(re.findall(r"Target \d+", text)) == 5
    assert "all 5" not in text


@pytest.mark.parametrize(
    ("begin", "end", "span"),
    [
        ("2026-11-21T00:54:00Z", "2026-11-21T00:56:20Z", "2026-11-21 00:54 to 00:56 UTC, 2 min"),
        ("2026-11-21T00:54:00Z", "2026-11-21T00:54:20Z", "2026-11-21 00:54 to 00:54 UTC, less than a minute"),
        ("2026-11-21T00:54:00Z", "2026-11-21T02:54:00Z", "2026-11-21 00:54 to 02:54 UTC, 2 h"),
        (
            "2026-11-21T23:54:00Z",
            "2026-11-22T01:24:00Z",
            "2026-11-21 23:54 to 2026-11-22 01:24 UTC, 1 h 30 min",
        ),
        ("2026-11-21T10:00:00Z", "2026-11-21T20:10:00Z", "2026-11-21 10:00 to 20:10 UTC, 10 h 10 min"),
        ("2026-11-21T10:00:00+02:00", "2026-11-21T08:10:00Z", "2026-11-21 08:00 to 08:10 UTC, 10 min"),
    ],
)
def test_a_resolved_alert_says_from_when_to_when_and_how_long(
    tree: Path, tmp_path: Path, begin: str, end: str, span: str
) -> None:
    alert = {**_alert(1, "resolved"), "startsAt": begin, "endsAt": end}
    for name in ("integration.slack", "integration.email.text"):
        text = _render(tree, tmp_path, name, _data(alert, status="resolved"))
        assert "was: Target 1" in text
        assert f"({span})" in text
        assert "since" not in text


def test_the_count_of_a_resolved_group_is_in_its_title(tree: Path, tmp_path: Path) -> None:
    data = _data(_alert(1, "resolved"), _alert(2, "resolved"), status="resolved")
    assert _render(tree, tmp_path, "integration.subject", data).endswith("in a row. (2 alerts)")


def test_the_one_tenant_of_a_message_is_in_its_subject(tree: Path, tmp_path: Path) -> None:
    subject = _render(tree, tmp_path, "integration.subject", _data(_alert(1), tenant="north"))
    assert subject == "[HIGH] payments Alert: tenant north: A target fails, several probes in a row."


@pytest.mark.parametrize(
    ("name", "severity", "said"),
    [
        ("IntegrationQuotaNearLimit", "critical", True),
        ("IntegrationQuotaNearLimit", "high", True),
        ("IntegrationQuotaNearLimit", "medium", False),
        ("IntegrationTargetFailing", "high", False),
        ("IntegrationOutage", "critical", False),
    ],
)
def test_the_end_of_a_step_reminds_of_those_below_it(
    tree: Path, tmp_path: Path, name: str, severity: str, said: bool
) -> None:
    alert = {**_alert(1, "resolved"), "endsAt": "2026-11-21T10:05:00Z"}
    data = _data(alert, status="resolved", alertname=name, severity=severity)
    for template, kind in (("slack", "text"), ("email.text", "text"), ("email.html", "html")):
        text = _render(tree, tmp_path, f"integration.{template}", data, kind)
        assert ("Lower severities of the same alert may go on" in text) == said
    assert "may go on" not in _render(tree, tmp_path, "integration.slack", {**data, "alerts": [_alert(1)]})


def test_links_of_several_tenants_lead_to_the_integration(tree: Path, tmp_path: Path) -> None:
    alerts = [_alert(1), _alert(2)]
    base = "https://exporter.example/integration?integration=payments"
    for alert in alerts:
        alert["annotations"]["details_url"] = f"{base}&tenant={alert['labels']['tenant']}"
    assert f"<{base}|Whole error>" in _render(tree, tmp_path, "integration.slack", _data(*alerts))
    assert f"<{base}&tenant=t1|Whole error>" in _render(tree, tmp_path, "integration.slack", _data(alerts[0]))


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


def test_a_label_that_is_nothing_for_a_link_is_left_out_of_it(tree: Path, tmp_path: Path) -> None:
    alert = _alert(1)
    alert["annotations"]["details_url"] = (
        "https://exporter.example/integration?integration=payments&tenant=a b"
    )
    text = _render(tree, tmp_path, "integration.slack", _data(alert))
    assert "<https://exporter.example/integration?integration=payments&tenant=a%20b|Whole error>" in text
    alert["annotations"]["details_url"] = (
        "https://exporter.example/integration?integration=payments&tenant=a>|x"
    )
    assert "<https://exporter.example/integration|Whole error>" in _render(
        tree, tmp_path, "integration.slack", _data(alert)
    )


def test_a_message_without_a_dashboard_links_to_none(tree: Path, tmp_path: Path) -> None:
    alert = _alert(1)
    del alert["annotations"]["dashboard_url"]
    assert "Dashboard" not in _render(tree, tmp_path, "integration.slack", _data(alert))
    assert "dashboard" not in _render(tree, tmp_path, "integration.email.text", _data(alert))
    assert "dashboard" not in _render(tree, tmp_path, "integration.email.html", _data(alert), "html")


def test_a_text_message_is_plain_and_never_longer_than_two_segments(tree: Path, tmp_path: Path) -> None:
    data = _data(_alert(1), _alert(2), integration="zahlungen-ü€[]{}|~^\\" + "x" * 400)
    text = _render(tree, tmp_path, "integration.sms", data)
    assert len(text) <= 306
    assert re.fullmatch(r"[ -Z_a-z]+", text), "a character outside of plain GSM-7"
    plain = _render(tree, tmp_path, "integration.sms", _data(_alert(1), _alert(2)))
    assert plain == (
        "HIGH payments: IntegrationTargetFailing: 2 alerts. A target fails, several probes in a row."
    )
    alert = _alert(1)
    alert["annotations"] |= {"description": "Target 1 fails.", "reason": "auth"}
    text = _render(tree, tmp_path, "integration.sms", _data(alert, tenant="north"))
    assert text == "HIGH payments tenant north: IntegrationTargetFailing: Target 1 fails. Reason: auth"


@pytest.mark.parametrize(
    ("severity", "word"),
    [("critical", "critical"), ("high", "error"), ("medium", "warning"), ("low", "info")],
)
def test_pagerduty_gets_the_severity_in_its_own_words(
    tree: Path, tmp_path: Path, severity: str, word: str
) -> None:
    data = _data(_alert(1), severity=severity)
    assert _render(tree, tmp_path, "integration.pagerduty.severity", data) == word

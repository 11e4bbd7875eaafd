"""The page "Into what you already have" is followed: its files with ours in them, judged by the tools."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.cli import main
from exporter.commands.doctor import alertmanager, prometheus
from exporter.core.severity import Severity
from tests.rules.tools import program, run

PAGE = (Path(__file__).parents[2] / "docs/into-what-you-have.md").read_text()
SNIPPETS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
CONFIGURATION = """\
integrations:
- {name: payments, provider: stripe, options: {secret_key: sk_test_x}}
notifications:
  slack: {api_url: "https://hooks.example/x"}
  email: {to: [ops@example.org], smarthost: "mail.example:587"}
  teams:
  - {name: gold, tenants: [acme], quiet_hours: {start: "22:00", end: "06:00"}, slack: {channel: "#gold"}}
"""


def _snippet(name: str) -> dict[str, Any]:
    (found,) = [text for text in SNIPPETS if name in text.splitlines()[0]]
    content = yaml.safe_load(found)
    assert isinstance(content, dict)
    return content


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what /etc/prometheus is: the rules and templates of a bundle where the page says."""
    folder = tmp_path_factory.mktemp("prometheus")
    section = next(text for text in SNIPPETS if text.startswith("generate:"))
    secrets = "/etc/integration-exporter/alertmanager-secrets, owner: prometheus"
    section = section.replace(secrets, f"{folder}/secrets")
    section = section.replace("/etc/prometheus/", f"{folder}/")
    (folder / "my.yml").write_text(CONFIGURATION + section)
    for name in ("exporter-token", "internal-ca.pem"):
        (folder / name).write_text("x")
    assert main(("generate", f"--config.file={folder}/my.yml", f"--out={folder}/bundle")) == 0
    shutil.copytree(folder / "bundle/prometheus/rules", folder / "integration-exporter/rules")
    shutil.copytree(folder / "bundle/alertmanager/templates", folder / "integration-exporter/templates")
    return folder


def _at(folder: Path, content: Any) -> str:
    return yaml.safe_dump(content, sort_keys=False).replace("/etc/prometheus/", f"{folder}/")


def test_a_whole_prometheus_with_our_parts_in_it_loads(folder: Path) -> None:
    content = _snippet("prometheus.yml")
    path = folder / "prometheus.yml"
    path.write_text(_at(folder, content))
    done = run(program("promtool"), "check", "config", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    files = len(list((folder / "bundle/prometheus/rules").glob("*.yml")))
    assert files and f"{files} rule files found" in done.stdout, "rules are found where the page puts them"
    ours = yaml.safe_load((folder / "bundle/prometheus/into-yours.yml").read_text())
    assert ours["rule_files"][0] in content["rule_files"]
    assert ours["scrape_configs"] == yaml.safe_load(path.read_text())["scrape_configs"][-1:]


@pytest.fixture(scope="module")
def merged(folder: Path) -> Path:
    """Return an alertmanager.yml of somebody's own with our parts in it."""
    content = _snippet("alertmanager.yml")
    ours = yaml.safe_load((folder / "bundle/alertmanager/into-yours.yml").read_text())
    assert set(ours) == set(content)
    assert ours["templates"] == content["templates"][-1:]
    (route,) = ours["route"]["routes"]
    content["route"]["routes"].insert(0, route)
    for key in ("inhibit_rules", "receivers", "time_intervals"):
        content[key] += ours[key]
    path = folder / "alertmanager.yml"
    path.write_text(_at(folder, content))
    return path


def _told(path: Path, **labels: str) -> str:
    words = [f"{name}={value}" for name, value in labels.items()]
    done = run(program("amtool"), "config", "routes", "test", f"--config.file={path}", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_a_whole_alertmanager_with_our_tree_below_its_root_loads(merged: Path) -> None:
    done = run(program("amtool"), "check-config", str(merged))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("severity", Severity)
def test_our_alerts_take_our_routes_there(merged: Path, severity: Severity) -> None:
    labels = {"alertname": "IntegrationX", "scope": "tenant", "severity": str(severity)}
    assert _told(merged, **labels) == f"integration-{severity}"
    assert _told(merged, **labels, tenant="acme") == f"integration-team-gold,integration-{severity}"


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"alertname": "Watchdog", "scope": "exporter", "severity": "none"}, "integration-nowhere"),
        ({"alertname": "IntegrationX", "scope": "tenant", "severity": "odd"}, "integration-default"),
        ({"alertname": "HostDown", "severity": "critical"}, "operations"),
        ({"alertname": "HostDown", "severity": "critical", "team": "frontend"}, "frontend"),
        ({"alertname": "Watchdog", "severity": "none"}, "operations"),
        ({"alertname": "X", "scope": "cluster", "severity": "high"}, "operations"),
    ],
)
def test_alerts_of_others_take_their_own(merged: Path, labels: dict[str, str], receiver: str) -> None:
    assert _told(merged, **labels) == receiver


def test_our_inhibitions_look_at_our_alerts_alone(merged: Path) -> None:
    content = yaml.safe_load(merged.read_text())
    assert content["inhibit_rules"]
    for rule in content["inhibit_rules"]:
        for side in ("source_matchers", "target_matchers"):
            assert 'scope=~"exporter|integration|tenant"' in rule[side]


def test_every_rule_has_the_label_that_our_route_matches() -> None:
    from exporter.generate import bundle

    rules = [
        rule for part in bundle.rule_files().values() for group in part["groups"] for rule in group["rules"]
    ]
    for rule in rules:
        if "alert" in rule:
            assert rule["labels"]["scope"] in ("exporter", "integration", "tenant"), rule["alert"]


def test_the_page_names_the_oldest_versions_that_the_doctor_asks_for() -> None:
    assert f"Prometheus {'.'.join(map(str, prometheus.OLDEST))} or newer" in PAGE
    assert f"Alertmanager {'.'.join(map(str, alertmanager.OLDEST))} or newer" in PAGE


def test_the_page_links_to_what_is_there() -> None:
    folder = Path(__file__).parents[2] / "docs"
    for target in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (folder / target).exists(), target
    assert "### Generation" in (folder / "reference/configuration.md").read_text().replace(
        "## Generation", "### Generation"
    )

"""The generated tree: the same every time, marked as generated, and equal to what is checked in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from exporter import registry
from exporter.commands.checkout_files import checkout_files
from exporter.core.configuration import Configuration, Integration, StoreSettings
from exporter.core.generation import ExporterPeer, Generation, SecretFolder
from exporter.core.notifications import Notifications, PagerDuty, Slack
from exporter.core.secret import Secret
from exporter.generate import bundle
from exporter.generate.document import NOTICE
from tests.rules.tools import program, run, write

ROOT = Path(__file__).parents[2]
FILES = bundle.files()
CHECKED_IN = ("prometheus/", "alertmanager/", "docs/runbooks/", "docs/reference/")
MINE = {path: text for path, text in checkout_files().items() if path.startswith(CHECKED_IN)}


@pytest.mark.parametrize("path", MINE)
def test_the_file_checked_in_is_the_generated_one(path: str) -> None:
    assert (ROOT / path).read_text() == MINE[path], "run make generate"


@pytest.mark.parametrize("folder", CHECKED_IN)
def test_no_file_stays_behind_that_is_generated_no_more(folder: str) -> None:
    there = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*") if path.is_file()}
    assert there == {path for path in MINE if path.startswith(folder)}


@pytest.mark.parametrize("path", MINE)
def test_a_generated_file_says_so_in_its_first_line(path: str) -> None:
    assert NOTICE in MINE[path].splitlines()[0]
    assert MINE[path].endswith("\n") and not MINE[path].endswith("\n\n")


def test_another_process_with_another_hash_seed_generates_the_same_bytes() -> None:
    code = (
        "import hashlib; from exporter.generate import bundle;"
        "print(hashlib.sha256(repr(sorted(bundle.files().items())).encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def _configuration(interval: float, notifications: Notifications) -> Configuration:
    probe = registry.probes()["stripe"]
    integration = Integration("payments", probe, critical=True, interval=interval)
    return Configuration("x.yml", (integration,), {}, (), notifications, StoreSettings())


def test_the_rules_of_a_user_look_back_over_his_longest_interval_and_link_to_his_pages(
    tmp_path: Path,
) -> None:
    notifications = Notifications(
        grafana_url="https://grafana.example/", runbook_url="https://docs.example/runbooks"
    )
    generation = Generation(exporter=ExporterPeer(addresses=("127.0.0.1:1",)))
    made = bundle.user_files(_configuration(3600, notifications), generation)
    rules = made.files["prometheus/rules/probes.yml"]
    assert "integration_probe_consecutive_failures[10m]" in rules  # shown at every scrape
    assert "integration_stripe_payments_window" in made.files["prometheus/rules/stripe.yml"]
    assert "[150m]" in made.files["prometheus/rules/stripe.yml"]  # measured, and absent after a failure
    assert not [line for line in rules.splitlines() if "keep_firing_for" in line and "150m" in line]
    assert "https://docs.example/runbooks/IntegrationDown.md" in rules
    assert "https://grafana.example/d/integration-overview?var-integration=" in rules
    jobs = {
        job["job_name"]: job
        for job in yaml.safe_load(made.files["prometheus/prometheus.yml"])["scrape_configs"]
    }
    assert jobs["integration-exporter"]["static_configs"] == [{"targets": ["127.0.0.1:1"]}]
    tree = write(tmp_path, made.files)
    done = run(program("promtool"), "check", "config", str(tree / "prometheus/prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_secrets_of_a_user_stay_out_of_the_files() -> None:
    notifications = Notifications(
        slack=Slack(api_url=Secret("https://hooks.example/planted")),
        pagerduty=PagerDuty(routing_key=Secret("planted")),
    )
    generation = Generation(secrets=SecretFolder(dir="/srv/secrets"))
    made = bundle.user_files(_configuration(60, notifications), generation)
    assert not any("planted" in text for text in made.files.values())
    assert "planted" not in repr(made)
    assert {name: secret.reveal() for name, secret in made.secrets.items()} == {
        "slack-url": "https://hooks.example/planted",
        "pagerduty-key": "planted",
    }
    assert "api_url_file: /srv/secrets/slack-url" in made.files["alertmanager/alertmanager.yml"]


def test_the_reference_names_every_metric_alert_provider_and_threshold() -> None:
    pages = {
        path.rpartition("/")[2]: text for path, text in FILES.items() if path.startswith("docs/reference/")
    }
    assert all(f"`{metric}`" in pages["metrics.md"] for metric in registry.metrics())
    assert all(f"[{alert.name}]" in pages["alerts.md"] for alert in registry.alerts() if alert.levels)
    assert all(f"(`{name}`)" in pages["providers.md"] for name in registry.probes())
    assert all(f"`{name}`" in pages["configuration.md"] for name in registry.families())

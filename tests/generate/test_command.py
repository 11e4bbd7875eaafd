"""The command `generate` on a user's own file: what it writes, compares and says."""

import grp
import os
import pwd
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from exporter import registry
from exporter.alerts import COMMON_SOURCES
from exporter.cli import main
from exporter.commands.bundle_report import report_lines
from exporter.config.load import load_file
from exporter.generate import bundle
from exporter.generate.notes import find_systemd_credentials
from tests.rules.tools import program, run

CONFIGURATION = """\
integrations:
- {name: payments, provider: stripe, options: {secret_key: sk_test_x}}
notifications:
  slack: {api_url: "https://hooks.example/planted-slack"}
"""
Captured = pytest.CaptureFixture[str]


class Desk:
    """A folder with a configuration, and the command run on it."""

    def __init__(self, folder: Path, capsys: Captured) -> None:
        self.folder, self._capsys = folder, capsys
        self.out, self.secrets = folder / "bundle", folder / "secrets"
        self.write(CONFIGURATION)

    def write(self, text: str) -> None:
        (self.folder / "my.yml").write_text(text)

    def generate(self, *words: str, secrets: bool = True) -> tuple[int, str, str]:
        where = (f"--secrets.dir={self.secrets}",) if secrets else ()
        code = main(("generate", f"--config.file={self.folder}/my.yml", f"--out={self.out}", *where, *words))
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def tree(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.folder)): path.read_text()
            for path in self.folder.rglob("*.*")
            if path.is_file()
        }


@pytest.fixture
def desk(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    return Desk(tmp_path, capsys)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], ids=oct)
def test_others_can_read_the_bundle_and_nobody_the_secrets_whatever_the_umask_is(
    desk: Desk, umask: int
) -> None:
    desk.secrets = desk.folder / "new" / "secrets"
    before = os.umask(umask)
    try:
        assert desk.generate()[0] == 0
    finally:
        os.umask(before)
    assert _mode(desk.folder / "new") == 0o755
    assert _mode(desk.secrets) == 0o700
    assert {_mode(path) for path in desk.secrets.iterdir()} == {0o600}
    assert {_mode(path) for path in desk.out.rglob("*") if path.is_file()} == {0o644}
    assert {_mode(path) for path in (desk.out, *desk.out.rglob("*")) if path.is_dir()} == {0o755}


def test_both_tools_take_what_was_written(desk: Desk) -> None:
    assert desk.generate("--exporter.address=https://exporter.internal:10055/prefix")[0] == 0
    for tool, *words in (
        ("promtool", "check", "config", f"{desk.out}/prometheus/prometheus.yml"),
        ("amtool", "check-config", f"{desk.out}/alertmanager/alertmanager.yml"),
    ):
        done = run(program(tool), *words)
        assert done.returncode == 0, done.stdout + done.stderr
    jobs = yaml.safe_load((desk.out / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    assert jobs[0] == {
        "job_name": "integration-exporter",
        "scheme": "https",
        "metrics_path": "/prefix/metrics",
        "static_configs": [{"targets": ["exporter.internal:10055"]}],
    }


@pytest.mark.parametrize(
    "words",
    [
        ("--exporter.address=exporter internal:1",),
        ("--exporter.address=https://me:planted@exporter.internal",),
        ("--alertmanager.address=localhost",),
        ("--prometheus.address=ftp://localhost:1",),
        ("--exporter.address=http://a:1/x", "--exporter.address=http://b:1/y"),
        ("--web.external-url=exporter.internal",),
    ],
)
def test_an_address_that_is_none_is_refused_by_its_flag_and_nothing_is_written(
    desk: Desk, words: tuple[str, ...]
) -> None:
    code, out, err = desk.generate(*words)
    assert (code, out) == (1, "")
    assert words[0].split("=")[0] in err
    assert "planted" not in err
    assert list(desk.folder.iterdir()) == [desk.folder / "my.yml"]


def test_flags_go_before_the_section_and_leave_the_rest_of_it(desk: Desk) -> None:
    section = """\
generate:
  exporter: {scheme: https, addresses: ['a:1'], bearer_token_file: /etc/prometheus/token, path_prefix: /x}
  alertmanager: {addresses: ['b:2']}
"""
    desk.write(CONFIGURATION + section)
    assert desk.generate("--exporter.address=c:3", "--exporter.address=d:4")[0] == 0
    content = yaml.safe_load((desk.out / "prometheus/prometheus.yml").read_text())
    assert content["scrape_configs"][0] == {
        "job_name": "integration-exporter",
        "scheme": "https",
        "metrics_path": "/x/metrics",
        "authorization": {"type": "Bearer", "credentials_file": "/etc/prometheus/token"},
        "static_configs": [{"targets": ["c:3", "d:4"]}],
    }
    assert content["scrape_configs"][2]["static_configs"] == [{"targets": ["b:2"]}]


def test_help_says_what_each_flag_is_for_and_what_it_is_without(capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        main(("generate", "--help"))
    text = " ".join(capsys.readouterr().out.split())
    for flag, default in (
        ("--exporter.address ADDRESS host:port or URL", "default: generate.exporter, or 127.0.0.1:10055"),
        ("--prometheus.address ADDRESS host:port or URL", "default: generate.prometheus, or 127.0.0.1:9090"),
        (
            "--alertmanager.address ADDRESS host:port or URL",
            "default: generate.alertmanager, or 127.0.0.1:9093",
        ),
        (
            "--secrets.dir DIR",
            "default: generate.secrets.dir, or /etc/integration-exporter/alertmanager-secrets",
        ),
        ("--web.external-url URL", "default: generate.exporter.url"),
    ):
        assert flag in text
        assert default in text


def test_a_secrets_folder_that_cannot_be_written_to_leaves_nothing_behind(desk: Desk) -> None:
    (desk.folder / "file").write_text("no folder")
    desk.secrets = desk.folder / "file" / "secrets"
    code, out, err = desk.generate()
    assert (code, out) == (1, "")
    assert "nothing was written" in err and "--secrets.dir" in err
    assert sorted(path.name for path in desk.folder.iterdir()) == ["file", "my.yml"]


def test_a_bundle_that_cannot_be_written_leaves_neither_secrets_nor_half_a_bundle(desk: Desk) -> None:
    assert desk.generate()[0] == 0
    desk.write(CONFIGURATION.replace("planted-slack", "planted-next") + "generate: {job: other}\n")
    board = desk.out / "grafana/dashboards/integration-overview.json"  # written after rules and routes
    board.unlink()
    board.mkdir()
    before = desk.tree()
    code, _, err = desk.generate()
    assert (code, "--out" in err, "nothing was written" in err) == (1, True, True)
    assert desk.tree() == before
    assert (desk.secrets / "slack-url").read_text() == "https://hooks.example/planted-slack"


def test_what_is_the_same_is_not_written_again(desk: Desk) -> None:
    desk.generate()
    path = desk.out / "prometheus/prometheus.yml"
    before = path.stat().st_ino
    desk.generate()
    assert path.stat().st_ino == before
    desk.write(CONFIGURATION + "generate: {job: other}\n")
    desk.generate()
    assert path.stat().st_ino != before


def test_check_names_what_differs_and_the_command_that_mends_it(desk: Desk) -> None:
    assert desk.generate()[0] == 0
    code, out, err = desk.generate("--check")
    assert (code, err) == (0, "")
    assert "generated files are up to date" in out
    desk.write(CONFIGURATION + "generate: {job: other}\n")
    code, out, err = desk.generate("--check")
    assert (code, out) == (1, "")
    assert "prometheus/prometheus.yml: differs from what is generated, in scrape_configs; run" in err
    assert "prometheus/rules/exporter.yml: differs from what is generated, in groups; run" in err
    assert f"run integration-exporter generate --config.file={desk.folder}/my.yml --out={desk.out}" in err
    assert "make" not in err
    (desk.out / "grafana/dashboards/integration-overview.json").unlink()
    assert "integration-overview.json: is missing; run" in desk.generate("--check")[2]


def test_check_says_that_the_flags_are_others(desk: Desk) -> None:
    assert desk.generate("--exporter.address=a:1")[0] == 0
    code, _, err = desk.generate("--check", secrets=False)
    assert code == 1
    (line,) = [line for line in err.splitlines() if line.startswith("prometheus/prometheus.yml: ")]
    assert f"was written with --exporter.address=a:1 --secrets.dir={desk.secrets}" in line
    assert "and this is without flags" in line
    assert desk.generate("--check", "--exporter.address=a:1")[0] == 0


def test_diff_is_a_patch_that_makes_the_one_the_other_and_returns_as_check(
    desk: Desk, tmp_path: Path
) -> None:
    assert desk.generate()[0] == 0
    assert desk.generate("--diff")[0] == 0
    changed = CONFIGURATION.replace("payments, provider: stripe", "bot, provider: fal").replace(
        "secret_key", "key"
    )
    desk.write(changed + "generate: {job: other}\n")
    code, patch, err = desk.generate("--diff")
    assert (code, err) == (1, "")
    assert "--- a/prometheus/rules/stripe.yml\n+++ /dev/null\n" in patch
    assert "--- /dev/null\n+++ b/prometheus/rules/fal.yml\n" in patch
    done = subprocess.run(
        ["git", "apply", "-p1", "-"], cwd=desk.out, input=patch, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert desk.generate("--check")[0] == 0


def test_diff_shows_no_secret_of_a_native_receiver(desk: Desk) -> None:
    desk.generate()
    desk.write(
        CONFIGURATION + "  teams: [{name: t, receiver: {opsgenie_configs: [{api_key: planted-bot}]}}]\n"
    )
    code, patch, _ = desk.generate("--diff")
    assert code == 1
    assert "opsgenie_configs" in patch
    assert "planted" not in patch


def test_the_rules_are_those_of_the_providers_in_use_and_old_ones_go(desk: Desk) -> None:
    _, out, _ = desk.generate()
    names = {path.stem for path in (desk.out / "prometheus/rules").iterdir()}
    always = {*COMMON_SOURCES, *registry.event_sources()} & bundle.rule_files().keys()
    assert names == {"thresholds", "graphs", "readings", "stripe", *always}
    assert (
        f"rules: {len(names)} of {len(bundle.rule_files())} files, for the providers in use (stripe of" in out
    )
    assert (desk.out / "runbooks/IntegrationStripeDisputesHigh.md").exists()
    (desk.out / "prometheus/rules/mine.yml").write_text("groups: []\n")
    desk.write(
        CONFIGURATION.replace("payments, provider: stripe", "bot, provider: fal").replace("secret_key", "key")
    )
    assert "prometheus/rules/stripe.yml: is generated no more" in desk.generate("--check")[2]
    assert "that are generated no more removed" in desk.generate()[1]
    names = {path.stem for path in (desk.out / "prometheus/rules").iterdir()}
    assert names == {"thresholds", "graphs", "readings", "fal", "mine", *always}, (
        "a file of the user's own stays"
    )
    assert not (desk.out / "runbooks/IntegrationStripeDisputesHigh.md").exists()


def test_dashboards_of_providers_that_are_used_no_more_go_and_those_of_others_stay(desk: Desk) -> None:
    desk.generate()
    folder = desk.out / "grafana/dashboards"
    kept = {
        # A copy with another name, and dashboards of the user's own: without an address that we make, or
        # another dashboard in a file that has our name.
        "copy.json": (folder / "integration-stripe.json").read_text(),
        "integration-crm.json": '{"uid": "integration-crm", "tags": ["integration-exporter"]}',
        "integration-dns.json": '{"uid": "dns-of-mine", "tags": ["integration-exporter"]}',
        "integration-tcp.json": '{"uid": "integration-tcp", "tags": []}',
        "integration-tls.json": "not JSON",
    }
    for name, text in kept.items():
        (folder / name).write_text(text)
    desk.write("integrations: [{name: site, provider: http, options: {url: 'http://127.0.0.1/'}}]\n")
    assert "grafana/dashboards/integration-stripe.json: is generated no more" in desk.generate("--check")[2]
    desk.generate()
    assert not (folder / "integration-stripe.json").exists()
    assert (folder / "integration-http.json").exists()
    assert {name: (folder / name).read_text() for name in kept} == kept
    assert desk.generate("--check")[0] == 0


@pytest.mark.parametrize("provider", registry.probes())
def test_a_provider_has_every_rule_that_reads_what_it_shows(provider: str) -> None:
    from exporter.core.configuration import Configuration, Integration, StoreSettings
    from exporter.core.notifications import Notifications

    probe = registry.probes()[provider]
    integration = Integration("a", probe, critical=False, interval=probe.interval)
    files = bundle.rule_files(Configuration(None, (integration,), {}, (), Notifications(), StoreSettings()))
    alerts = {
        rule["alert"]
        for part in files.values()
        for group in part["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    own = {metric.name for metric in probe.metrics if metric.name.startswith(f"integration_{provider}_")}
    readers = {
        rule["alert"]
        for part in bundle.rule_files().values()
        for group in part["groups"]
        for rule in group["rules"]
        if "alert" in rule and any(name in rule["expr"] for name in own)
    }
    assert readers <= alerts
    assert {alert.name for alert in probe.alerts} <= alerts
    recorded = {
        rule["record"]
        for part in files.values()
        for group in part["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    everywhere = {
        rule["record"]
        for part in bundle.rule_files().values()
        for group in part["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    for part in files.values():
        for group in part["groups"]:
            for rule in group["rules"]:
                assert {name for name in everywhere if name in rule["expr"]} <= recorded


def test_the_head_of_a_file_names_a_command_that_there_is(desk: Desk) -> None:
    desk.generate()
    for path in desk.out.rglob("*"):
        if path.suffix in (".yml", ".tmpl", ".md"):
            first = path.read_text().splitlines()[0]
            assert "integration-exporter generate --config.file FILE --out DIR" in first, path
            assert "make" not in first


def test_the_report_says_what_to_do_next(desk: Desk) -> None:
    code, out, err = desk.generate()
    assert (code, err) == (0, "")
    assert f"1 secret written to {desk.secrets}, mode 0600" in out
    for step in (
        f"chown -R prometheus: {desk.secrets}",
        f"promtool check config {desk.out}/prometheus/prometheus.yml",
        f"amtool check-config {desk.out}/alertmanager/alertmanager.yml",
        f"prometheus --config.file={desk.out}/prometheus/prometheus.yml",
        f"alertmanager --config.file={desk.out}/alertmanager/alertmanager.yml",
        "systemctl reload prometheus prometheus-alertmanager",
        "docs/into-what-you-have.md",
        f"dashboards and provisioning are in {desk.out}/grafana, see docs/dashboards.md",
    ):
        assert step in out
    assert "note: links in messages lead to http://127.0.0.1:10055, which opens on this machine" in out
    assert "note: messages link to no dashboard" in out


def test_links_lead_to_the_exporter_where_its_address_is_known(desk: Desk) -> None:
    section = "generate: {exporter: {url: 'https://monitoring.example/exporter/'}}\n"
    desk.write(f"{CONFIGURATION}  grafana_url: https://grafana.example\n{section}")
    _, out, _ = desk.generate()
    assert "note: links" not in out
    rules = (desk.out / "prometheus/rules/probes.yml").read_text()
    assert "runbook_url: https://monitoring.example/exporter/runbooks/IntegrationDown\n" in rules
    desk.generate("--web.external-url=https://other.example")
    rules = (desk.out / "prometheus/rules/probes.yml").read_text()
    assert "runbook_url: https://other.example/runbooks/IntegrationDown\n" in rules
    desk.write(f"{CONFIGURATION}  runbook_url: https://docs.example/runbooks\n{section}")
    desk.generate()
    rules = (desk.out / "prometheus/rules/probes.yml").read_text()
    assert "runbook_url: https://docs.example/runbooks/IntegrationDown.md\n" in rules


def test_the_secrets_belong_to_the_user_that_alertmanager_runs_as(desk: Desk) -> None:
    name = pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() else "nobody"
    group = grp.getgrgid(pwd.getpwnam(name).pw_gid).gr_name
    desk.write(f"{CONFIGURATION}generate: {{secrets: {{owner: {name}, group: {group}}}}}\n")
    code, out, _ = desk.generate()
    assert code == 0
    about = (desk.secrets / "slack-url").stat()
    assert pwd.getpwuid(about.st_uid).pw_name == name
    if os.geteuid() == 0:
        assert desk.secrets.stat().st_uid == about.st_uid
        assert "chown" not in out
    else:
        assert f"chown -R {name}:{group} {desk.secrets}" in out


def test_an_owner_that_this_machine_does_not_have_is_reported_before_anything_is_written(desk: Desk) -> None:
    desk.write(f"{CONFIGURATION}generate: {{secrets: {{owner: nobody-of-that-name}}}}\n")
    code, out, err = desk.generate()
    if os.geteuid() == 0:
        assert (code, out) == (1, "")
        assert "no nobody-of-that-name, the owner of the secrets" in err
        assert not desk.out.exists() and not desk.secrets.exists()
    else:
        assert "chown -R nobody-of-that-name: " in out


@pytest.mark.parametrize(
    ("path", "given", "alone"),
    [
        ("/run/credentials/integration-exporter.service/slack", "", True),
        ("/run/user/1000/credentials/a.service/slack", "/run/user/1000/credentials/a.service", True),
        ("/run/user/1000/credentials-of-mine/slack", "/run/user/1000/credentials", False),
        ("/run/secrets/slack", "/run/credentials/a.service", False),
        ("/etc/integration-exporter/secrets/slack", "/etc/integration-exporter/secrets", False),
        ("/etc/slack", "", False),
    ],
)
def test_a_credential_that_systemd_shows_to_one_service_is_known(path: str, given: str, alone: bool) -> None:
    environ = {"CREDENTIALS_DIRECTORY": given} if given else {}
    assert find_systemd_credentials([path], environ) == ([path] if alone else [])


def test_a_credential_of_one_service_is_warned_of(tmp_path: Path) -> None:
    path = "/run/credentials/integration-exporter.service/slack"
    configuration = load_file(str(_written(tmp_path)), registry.catalogue(), {})
    made = replace(bundle.user_files(configuration), references=(path,))
    (warning,) = [line.text for line in report_lines(tmp_path, made, configuration, 0) if line.warning]
    assert f"alertmanager.yml names {path}, which systemd shows to one service alone" in warning
    assert "give the secret a file that Alertmanager can read" in warning


def _written(folder: Path) -> Path:
    (folder / "my.yml").write_text(CONFIGURATION)
    return folder / "my.yml"


def test_a_file_that_alertmanager_may_not_read_is_noted_and_the_folder_of_credentials_is_given_by_hand(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = desk.folder / "credentials"
    credentials.mkdir()
    (credentials / "slack").write_text("https://hooks.example/x")
    (credentials / "slack").chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    inline = 'api_url: "https://hooks.example/planted-slack"'
    desk.write(CONFIGURATION.replace(inline, 'api_url_file: "${CREDENTIALS_DIRECTORY}/slack"'))
    code, out, err = desk.generate()
    assert (code, err) == (0, "")
    assert (
        f"note: Alertmanager's user must be able to read {credentials}/slack (uid {os.geteuid()}, 0400)"
        in out
    )
    assert f"api_url_file: {credentials}/slack" in (desk.out / "alertmanager/alertmanager.yml").read_text()
    (credentials / "slack").chmod(0o644)
    assert "must be able to read" not in desk.generate()[1]


def test_a_secret_that_no_file_can_hold_is_refused_until_alertmanager_is_newer(desk: Desk) -> None:
    teams = "  teams: [{name: t, receiver: {telegram_configs: [{bot_token: planted-bot, chat_id: 1}]}}]\n"
    desk.write(CONFIGURATION + teams)
    code, _, err = desk.generate()
    assert code == 1
    assert "telegram_configs.bot_token would be readable in alertmanager.yml" in err
    assert "since 0.26: set generate.alertmanager.version to yours, if it is 0.26 or later" in err
    assert "planted" not in err
    desk.write(f"{CONFIGURATION}{teams}generate: {{alertmanager: {{version: '0.26'}}}}\n")
    assert desk.generate()[0] == 0
    written = (desk.out / "alertmanager/alertmanager.yml").read_text()
    assert f"bot_token_file: {desk.secrets}/team-t-telegram-0-bot_token" in written
    assert (desk.secrets / "team-t-telegram-0-bot_token").read_text() == "planted-bot"


@pytest.mark.parametrize(
    ("kind", "config", "twin"),
    [
        ("slack_configs", {"api_url": "https://hooks.example/planted"}, "api_url_file"),
        ("pagerduty_configs", {"routing_key": "planted"}, "routing_key_file"),
        ("pagerduty_configs", {"service_key": "planted"}, "service_key_file"),
        ("opsgenie_configs", {"api_key": "planted"}, "api_key_file"),
        ("victorops_configs", {"routing_key": "a", "api_key": "planted"}, "api_key_file"),
        (
            "email_configs",
            {"to": "a@b.c", "from": "a@b.c", "smarthost": "h:1", "auth_password": "planted"},
            "auth_password_file",
        ),
        (
            "webhook_configs",
            {"url": "http://h/", "http_config": {"basic_auth": {"username": "u", "password": "planted"}}},
            "password_file",
        ),
        (
            "webhook_configs",
            {"url": "http://h/", "http_config": {"authorization": {"credentials": "planted"}}},
            "credentials_file",
        ),
        (
            "webhook_configs",
            {"url": "http://h/", "http_config": {"bearer_token": "planted"}},
            "bearer_token_file",
        ),
        (
            "webhook_configs",
            {
                "url": "http://h/",
                "http_config": {
                    "oauth2": {"client_id": "c", "token_url": "http://h/", "client_secret": "planted"}
                },
            },
            "client_secret_file",
        ),
    ],
)
def test_a_secret_of_a_native_receiver_goes_into_a_file_that_only_alertmanager_reads(
    desk: Desk, kind: str, config: dict[str, object], twin: str
) -> None:
    team = {"name": "t", "receiver": {kind: [config]}}
    shared = {"name": "s", "severities": ["critical"], "receiver": {kind: [config]}}
    notifications = {"teams": [team], "receivers": [shared]}
    desk.write(yaml.safe_dump({**yaml.safe_load(CONFIGURATION), "notifications": notifications}))
    code, out, err = desk.generate()
    assert (code, err) == (0, "")
    assert "planted" not in out
    assert not [path for path in desk.out.rglob("*") if path.is_file() and "planted" in path.read_text()]
    held = {path.name: path for path in desk.secrets.iterdir()}
    assert sorted(name.partition("-")[0] for name in held) == ["receiver", "team"]
    assert all("planted" in path.read_text() and _mode(path) == 0o600 for path in held.values())
    text = (desk.out / "alertmanager/alertmanager.yml").read_text()
    assert all(f"{twin}: {path}" in text for path in held.values())
    done = run(program("amtool"), "check-config", f"{desk.out}/alertmanager/alertmanager.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_a_checkout_and_without_out_it_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "exporter", "generate"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "give --out DIR" in done.stderr

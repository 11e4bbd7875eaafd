"""What the doctor finds in each area, and that it changes, sends and shows nothing."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import create_engine, text

import exporter
from exporter import registry
from exporter.cli import main
from exporter.commands.api_client import ApiClient, read_token
from exporter.commands.doctor import channels, running_exporter, store, variables, vendors
from exporter.commands.doctor.access import findings as access_findings
from exporter.commands.doctor.configuration import load_configuration
from exporter.commands.doctor.finding import Finding, FindingState
from exporter.core.configuration import Configuration, StoreSettings
from exporter.core.notifications import Email, Notifications, Slack, Team, Webhook
from exporter.core.probe import TargetKey
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.store import Snapshot
from exporter.net.network import LoopNetwork
from exporter.sandbox.harness import Sandbox, serve
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from tests.server.house import Room, hashed, house, state
from tests.servers.authority import Authority
from tests.servers.ports import free_port
from tests.servers.postgres import cluster
from tests.servers.raw import Visit, serving
from tests.waiting import PATIENCE

Captured = pytest.CaptureFixture[str]
KEY = "sk_test_sandboxPlantedKey4242"
STRIPE = """\
integrations:
  - name: payments
    provider: stripe
    allow_over_budget: true
    options: {{base_url: "{url}", secret_key: {key}}}
    tenants: {{list: [{tenants}]}}
"""
NOWHERE = ("--prometheus.url=http://127.0.0.1:9", "--alertmanager.url=http://127.0.0.1:9")


def message(findings: Iterable[Finding], state: FindingState) -> str:
    """Return what was found to be in `state`, one line each, with what to do."""
    return "\n".join(f"{one.what}; {one.remedy}" for one in findings if one.state is state)


def load(path: Path, text: str) -> tuple[Configuration, list[Finding]]:
    path.write_text(text)
    configuration, findings = load_configuration(str(path))
    assert configuration is not None, findings
    return configuration, findings


# The machine and its environment


def test_a_process_that_may_open_few_files_learns_how_to_get_more(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text(
        "integrations: [{name: web, provider: tcp, options: {host: a, port: 1}}]\n"
    )
    words = f"{sys.executable} -m exporter doctor --offline --config.file=c.yml {' '.join(NOWHERE)}"
    found = subprocess.run(
        ["/bin/sh", "-c", f"ulimit -n 300; exec {words}"],  # a hard limit cannot be raised again
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (found.returncode, found.stderr) == (1, "")
    lines = found.stdout.splitlines()
    assert any(line.startswith("problem: environment: 300 files may be open") for line in lines)
    assert any("LimitNOFILE=" in line for line in lines)
    assert "vendors" not in found.stdout
    assert list(tmp_path.iterdir()) == [tmp_path / "c.yml"]


def test_who_reads_may_stop_early_and_the_exit_code_stays(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text("integrations: []\n")
    words = f"{sys.executable} -m exporter doctor --offline --config.file=c.yml {' '.join(NOWHERE)}"
    script = f"({words}; echo code $? >&2) | head -n 1"
    found = subprocess.run(
        ["/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert len(found.stdout.splitlines()) == 1
    assert found.stderr == "code 1\n"


VARIABLES = {
    "STRIPE_SECRET_KEY": KEY,
    "RESEND_API_KEY": KEY,
    "MONITORING_FAL_DAILY_COST_LIMIT": "70",
    "MONITORING_FAL_MONTHLY_COST_LIMIT": "700",
    "AUDIT_LOG_RETENTION_DAYS": "9",
    "MONITORING_STRIPE_SUCESS_RATE_THRESHOLD": "1",
    "INTEGRATION_EXPORTER_COLOUR": "red",
    "STRIPE_PUBLISHABLE_KEY": "pk",
    "TWILIO_AUTH_TOKEN": "",
}


def test_variables_that_do_nothing_are_reported_by_name_and_never_by_value() -> None:
    family = _family("MONITORING_FAL_DAILY_COST_LIMIT")
    file = variables.ConfigFile.of(
        f"x: ${{STRIPE_SECRET_KEY:-none}}\nthresholds: {{{family}: {{high: 5}}}}\n"
        "store: {retention: {audit: 1d}}\n"
    )
    findings = list(variables.findings(VARIABLES, registry.catalogue(), file))
    notes = message(findings, FindingState.NOTE)
    assert {one.what.split()[0] for one in findings if one.state is FindingState.NOTE} == {
        "RESEND_API_KEY",
        "MONITORING_FAL_DAILY_COST_LIMIT",
        "AUDIT_LOG_RETENTION_DAYS",
        "MONITORING_STRIPE_SUCESS_RATE_THRESHOLD",
        "INTEGRATION_EXPORTER_COLOUR",
    }
    assert f"the file says thresholds.{family}.high itself" in notes
    assert "the file says store.retention.audit itself" in notes
    assert "did you mean MONITORING_STRIPE_SUCCESS_RATE_THRESHOLD?" in notes
    assert KEY not in notes
    assert "2 environment variables are used" in message(findings, FindingState.OK)


def _family(variable: str) -> str:
    """Return the family of thresholds that an environment variable sets."""
    families = registry.families().values()
    return next(one.name for one in families if variable in [name for _, name in one.environment])


def test_without_a_file_every_known_variable_is_used() -> None:
    environ = {"STRIPE_SECRET_KEY": KEY, "SMTP_HOST": "mail", "AUDIT_LOG_RETENTION_DAYS": "9"}
    (finding,) = variables.findings(environ, registry.catalogue(), None)
    assert (finding.state, finding.what) == (FindingState.OK, "3 environment variables are used")


def test_a_variable_that_one_of_our_commands_reads_is_known() -> None:
    # Django's settings have a key that looks like one.
    pages = (path for path in Path(exporter.__path__[0]).rglob("*.py") if path.name != "django.py")
    sources = "".join(path.read_text() for path in pages)
    names = set(re.findall(r'"(INTEGRATION_EXPORTER_[A-Z_]*[A-Z])"', sources))
    assert len(names) >= 3
    found = list(variables.findings(dict.fromkeys(names, "set"), registry.catalogue(), None))
    assert message(found, FindingState.NOTE) == ""


# The configuration


def test_every_mistake_is_a_problem_with_its_line_and_the_rest_is_looked_at(
    tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "bad.yml"
    path.write_text(
        f"integrations:\n  - {{name: a, provider: tpc}}\n  - {{name: b, provider: stripe, options: "
        f"{{secret_key: {KEY}, colour: 1}}}}\n"
    )
    assert main(("doctor", f"--config.file={path}", "--json", *NOWHERE)) == 1
    out = capsys.readouterr().out
    rows = [json.loads(line) for line in out.splitlines()]
    mistakes = [row["what"] for row in rows if row["area"] == "configuration"]
    assert [what.partition(": ")[0] for what in mistakes] == [f"{path}:2", f"{path}:3"]
    assert all(set(row) == {"area", "state", "what", "remedy"} for row in rows)
    assert {"environment", "prometheus", "alertmanager", "exporter"} <= {row["area"] for row in rows}
    assert {"store", "vendors", "channels"}.isdisjoint(row["area"] for row in rows)
    assert KEY not in out


def test_rows_that_are_left_out_and_sources_that_are_away_are_problems(tmp_path: Path) -> None:
    text = """
integrations:
- {name: away, provider: stripe, tenants: {http: {url: "http://127.0.0.1:9/"}}}
- name: wrong
  provider: stripe
  tenants: {sql: {url: "sqlite:///rows.db", query: "SELECT NULL AS id"}}
"""
    create_engine(f"sqlite:///{tmp_path / 'rows.db'}").connect().close()
    _, findings = load(tmp_path / "a.yml", text)
    problems = message(findings, FindingState.PROBLEM)
    assert "tenants.http of away (http://127.0.0.1:9/): it cannot be reached" in problems
    assert "row 1: the column id is NULL; leave such rows out by WHERE" in problems


def test_what_is_configured_and_worth_knowing_is_reported(tmp_path: Path) -> None:
    _, findings = load(
        tmp_path / "c.yml",
        f"""\
integrations:
  - {{name: shop, provider: stripe, interval: 10m, options: {{secret_key: {KEY}}}}}
  - {{name: later, provider: stripe}}
thresholds: {{probe_consecutive_failures: {{high: 7}}}}
""".replace("probe_consecutive_failures", _family_of_failures()),
    )
    notes, good = message(findings, FindingState.NOTE), message(findings, FindingState.OK)
    assert "later is not configured: secret_key missing" in notes
    assert "checked less often than every 5m: shop (10m)" in notes
    assert "stripe: one credential makes up to" in good
    assert "high 7 (else 3)" in good
    assert not message(findings, FindingState.PROBLEM)


def _family_of_failures() -> str:
    return next(name for name in registry.families() if "consecutive" in name)


def test_links_that_lead_nowhere_are_reported_until_their_addresses_are_known(tmp_path: Path) -> None:
    text = "integrations: [{name: web, provider: tcp, options: {host: a, port: 1}}]\n"
    _, found = load(tmp_path / "c.yml", text)
    notes = message(found, FindingState.NOTE)
    assert (
        "links in messages lead to http://127.0.0.1:10055, which opens on this machine alone; set"
        " generate.exporter.url" in notes
    )
    assert "messages link to no dashboard; set notifications.grafana_url" in notes
    for peer in ("url: https://monitoring.example", "addresses: ['exporter.internal:10055']"):
        text += f"generate: {{exporter: {{{peer}}}}}\nnotifications: {{grafana_url: https://g.example}}\n"
        _, found = load(tmp_path / "c.yml", text)
        assert "link" not in message(found, FindingState.NOTE)
        text = text.partition("generate")[0]


def test_a_credential_near_its_allowance_and_a_file_without_targets_are_reported(tmp_path: Path) -> None:
    allowed = registry.probes()["stripe"].allowance
    assert allowed is not None
    _, findings = load(
        tmp_path / "c.yml",
        f"integrations: [{{name: shop, provider: stripe, interval: 1m, allow_over_budget: true, "
        f"options: {{secret_key: {KEY}}}}}]\nreplicas: 5\n",
    )
    assert f"of {allowed.calls / 5:,.0f} reads in 30 days; set a longer interval" in message(
        findings, FindingState.NOTE
    )
    _, findings = load(tmp_path / "d.yml", "integrations: []\n")
    assert "nothing is watched" in message(findings, FindingState.PROBLEM)


# The store


def _snapshot(key: TargetKey = ("web", "")) -> Snapshot:
    return Snapshot(key, "tcp", "connected", None, "", 0.0, 1_700_000_000.0, None, 0)


def _look(url: str) -> list[Finding]:
    return list(store.findings(StoreSettings(url)))


def _stamp(url: str, step: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :step"), {"step": step})
    engine.dispose()


def test_a_file_is_looked_at_and_not_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    assert "the exporter makes it when it starts" in message(_look(url), FindingState.NOTE)
    assert "GiB are free" in message(_look(url), FindingState.OK)
    assert not list(tmp_path.iterdir())
    gone = message(_look(f"sqlite:///{tmp_path}/no/state.db"), FindingState.PROBLEM)
    assert f"the directory {tmp_path}/no does not exist; make it" in gone
    (tmp_path / "odd.db").write_text("this is no database, whatever its name says " * 99)
    assert "it is no SQLite database" in message(_look(f"sqlite:///{tmp_path}/odd.db"), FindingState.PROBLEM)


def test_a_file_tells_its_version_and_its_last_write(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    store = Database(url)
    store.open()
    assert "no check was ever written" in message(_look(url), FindingState.NOTE)
    store.write([CheckBatch(snapshots={("web", ""): _snapshot()})])
    good = _look(url)
    assert not message(good, FindingState.PROBLEM) + message(good, FindingState.NOTE)
    assert "it knows 1 targets; the newest check in it is" in message(good, FindingState.OK)
    store.close()
    _stamp(url, "0001")
    assert "its tables are older (step 0001" in message(_look(url), FindingState.NOTE)
    _stamp(url, "9999")
    assert "a newer version wrote it (step 9999); run that version" in message(
        _look(url), FindingState.PROBLEM
    )


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with cluster() as made:
        made.admin("CREATE DATABASE house OWNER app")
        yield f"postgresql://app:app-password@127.0.0.1:{made.port}/house?sslmode=require"


def test_a_server_is_looked_at_and_nothing_is_made_there(postgres: str) -> None:
    fresh = _look(postgres)
    assert "it has no tables yet" in message(fresh, FindingState.NOTE)
    assert "it has no tables yet" in message(_look(postgres), FindingState.NOTE)
    store = Database(postgres)
    store.open()
    store.write([CheckBatch(snapshots={("web", ""): _snapshot()})])
    store.close()
    good = _look(postgres)
    assert not message(good, FindingState.PROBLEM) + message(good, FindingState.NOTE)
    assert "MiB; watch the free space" in message(good, FindingState.OK)
    refused = _look(postgres.replace("app-password", "wrong-password"))
    assert "it refuses the user; see user and password in store.url" in message(refused, FindingState.PROBLEM)
    assert "password@" not in str(refused + good)
    assert "wrong-password" not in str(refused)


# Vendors


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serve([registry.sandbox_vendors()["stripe"]]) as running_one:
        yield running_one


async def _probe(configuration: Configuration, most: int = 3) -> list[Finding]:
    network = LoopNetwork()
    heard: list[tuple[int, int, str]] = []
    try:
        found = await vendors.findings(configuration, network, most, lambda *how: heard.append(how))
    finally:
        await network.close()
    assert heard[-1][0] == heard[-1][1] == max(done for done, _, _ in heard)
    return found


async def test_a_sample_of_each_integration_is_probed(tmp_path: Path, sandbox: Sandbox) -> None:
    stand = sandbox.stands["stripe"]
    tenants = ", ".join(f"{{id: t{number}}}" for number in range(40))
    content = STRIPE.format(url=stand.endpoint.url, key=KEY, tenants=tenants)
    configuration, _ = load(tmp_path / "c.yml", content)
    good = message(await _probe(configuration), FindingState.OK)
    assert "payments (stripe): 3 of 40 targets probed, connected in" in good
    once = stand.total
    stand.scenarios.add("expired_key")
    bad = message(await _probe(configuration), FindingState.PROBLEM)
    assert "3 of 40 targets probed, auth for t0, t13, t26: " in bad
    assert "make a new credential at the vendor" in bad
    assert "integration-exporter probe payments --tenant t0 -v" in bad
    assert KEY not in bad
    assert stand.total <= 2 * once


async def test_tokens_that_only_the_exporter_may_use_are_left_alone(tmp_path: Path) -> None:
    async def answer(visit: Visit) -> None:
        raise AssertionError("nobody may ask")

    async with serving(answer) as server:
        configuration, _ = load(
            tmp_path / "c.yml",
            f"""\
integrations:
  - name: crm
    provider: http
    options:
      url: {server.url()}
      auth: {{oauth2: {{client_id: a, client_secret: planted-secret, refresh_token: planted-refresh}}}}
      token_endpoint: {{grant: refresh_token, url: "{server.url("/token")}"}}
""",
        )
        network = LoopNetwork()
        (finding,) = await vendors.findings(configuration, network, 3, lambda *_: None)
        await network.close()
        assert server.visits == 0
    assert finding.state is FindingState.NOTE
    assert "crm is not checked: its refresh token may be good for one use" in finding.what


# Channels


class Taken:
    """A mail server's handler that counts what it is handed."""

    def __init__(self) -> None:
        self.mails = 0

    async def handle_DATA(self, *_: Any) -> str:
        self.mails += 1
        return "250 taken"


@contextmanager
def mail_sink(handler: Taken) -> Iterator[int]:
    port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port, ready_timeout=PATIENCE)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


async def _reach(notifications: Notifications) -> list[Finding]:
    network = LoopNetwork()
    try:
        return await channels.findings(notifications, network)
    finally:
        await network.close()


async def test_channels_are_reached_and_nothing_is_sent(tmp_path: Path) -> None:
    async def silent(visit: Visit) -> None:
        assert await visit.reader.read() == b""

    strange = Authority(tmp_path).server()
    handler = Taken()
    async with serving(silent) as hook:
        with mail_sink(handler) as port:
            mail = Email(to=("a@example.org",), smarthost=f"127.0.0.1:{port}", require_tls=False)
            strict = Email(to=("b@example.org",), smarthost=f"127.0.0.1:{port}")
            async with serving(silent, tls=strange) as secure:
                slack = Slack(api_url=Secret(secure.url("/services/planted-path", "https")))
                found = await _reach(
                    Notifications(
                        slack=slack,
                        email=mail,
                        webhook=Webhook(url=hook.url("/planted-path")),
                        heartbeat=Webhook(url=f"http://127.0.0.1:{free_port()}/planted-path"),
                        teams=(
                            Team(name="gold", email=strict, webhook=Webhook(url=hook.url("/other"))),
                            Team(name="own", receiver={"victorops_configs": []}),
                        ),
                    )
                )
    good, bad = message(found, FindingState.OK), message(found, FindingState.PROBLEM)
    assert f"email: 127.0.0.1:{port} takes mail without TLS; signing in was not tried" in good
    assert f"webhook, webhook of team gold: 127.0.0.1:{hook.port} answers" in good
    assert f"email of team gold: 127.0.0.1:{port}: " in bad
    assert f"slack: 127.0.0.1:{secure.port} cannot be reached: " in bad
    assert "heartbeat: " in bad
    assert "refused the connection" in bad
    assert "team own has a receiver of its own" in message(found, FindingState.NOTE)
    assert "planted-path" not in str(found)
    assert (handler.mails, hook.visits, hook.requests) == (0, 1, [])


async def test_no_channel_at_all_is_worth_knowing() -> None:
    (finding,) = await _reach(Notifications())
    assert (finding.state, finding.what) == (FindingState.NOTE, "no channel is configured")


# The running exporter

METRICS = """\
# HELP integration_probe_success of targets, which are not read here
integration_probe_success{integration="web",provider="tcp",tenant=""} 1.0
integration_exporter_build_info{pythonversion="3.11.2",version="0.0.1"} 1.0
integration_exporter_config_last_reload_successful 0.0
integration_exporter_probe_lag_seconds_bucket{le="2.5"} 90.0
integration_exporter_probe_lag_seconds_bucket{le="5.0"} 95.0
integration_exporter_probe_lag_seconds_bucket{le="+Inf"} 100.0
integration_exporter_probe_lag_seconds_count 100.0
integration_exporter_store_healthy 0.0
integration_exporter_store_dropped 12.0
integration_exporter_series_duplicates 3.0
integration_exporter_probes_deferred_total{integration="a",provider="stripe"} 4.0
integration_exporter_probes_deferred_total{integration="b",provider="stripe"} 5.0
"""
STATUS = {
    "integrations": {"a": {"status": "error"}, "b": {"status": "connected"}},
    "overall_status": "critical",
}
ANSWERS = {
    "/-/ready": "ready",
    "/metrics": METRICS,
    "/api/v1/status": json.dumps(STATUS),
    "/config": "other: 1\n",
}


async def test_a_running_exporter_that_is_ill_says_so(tmp_path: Path) -> None:
    async def answer(visit: Visit) -> None:
        path = (await visit.request()).split()[1].decode()
        body = ANSWERS.get(path, "a job").encode()
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    configuration, _ = load(tmp_path / "c.yml", "integrations: []\n")
    async with serving(answer) as server:
        exporter = ApiClient(server.url("").rstrip("/"))
        found = await asyncio.to_thread(
            lambda: list(running_exporter.findings(exporter, configuration, required=True))
        )
    problems, notes = message(found, FindingState.PROBLEM), message(found, FindingState.NOTE)
    for what in ("its last reload failed", "its last write to the store failed", "12 rows were dropped"):
        assert what in problems
    for what in (
        "version 0.0.1 runs at",
        "5 of 100 probes began more than 5 s late",
        "3 series are left out",
        "9 probes were put off",
        "it says of all integrations: critical; 1 fail",
        "it runs another configuration",
    ):
        assert what in notes


async def test_an_exporter_that_answers_is_asked_by_its_own_rules(tmp_path: Path) -> None:
    async with house(Room([state("payments", "acme", "error", Reason.AUTH)])) as made:
        exporter = ApiClient(made.url)
        found = await asyncio.to_thread(
            lambda: list(running_exporter.findings(exporter, None, required=True))
        )
    assert "it says of all integrations: degraded; 1 fail" in message(found, FindingState.NOTE)


async def test_who_may_ask_and_change_is_reported(tmp_path: Path) -> None:
    room = Room([state("payments")])
    async with house(room) as made:

        async def access(*words: str) -> str:
            token = read_token(*words) if words else None
            exporter = ApiClient(made.url, token)
            found = await asyncio.to_thread(
                lambda: list(running_exporter.findings(exporter, None, required=True))
            )
            return "\n".join(f"{one.state} {one.what}; {one.remedy}" for one in found if one.area == "access")

        open_to_all = "note no access is configured: every caller on this machine may read; before a proxy"
        assert open_to_all in await access()
        assert "note changes need its admin token, which this user does not find" in await access()
        assert "ok changes need its admin token, which this user can read" in await access(
            str(room.admin.path)
        )
        assert room.admin.path
        room.admin.path.chmod(0o644)
        assert "problem nobody may change anything: it has no admin token" in await access()
    path = tmp_path / "web.yml"
    path.write_text(f"basic_auth_users: {{vera: {hashed('x')}}}\n")
    async with house(Room([], path=path)) as closed:
        found = await asyncio.to_thread(lambda: list(access_findings(ApiClient(closed.url))))
        assert [one.what for one in found] == ["callers must give credentials"]


def test_no_exporter_is_a_problem_only_where_one_was_asked_for() -> None:
    exporter = ApiClient(f"http://127.0.0.1:{free_port()}")
    (asked,) = running_exporter.findings(exporter, None, required=True)
    (guessed,) = running_exporter.findings(exporter, None, required=False)
    assert (asked.state, guessed.state) == (FindingState.PROBLEM, FindingState.NOTE)
    assert "start one" in asked.remedy

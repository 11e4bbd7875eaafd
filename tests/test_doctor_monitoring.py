"""The doctor beside a real Prometheus, a real Alertmanager and a real exporter: well, and ill by turns."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from exporter.alerts import COMMON_SOURCES
from exporter.cli import main
from exporter.commands.doctor.alertmanager import differences
from exporter.demo.services import DemoProcess, program
from tests.e2e.asking import ask, until
from tests.servers.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

Captured = pytest.CaptureFixture[str]
Rows = list[dict[str, str]]
HOOK = "planted-hook-path-4242"
CONFIGURATION = """\
integrations:
  - {{name: page, provider: tcp, options: {{host: 127.0.0.1, port: {alertmanager}}}}}
notifications:
  webhook: {{url: "http://127.0.0.1:{alertmanager}/{hook}"}}
  teams: [{{name: gold, integrations: [page], minimum_severity: high, webhook: {{url: "http://localhost:{prometheus}"}}}}]
store: {{url: "sqlite:///{folder}/state.db"}}
"""


@dataclass
class Monitoring:
    """What runs: `ports` by part; the bundle that each part was started with."""

    folder: Path
    ports: dict[str, int]
    services: dict[str, DemoProcess]

    def url(self, part: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.ports[part]}{path}"

    def file(self, part: str) -> Path:
        return self.folder / "bundle" / part / f"{part}.yml"

    @asynccontextmanager
    async def changed(self, part: str, change: Callable[[str], str]) -> AsyncIterator[None]:
        """Let `part` run with another file while the block lasts."""
        before = self.file(part).read_text()
        self.file(part).write_text(change(before))
        try:
            await self._reload(part)
            yield
        finally:
            self.file(part).write_text(before)
            await self._reload(part)

    async def _reload(self, part: str) -> None:
        log = self.services[part].log
        done = log.read_text().count("Completed loading of configuration file")
        process = self.services[part].process
        assert process is not None
        process.send_signal(signal.SIGHUP)

        async def again() -> bool:
            return log.read_text().count("Completed loading of configuration file") > done

        await until(f"{part} has loaded its file", again)

    async def doctor(self, capsys: Captured, *words: str) -> tuple[int, Rows]:
        addresses = [f"--{part}.url={self.url(part)}" for part in self.ports]
        given = ("doctor", f"--config.file={self.folder}/c.yml", "--json", *addresses, *words)
        code = await asyncio.to_thread(main, given)
        out = capsys.readouterr().out
        assert HOOK not in out
        return code, [json.loads(line) for line in out.splitlines()]


def of(rows: Rows, area: str, state: str) -> str:
    return "\n".join(row["what"] for row in rows if (row["area"], row["state"]) == (area, state))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def monitoring(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Monitoring]:
    folder = tmp_path_factory.mktemp("doctor")
    ports = {part: free_port() for part in ("exporter", "prometheus", "alertmanager")}
    text = CONFIGURATION.format(**ports, folder=folder, hook=HOOK)
    (folder / "c.yml").write_text(text)
    made = Monitoring(folder, ports, {})
    addresses = [f"--{part}.address=127.0.0.1:{port}" for part, port in ports.items()]
    secrets = f"--secrets.dir={folder}/secrets"
    words = ("generate", f"--config.file={folder}/c.yml", f"--out={folder}/bundle", secrets, *addresses)
    assert await asyncio.to_thread(main, words) == 0
    _hurry(made.file("prometheus"))
    async with AsyncExitStack() as stack:
        for name, (command, ready) in _commands(made).items():
            service = made.services[name] = DemoProcess(
                name, command, made.url(name, ready), folder / f"{name}.log"
            )
            stack.push_async_callback(service.stop)
        await asyncio.gather(*(service.start() for service in made.services.values()))
        await until("the Watchdog arrives", lambda: ask(made.url("alertmanager", "/api/v2/alerts")), 150)
        yield made


def _hurry(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    content["global"] = {"scrape_interval": "2s", "evaluation_interval": "4s"}
    path.write_text(yaml.safe_dump(content))
    for rules in (path.parent / "rules").glob("*.yml"):
        rules.write_text(rules.read_text().replace("interval: 30s", "interval: 4s"))


def _commands(made: Monitoring) -> dict[str, tuple[list[str], str]]:
    """Return by part what starts it and the path that answers when it is up."""
    folder = made.folder
    listen = {part: f"--web.listen-address=127.0.0.1:{port}" for part, port in made.ports.items()}
    prometheus, alertmanager = program("prometheus"), program("prometheus-alertmanager", "alertmanager")
    assert prometheus and alertmanager, "install Debian's packages prometheus and prometheus-alertmanager"
    exporter = [sys.executable, "-m", "exporter", f"--config.file={folder}/c.yml", listen["exporter"]]
    return {
        "exporter": (exporter, "/-/ready"),
        "prometheus": (
            [
                prometheus,
                f"--config.file={made.file('prometheus')}",
                f"--storage.tsdb.path={folder}/tsdb",
                # The first alerts are sent before Alertmanager is found.
                "--rules.alert.resend-delay=4s",
                listen["prometheus"],
            ],
            "/-/ready",
        ),
        "alertmanager": (
            [
                alertmanager,
                f"--config.file={made.file('alertmanager')}",
                f"--storage.path={folder}/alerts",
                "--cluster.listen-address=",
                listen["alertmanager"],
            ],
            "/-/ready",
        ),
    }


async def test_a_platform_that_works_has_no_problem(monitoring: Monitoring, capsys: Captured) -> None:
    async def scraped() -> bool:
        targets = await ask(monitoring.url("prometheus", "/api/v1/targets"))
        return all(one["health"] == "up" for one in targets["data"]["activeTargets"])

    await until("Prometheus has scraped everything", scraped)
    code, rows = await monitoring.doctor(capsys)
    assert (code, [row for row in rows if row["state"] == "problem"]) == (0, [])
    prometheus = of(rows, "prometheus", "ok")
    for what in (
        " answers at ",
        "its clock agrees",
        "it scrapes 127.0.0.1:",
        "rules are loaded",
        "Watchdog fires",
    ):
        assert what in prometheus
    assert f"it notifies 127.0.0.1:{monitoring.ports['alertmanager']}" in prometheus
    assert (
        not of(rows, "prometheus", "note") + of(rows, "alertmanager", "note") + of(rows, "exporter", "note")
    )
    assert "it runs the generated configuration\nWatchdog arrives" in of(rows, "alertmanager", "ok")
    assert "its last reload succeeded" in of(rows, "exporter", "ok")
    assert "page (tcp): connected in" in of(rows, "vendors", "ok")
    assert "its tables are those of this version" in of(rows, "store", "ok")


async def test_an_alertmanager_with_other_routes_is_reported_where_it_differs(
    monitoring: Monitoring, capsys: Captured
) -> None:
    def edit(text: str) -> str:
        content = yaml.safe_load(text)
        content["receivers"][1]["webhook_configs"][0]["url"] = "http://127.0.0.1:9/elsewhere"
        content["route"]["routes"][-1]["repeat_interval"] = "25h"
        return yaml.safe_dump(content)

    async with monitoring.changed("alertmanager", edit):
        code, rows = await monitoring.doctor(capsys, "--offline")
    assert code == 0
    assert (
        "not the generated one, in 2 places: route.routes[low].repeat_interval, "
        "receivers[critical].webhook_configs[0].url"
    ) in of(rows, "alertmanager", "note")
    assert "elsewhere" not in str(rows)

    def bare(_text: str) -> str:
        return "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"

    async with monitoring.changed("alertmanager", bare):
        code, rows = await monitoring.doctor(capsys, "--offline")
    assert code == 1
    assert "no route for alerts of severity critical, high, medium, low" in of(
        rows, "alertmanager", "problem"
    )


async def test_an_alertmanager_that_took_our_parts_over_among_its_own_is_judged_by_them(
    monitoring: Monitoring, capsys: Captured
) -> None:
    parts = yaml.safe_load((monitoring.file("alertmanager").parent / "into-yours.yml").read_text())
    theirs = {"route": {"receiver": "nobody", "routes": []}, "receivers": [{"name": "nobody"}]}

    def merged(_text: str) -> str:
        routes = [*parts["route"]["routes"], {"receiver": "nobody", "matchers": ['team="other"']}]
        own = {key: parts[key] for key in ("inhibit_rules", "time_intervals")}
        receivers = [*theirs["receivers"], *reversed(parts["receivers"])]
        return yaml.safe_dump(
            {**own, "receivers": receivers, "route": {"receiver": "nobody", "routes": routes}}
        )

    def without_high(text: str) -> str:
        content = yaml.safe_load(merged(text))
        ours = content["route"]["routes"][0]
        ours["routes"] = [one for one in ours["routes"] if one["receiver"] != "integration-high"]
        return yaml.safe_dump(content)

    async with monitoring.changed("alertmanager", merged):
        _, rows = await monitoring.doctor(capsys, "--offline")
    assert "it runs the generated parts among others" in of(rows, "alertmanager", "ok")
    async with monitoring.changed("alertmanager", without_high):
        code, rows = await monitoring.doctor(capsys, "--offline")
    assert code == 1
    assert "no route for alerts of severity high" in of(rows, "alertmanager", "problem")


async def test_a_prometheus_that_lacks_rules_a_job_and_alertmanager_has_all_reported(
    monitoring: Monitoring, capsys: Captured
) -> None:
    vital = min(name for name, source in COMMON_SOURCES.items() if len(source.alerts) > 1)

    def spoil(text: str) -> str:
        content = yaml.safe_load(text)
        rules = sorted((monitoring.folder / "bundle/prometheus/rules").glob("*.yml"))
        content["rule_files"] = [str(path) for path in rules if path.stem != vital]
        content["scrape_configs"][0]["job_name"] = "exporter"
        del content["alerting"]
        return yaml.safe_dump(content)

    async def scraped() -> bool:
        targets = await ask(monitoring.url("prometheus", "/api/v1/targets"))
        jobs = [one["labels"]["job"] for one in targets["data"]["activeTargets"]]
        return "exporter" in jobs and "integration-exporter" not in jobs

    async with monitoring.changed("prometheus", spoil):
        await until("Prometheus scrapes under the other job", scraped)
        code, rows = await monitoring.doctor(capsys, "--offline")
    assert code == 1
    problems, notes = of(rows, "prometheus", "problem"), of(rows, "prometheus", "note")
    assert [line for line in problems.splitlines() if line.startswith(f"rules/{vital}.yml: ")]
    assert "rules are not loaded: " in problems
    assert "rules/stripe.yml" not in problems + notes, "no integration here needs them"
    assert "it scrapes the exporter under the job exporter, and the rules look for" in problems
    (remedy,) = [row["remedy"] for row in rows if "under the job exporter" in row["what"]]
    assert remedy.startswith("set generate.job to exporter")
    assert "it knows no Alertmanager" in problems
    assert not of(rows, "vendors", "ok") + of(rows, "channels", "ok")


async def test_a_prometheus_without_any_of_our_rules_is_reported_once(
    monitoring: Monitoring, capsys: Captured
) -> None:
    def spoil(text: str) -> str:
        content = yaml.safe_load(text)
        port = free_port()
        content["scrape_configs"] = [
            {"job_name": "integration-exporter", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        ]
        content["scrape_configs"][0]["scrape_interval"] = "1s"
        return yaml.safe_dump(content | {"rule_files": []})

    async with monitoring.changed("prometheus", spoil):

        async def tried() -> bool:
            targets = await ask(monitoring.url("prometheus", "/api/v1/targets"))
            return any(one["lastError"] for one in targets["data"]["activeTargets"])

        await until("Prometheus has tried to scrape", tried)
        _, rows = await monitoring.doctor(capsys, "--offline")
    problems = of(rows, "prometheus", "problem")
    assert problems.count("rules") == 1
    assert "none of our " in problems
    assert "it cannot scrape 127.0.0.1:" in problems
    assert "Watchdog does not fire" in problems
    assert "none of its targets is called 127.0.0.1:" in of(rows, "prometheus", "note")


async def test_a_service_that_is_another_one_or_none_is_one_problem(
    monitoring: Monitoring, capsys: Captured
) -> None:
    swapped = (
        f"--prometheus.url={monitoring.url('alertmanager')}",
        f"--alertmanager.url=http://127.0.0.1:{free_port()}",
    )
    code, rows = await monitoring.doctor(capsys, "--offline", *swapped)
    assert code == 1
    assert "answers HTTP 404 to /api/v1/status/buildinfo" in of(rows, "prometheus", "problem")
    assert "does not answer: " in of(rows, "alertmanager", "problem")
    assert await asyncio.to_thread(main, ("doctor", "--prometheus.url=http://me:secret@localhost")) == 1
    said = capsys.readouterr().err
    assert "--prometheus.url must be a URL such as" in said
    assert "secret" not in said


async def test_what_alertmanager_writes_in_another_form_is_no_difference() -> None:
    ours = {
        "for": "24h",
        "matchers": ['b="2"', 'a="1"'],
        "url": "http://x/secret",
        "key_file": "/a",
        "equal": [],
    }
    theirs = {"for": "1d", "matchers": ['a="1"', 'b="2"'], "url": "<secret>", "key_file": "/b", "more": 1}
    assert not list(differences(ours, theirs))
    assert list(differences(ours, theirs | {"for": "2d", "matchers": ['a="1"']})) == ["for", "matchers"]

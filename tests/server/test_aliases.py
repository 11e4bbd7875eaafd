"""Paths and commands of earlier systems answer, and docs/migrating.md has each of them."""

import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.commands.parser import build_parser
from exporter.notices.fingerprint import fingerprint_of
from exporter.server.aliases import ALIASES, Alias
from exporter.server.routes import ROUTES
from tests.notices.alert_desk import CONFIG
from tests.server.alert_office import Office, fired, labels, office_at
from tests.server.house import Room, house, state
from tests.servers.alertmanager import alertmanager

PAGE = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text()
BY_BODY = Alias("PATCH", "/api/monitoring/alerts", "/api/v1/alerts/{fingerprint}")
PATH = "/api/monitoring/alerts"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    config = tmp_path / "alertmanager.yml"
    config.write_text(CONFIG)
    async with alertmanager(tmp_path, config) as server, office_at(tmp_path, [server.address]) as made:
        yield made


def test_the_page_has_every_alias_and_no_other_one() -> None:
    rows = re.findall(r"^\| `([A-Z]+) (/[^`]+)` \| \[`([A-Z]+) (/[^`]+)`\]", PAGE, re.M)
    assert all(before == now for before, _, now, _ in rows)
    assert {Alias(method, path, route) for method, path, _, route in rows} == {*ALIASES, BY_BODY}


def test_the_commands_of_the_page_are_commands() -> None:
    found = re.findall(r"^\| `npm run ([^`]+)` \| `integration-exporter ([^`]+)`", PAGE, re.M)
    assert [name for name, _ in found] == ["monitoring:health", "monitoring:alerts", "monitoring:test-email"]
    for _, words in found:
        assert build_parser().parse_args(shlex.split(words)).function


@pytest.mark.parametrize("alias", ALIASES, ids=lambda alias: f"{alias.method} {alias.path}")
def test_an_alias_has_the_handler_and_the_access_of_its_route(alias: Alias) -> None:
    before, now = (
        next(one for one in ROUTES if one.path == path and alias.method in one.methods)
        for path in (alias.path, alias.route)
    )
    assert (before.handler, before.rule, before.methods) == (now.handler, now.rule, now.methods)


async def test_the_status_is_the_same_under_both_names() -> None:
    async with house(Room([state("payments", "acme"), state("shop", "acme", "error")])) as here:
        for path in ("/api/monitoring/health", "/api/integrations/status"):
            assert (await here.ask(path)).json == (await here.ask("/api/v1/status")).json


async def test_alerts_are_fired_listed_and_acknowledged_under_the_names_of_before(office: Office) -> None:
    body = {"service": "payments", "severity": "high", "message": "it is slow", "tenant": "acme"}
    made = await office.ask(PATH, "POST", body=body)
    assert made.status == 201
    (row,) = (await office.ask(PATH)).json["alerts"]
    assert row["fingerprint"] == made.json["fingerprint"]
    changed = await office.ask(
        PATH, "PATCH", body={"id": row["fingerprint"], "action": "acknowledge", "for": "1h"}
    )
    assert (changed.status, changed.json["state"]) == (200, "acknowledged")
    gone = await office.ask(PATH, "PATCH", body={"id": "0" * 16, "action": "acknowledge"})
    assert gone.status == 404
    assert "id" in (await office.ask(PATH, "PATCH", body={"action": "resolve"})).text


async def test_the_overview_has_every_part(office: Office) -> None:
    await office.stage.client.fire([fired(labels()), fired(labels("globex", "critical"))])
    found = (await office.ask("/api/v1/dashboard")).json
    assert found["warnings"] == []
    assert found["alerts"]["severities"] == {"high": 1, "critical": 1}
    assert [one["severity"] for one in found["alerts"]["newest"]] == ["critical", "high"]
    assert found["status"] == (await office.ask("/api/v1/status")).json
    assert found["integrations"] == [] and found["requests"]["requests"] == 0
    assert found["webhooks"]["attempts"] == 0 and found["calls"]["before"]["requests"] == 0
    assert fingerprint_of(labels()) in str(found["alerts"])


async def test_the_overview_is_there_without_store_and_alertmanager() -> None:
    async with house(Room([state("payments", "acme"), state("shop", "", "error")])) as here:
        found = (await here.ask("/api/v1/dashboard")).json
        assert found["integrations"] is None and found["alerts"] is None
        assert [row["integration"] for row in found["failing"]] == ["shop"]
        assert "the store does not answer" in found["warnings"][0]
        acme = (await here.ask("/api/v1/dashboard?tenant=acme")).json
        assert acme["failing"] == [] and set(acme["status"]["integrations"]) == {"payments"}

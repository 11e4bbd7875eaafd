"""From a dead credential to a delivered notification, through the real Prometheus and Alertmanager."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from exporter import registry
from exporter.generate.dashboards import panel_queries
from tests.e2e.asking import ask, read, tell, until
from tests.e2e.conftest import SECRET, Platform
from tests.generate.dashboards_reading import asking_panels, selectors

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).parents[2]

LONG = 400.0
"""Seconds for what takes rules, waits of groups and a mail server on a busy machine."""


async def _status(platform: Platform) -> dict[str, Any]:
    answer: dict[str, Any] = await ask(platform.url("exporter", "/api/v1/status"))
    return answer


async def test_every_integration_is_connected_and_seen_by_prometheus(platform: Platform) -> None:
    async def connected() -> bool:
        found = (await _status(platform))["integrations"]
        return all(entry["healthy"] for name, entry in found.items() if name != "not-yet-connected")

    await until("every integration is connected", connected, LONG)

    async def all_scraped() -> bool:
        rows = await platform.query("min by (integration) (integration_probe_success)")
        return [row["value"][1] for row in rows] == ["1"] * 4

    await until("Prometheus has scraped them", all_scraped, LONG)
    (expiry,) = await platform.query(
        'integration_certificate_expiry_timestamp_seconds{integration="secure-page"} - time()'
    )
    assert float(expiry["value"][1]) > 0
    phases = await platform.query('integration_probe_phase_duration_seconds{integration="secure-page"}')
    assert {row["metric"]["phase"] for row in phases} >= {"connect", "tls", "processing", "transfer"}
    assert await platform.query('integration_info{tenant="acme", plan="gold"}')
    platform.nothing_on_a_good_day = await _panels_without_data(platform)
    unconnected = await platform.query('{integration="not-yet-connected", __name__=~"integration_.*"}')
    assert "integration_probe_success" not in {row["metric"]["__name__"] for row in unconnected}


async def test_the_configuration_is_shown_with_stars(platform: Platform) -> None:
    shown = await read(platform.url("exporter", "/config"))
    assert "payments" in shown
    assert SECRET not in shown


async def test_a_dead_key_reaches_the_webhook_and_the_mailbox(platform: Platform) -> None:
    await tell(platform.url("sandbox", "/_sandbox/stripe/scenario"), {"scenario": "expired_key"})
    try:
        message = await asyncio.wait_for(_hook_of(platform, "IntegrationDown"), LONG)
        alert = message["alerts"][0]
        assert message["status"] == "firing"
        assert alert["labels"]["integration"] == "payments"
        assert alert["labels"]["severity"] == "critical"
        assert "reason" not in alert["labels"]
        assert alert["annotations"]["runbook_url"].endswith("/runbooks/IntegrationDown")
        mail = await until("a mail arrives", lambda: _mail_of(platform, "IntegrationDown"), LONG)
        assert mail["to"] == "oncall@example.org"
        assert mail["subject"].startswith("[CRITICAL] payments Alert:")
        assert SECRET not in mail.as_string()
        await _why(platform)

        async def alerts_recorded() -> list[
            dict[str, Any]
        ]:  # Prometheus does so from its second evaluation on
            return await platform.query('ALERTS{alertstate="firing", alertname="IntegrationDown"}')

        await until("the firing alerts are series", alerts_recorded, LONG)
        missing = set(platform.nothing_on_a_good_day)

        async def all_shown() -> bool:
            # What is recorded in minutes comes later than the alert on a busy machine.
            missing.intersection_update(await _panels_without_data(platform))
            return not missing

        try:
            await until("each panel shows something, on the good day or on the bad one", all_shown, LONG)
        except AssertionError:
            assert missing == set(), "these panels showed nothing, neither on the good day nor on the bad one"
            raise
    finally:
        await tell(
            platform.url("sandbox", "/_sandbox/stripe/scenario"), {"scenario": "expired_key", "on": False}
        )


async def _hook_of(platform: Platform, name: str) -> dict[str, Any]:
    while True:
        message = await platform.hooks.messages.get()
        if message["commonLabels"].get("alertname") == name:
            return message


async def _mail_of(platform: Platform, name: str) -> Any:
    return next((mail for mail in platform.mail.mails if name in mail.as_string()), None)


async def _why(platform: Platform) -> None:
    (why,) = await platform.query('integration_probe_failure_info{integration="payments", tenant="acme"}')
    assert why["metric"]["reason"] == "auth"
    answer = await _status(platform)
    assert answer["overall_status"] == "critical"
    assert answer["integrations"]["payments"]["status"] == "error"
    # measured values are gone, not zero
    assert not await platform.query('integration_stripe_balance_available{tenant="acme"}')


async def _panels_without_data(platform: Platform) -> set[tuple[str, str, str]]:
    """Return dashboard, panel and query of each panel that has nothing to show now.

    Panels of what the platform does not use are judged by the tests of the dashboards.
    """
    answer = await ask(platform.url("prometheus", "/api/v1/label/__name__/values"))
    known = {*answer["data"], "ALERTS"}
    answers = [
        ((path.stem, title, expression), bool(await platform.query(expression)))
        for path in sorted((ROOT / "grafana").rglob("*.json"))
        for title, expression in _claims(json.loads(path.read_text()))
        if _of_this(expression, known)
    ]
    # One query of a panel may have nothing, such as one that leaves out what is 0.
    shown = {(board, title) for (board, title, _), found in answers if found}
    return {asked for asked, _ in answers if asked[:2] not in shown or asked[0] == "integration-overview"} - {
        asked for asked, found in answers if found
    }


def _claims(board: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the queries of a dashboard but for panels that have a word for nothing; of the overview all."""
    whole = board["uid"] == "integration-overview"
    worded = {
        panel["title"]
        for panel in asking_panels(board)
        if not whole and panel["fieldConfig"]["defaults"].get("noValue", "No data") != "No data"
    }
    return [(title, expression) for title, expression in panel_queries(board) if title not in worded]


def _of_this(expression: str, known: set[str]) -> bool:
    """Return whether an expression is about what this platform has: not a provider that never fails here."""
    others = registry.probes().keys() - {"stripe"}
    if any(f'provider="{name}"' in expression for name in others):
        return False
    return {selector.name for selector in selectors(expression) if selector.name} <= known


async def test_the_alert_resolves_when_the_key_is_good_again(platform: Platform) -> None:
    async def firing() -> bool:
        rows = await platform.query('ALERTS{alertname="IntegrationDown", alertstate="firing"}')
        return not rows

    await until("the alert is over", firing, LONG)


async def test_no_planted_secret_is_in_any_log_page_or_metric(platform: Platform) -> None:
    texts = {path.name: path.read_text(errors="replace") for path in platform.folder.glob("*.log")}
    for path in ("/", "/metrics", "/config", "/api/v1/status", "/api/v1/history", "/api/v1/targets"):
        texts[path] = await read(platform.url("exporter", path))
    database = (platform.folder / "state.db").read_bytes() + (platform.folder / "state.db-wal").read_bytes()
    texts["state.db"] = database.decode("latin-1")
    assert [name for name, text in texts.items() if SECRET in text] == []

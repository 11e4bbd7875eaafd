"""A whole exporter with a real Alertmanager: what was fired and acknowledged is there after a kill."""

from pathlib import Path
from typing import Any

import aiohttp

from exporter.core.manual_alert import MANUAL_ALERT
from exporter.core.notice_metrics import ALERTS_ACKNOWLEDGED
from tests.e2e.asking import read
from tests.notices.alert_desk import CONFIG, until_true
from tests.notices.test_alertmanager import TOKENS, Exporter
from tests.servers.alertmanager import alertmanager

HEADERS = {"Authorization": f"Bearer {TOKENS['admin']}"}


async def ask(exporter: Exporter, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(headers=HEADERS) as session,
        session.request(method, f"{exporter.url}/api/v1{path}", json=body) as answer,
    ):
        return answer.status, await answer.json()


async def test_an_alert_by_hand_and_who_is_at_it_outlive_a_kill(tmp_path: Path) -> None:
    config = tmp_path / "alertmanager.yml"
    config.write_text(CONFIG)
    exporter = Exporter(tmp_path)
    async with alertmanager(tmp_path, config) as server:
        text = (tmp_path / "config.yml").read_text()
        place = f"notifications: {{alertmanager: {{url: 'http://{server.address}'}}, "
        (tmp_path / "config.yml").write_text(text.replace("notifications: {", place))
        await exporter.start()
        try:
            body = {"service": "payments", "severity": "high", "message": "cards fail"}
            status, fired = await ask(exporter, "POST", "/alerts", body)
            assert status == 201
            change = f"/alerts/{fired['fingerprint']}"
            status, row = await ask(
                exporter, "PATCH", change, {"action": "acknowledge", "assignee": "user:ada"}
            )
            assert (status, row["assignee"]) == (200, "user:ada")
            await exporter.kill()
            # Alertmanager forgets it as it would when nobody sends it any more.
            await server.post([{"labels": fired["labels"], "endsAt": "2026-01-01T00:00:00Z"}])
            await exporter.start()

            async def is_back() -> bool:
                _, found = await ask(exporter, "GET", "/alerts")
                return bool(found["total"])

            await until_true(is_back)
            _, found = await ask(exporter, "GET", "/alerts")
            (row,) = found["alerts"]
            assert (row["alert"], row["state"], row["acknowledged_by"]) == (
                *(MANUAL_ALERT, "acknowledged", "token:admin"),
            )
            assert row["assignee"] == "user:ada"
            metrics = await read(f"{exporter.url}/metrics", **HEADERS)
            # Counted by the process that was killed; the series is there from the start on, for `increase`.
            assert f'{ALERTS_ACKNOWLEDGED.name}{{alert="{MANUAL_ALERT}"}} 0' in metrics
        finally:
            await exporter.process.stop()

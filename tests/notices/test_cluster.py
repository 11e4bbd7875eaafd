"""Two replicas with one PostgreSQL, and two Alertmanagers that are one cluster."""

from pathlib import Path

from exporter.notices.fingerprint import fingerprint_of
from tests.notices.alert_desk import CONFIG, until_true
from tests.server.alert_office import fired, labels, office_at
from tests.servers.alertmanager import alertmanager_pair


async def test_an_acknowledgement_at_one_replica_is_seen_at_the_other(database: str, tmp_path: Path) -> None:
    config = tmp_path / "alertmanager.yml"
    config.write_text(CONFIG)
    for name in ("left", "right"):
        (tmp_path / name).mkdir()
    async with (
        alertmanager_pair(tmp_path, config) as (one, two),
        office_at(tmp_path / "left", [one.address, two.address], database) as left,
        office_at(tmp_path / "right", [two.address, one.address], database) as right,
    ):
        await left.stage.client.fire([fired(labels())])
        name = fingerprint_of(labels())
        assert (await left.change(name, action="acknowledge", note="left is at it")).status == 200

        async def seen() -> bool:
            (row,) = await right.rows()
            return bool(row["note"] == "left is at it" and row["acknowledged_by"] == "token:admin")

        await until_true(seen)
        (silence,) = await right.stage.client.silences()
        assert (await right.change(name, action="acknowledge", seconds="1h")).status == 200
        (extended,) = [s for s in await right.stage.client.silences() if s.state == "active"]
        assert extended.id == silence.id


async def test_an_alert_by_hand_of_one_replica_goes_on_and_is_resolved_by_the_other(
    database: str, tmp_path: Path
) -> None:
    config = tmp_path / "alertmanager.yml"
    config.write_text(CONFIG)
    for name in ("left", "right"):
        (tmp_path / name).mkdir()
    body = {"service": "payments", "severity": "high", "message": "cards fail"}
    async with (
        alertmanager_pair(tmp_path, config) as (one, two),
        office_at(tmp_path / "right", [one.address, two.address], database) as right,
    ):
        async with office_at(tmp_path / "left", [one.address, two.address], database) as left:
            first = await left.ask(method="POST", body=body)
            # The other one fires the same: it is the same alert.
            second = await right.ask(method="POST", body=body)
            assert (first.status, second.status) == (201, 200)
            assert first.json["fingerprint"] == second.json["fingerprint"]
        name = first.json["fingerprint"]
        before = (await right.stage.client.alerts())[0].ends
        right.stage.ahead = 120
        await right.stage.desk.manual.send_all()
        assert (await right.stage.client.alerts())[0].ends > before + 60
        right.stage.ahead = 0
        assert (await right.change(name, action="resolve")).json["resolved"] is True
        # A replica that had read it before it was resolved sends it once more; the next turn ends it again.
        (stale,) = [fired(first.json["labels"])]
        await right.stage.client.fire([stale])
        assert len(await right.rows()) == 1
        await right.stage.desk.manual.send_all()
        assert await right.rows() == []

"""The audit from end to end: attacks that apps report over HTTP, and what administrators do about them."""

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from exporter.core.event_settings import AuditSettings, OffHours
from exporter.store.chain_check import check
from exporter.store.rows import fetch
from exporter.store.subjects.audit import TABLE
from tests.server.audit_room import DAY_TIME, AuditRoom, audit_room
from tests.store.audit_book import change


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[AuditRoom]:
    async with audit_room(tmp_path) as made:
        yield made


def sign_in(
    actor: str, address: str = "203.0.113.9", outcome: str = "failure", **more: Any
) -> dict[str, Any]:
    return {"kind": "auth", "outcome": outcome, "actor": actor, "address": address, **more}


def deed(action: str, actor: str = "ann", **more: Any) -> dict[str, Any]:
    return {"kind": "audit", "actor": actor, "action": action, **more}


async def test_credential_stuffing_is_flagged_once(desk: AuditRoom) -> None:
    await desk.send(*(sign_in(f"user {number}") for number in range(9)))
    assert await desk.flagged() == []
    await desk.send(*(sign_in(f"user {number}") for number in range(9, 60)))
    assert await desk.flagged() == [("sign_in.credential_stuffing", "credential_stuffing", 85)]
    assert 'integration_audit_flags_total{pattern="credential_stuffing",tenant=""} 1' in desk.parts.metrics()


async def test_one_account_that_fails_often_is_no_stuffing(desk: AuditRoom) -> None:
    await desk.send(*(sign_in("ann") for _ in range(60)))
    await desk.send(*(sign_in(f"user {number}", address=f"192.0.2.{number}") for number in range(60)))
    assert await desk.flagged() == []


async def test_stuffing_that_apps_report_as_audit_events_is_flagged_too(desk: AuditRoom) -> None:
    events = [
        deed("user.login", f"user {number}", outcome="failed", address="203.0.113.9") for number in range(12)
    ]
    await desk.send(*events)
    assert await desk.flagged() == [("user.login", "credential_stuffing", 85)]


async def test_enumeration_is_of_accounts_that_do_not_exist(desk: AuditRoom) -> None:
    await desk.send(*(sign_in(f"user {number}", reason="unknown_user") for number in range(12)))
    assert await desk.flagged() == [("sign_in.account_enumeration", "account_enumeration", 80)]


@pytest.mark.parametrize("restart", [False, True])
async def test_a_sign_in_from_a_new_country_is_flagged_also_after_a_restart(
    desk: AuditRoom, restart: bool
) -> None:
    await desk.send(sign_in("ann", outcome="success", country="DE"))
    await desk.send(deed("session.created", "ben", country="DE", address="192.0.2.1"))
    if restart:
        desk.parts.make_again()
        desk.house.client  # noqa: B018 - the server of the test stays; its parts are new
        desk.room.events = desk.parts.intake
    intake = desk.parts.intake
    for event in (
        sign_in("ann", outcome="success", country="DE"),
        sign_in("ann", outcome="success", country="PT"),
        deed("session.created", "ben", country="US", address="192.0.2.1"),
    ):
        await intake.receive(json.dumps(event).encode(), "application/json")
    assert await desk.flagged() == [
        ("sign_in.new_country", "new_country", 65),
        ("session.created", "new_country", 65),
    ]


async def test_a_change_of_rights_is_flagged_in_off_hours_alone(desk: AuditRoom) -> None:
    await desk.send(deed("user.role.granted"))
    assert await desk.flagged() == []
    desk.room.now = DAY_TIME + 10 * 3600
    await desk.send(deed("user.role.granted"), deed("user.role.granted", outcome="refused"))
    assert await desk.flagged() == [
        ("user.role.granted", "privilege_change_off_hours", 80),
        ("user.role.granted", "score", 60),
    ]
    desk.parts.configure(AuditSettings(off_hours=OffHours("America/New_York", "20:00", "06:00")))
    await desk.send(deed("user.role.granted", "ben"))
    assert len(await desk.flagged()) == 2, "22:00 in UTC is the afternoon there"


async def test_many_exports_or_a_large_one_are_a_mass_export(desk: AuditRoom) -> None:
    await desk.send(*(deed("customers.export") for _ in range(4)), deed("customers.export", "ben"))
    assert await desk.flagged() == []
    await desk.send(deed("customers.export"), deed("customers.download", "cat", details={"rows": 50_000}))
    assert await desk.flagged() == [
        ("customers.export", "mass_export", 80),
        ("customers.download", "mass_export", 80),
    ]


async def test_exports_of_the_audit_itself_are_in_it_and_many_are_a_mass_export(desk: AuditRoom) -> None:
    await desk.send(deed("a"))
    for _ in range(5):
        assert (await desk.ask("/api/v1/audit?format=csv&actor=ann&since=1h")).status == 200
    assert (await desk.ask("/api/v1/audit?format=ndjson&limit=100")).status == 200
    found = await desk.entries("&action=audit.exported")
    assert len(found) == 5, "a page is no export"
    assert found[0]["actor"] == "token:admin" and found[0]["details"]["by"] == ["actor"]
    assert "ann" not in str(found[0]["details"])
    assert [flag for _, flag, _ in await desk.flagged()] == ["mass_export"]


async def test_a_repeated_batch_counts_its_failures_once(desk: AuditRoom) -> None:
    batch = [
        deed("user.login", f"user {number}", id=str(number), outcome="failed", address="203.0.113.9")
        for number in range(6)
    ]
    for _ in range(3):
        await desk.send(*batch)
    assert await desk.flagged() == []
    assert len(await desk.entries()) == 6


async def test_flags_are_shown_until_they_are_reviewed(desk: AuditRoom) -> None:
    line = 'integration_audit_unreviewed{tenant="acme"}'
    await desk.send(deed("db.dump", tenant="acme", details={"rows": 20_000}))
    await desk.parts.trail.refresh()
    shown = desk.parts.metrics()
    assert f"{line} 1" in shown and 'integration_audit_unreviewed_risk{tenant="acme"} 80' in shown
    assert "integration_audit_chain_entries 1" in shown
    (entry,) = await desk.entries()
    reply = await desk.ask(f"/api/v1/audit/{entry['id']}/review", "POST", json={"note": "asked Ann"})
    assert reply.status == 200 and reply.json["reviewer"] == "token:admin"
    assert line not in desk.parts.metrics()
    assert 'integration_audit_unreviewed{tenant=""} 0' in desk.parts.metrics()
    (done,) = await desk.entries("&review=done")
    assert (done["reviewer"], done["note"], done["id"]) == ("token:admin", "asked Ann", entry["id"])
    assert [one["action"] for one in await desk.entries()] == ["audit.reviewed", "db.dump"]


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("7/review", {"note": "x"}, 404, "there is no entry 7"),
        ("1/review", {"note": "x"}, 409, "is not flagged"),
        ("x/review", {"note": "x"}, 404, "have numbers"),
        ("1/review", {}, 400, "note must be a text"),
        ("1/review", {"note": "  "}, 400, "not empty"),
        ("1/review", {"note": "x" * 3000}, 400, "2000 characters"),
        ("1/review", {"note": "x", "by": "ann"}, 400, "the keys note only"),
        ("erase", {"actor": 5}, 400, "actor must be a text"),
        ("erase", {"actor": "ann", "tenant": 5}, 400, "tenant must be a text"),
    ],
)
async def test_a_wrong_review_or_erasure_says_what_is_wrong(
    desk: AuditRoom, path: str, body: dict[str, Any], status: int, says: str
) -> None:
    await desk.send(deed("a"))
    reply = await desk.ask(f"/api/v1/audit/{path}", "POST", json=body)
    assert (reply.status, says in reply.text) == (status, True), reply.text


async def test_an_erased_person_is_in_no_answer_any_more(desk: AuditRoom) -> None:
    planted = deed("user.login", "ann@example.com", address="203.0.113.77", details={"name": "Ann Example"})
    await desk.send(planted, sign_in("ann@example.com", address="203.0.113.77", outcome="success"))
    assert len(await desk.entries("&actor=ann@example.com")) == 1
    reply = await desk.ask("/api/v1/audit/erase", "POST", json={"actor": "ann@example.com"})
    assert (reply.status, reply.json) == (200, {"people": 1})
    everything = [
        (await desk.ask(path)).text
        for path in ("/api/v1/audit?format=ndjson", "/api/v1/audit-report", "/api/v1/audit-summary")
    ]
    everything.append((await desk.ask("/api/v1/sign-ins?format=csv")).text)
    for secret in ("ann@example.com", "203.0.113.77", "Ann Example"):
        assert secret not in "".join(everything)
    assert (await desk.ask("/api/v1/audit-verification")).json["problems"] == []
    erased = await desk.entries("&action=audit.erased")
    assert [(one["actor"], one["resource"]) for one in erased] == [("token:admin", "person:1")]


async def test_planted_personal_data_is_in_no_label_log_or_metric(desk: AuditRoom) -> None:
    secrets = ("ann@example.com", "203.0.113.77", "4242424242424242", "Ann Example", "sk_live_planted")
    with structlog.testing.capture_logs() as logs:
        for number in range(12):
            fields = {"address": secrets[1], "user_agent": secrets[3], "resource": secrets[2]}
            await desk.send(
                deed("user.login", secrets[0], outcome="failed", details={"key": secrets[4]}, **fields),
                sign_in(f"{number} {secrets[0]}", address=secrets[1], reason=secrets[3]),
                deed(f"{secrets[0]}.granted", secrets[0], outcome=secrets[4]),
            )
        await desk.parts.trail.refresh()
        await desk.ask("/api/v1/audit/erase", "POST", json={"actor": secrets[0]})
    shown = desk.parts.metrics() + str(logs)
    assert "integration_audit_flags_total" in shown and "head of the audit" in shown
    assert [secret for secret in secrets if secret in shown] == []


async def test_a_row_that_somebody_changed_is_named(desk: AuditRoom) -> None:
    await desk.send(*(deed("a", f"user {number}") for number in range(5)))
    assert (await desk.ask("/api/v1/audit-verification")).json["problems"] == []
    change(desk.parts.database, 3, rehash=True, outcome="failure")
    found = (await desk.ask("/api/v1/audit-verification?limit=2&after=2")).json
    assert [(one["number"], one["what"]) for one in found["problems"]] == [(3, "changed")]
    assert (found["checked"], found["next"], found["entries"]) == (2, 4, 5)


async def test_a_hash_from_the_log_is_still_in_the_chain_or_it_is_not(desk: AuditRoom) -> None:
    await desk.send(deed("a"), deed("b"))
    with structlog.testing.capture_logs() as logs:
        await desk.parts.trail.refresh()
        await desk.parts.trail.refresh()
    (line,) = logs
    assert (line["event"], line["entries"]) == ("head of the audit", 2)
    await desk.send(deed("c"))
    found = (await desk.ask(f"/api/v1/audit-verification?head={line['hash']}")).json
    assert found["head_found_at"] == 2
    assert (await desk.ask(f"/api/v1/audit-verification?head={'0' * 64}")).json["head_found_at"] is None
    assert (await desk.ask("/api/v1/audit-verification?head=xyz")).status == 400


@pytest.mark.parametrize("path", ["/api/v1/audit-summary", "/api/admin/enterprise/audit-summary"])
async def test_the_summary_counts(desk: AuditRoom, path: str) -> None:
    await desk.send(
        *(deed("order.changed", tenant="acme") for _ in range(3)),
        deed("db.dump", "ben", details={"rows": 20_000}),
        deed("user.delete", "ben", outcome="denied"),
    )
    desk.room.now += 2 * 3600
    await desk.send(deed("order.changed", tenant="acme"))
    found = (await desk.ask(f"{path}?window=1h")).json
    assert (found["entries"], found["by_class"], found["unreviewed"]) == (1, {"change": 1}, 1)
    found = (await desk.ask(f"{path}?window=7d")).json
    assert found["by_class"] == {"change": 4, "delete": 1, "export": 1}
    assert found["by_outcome"] == {"success": 5, "denied": 1}
    assert found["by_actor"][0] == {"actor": "ann", "tenant": "acme", "entries": 4}
    assert (found["flags"], found["flagged"], found["reviewed"]) == ({"mass_export": 1}, 1, 0)
    assert (found["highest_risk"], found["of_exporter"]) == (80, 0)
    bound = (await desk.ask(f"{path}?window=7d", token="bound_admin")).json
    assert (bound["entries"], bound["unreviewed"]) == (4, 0)
    assert (await desk.ask(f"{path}?window=2h")).status == 400


async def test_a_report_has_every_section_and_runs_nothing(desk: AuditRoom) -> None:
    evil = "<script>alert(1)</script>"
    await desk.send(
        deed("user.role.granted", evil, outcome="refused", resource=evil),
        deed("db.dump", "ben", details={"rows": 20_000}),
        deed("db.dump", "cat", details={"rows": 20_000}),
    )
    (flagged, _) = (await desk.entries("&review=open"))[::-1]
    await desk.ask(f"/api/v1/audit/{flagged['id']}/review", "POST", json={"note": f"fine {evil}"})
    await desk.ask("/api/v1/audit/erase", "POST", json={"actor": "nobody"})
    await desk.ask("/api/v1/audit/erase", "POST", json={"actor": "cat"})
    await desk.ask("/-/reload", "POST")
    reply = await desk.ask("/api/v1/audit-report?from=1h")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "script" not in reply.text.replace("&lt;script", "").replace("&lt;/script", "")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    rows = list(csv.DictReader(io.StringIO((await desk.ask("/api/v1/audit-report?from=1h&format=csv")).text)))
    sections: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        sections.setdefault(row["section"], []).append(row)
    assert {row["actor"] for row in sections["access"]} >= {"vera", "ada", "admin", "ingest"}
    assert [row["actor"] for row in sections["seen"]] == ["token:admin"]
    actions = {row["action"] for row in sections["admin_actions"]}
    assert actions >= {"audit.reviewed", "audit.erased", "configuration.reloaded", "audit.reported"}
    assert [row["actor"] for row in sections["refused"]] == [evil]
    assert [(row["action"], row["actor"]) for row in sections["reviews_open"]] == [("db.dump", "erased:3")]
    assert [row["note"] for row in sections["reviews_done"]] == [f"fine {evil}"]
    assert len(sections["exports"]) == 4, "two dumps, and the two reports themselves"
    assert [row["resource"] for row in sections["erasures"]] == ["person:3"]
    assert (await desk.ask("/api/v1/audit-report?from=1h&to=2h")).status == 400


async def test_refused_requests_are_in_the_audit_with_who_made_them(desk: AuditRoom) -> None:
    await desk.ask("/-/reload", "POST", token="viewer")
    for _ in range(3):
        await desk.house.ask("/api/v1/audit", headers={"Authorization": "Bearer wrong-0123456789abcdef"})
    await desk.house.ask("/api/v1/targets", admin=False)
    found = [(one["actor"], one["resource"], one["details"]) for one in await desk.entries()]
    assert found == [
        ("nobody", "/api/v1/audit", {"status": 401, "method": "GET"}),
        ("token:viewer", "/-/reload", {"status": 403, "method": "POST"}),
    ]
    assert {one["outcome"] for one in await desk.entries()} == {"refused"}
    assert {one["address"] for one in await desk.entries()} == {"127.0.0.1"}


async def test_what_administrators_do_is_counted_by_class(desk: AuditRoom) -> None:
    await desk.ask("/-/reload", "POST")
    await desk.send(deed("user.login"))
    shown = desk.parts.metrics()
    assert 'integration_audit_events_total{action_class="change",tenant=""} 1' in shown
    assert 'integration_audit_events_total{action_class="sign_in",tenant=""} 1' in shown


async def test_flag_at_says_what_is_flagged(desk: AuditRoom) -> None:
    desk.parts.configure(AuditSettings(flag_at=100))
    await desk.send(deed("db.dump", details={"rows": 20_000}))
    assert await desk.flagged() == []
    desk.parts.configure(AuditSettings(flag_at=5))
    await desk.send(deed("order.changed"))
    assert await desk.flagged() == [("order.changed", "score", 5)]


async def test_nothing_is_kept_while_the_audit_is_off(desk: AuditRoom) -> None:
    desk.parts.trail.log.enabled = False
    await desk.send(*(sign_in(f"user {number}") for number in range(20)))
    await desk.ask("/-/reload", "POST")
    assert desk.parts.database.read(lambda connection: fetch(connection, TABLE.select())) == []
    assert desk.parts.database.read(check).problems == []

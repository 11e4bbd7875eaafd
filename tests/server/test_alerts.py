"""`/api/v1/alerts` over a real socket, with a real store and a real Alertmanager."""

import asyncio
import csv
import io
import json
import re
import time
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from exporter.cli import main
from exporter.core.clock import iso
from exporter.core.manual_alert import MANUAL_ALERT
from exporter.core.notice_metrics import ACKNOWLEDGE_SECONDS, ALERTS_ACKNOWLEDGED
from exporter.notices.fingerprint import fingerprint_of
from exporter.notices.payload import read_payload
from exporter.store.subjects.notices import add_new
from tests.notices.alert_desk import CONFIG
from tests.notices.messages import alert, message
from tests.server.alert_office import PATH, Office, fired, labels, office_at
from tests.server.house import bearer
from tests.server.test_access import TOKENS
from tests.servers.alertmanager import alertmanager
from tests.servers.ports import free_port
from tests.servers.threaded_http import serving
from tests.waiting import PATIENCE

NOISE, HISTORY = "/api/v1/alert-noise", "/api/v1/notices"
HOSTILE = 'a "quoted" \\ back\nslash {} <b>, ünïcode'


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    config = tmp_path / "alertmanager.yml"
    config.write_text(CONFIG)
    async with alertmanager(tmp_path, config) as server, office_at(tmp_path, [server.address]) as made:
        yield made


async def test_what_fires_is_listed_most_urgent_first_with_all_that_is_known(office: Office) -> None:
    low, high = labels(severity="low"), labels(severity="high")
    critical = labels("globex", "critical")
    await office.stage.client.fire(
        [fired(low), fired(high), fired(critical), fired({"alertname": "Watchdog"})]
    )
    rows = await office.rows()
    async with asyncio.timeout(PATIENCE):
        # Alertmanager inhibits an alert a moment after it has taken it.
        while rows[-1]["state"] != "inhibited":
            await asyncio.sleep(0.05)
            rows = await office.rows()
    assert [(row["severity"], row["state"]) for row in rows] == [
        ("critical", "firing"),
        ("high", "firing"),
        ("low", "inhibited"),
    ]
    (row,) = await office.rows("tenant=acme&severity=high")
    assert row | {"since": None} == {
        **{"fingerprint": fingerprint_of(high), "state": "firing", "severity": "high"},
        **{"alert": "IntegrationDown", "service": "payments", "tenant": "acme", "provider": "stripe"},
        **{"summary": "it is down", "description": "See.", "since": None, "ended": None},
        **dict.fromkeys(("acknowledged_by", "until", "note", "assignee")),
        **{"receivers": ["nobody"], "inhibited_by": [], "silenced_by": [], "labels": high},
        "annotations": {"summary": "it is down", "description": "See."},
    }
    assert row["since"].endswith("Z")


async def test_alerts_are_narrowed_cut_and_exported(office: Office) -> None:
    other = labels(integration="calendar", alertname="QuotaLow", provider="http")
    await office.stage.client.fire([fired(labels()), fired(labels("globex")), fired(other)])

    async def found(query: str) -> int:
        return len(await office.rows(query))

    assert await found("") == 3
    assert await found("service=calendar") == await found("alert=QuotaLow") == 1
    assert await found("tenant=globex") == 1 and await found("state=acknowledged") == 0
    page = (await office.ask(f"{PATH}?limit=2")).json
    assert (len(page["alerts"]), page["total"], page["next_offset"]) == (2, 3, 2)
    text = (await office.ask(f"{PATH}?format=csv&service=calendar")).text
    assert [row["alert"] for row in csv.DictReader(io.StringIO(text))] == ["QuotaLow"]
    lines = (await office.ask(f"{PATH}?format=ndjson")).text.splitlines()
    assert {json.loads(line)["tenant"] for line in lines} == {"acme", "globex"}
    assert (await office.ask(f"{PATH}?state=broken")).status == 400
    assert (await office.ask(f"{PATH}?severity=broken")).status == 400
    assert (await office.ask(f"{PATH}?tenant=acmee")).status == 404


async def test_an_acknowledgement_silences_and_is_extended_in_its_place(office: Office) -> None:
    alert = labels(token=HOSTILE)
    await office.stage.client.fire([fired(alert), fired(labels(token="other")), fired(labels("globex"))])
    name = fingerprint_of(alert)
    reply = await office.change(name, action="acknowledge", note=HOSTILE)
    assert (reply.status, reply.json["acknowledged_by"]) == (200, "token:admin"), reply.text
    (silence,) = await office.stage.client.silences()
    assert silence.comment == HOSTILE and silence.ends - time.time() == pytest.approx(4 * 3600, abs=60)
    (row,) = await office.rows("state=acknowledged")
    assert (row["fingerprint"], row["acknowledged_by"], row["note"]) == (name, "token:admin", HOSTILE)
    assert len(await office.rows("state=firing")) == 2
    reply = await office.change(name, action="acknowledge", seconds="2d")
    (again,) = await office.stage.client.silences()
    assert again.id == silence.id and again.comment == HOSTILE
    assert again.ends - time.time() == pytest.approx(2 * 86_400, abs=60)


async def test_of_two_people_who_decide_by_the_same_state_the_second_hears_of_the_first(
    office: Office,
) -> None:
    await office.stage.client.fire([fired(labels())])
    name = fingerprint_of(labels())
    ask: dict[str, Any] = {"action": "acknowledge", "expected": {"state": "firing"}}
    both = await asyncio.gather(*(office.change(name, **ask, seconds=text) for text in ("1h", "2h")))
    assert sorted(one.status for one in both) == [200, 409]
    (refused,) = (one.json["error"] for one in both if one.status == 409)
    assert refused.startswith("token:admin has acknowledged it already, until 20")
    (silence,) = await office.stage.client.silences()
    (done,) = (one.json["until"] for one in both if one.status == 200)
    assert iso(silence.ends) == done and "nothing was changed" in refused
    given: dict[str, Any] = {"action": "assign", "assignee": "ada", "expected": {"assignee": ""}}
    assert (await office.change(name, **given)).status == 200
    reply = await office.change(name, **{**given, "assignee": "ben"})
    assert reply.status == 409 and "it is assigned to ada by now" in reply.json["error"]
    # Who knows of the other may go on, and who says nothing decides whatever it is.
    assert (await office.change(name, **{**given, "expected": {"assignee": "ada"}})).status == 200
    assert (await office.change(name, action="acknowledge")).status == 200
    bad = await office.change(name, action="acknowledge", expected={"status": "firing"})
    assert bad.status == 400


async def test_an_acknowledgement_covers_the_alert_at_its_severity_and_nothing_else(office: Office) -> None:
    whole = {name: value for name, value in labels().items() if name != "tenant"}
    foreign = {"alertname": "HostDown", "instance": "a"}
    others = [labels(), whole | {"severity": "critical"}, {"alertname": "HostDown", "instance": "b"}]
    renamed = whole | {"replicas": "2"}  # no label that says what it is about
    await office.stage.client.fire([fired(one) for one in (whole, foreign, renamed, *others)])
    for one in (whole, foreign):
        assert (await office.change(fingerprint_of(one), action="acknowledge")).status == 200
    rows = {row["fingerprint"]: row["state"] for row in await office.rows()}
    assert [rows[fingerprint_of(one)] for one in (whole, foreign, renamed)] == ["acknowledged"] * 3
    assert [rows[fingerprint_of(one)] for one in others] == ["firing"] * 3


async def test_an_acknowledgement_is_in_the_history_the_noise_the_list_and_the_audit(office: Office) -> None:
    await office.stage.client.fire([fired(labels(), ago=90)])
    name = fingerprint_of(labels())
    for note in ("I look", "still"):
        assert (await office.change(name, action="acknowledge", note=note)).status == 200
    (notice,) = (await office.ask(f"{HISTORY}?state=acknowledged")).json["notices"]
    assert "acknowledged by token:admin until" in notice["description"]
    assert notice["description"].endswith(": I look") and notice["summary"] == "it is down"
    (noise,) = (await office.ask(f"{NOISE}?window=1h&by=tenant")).json["alerts"]
    assert (noise["fired"], noise["acknowledged"]) == (0, 1)
    assert noise["mean_seconds_to_acknowledge"] == pytest.approx(90, abs=30)
    actions = (await office.ask("/api/v1/alert-actions?action=acknowledge")).json["alert-actions"]
    assert [one["note"] for one in actions] == ["still", "I look"] and actions[0]["silence"]
    assert [(one.action, one.outcome, one.tenant) for one in office.house.room.audit] == [
        ("alert.acknowledged", "success", "acme")
    ] * 2
    down = "IntegrationDown"
    assert office.stage.value(ALERTS_ACKNOWLEDGED, down) == 1
    assert office.stage.value(ACKNOWLEDGE_SECONDS, down) == pytest.approx(90, abs=30)


async def test_an_assignment_is_shown_until_the_alert_fires_again(office: Office) -> None:
    await office.stage.client.fire([fired(labels()), fired(labels("globex"))])
    name = fingerprint_of(labels())
    assert (await office.change(name, action="assign")).json["assignee"] == "token:admin"
    assert [row["tenant"] for row in await office.rows("mine=true")] == ["acme"]
    assert (await office.change(name, action="assign", assignee="user:ada", note="yours")).status == 200
    assert [row["assignee"] for row in await office.rows("assignee=user:ada")] == ["user:ada"]
    assert await office.rows("mine=true") == []
    acknowledged = await office.change(name, action="acknowledge", assignee="user:vera")
    assert (acknowledged.json["assignee"], acknowledged.json["state"]) == ("user:vera", "acknowledged")
    assert len(await office.rows("mine=true")) == 1, "what I acknowledged is mine, too"
    assert (await office.change(name, action="assign", assignee="")).json["assignee"] is None
    await office.change(name, action="assign", assignee="user:ada")
    await office.stage.client.fire([fired(labels(), seconds=-1)])
    await office.stage.client.fire([fired(labels(), ago=0)])
    (row,) = await office.rows("tenant=acme")
    assert row["assignee"] is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "action"),
        ({"action": "dance"}, "dance"),
        ({"action": "acknowledge", "for": "8d"}, "7d at most"),
        ({"action": "acknowledge", "for": "0s"}, "future"),
        ({"action": "acknowledge", "for": "soon"}, "duration"),
        ({"action": "acknowledge", "until": "2020-01-01T00:00:00Z"}, "future"),
        ({"action": "acknowledge", "until": "later"}, "until must be a time"),
        ({"action": "acknowledge", "until": "2030-01-01", "for": "1h"}, "not both"),
        ({"action": "acknowledge", "comment": "x"}, "comment"),
        ({"action": "assign", "assignee": "a\nb"}, "one line"),
        ({"action": "assign", "for": "1h"}, "no end"),
    ],
)
async def test_a_body_that_is_wrong_is_400_in_one_sentence(
    office: Office, body: dict[str, str], said: str
) -> None:
    await office.stage.client.fire([fired(labels())])
    reply = await office.ask(f"{PATH}/{fingerprint_of(labels())}", "PATCH", body=body)
    assert reply.status == 400 and said in reply.json["error"], reply.text
    assert await office.stage.client.silences() == []


async def test_a_caller_bound_to_a_tenant_sees_and_answers_its_own_alerts_alone(office: Office) -> None:
    await office.stage.client.fire([fired(labels()), fired(labels("globex")), fired({"alertname": "Other"})])
    assert [row["tenant"] for row in await office.rows(token="bound_admin")] == ["acme"]
    mine, theirs = fingerprint_of(labels()), fingerprint_of(labels("globex"))
    assert (await office.change(mine, "bound_admin", action="acknowledge")).status == 200
    for action in ("acknowledge", "assign", "resolve"):
        assert (await office.change(theirs, "bound_admin", action=action)).status == 404
    body = {"service": "payments", "severity": "low", "message": "hello"}
    assert (await office.ask(PATH, "POST", "bound_admin", body)).status == 403
    assert (await office.ask(PATH, "POST", "bound_admin", body | {"tenant": "acme"})).status == 201
    rows = (await office.ask("/api/v1/alert-actions", token="bound_admin")).json["alert-actions"]
    assert {row["action"] for row in rows} == {"fire", "acknowledge"}


async def test_a_test_is_listed_for_who_comes_later_and_the_next_hears_whose_it_is(office: Office) -> None:
    assert (await office.ask(f"{PATH}/test")).json == {"tests": []}
    made = (await office.ask(f"{PATH}/test", "POST", body={"severity": "low", "wait": "15m"})).json
    (found,) = (await office.ask(f"{PATH}/test")).json["tests"]
    assert (found["id"], found["actor"], found["state"]) == (made["id"], "token:admin", "running")
    page = await office.house.ask("/alerts", headers=bearer(TOKENS["admin"]))
    (part,) = re.findall(r'<div id="tests".*?</div>', page.text, re.DOTALL)
    assert "token:admin" in part and "under way" in part and "0 of " in part
    assert "low: the first message after 5m" in page.text
    reply = await office.ask(f"{PATH}/test", "POST", body={"severity": "high"})
    assert reply.status == 409
    assert reply.json["error"].startswith("token:admin tests low, until 20")
    await office.stage.desk.drills.stop()
    (found,) = (await office.ask(f"{PATH}/test")).json["tests"]
    assert found["state"] == "done"


async def test_an_alert_by_hand_fires_until_it_is_resolved(office: Office) -> None:
    body = {
        "service": "payments",
        "severity": "critical",
        "message": f"Cards {HOSTILE[:10]}",
        "tenant": "acme",
    }
    reply = await office.ask(PATH, "POST", body=body | {"details": HOSTILE})
    assert (reply.status, reply.json["new"]) == (201, True)
    name = reply.json["fingerprint"]
    (row,) = await office.rows()
    assert (row["fingerprint"], row["alert"], row["description"]) == (name, MANUAL_ALERT, HOSTILE)
    assert row["labels"]["scope"] == "tenant" and row["annotations"]["fired_by"] == "token:admin"
    reply = await office.ask(PATH, "POST", body=body)
    assert (reply.status, reply.json["new"], reply.json["fingerprint"]) == (200, False, name)
    assert (await office.change(name, action="acknowledge")).status == 200
    reply = await office.change(name, action="resolve", note="it was the network")
    assert reply.json == {"fingerprint": name, "state": "resolved", "resolved": True}
    assert await office.rows() == []
    (silence,) = await office.stage.client.silences()
    assert silence.state == "expired", "the same alert must not be silent when it is fired again"
    assert (await office.change(name, action="resolve")).status == 404
    assert (await office.ask(PATH, "POST", body=body)).status == 201
    assert len(await office.rows("state=firing")) == 1
    assert [one.action for one in office.house.room.audit if one.outcome == "success"] == [
        *("alert.fired", "alert.fired", "alert.acknowledged", "alert.resolved", "alert.fired")
    ]


@pytest.mark.parametrize(
    ("path", "more"), [(PATH, {"service": "payments", "message": "x"}), (f"{PATH}/test", {})]
)
async def test_a_tenant_that_there_is_not_gets_no_alert(
    office: Office, path: str, more: dict[str, str]
) -> None:
    reply = await office.ask(path, "POST", body={"severity": "high", "tenant": "acmee"} | more)
    assert (reply.status, reply.json["error"]) == (400, "there is no tenant 'acmee'; did you mean acme?")
    assert await office.rows() == [] and office.house.room.audit == []


async def test_an_alert_of_a_rule_is_not_resolved_by_hand(office: Office) -> None:
    await office.stage.client.fire([fired(labels())])
    reply = await office.change(fingerprint_of(labels()), action="resolve")
    assert reply.status == 409 and "acknowledge it instead" in reply.json["error"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"severity": "high", "message": "x"}, "service"),
        ({"service": "a", "severity": "loud", "message": "x"}, "loud"),
        ({"service": "a", "severity": "high", "message": ""}, "message"),
        ({"service": "a\nb", "severity": "high", "message": "x"}, "one line"),
        ({"service": "a", "severity": "high", "message": "x" * 501}, "message"),
    ],
)
async def test_an_alert_by_hand_that_is_wrong_is_refused(
    office: Office, body: dict[str, str], said: str
) -> None:
    reply = await office.ask(PATH, "POST", body=body)
    assert reply.status == 400 and said in reply.json["error"], reply.text
    assert await office.rows() == []


async def test_an_alertmanager_that_is_away_is_503_and_what_was_fired_is_sent_at_its_return(
    tmp_path: Path,
) -> None:
    async with office_at(tmp_path, [f"127.0.0.1:{free_port()}"]) as office:
        reply = await office.ask()
        assert reply.status == 503 and "does not answer" in reply.json["error"]
        assert reply.headers["retry-after"] == "10"
        body = {"service": "payments", "severity": "high", "message": "by hand"}
        reply = await office.ask(PATH, "POST", body=body)
        assert reply.status == 503 and "is stored" in reply.json["error"]
        assert office.house.room.audit[-1].outcome == "failure"
    config = tmp_path / "alertmanager.yml"
    config.write_text(CONFIG)
    async with alertmanager(tmp_path, config) as server, office_at(tmp_path, [server.address]) as office:
        # As the next process does at its start, and each minute.
        await office.stage.desk.manual.send_all()
        (row,) = await office.rows()
        assert row["summary"] == "by hand"
        name = row["fingerprint"]
        await office.stage.desk.manual.end((await office.stage.desk.manual.find(name)) or pytest.fail())
        await office.stage.desk.manual.send_all()
        assert await office.rows() == []


@pytest.mark.parametrize(("status", "expected"), [(500, 502), (400, 502), (None, 503)])
async def test_an_alertmanager_that_is_ill_or_slow_is_answered_as_such(
    tmp_path: Path, status: int | None, expected: int
) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if status is None:
                self.rfile.read(1)  # nothing comes: it waits until the client hangs up
                return
            self.send_response(status)
            self.send_header("Content-Length", "7")
            self.end_headers()
            self.wfile.write(b"planted")

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Handler) as port:
        # Short only where nothing comes: a busy machine takes its time for an answer.
        timeout = PATIENCE if status else 0.2
        async with office_at(tmp_path, [f"127.0.0.1:{port}"], timeout=timeout) as office:
            reply = await office.ask()
            assert reply.status == expected, reply.text
            said = "planted" if status else "within 0.2 s"
            assert said in reply.json["error"]
            reply = await office.change("0" * 16, action="acknowledge")
            assert reply.status == expected and said in reply.json["error"]


async def test_a_store_that_fails_costs_the_assignments_and_what_must_be_stored(office: Office) -> None:
    await office.stage.client.fire([fired(labels())])
    office.stage.broken = True
    reply = await office.ask()
    assert reply.status == 200 and "store" in reply.json["warning"] and len(reply.json["alerts"]) == 1
    assert (await office.ask(f"{PATH}?mine=true")).status == 503
    assert (await office.change(fingerprint_of(labels()), action="acknowledge")).status == 503
    assert office.house.room.audit[-1].outcome == "failure"
    body = {"service": "payments", "severity": "high", "message": "by hand"}
    assert (await office.ask(PATH, "POST", body=body)).status == 503
    office.stage.broken = False
    # The silence is there already: the same again is what a caller does.
    assert (await office.change(fingerprint_of(labels()), action="acknowledge")).status == 200
    assert len(await office.stage.client.silences()) == 1


async def test_what_was_resolved_is_listed_out_of_the_history(office: Office) -> None:
    now = time.time()
    body = message(alert(tenant="acme", starts=now - 60, ends=now - 5), alert(tenant="globex"))
    with office.stage.database.writing() as connection:
        add_new(connection, [read_payload(body, now).notices])
    (row,) = await office.rows("state=resolved")
    assert (row["tenant"], row["state"], row["service"]) == ("acme", "resolved", "payments")
    assert row["ended"] is not None
    assert await office.rows("state=resolved&service=calendar") == []
    assert (await office.ask(f"{PATH}?state=resolved&mine=true")).status == 400


async def test_the_commands_do_the_same(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text(TOKENS["admin"])

    async def run(*words: str) -> str:
        flags = (f"--exporter.url={office.house.url}", f"--token-file={token}")
        assert await asyncio.to_thread(main, ["alerts", *words, *flags]) == 0
        return capsys.readouterr().out

    out = await run("fire", "payments", "cards fail", "--severity=high", "--tenant=acme", "--json")
    name = json.loads(out)["fingerprint"]
    table = (await run("list")).splitlines()
    assert table[1].split()[:5] == ["firing", "high", MANUAL_ALERT, "payments", "acme"]
    assert table[1].split()[-1] == name
    assert "token:admin" in await run("ack", name, "--for=30m", "--note=on it")
    assert "user:ada" in await run("assign", name, "--to=user:ada")
    row = json.loads(await run("list", "--mine", "--json"))
    assert (row["state"], row["assignee"], row["note"]) == ("acknowledged", "user:ada", "on it")
    assert "resolved" in await run("resolve", name)
    assert await run("list", "--json") == ""

"""What Alertmanager sends, on its way into the store: each change of an alert once, and all that it says."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from exporter.core.errors import StoreError
from exporter.core.notice_metrics import (
    ALERTS_ACKNOWLEDGED,
    ALERTS_FIRED,
    ALERTS_FLAPPED,
    ALERTS_RESOLVED,
    LAST_NOTICE,
    NOTICES,
    REPEATED,
    RESOLVE_SECONDS,
    TRUNCATED,
)
from exporter.core.store import Filter
from exporter.notices.intake import LARGE, NoticeResult
from exporter.notices.payload import MOST_ALERTS, PayloadError
from exporter.notices.series import MOST_NAMES
from exporter.store.noise import alert_noise
from exporter.store.subjects.notices import FLAP, query
from tests.notices.messages import NOW, NoticeDesk, alert, message, notice_desk


@pytest.fixture
async def desk(url: str) -> AsyncIterator[NoticeDesk]:
    async with notice_desk(url) as made:
        yield made


async def test_everything_that_a_message_says_of_an_alert_comes_back(desk: NoticeDesk) -> None:
    sent = alert(starts=NOW - 90.25, tenant="acme", reason="auth")
    await desk.intake.receive(message(sent, receiver="history", groupKey="{}:{x}"))
    (found,) = desk.database.read(query).rows
    assert (found.at, found.state, found.alert, found.severity) == (NOW, "firing", "IntegrationDown", "high")
    assert (found.integration, found.tenant, found.provider) == ("payments", "acme", "stripe")
    assert (found.fingerprint, found.starts, found.ends) == (sent["fingerprint"], NOW - 90.25, None)
    assert (found.summary, found.description) == ("IntegrationDown of payments", "See the runbook.")
    assert (found.group_key, found.receiver) == ("{}:{x}", "history")
    assert (found.labels, found.annotations) == (sent["labels"], sent["annotations"])


async def test_an_alert_begins_at_the_millisecond_that_the_api_of_alertmanager_names(
    desk: NoticeDesk,
) -> None:
    firing = alert() | {"startsAt": "2026-11-29T01:24:32.936964Z"}
    resolved = firing | {"status": "resolved", "endsAt": "2026-11-29T01:24:32.936999Z"}
    await desk.intake.receive(message(firing))
    await desk.intake.receive(message(resolved))
    expected = datetime.fromisoformat("2026-11-29T01:24:32.936Z").timestamp()
    assert [one.starts for one in desk.database.read(query).rows] == [expected, expected]


async def test_a_change_is_stored_once_however_often_and_by_whom_it_is_sent(desk: NoticeDesk) -> None:
    firing, resolved = message(alert()), message(alert(ends=NOW))
    once, again = NoticeResult(1, 0, 0), NoticeResult(0, 1, 0)
    assert await desk.intake.receive(firing) == once
    # Another Alertmanager of the cluster has another receiver's name, and sends later.
    desk.now += 15
    assert await desk.intake.receive(message(alert(), receiver="other", groupKey="other")) == again
    assert await desk.intake.receive(resolved) == once
    assert await desk.intake.receive(resolved) == again
    assert await desk.intake.receive(message(alert(starts=NOW + 5))) == once
    assert [one.state for one in desk.database.read(query).rows] == ["firing", "resolved", "firing"]


async def test_two_that_send_the_same_at_the_same_moment_store_it_once(desk: NoticeDesk) -> None:
    body = message(*(alert(tenant=f"t{number}") for number in range(20)))
    results = await asyncio.gather(*(desk.intake.receive(body) for _ in range(8)))
    assert sum(result.accepted for result in results) == 20
    assert len(desk.database.read(query).rows) == 20


async def test_one_alert_twice_in_a_message_is_one(desk: NoticeDesk) -> None:
    assert await desk.intake.receive(message(alert(), alert())) == NoticeResult(1, 1, 0)


async def test_what_is_counted_is_what_was_stored(desk: NoticeDesk) -> None:
    assert desk.value(NOTICES, "firing", "critical") == 0
    await desk.intake.receive(message(alert(), alert(severity="page"), truncatedAlerts=7))
    await desk.intake.receive(message(alert()))
    assert desk.value(NOTICES, "firing", "high") == 1
    assert desk.value(NOTICES, "firing", "other") == 1
    assert desk.value(REPEATED) == 1
    assert desk.value(TRUNCATED) == 7
    assert desk.value(LAST_NOTICE) == NOW


async def test_a_store_that_fails_counts_nothing_and_takes_all_of_it_later(desk: NoticeDesk) -> None:
    desk.broken = True
    with pytest.raises(StoreError):
        await desk.intake.receive(message(alert()))
    assert desk.value(NOTICES, "firing", "high") == 0
    desk.broken = False
    assert await desk.intake.receive(message(alert())) == NoticeResult(1, 0, 0)


async def test_a_message_of_ten_thousand_tenants_is_taken_whole(desk: NoticeDesk) -> None:
    body = message(*(alert(tenant=f"t{number}") for number in range(MOST_ALERTS)))
    assert len(body) > LARGE
    assert await desk.intake.receive(body) == NoticeResult(MOST_ALERTS, 0, 0)
    assert len(desk.database.read(lambda connection: query(connection, limit=2 * MOST_ALERTS)).rows) == (
        MOST_ALERTS
    )


BAD = {
    "no json": (b"{", "no JSON"),
    "no object": (b"[]", "no message of Alertmanager's webhook"),
    "no version": (b'{"alerts": []}', "`version`"),
    "another version": (message(alert(), version="5"), "only version 4"),
    "no alerts": (message(), "no alerts"),
    "alerts that are none": (message({"a": 1}), "`status` - at `$.alerts[0]`"),
    "a state that is none": (message(alert() | {"status": "maybe"}), "$.alerts[0].status"),
    "no fingerprint": (message(alert() | {"fingerprint": ""}), "$.alerts[0].fingerprint"),
    "no time": (message(alert() | {"startsAt": "yesterday"}), "$.alerts[0].startsAt"),
    "no beginning": (message(alert() | {"startsAt": "0001-01-01T00:00:00Z"}), "alerts[0].startsAt"),
    "labels that are none": (message(alert() | {"labels": {"a": 1}}), "$.alerts[0].labels"),
    "too many": (message(*([alert()] * (MOST_ALERTS + 1))), "max_alerts"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_body_that_is_no_message_is_refused_by_a_sentence(tmp_path: Path, name: str) -> None:
    body, says = BAD[name]
    async with notice_desk(f"sqlite:///{tmp_path}/state.db") as desk:
        with pytest.raises(PayloadError) as refused:
            await desk.intake.receive(body)
        assert says in str(refused.value)
        assert not desk.database.read(query).rows


async def test_texts_that_a_database_refuses_and_long_names_cost_no_message(desk: NoticeDesk) -> None:
    odd = alert("A" * 9_000, tenant="\0x\ud800"[:2], note="\U0001f525 " * 3_000)
    odd["annotations"] = {"summary": "nul \0", "description": "d" * 100_000}
    assert (await desk.intake.receive(message(odd))).accepted == 1
    (found,) = desk.database.read(query).rows
    assert len(found.alert) == 120 and found.summary == "nul \N{REPLACEMENT CHARACTER}"
    assert found.labels["alertname"] == "A" * 9_000


async def test_a_text_is_found_in_whatever_case_and_wherever_it_is(desk: NoticeDesk) -> None:
    await desk.intake.receive(message(alert(tenant="Müller_1"), alert("QuotaLow", tenant="b")))

    def found(text: str, *more: tuple[str, str]) -> list[str]:
        chosen = Filter(fields=(("q", text), *more))
        return [one.alert for one in desk.database.read(lambda connection: query(connection, chosen)).rows]

    assert found("quotalow") == found("LOW OF pay") == ["QuotaLow"]
    assert found("Müller") == ["IntegrationDown"]
    assert len(found("runbook")) == 2
    assert found("runbook", ("alert", "QuotaLow")) == ["QuotaLow"]
    assert found("r_1") == ["IntegrationDown"] and found("100%") == found("r__") == []


async def test_noise_is_what_fired_how_long_and_what_flaps(desk: NoticeDesk) -> None:
    async def episode(start: float, seconds: float | None, tenant: str) -> None:
        desk.now = start
        await desk.intake.receive(message(alert(starts=start, tenant=tenant)))
        if seconds is not None:
            desk.now = start + seconds
            await desk.intake.receive(message(alert(starts=start, ends=start + seconds, tenant=tenant)))

    await episode(NOW - 9_000, 100, "acme")
    await episode(NOW - 8_900 + FLAP, 300, "acme")  # the last moment at which it flaps
    await episode(NOW - 5_000, None, "acme")
    await episode(NOW - 4_000, 60, "globex")
    await episode(NOW - 90_000, 60, "globex")  # before the window

    def noise(*by: str, **chosen: str) -> dict[tuple[str, ...], tuple[object, ...]]:
        rows = desk.database.read(
            lambda connection: alert_noise(connection, by, NOW - 86_400, Filter(**chosen))  # type: ignore[arg-type]  # only texts
        )
        return {
            one.subject: (
                *(one.fired, one.resolved, one.flaps),
                *(one.mean_seconds_to_resolve, one.longest_seconds_to_resolve),
            )
            for one in rows
        }

    down = "IntegrationDown"
    assert noise("alert") == {(down,): (4, 3, 1, pytest.approx(460 / 3), 300)}
    by_tenant = noise("alert", "integration", "tenant")
    assert by_tenant == {
        (down, "payments", "acme"): (3, 2, 1, 200, 300),
        (down, "payments", "globex"): (1, 1, 0, 60, 60),
    }
    assert next(iter(by_tenant))[2] == "acme", "the one that fired most comes first"
    assert noise("alert", tenant="globex") == {(down,): (1, 1, 0, 60, 60)}
    assert noise("alert", integration="none") == {}


async def test_each_alert_has_series_of_how_often_it_fired_flapped_and_was_resolved(desk: NoticeDesk) -> None:
    down = "IntegrationDown"
    await desk.intake.receive(message(alert(starts=NOW - 500)))
    await desk.intake.receive(message(alert(starts=NOW - 500, ends=NOW - 400)))
    again = message(alert(starts=NOW - 300))
    await desk.intake.receive(again)
    await desk.intake.receive(again)
    values = [
        desk.value(metric, down)
        for metric in (ALERTS_FIRED, ALERTS_FLAPPED, ALERTS_RESOLVED, RESOLVE_SECONDS, ALERTS_ACKNOWLEDGED)
    ]
    assert values == [2, 1, 1, 100, 0]


async def test_series_are_bounded_by_the_number_of_alerts(desk: NoticeDesk) -> None:
    await desk.intake.receive(message(*(alert(f"Alert{number}") for number in range(MOST_NAMES + 7))))
    assert desk.value(ALERTS_FIRED, f"Alert{MOST_NAMES - 1}") == 1
    assert desk.value(ALERTS_FIRED, f"Alert{MOST_NAMES}") is None
    assert desk.value(ALERTS_FIRED, "other") == 7


async def test_a_test_alert_is_in_the_history_beside_the_rule_that_it_tests(desk: NoticeDesk) -> None:
    await desk.intake.receive(message(alert(test="1-high"), alert()))
    assert {one.alert for one in desk.database.read(query).rows} == {
        "IntegrationDown",
        "IntegrationDown (test)",
    }

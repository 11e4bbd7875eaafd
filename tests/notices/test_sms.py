"""A group of alerts becomes a message on the disk, which reaches a phone once, on both databases."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from exporter.core import sms_metrics as m
from exporter.core.errors import StoreError
from exporter.core.sms_incident import FLAP
from exporter.core.store import Filter
from exporter.core.text_message import LIFE, SMS, TextState
from exporter.notices.payload import PayloadError
from exporter.notices.sms_follow_up import PATIENCE
from exporter.store.retries import RetryChoice
from exporter.store.subjects.deliveries import TABLE
from exporter.store.subjects.sms import INCIDENTS, query
from tests.notices.texts import TextRoom, text_room
from tests.outbox.parcels import rows
from tests.servers.text_vendors import SECOND_SID, SID, TextVendors, sms_settings, text_vendors
from tests.waiting import until

TEXT = "CRITICAL payments: IntegrationDown: IntegrationDown of payments"


@pytest.fixture
async def vendors() -> AsyncIterator[TextVendors]:
    async with text_vendors() as made:
        yield made


@pytest.fixture
async def room(url: str, vendors: TextVendors) -> AsyncIterator[TextRoom]:
    async with text_room(url, sms_settings(vendors.url)) as made:
        yield made


async def arrived(vendors: TextVendors, count: int) -> None:
    await until(lambda: len(vendors.sent) >= count)


async def in_state(room: TextRoom, *states: str) -> None:
    await until(lambda: [one.state.value for one in room.messages()] == list(states))


async def test_it_arrives_and_what_became_of_it_is_asked_for(room: TextRoom, vendors: TextVendors) -> None:
    assert await room.fire() == "send"
    await arrived(vendors, 1)
    assert vendors.texts() == [TEXT]
    await in_state(room, "accepted")
    (message,) = room.messages()
    assert (message.account, message.sid, message.number) == ("twilio", f"SM{1:032x}", 1)
    assert (message.alert, message.severity, message.integration) == (
        "IntegrationDown",
        "critical",
        "payments",
    )
    await room.follow_up.round()
    assert vendors.asked[SID] == 0, "not before the phone can have it"
    room.clock.ahead += 16.0
    await room.follow_up.round()
    await in_state(room, "delivered")
    assert (
        room.value(m.REQUESTED) == room.value(m.ACCEPTED, "twilio") == room.value(m.DELIVERED, "twilio") == 1
    )
    assert room.value(m.GIVEN_UP, "not_found") == room.value(m.UNCERTAIN, "twilio") == 0
    await room.follow_up.round()
    assert vendors.asked[SID] == 1, "what is known is not asked for again"


async def test_each_number_gets_it(url: str, vendors: TextVendors) -> None:
    settings = sms_settings(vendors.url, {"to": ("+491701", "+491702", "+491701")})
    async with text_room(url, settings) as room:
        await room.fire()
        await arrived(vendors, 2)
        assert sorted(one.to for one in vendors.sent) == ["+491701", "+491702"]
        assert len({one.id for one in room.messages()}) == 2


async def test_an_id_shows_no_number(room: TextRoom) -> None:
    await room.fire()
    (message,) = room.messages()
    assert message.recipient == "+491701234567"
    listed = rows(room.database, "delivery || endpoint || message_id || type || tenant")
    assert "1234567" not in f"{listed}{message.id}{message.delivery}"


async def test_flaps_repeats_and_restarts_send_no_more_than_the_cap(url: str, vendors: TextVendors) -> None:
    settings, ahead, found = sms_settings(vendors.url), 0.0, []
    for ends in (None, 1.0, None, 2.0, None, 3.0):
        # A process of its own each time.
        async with text_room(url, settings) as room:
            ahead += FLAP / 2
            room.clock.ahead = ahead
            found += [await room.fire(ends), await room.fire(ends)]
            await arrived(vendors, found.count("send"))
    assert found == ["send", "repeated"] * 3 + [
        "capped",
        "capped",
        "repeated",
        "repeated",
        "capped",
        "capped",
    ]
    texts = vendors.texts()
    assert [text.partition(" ")[0] for text in texts] == ["CRITICAL", "RESOLVED", "CRITICAL"]
    assert texts[-1].endswith(" Last SMS of this incident.")
    async with text_room(url, settings) as room:
        room.clock.ahead = ahead + FLAP + 1.0
        assert await room.fire() == "send"
        await arrived(vendors, 4)


async def test_replicas_and_alertmanagers_that_send_the_same_at_one_moment_send_it_once(
    database: str, vendors: TextVendors
) -> None:
    settings = sms_settings(vendors.url)
    async with text_room(database, settings) as one, text_room(database, settings) as other:
        for ends in (None, 5.0):
            verdicts = await asyncio.gather(*(room.fire(ends) for room in (one, other) for _ in range(6)))
            assert sorted(verdicts) == ["repeated"] * 11 + ["send"]
        await arrived(vendors, 2)
        await until(lambda: rows(one.database, "state") == ["delivered"] * 2)
        assert len(vendors.sent) == 2


async def test_other_groups_are_other_incidents(room: TextRoom, vendors: TextVendors) -> None:
    for name in ("a", "b", "a"):
        await room.fire(integration=name)
    await arrived(vendors, 2)
    assert len(rows(room.database, "incident", INCIDENTS.name)) == 2


async def test_nothing_is_acknowledged_that_is_not_stored(room: TextRoom, vendors: TextVendors) -> None:
    room.broken = True
    with pytest.raises(StoreError):
        await room.fire()
    assert room.messages() == [] and room.value(m.REQUESTED) == 0
    room.broken = False
    assert await room.fire() == "send"
    await arrived(vendors, 1)


async def test_without_an_account_nothing_is_taken(room: TextRoom) -> None:
    room.ledger.apply(None)
    with pytest.raises(StoreError, match=r"notifications\.sms\.twilio"):
        await room.fire()


async def test_what_is_no_message_is_refused(room: TextRoom) -> None:
    with pytest.raises(PayloadError):
        await room.intake.receive(b"{}")


async def test_what_is_accepted_is_sent_by_the_next_process(url: str, vendors: TextVendors) -> None:
    settings = sms_settings(vendors.url)
    async with text_room(url, settings, start=False) as room:
        await room.fire()
    assert vendors.sent == []
    async with text_room(url, settings):
        await arrived(vendors, 1)


async def test_a_crash_between_the_note_of_a_message_and_its_outcome_sends_it_no_second_time(
    url: str, vendors: TextVendors
) -> None:
    settings = sms_settings(vendors.url)
    async with text_room(url, settings) as room:
        await room.fire()
        await in_state(room, "accepted")
        await until(lambda: rows(room.database, "state") == ["delivered"])
    async with text_room(url, settings, start=False) as room:
        with room.database.writing() as connection:
            connection.execute(TABLE.update().values(state="waiting"))  # as a kill leaves it
        await room.outbox.start()
        await until(lambda: rows(room.database, "state") == ["delivered"])
        await in_state(room, "accepted")
    assert len(vendors.sent) == 1


async def test_a_message_that_does_not_arrive_goes_by_the_next_account_until_there_is_none(
    room: TextRoom, vendors: TextVendors
) -> None:
    vendors.fates |= {SID: ("undelivered", 30003), SECOND_SID: ("failed", 30008)}
    await room.fire()
    for number, state in enumerate(("accepted", "accepted", "sent"), 1):
        await arrived(vendors, number)
        await in_state(room, state)
        room.clock.ahead += 16.0
        await room.follow_up.round()
    assert [one.account for one in vendors.sent] == [SID, SECOND_SID, "sns"]
    (message,) = room.messages()
    assert (message.state, message.tried) == (TextState.SENT, ("twilio", "fallback"))
    assert (
        room.value(m.FAILED, "twilio", "vendor_error")
        == room.value(m.FAILED, "fallback", "vendor_error")
        == 1
    )
    assert sum(room.value(m.GIVEN_UP, reason) or 0 for reason in ("vendor_error", "not_found")) == 0


async def test_a_phone_that_does_not_exist_is_given_up(room: TextRoom, vendors: TextVendors) -> None:
    vendors.fates[SID] = ("undelivered", 30005)
    await room.fire()
    await in_state(room, "accepted")
    room.clock.ahead += 16.0
    await room.follow_up.round()
    (message,) = room.messages()
    assert (message.state, message.reason, message.detail) == (
        TextState.FAILED,
        "not_found",
        "Twilio says undelivered (code 30005)",
    )
    assert len(vendors.sent) == 1 and room.value(m.GIVEN_UP, "not_found") == 1


async def test_a_number_that_is_refused_is_given_up_and_counted_once(
    room: TextRoom, vendors: TextVendors
) -> None:
    vendors.answers[SID] = (400, 21211)
    await room.fire()
    await until(lambda: rows(room.database, "state") == ["dead"])
    await asyncio.gather(room.follow_up.round(), room.follow_up.round())
    (message,) = room.messages()
    assert (message.state, message.reason) == (TextState.FAILED, "not_found")
    assert room.value(m.GIVEN_UP, "not_found") == 1 and room.value(m.FAILED, "twilio", "not_found") == 1


async def test_dead_messages_are_sent_again_only_where_they_are_meant(
    room: TextRoom, vendors: TextVendors
) -> None:
    vendors.answers[SID] = (400, 21211)
    await room.fire()
    await until(lambda: rows(room.database, "state") == ["dead"])
    await room.follow_up.round()
    vendors.answers.clear()
    assert await room.outbox.retry(RetryChoice(), "ada") == 0
    assert vendors.sent == []
    assert await room.outbox.retry(RetryChoice(chosen=Filter(fields=(("kind", SMS),))), "ada") == 1
    await arrived(vendors, 1)
    await in_state(room, "accepted")


async def test_a_carrier_that_never_says_leaves_it_sent(room: TextRoom, vendors: TextVendors) -> None:
    vendors.fates[SID] = ("sent", None)
    await room.fire()
    await in_state(room, "accepted")
    for _ in range(3):
        room.clock.ahead += 16.0
        await room.follow_up.round()
    assert 1 <= vendors.asked[SID] < 3, "less and less often"
    room.clock.ahead += PATIENCE
    await room.follow_up.round()
    await in_state(room, "sent")


async def test_two_replicas_ask_about_a_message_once(database: str, vendors: TextVendors) -> None:
    settings = sms_settings(vendors.url)
    async with text_room(database, settings) as one, text_room(database, settings) as other:
        await one.fire()
        await in_state(one, "accepted")
        one.clock.ahead = other.clock.ahead = 16.0
        await asyncio.gather(one.follow_up.round(), other.follow_up.round())
        assert vendors.asked[SID] == 1
        delivered = [room.value(m.DELIVERED, "twilio") for room in (one, other)]
        assert sorted(value or 0 for value in delivered) == [0, 1]


async def test_twilio_down_for_hours_is_a_backlog_and_then_no_news_any_more(
    url: str, vendors: TextVendors
) -> None:
    vendors.answers |= {SID: (401, 20003)}
    async with text_room(url, sms_settings(vendors.url, fallback=False, sns=False)) as room:
        await room.fire()
        # What is still carried does not expire.
        await until(lambda: rows(room.database, "attempts, owner") == [(1, "")])
        await room.tidy()
        await room.follow_up.round()
        assert room.value(m.BACKLOG) == 1 and room.value(m.OLDEST) == room.messages()[0].at
        room.clock.ahead = LIFE + 1.0
        await room.tidy()
        await room.follow_up.round()
        (message,) = room.messages()
        assert (message.state, message.reason) == (TextState.FAILED, "auth")
        assert room.value(m.GIVEN_UP, "auth") == 1
        await room.follow_up.round()
        assert room.value(m.BACKLOG) == 0 and room.value(m.OLDEST) == 0


async def test_a_delivery_whose_note_was_lost_is_sent(room: TextRoom, vendors: TextVendors) -> None:
    await room.fire()
    await in_state(room, "accepted")
    with room.database.writing() as connection:
        connection.exec_driver_sql("UPDATE text_message SET state = 'waiting', account = '', sid = ''")
    await until(lambda: rows(room.database, "state") == ["delivered"])
    await room.follow_up.round()
    await in_state(room, "sent")


async def test_the_list_is_narrowed_by_what_it_has(room: TextRoom) -> None:
    await room.fire(tenant="acme")
    await room.fire(integration="mail")

    def found(**fields: str) -> int:
        chosen = Filter(fields=tuple(fields.items()))
        return len(room.database.read(lambda connection: query(connection, chosen)).rows)

    assert found(severity="critical") == 2 and found(alert="IntegrationDown") == 2
    assert found(severity="high") == 0
    acme = Filter(tenant="acme")
    assert len(room.database.read(lambda connection: query(connection, acme)).rows) == 1

"""Text messages: a row for each message to a phone, and one for each incident, which bounds their number."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, Connection, Double, Index, Integer, String, Table, Text, select, update

from exporter.core.clock import iso
from exporter.core.delivery import Delivery, DeliveryState
from exporter.core.listing import AT, CAUSE, TARGET, Listing, OutputColumn
from exporter.core.severity import SEVERITIES
from exporter.core.sms_incident import SmsIncident, TextVerdict, judge
from exporter.core.store import ALL, Filter, Page
from exporter.core.text_message import (
    LIFE,
    SMS,
    GroupNotice,
    TextBody,
    TextMessage,
    TextState,
)
from exporter.store.columns import METADATA, number_column, replica_column
from exporter.store.lists import newest
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, fetch, insert_rows, readable
from exporter.store.subjects import deliveries
from exporter.store.upserts import insert_once
from exporter.store.view import View

TABLE = Table(
    "text_message",
    METADATA,
    number_column(),
    Column("at", Double, nullable=False),
    Column("message", String, nullable=False, unique=True),
    Column("incident", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("recipient", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("notice", String, nullable=False),
    Column("state", String, nullable=False),
    Column("alert", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("integration", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("about", String, nullable=False),
    Column("account", String, nullable=False),
    Column("sid", String, nullable=False),
    Column("tried", String, nullable=False),  # accounts, separated by blanks
    Column("reason", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("delivery", String, nullable=False),
    Column("accepted", Double),
    # When its vendor is asked next what became of it; NULL once that is known.
    Column("ask_at", Double),
    replica_column(),
    Index("text_message_by_time", "at"),
    Index("text_message_by_tenant", "tenant", "at"),
    Index("text_message_by_delivery", "delivery"),
    Index("text_message_by_state", "state", "ask_at"),
)
INCIDENTS = Table(
    "sms_incident",
    METADATA,
    number_column(),
    Column("incident", String, nullable=False, unique=True),
    Column("at", Double, nullable=False),
    Column("began", Double, nullable=False),
    Column("state", String, nullable=False),
    Column("sent", String, nullable=False),
    Column("sent_at", Double, nullable=False),
    Column("number", Integer, nullable=False),
    Index("sms_incident_by_time", "at"),
)

RETENTION = (TableRetention(TABLE, "notices"), TableRetention(INCIDENTS, "notices"))

VIEWS = (
    View(
        "text_messages",
        "A message to a phone and what became of it; never its text or the number.",
        TABLE,
        ("message", "state", "alert", "severity", "integration", "tenant", "reason"),
    ),
)

FIRST_LOOK, LONGEST_LOOK = 15.0, 600.0
"""Seconds after which a vendor is asked what became of a message, at first and at most."""

_FACTS = ("began", "at", "state", "sent", "sent_at", "number")


@dataclass(frozen=True)
class TextOrder:
    """A notice, the phones that get its message, and how many messages an incident may send to each."""

    notice: GroupNotice
    to: tuple[str, ...]
    most: int


def take_orders(connection: Connection, orders: Sequence[TextOrder]) -> list[tuple[TextVerdict, int]]:
    """Store the messages of several notices, and what brings each; return verdicts and numbers of messages.

    One transaction decides: of two replicas that have the same notice one sends it.
    """
    found: dict[int, tuple[TextVerdict, int]] = {}
    # In one order: two sessions with the same incidents would wait for each other.
    for index in sorted(range(len(orders)), key=lambda place: orders[place].notice.incident):
        found[index] = _take(connection, orders[index])
    return [found[index] for index in range(len(orders))]


def _take(connection: Connection, order: TextOrder) -> tuple[TextVerdict, int]:
    notice, mine = order.notice, INCIDENTS.c.incident == order.notice.incident
    blank = SmsIncident(0.0, 0.0)
    # There first, so that there is a row to lock.
    insert_once(connection, INCIDENTS, {"incident": notice.incident, **_facts(blank)})
    row = connection.execute(select(INCIDENTS).where(mine).with_for_update()).mappings().one()
    before = SmsIncident(*(row[name] for name in _FACTS))
    after, verdict = judge(None if before == blank else before, notice, order.most)
    connection.execute(update(INCIDENTS).where(mine).values(_facts(after)))
    if verdict is not TextVerdict.SEND:
        return verdict, 0
    messages = [_message(order, after, phone) for phone in order.to]
    insert_rows(connection, TABLE, map(message_row, messages))
    deliveries.insert_all(connection, [deliveries.delivery_row(delivery_of(one)) for one in messages])
    return verdict, len(messages)


def _facts(incident: SmsIncident) -> TableRow:
    return {name: getattr(incident, name) for name in _FACTS}


def _message(order: TextOrder, incident: SmsIncident, phone: str) -> TextMessage:
    notice = order.notice
    # Lists that others read show ids: the phone is in none of them.
    mark = hashlib.sha256(phone.encode()).hexdigest()[:12]
    name = f"sms/{notice.incident}/{incident.began:.0f}/{incident.number}/{mark}"
    text = notice.last_text if incident.number == order.most else notice.text
    about = {
        field: getattr(notice, field) for field in ("alert", "severity", "integration", "tenant", "about")
    }
    return TextMessage(
        name, notice.at, notice.incident, incident.number, phone, text, notice.state, delivery=name, **about
    )


def delivery_of(message: TextMessage) -> Delivery:
    """Return what brings a message to its phone."""
    body = TextBody(message.recipient, message.text, message.about, message.tried)
    return Delivery(
        id=message.delivery,
        kind=SMS,
        endpoint=SMS,
        body=body.encode(),
        created=message.at,
        expires=message.at + LIFE,
        message_id=message.id,
        tenant=message.tenant,
        type=message.notice,
        due=message.at,
    )


@dataclass(frozen=True)
class Acknowledgement:
    """An account took the message of a delivery at `at`; without `sid` nobody can be asked about it."""

    delivery: str
    account: str
    sid: str
    at: float
    asks: bool


def note_accepted(connection: Connection, taken: Sequence[Acknowledgement]) -> list[None]:
    """Write down who took which message."""
    for one in taken:
        state = TextState.ACCEPTED if one.asks else TextState.SENT
        values = {"state": state.value, "account": one.account, "sid": one.sid, "accepted": one.at}
        mine = update(TABLE).where(
            TABLE.c.delivery == one.delivery, TABLE.c.state != TextState.DELIVERED.value
        )
        connection.execute(
            mine.values(**values, ask_at=one.at + FIRST_LOOK if one.asks else None, reason="", detail="")
        )
    return [None] * len(taken)


def account_of(connection: Connection, delivery: str) -> str:
    """Return the account that took the message of a delivery, "" where nobody wrote one down."""
    taken = [state.value for state in (TextState.ACCEPTED, TextState.SENT, TextState.DELIVERED)]
    asked = select(TABLE.c.account).where(TABLE.c.delivery == delivery, TABLE.c.state.in_(taken))
    return connection.execute(asked).scalar() or ""


def claim_unknown(connection: Connection, now: float, most: int) -> list[TextMessage]:
    """Return messages of which it is time to ask what became of them; other replicas leave them alone."""
    due = select(TABLE.c.id).where(TABLE.c.state == TextState.ACCEPTED.value, TABLE.c.ask_at <= now)
    due = due.order_by(TABLE.c.ask_at).limit(most).with_for_update(skip_locked=True)
    ids = list(connection.execute(due).scalars())
    found = readable(connection, fetch(connection, select(TABLE).where(TABLE.c.id.in_(ids))), message_of)
    for one in found:
        # Less and less often: a phone that is off for an hour need not be asked for every minute.
        wait = min(LONGEST_LOOK, max(FIRST_LOOK, now - (one.accepted or now)))
        connection.execute(update(TABLE).where(TABLE.c.message == one.id).values(ask_at=now + wait))
    return found


def settle(connection: Connection, message: TextMessage) -> bool:
    """Write what became of a message that was under way; False where another replica already has."""
    mine = update(TABLE).where(
        TABLE.c.message == message.id,
        TABLE.c.state == TextState.ACCEPTED.value,
        TABLE.c.sid == message.sid,
    )
    values = {"state": message.state.value, "reason": message.reason, "detail": clean(message.detail)}
    return connection.execute(mine.values(**values, ask_at=None)).rowcount == 1


def send_again(connection: Connection, message: TextMessage, now: float) -> bool:
    """Let another account bring a message that `account` took in vain; False where it is sent already."""
    tried = tuple(dict.fromkeys((*message.tried, message.account)))
    again = replace(message, tried=tried, delivery=f"{message.id}/{len(tried) + 1}")
    mine = update(TABLE).where(
        TABLE.c.message == message.id,
        TABLE.c.state == TextState.ACCEPTED.value,
        TABLE.c.sid == message.sid,
    )
    values = {"state": TextState.WAITING.value, "tried": " ".join(tried), "delivery": again.delivery}
    reasons = {"reason": message.reason, "detail": clean(message.detail)}
    if connection.execute(mine.values(**values, **reasons, ask_at=None)).rowcount != 1:
        return False
    row = deliveries.delivery_row(replace(delivery_of(again), due=now))
    deliveries.insert_all(connection, [row])
    return True


def close_finished(connection: Connection) -> list[TextMessage]:
    """Settle what waits although its delivery does not; return the messages that were given up.

    A delivery that was made, but of which nobody wrote down by whom, is sent: a crash came between the two.
    """
    theirs = deliveries.TABLE
    asked = (
        select(
            TABLE, theirs.c.state.label("ended"), theirs.c.reason.label("why"), theirs.c.detail.label("how")
        )
        .join(theirs, theirs.c.delivery == TABLE.c.delivery)
        .where(TABLE.c.state == TextState.WAITING.value, theirs.c.state != DeliveryState.WAITING.value)
        .limit(500)
    )
    given_up = []
    for row in fetch(connection, asked):
        dead = row["ended"] == DeliveryState.DEAD.value
        state = TextState.FAILED if dead else TextState.SENT
        mine = update(TABLE).where(
            TABLE.c.message == row["message"], TABLE.c.state == TextState.WAITING.value
        )
        values = {"state": state.value, "reason": row["why"], "detail": row["how"]}
        if connection.execute(mine.values(values)).rowcount == 1 and dead:
            given_up.append(replace(message_of(row), state=state, reason=row["why"], detail=row["how"]))
    return given_up


def query(connection: Connection, chosen: Filter = ALL, limit: int = 100) -> Page[TextMessage]:
    """Return a page of messages, the newest first."""
    return newest(connection, TABLE, message_of, chosen, limit)


_PLAIN = (
    *("at", "incident", "number", "recipient", "notice", "account", "sid", "reason", "delivery", "accepted"),
)
_TEXTS = ("text", "alert", "severity", "integration", "tenant", "about", "detail")


def message_row(message: TextMessage) -> TableRow:
    """Return the row of a message."""
    return {
        "message": message.id,
        "state": message.state.value,
        "tried": " ".join(message.tried),
        **{name: getattr(message, name) for name in _PLAIN},
        **{name: clean(getattr(message, name)) for name in _TEXTS},
        "replica": "",
    }


def message_of(row: Mapping[str, Any]) -> TextMessage:
    """Return the message that `row` holds."""
    return TextMessage(
        id=row["message"],
        state=TextState(row["state"]),
        tried=tuple(row["tried"].split()),
        **{name: row[name] for name in (*_PLAIN, *_TEXTS)},
    )


def message_json(message: TextMessage) -> dict[str, Any]:
    """Return a message as JSON."""
    names = ("incident", "number", "recipient", "notice", "alert", "severity", "integration", "tenant")
    return {
        "at": iso(message.at),
        "id": message.id,
        **{name: getattr(message, name) for name in names},
        "state": message.state.value,
        "account": message.account,
        "sid": message.sid,
        "accepted": iso(message.accepted),
        "tried": list(message.tried),
        "reason": message.reason or None,
        "detail": message.detail,
        "text": message.text,
    }


LISTINGS = (
    Listing(
        name="sms",
        title="text messages",
        columns=(
            *("at", "id", "incident", "number", "recipient", "notice", "alert", "severity", "integration"),
            *("tenant", "state", "account", "sid", "accepted", "tried", "reason", "detail", "text"),
        ),
        table=(
            AT,
            OutputColumn("recipient", "TO", keep=True),
            OutputColumn("alert", "ALERT", keep=True),
            *TARGET,
            OutputColumn("notice", "NOTICE"),
            OutputColumn("state", "STATE", keep=True),
            OutputColumn("account", "ACCOUNT"),
            *CAUSE,
        ),
        query=query,
        row=message_json,
        retention=RETENTION[0].key,
        role="admin",
        filters=("state", "account", "alert", "severity", "notice"),
        choices={"state": tuple(TextState), "severity": SEVERITIES},
    ),
)

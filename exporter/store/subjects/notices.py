"""Notices: one row for each alert that began to fire, one where it was acknowledged, one at its end."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Connection, Double, Index, Integer, String, Table, Text, func, select

from exporter.core.clock import iso
from exporter.core.listing import AT, TARGET, Listing, OutputColumn
from exporter.core.notice import FIRING, RESOLVED, STATES, Notice, NoticeFate
from exporter.core.severity import SEVERITIES
from exporter.core.store import ALL, Filter, Page
from exporter.store.columns import METADATA, number_column, replica_column
from exporter.store.lists import containing, newest
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, fetch
from exporter.store.upserts import insert_each_once
from exporter.store.view import View

TABLE = Table(
    "notice",
    METADATA,
    number_column(),
    Column("at", Double, nullable=False),
    Column("state", String, nullable=False),
    Column("alert", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("integration", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("starts", Double, nullable=False),
    Column("ends", Double),
    Column("summary", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("receiver", String, nullable=False),
    Column("labels", Text, nullable=False),  # JSON
    Column("annotations", Text, nullable=False),  # JSON
    # 1 where it fires again soon after it was resolved.
    Column("flap", Integer, nullable=False),
    # The change that may be there once; of NULL a unique column takes any number.
    Column("once", String, unique=True),
    replica_column(),
    Index("notice_by_time", "at"),
    Index("notice_by_target", "integration", "tenant", "at"),
    Index("notice_by_tenant", "tenant", "at"),
    Index("notice_by_alert", "alert", "at"),
    Index("notice_by_fingerprint", "fingerprint", "ends"),
    # All that the figures on noise read, in the order in which they are grouped.
    Index(
        "notice_noise",
        *("alert", "integration", "tenant", "at", "severity", "state", "starts", "ends", "flap"),
    ),
)

RETENTION = (TableRetention(TABLE, "notices"),)

VIEWS = (
    View(
        "alert_history",
        "An alert began to fire, was acknowledged or was resolved.",
        TABLE,
        (
            *("state", "alert", "severity", "integration", "tenant", "provider", "fingerprint", "summary"),
            *("flap", "starts", "ends"),
        ),
        times={"started": "starts", "ended": "ends"},
    ),
)

_NAMES = ("alert", "severity", "integration", "tenant", "provider", "receiver")
_TEXTS = (*_NAMES, "summary", "description", "group_key")
_PLAIN = ("at", "state", "fingerprint", "starts", "ends", "replica")
"""Columns that have the name of the field, texts from outside and the others."""

FLAP = 900.0
"""Seconds after its resolution within which an alert that fires again flaps."""

PORTION = 500
"""Fingerprints that one query asks for."""

SEARCH = "q"
"""The parameter that looks for a text."""

# The name of the alert is among its labels.
_SEARCHED = (TABLE.c.labels, TABLE.c.summary, TABLE.c.description)


def query(connection: Connection, chosen: Filter = ALL, limit: int = 100) -> Page[Notice]:
    """Return a page of notices, the newest first; `q` looks into names, texts and labels."""
    words = [value for name, value in chosen.fields if name == SEARCH]
    narrowed = replace(chosen, fields=tuple(one for one in chosen.fields if one[0] != SEARCH))
    also = [containing(_SEARCHED, word) for word in words]
    return newest(connection, TABLE, notice_of, narrowed, limit, also=also)


def add_new(connection: Connection, messages: Sequence[Sequence[Notice]]) -> list[list[NoticeFate]]:
    """Add what is new of the notices of several messages; return of each what became of it."""
    every = [notice for message in messages for notice in message]
    rows = [{**notice_row(one), "flap": int(flap)} for one, flap in _flaps(connection, every)]
    new = insert_each_once(connection, TABLE, rows, TABLE.c.once)
    fates = map(_fate, new, rows)
    # In the order of the messages again.
    return [[next(fates) for _ in message] for message in messages]


def _fate(new: bool, row: TableRow) -> NoticeFate:
    if not new:
        return NoticeFate.REPEATED
    return NoticeFate.FLAP if row["flap"] else NoticeFate.NEW


def _flaps(connection: Connection, notices: Sequence[Notice]) -> Iterator[tuple[Notice, bool]]:
    """Yield each notice, and whether the same alert was resolved shortly before it began."""
    ended = _resolutions(connection, {one.fingerprint for one in notices if one.state == FIRING})
    for one in notices:
        before = ended.get(one.fingerprint)
        yield one, one.state == FIRING and before is not None and 0 <= one.starts - before <= FLAP
        if one.state == RESOLVED and one.ends is not None:
            ended[one.fingerprint] = one.ends


def _resolutions(connection: Connection, fingerprints: Collection[str]) -> dict[str, float]:
    """Return when each of `fingerprints` was last resolved, those that never were left out."""
    found: dict[str, float] = {}
    names = sorted(fingerprints)
    for start in range(0, len(names), PORTION):
        query = (
            select(TABLE.c.fingerprint, func.max(TABLE.c.ends).label("ended"))
            .where(TABLE.c.fingerprint.in_(names[start : start + PORTION]), TABLE.c.ends.is_not(None))
            .group_by(TABLE.c.fingerprint)
        )
        found |= {row["fingerprint"]: row["ended"] for row in fetch(connection, query)}
    return found


def notice_row(notice: Notice) -> TableRow:
    """Return the row of a notice."""
    return {
        **{name: getattr(notice, name) for name in _PLAIN},
        **{name: clean(getattr(notice, name)) for name in _TEXTS},
        **{name: _json(getattr(notice, name)) for name in ("labels", "annotations")},
        "flap": 0,
        "once": notice.once,
    }


def notice_of(row: Mapping[str, Any]) -> Notice:
    """Return the notice that `row` holds."""
    texts = {name: row[name] for name in (*_TEXTS, *_PLAIN)}
    return Notice(**texts, labels=json.loads(row["labels"]), annotations=json.loads(row["annotations"]))


def notice_json(notice: Notice) -> dict[str, Any]:
    """Return a notice as JSON."""
    return {
        "at": iso(notice.at),
        **{name: getattr(notice, name) for name in ("state", "alert", "severity", "integration", "tenant")},
        "provider": notice.provider,
        "starts": iso(notice.starts),
        "ends": iso(notice.ends),
        **{name: getattr(notice, name) for name in ("summary", "description", "fingerprint", "group_key")},
        "receiver": notice.receiver,
        "labels": notice.labels,
        "annotations": notice.annotations,
        "replica": notice.replica,
    }


def _json(texts: Mapping[str, str]) -> str:
    # Not as ASCII: a text is looked for as it is written. So it needs `clean`.
    return json.dumps({clean(name): clean(value) for name, value in texts.items()}, ensure_ascii=False)


def _columns(names: Iterable[str]) -> tuple[OutputColumn, ...]:
    return tuple(OutputColumn(name, name.upper(), keep=True) for name in names)


LISTINGS = (
    Listing(
        name="notices",
        title="notices of Alertmanager",
        empty="no alert has fired, or Alertmanager sends its notices elsewhere (docs/notices.md)",
        columns=(
            *("at", "state", "alert", "severity", "integration", "tenant", "provider", "starts", "ends"),
            *("summary", "description", "fingerprint", "group_key", "receiver", "labels", "annotations"),
            "replica",
        ),
        table=(AT, *_columns(("state", "severity", "alert")), *TARGET, OutputColumn("summary", "SUMMARY")),
        query=query,
        row=notice_json,
        retention=RETENTION[0].key,
        role="admin",
        filters=("severity", "alert", "state", SEARCH),
        choices={"severity": SEVERITIES, "state": STATES},
    ),
)

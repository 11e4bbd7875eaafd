"""Between the records of core and the rows of the tables."""

import json
from collections.abc import Mapping
from typing import Any

import structlog

from exporter.core.probe import TargetKey
from exporter.core.reason import Reason
from exporter.core.store import Failure, Snapshot, StateChange

TableRow = dict[str, Any]


def snapshot_row(snapshot: Snapshot) -> TableRow:
    """Return the row of a target's state."""
    return {
        **_key(snapshot.key),
        "provider": snapshot.provider,
        "status": snapshot.status,
        "reason": _word(snapshot.reason),
        "detail": clean(snapshot.detail),
        "since": snapshot.since,
        "last_run": snapshot.last_run,
        "last_success": snapshot.last_success,
        "failures": snapshot.failures,
        "until": snapshot.until,
        "facts": json.dumps(snapshot.facts),
        "answers": _answers(snapshot),
        "mark": snapshot.mark,
    }


def snapshot_of(row: Mapping[str, Any]) -> Snapshot:
    """Return the state that `row` holds; raises ValueError, TypeError or KeyError when it is not one."""
    return Snapshot(
        key=(row["integration"], row["tenant"]),
        provider=row["provider"],
        status=row["status"],
        reason=_reason(row["reason"]),
        detail=row["detail"],
        since=row["since"],
        last_run=row["last_run"],
        last_success=row["last_success"],
        failures=row["failures"],
        until=row["until"],
        facts=tuple((name, tuple(labels), value) for name, labels, value in json.loads(row["facts"])),
        answers={key: (when, value) for key, (when, value) in json.loads(row["answers"]).items()},
        mark=row["mark"],
    )


def change_row(change: StateChange) -> TableRow:
    """Return the row of a state change."""
    return {
        "at": change.at,
        **_key(change.key),
        "provider": change.provider,
        "before": change.before,
        "status": change.status,
        "reason": _word(change.reason),
        "detail": clean(change.detail),
        "trace_id": change.trace_id,
        "replica": change.replica,
    }


def change_of(row: Mapping[str, Any]) -> StateChange:
    """Return the state change that `row` holds."""
    return StateChange(
        at=row["at"],
        key=(row["integration"], row["tenant"]),
        provider=row["provider"],
        before=row["before"],
        status=row["status"],
        reason=_reason(row["reason"]),
        detail=row["detail"],
        trace_id=row["trace_id"],
        replica=row["replica"],
    )


def failure_row(failure: Failure) -> TableRow:
    """Return the row of a failed run."""
    return {
        "at": failure.at,
        **_key(failure.key),
        "provider": failure.provider,
        "reason": failure.reason.value,
        "detail": clean(failure.detail),
        "took": failure.duration_seconds,
        "http_status": failure.http_status,
        "log": json.dumps(failure.log),
        "trace_id": failure.trace_id,
        "replica": failure.replica,
    }


def failure_of(row: Mapping[str, Any]) -> Failure:
    """Return the failed run that `row` holds."""
    return Failure(
        at=row["at"],
        key=(row["integration"], row["tenant"]),
        provider=row["provider"],
        reason=Reason(row["reason"]),
        detail=row["detail"],
        duration_seconds=row["took"],
        http_status=row["http_status"],
        log=tuple((when, text) for when, text in json.loads(row["log"])),
        trace_id=row["trace_id"],
        replica=row["replica"],
    )


def clean(text: str) -> str:
    """Return `text` without what a database refuses: NUL, and halves of characters that have no UTF-8."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _key(key: TargetKey) -> TableRow:
    return {"integration": key[0], "tenant": key[1]}


def _word(reason: Reason | None) -> str | None:
    return reason.value if reason else None


def _reason(word: str | None) -> Reason | None:
    return Reason(word) if word is not None else None


def _answers(snapshot: Snapshot) -> str:
    """Return the answers as JSON, without those that JSON cannot hold: they are asked for again."""
    try:
        return json.dumps(snapshot.answers)
    except (TypeError, ValueError, RecursionError):
        texts = {key: text for key, answer in snapshot.answers.items() if (text := _text(answer))}
        lost = sorted(snapshot.answers.keys() - texts.keys())
        log = structlog.get_logger(__name__)
        log.warning("answers cannot be stored", provider=snapshot.provider, answers=lost)
        return f"{{{', '.join(f'{json.dumps(key)}: {text}' for key, text in texts.items())}}}"


def _text(answer: tuple[float, Any]) -> str:
    try:
        return json.dumps(answer)
    except (TypeError, ValueError, RecursionError):
        return ""

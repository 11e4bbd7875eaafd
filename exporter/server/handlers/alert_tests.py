"""`/api/v1/alerts/test`: marked alerts are sent the whole way, and what became of them is reported."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from exporter import registry
from exporter.config import durations
from exporter.core.clock import iso
from exporter.core.notice import HISTORY_RECEIVER
from exporter.core.severity import Severity
from exporter.notices.drill import LONGEST_WAIT, Drill, DrillRequest, DrillResult
from exporter.server.access import IDENTITY
from exporter.server.alert_bodies import LabelText, read_alert_body
from exporter.server.answers import json_answer
from exporter.server.audit import audit
from exporter.server.body_names import refuse_unknown_tenants
from exporter.server.handlers.alerts import ask_alertmanager, find_desk, provider_of
from exporter.server.services import SERVICES

PREFIX = "integration-"
"""What names of receivers begin with in a configuration that holds others' receivers, too."""

SPELLINGS = {"sms": "sns"}
"""Our words for channels, where Alertmanager has another one."""


class DrillBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is tested: one alert of each severity, unless one of the first three says less."""

    severity: Severity | None = None
    channel: Annotated[str, Meta(max_length=40)] = ""
    rule: Annotated[str, Meta(max_length=120)] = ""
    service: LabelText = ""
    tenant: LabelText = ""
    wait: str = ""


async def start(request: web.Request) -> web.Response:
    """Send test alerts; the answer (202) says which receivers each leads to, later ones what was sent."""
    body, drills = await read_alert_body(request, DrillBody), find_desk(request).drills
    await refuse_unknown_tenants(request, (body.tenant,))
    labels, severities = _rule(request, body)
    if body.channel:
        severities = await _with_channel(request, body.channel, severities)
    if body.severity is not None:
        severities = tuple(one for one in severities if one is body.severity)
    if not severities:
        raise web.HTTPBadRequest(text=f"nothing that is to be tested has the severity {body.severity}")
    labels |= {"integration": body.service} if body.service else {}
    labels |= {"tenant": body.tenant} if body.tenant else {}
    labels |= {"provider": provider} if (provider := provider_of(request, body.service)) else {}
    asked = DrillRequest(severities, labels, _wait(body.wait))
    # A request that is wrong is answered so also beside another test.
    if drills.running:
        raise web.HTTPConflict(text=_under_way(drills.current))
    names = [one.value for one in severities]
    audit(request, "alert.tested", body.rule, tenant=body.tenant, severities=names, channel=body.channel)
    drill = await ask_alertmanager(drills.start(asked, request[IDENTITY].name))
    return json_answer(_answer(drill), 202, Location=f"{request.path}/{drill.id}")


async def read_all(request: web.Request) -> web.Response:
    """Answer the last tests, the newest first: who started one may have left its page."""
    return json_answer({"tests": [_answer(one) for one in find_desk(request).drills.newest()]})


async def read(request: web.Request) -> web.Response:
    """Answer how a test is, and what of it failed."""
    drill = find_desk(request).drills.get(request.match_info["id"])
    if drill is None:
        raise web.HTTPNotFound(text="there is no such test; the last ones are kept until the next start")
    return json_answer(_answer(drill))


def _under_way(drill: Drill | None) -> str:
    if drill is None:
        return "another test is sent just now; wait until it is over"
    names = ", ".join(one.labels["severity"] for one in drill.results)
    return f"{drill.actor} tests {names}, until {iso(drill.until)} at the latest; wait until it is over"


def _rule(request: web.Request, body: DrillBody) -> tuple[dict[str, str], tuple[Severity, ...]]:
    """Return the fixed labels and the severities of the alert that is to be tested."""
    if not body.rule:
        return {}, tuple(Severity)
    own = request.app[SERVICES].configuration().alerts
    severities = {one.name: one.levels for one in registry.alerts() if one.levels}
    fixed: dict[str, Mapping[str, str]] = {one.name: one.fixed_labels for one in registry.alerts()}
    severities |= {one.name: (one.severity,) for one in own}
    if body.rule not in severities:
        close = get_close_matches(body.rule, severities, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise web.HTTPNotFound(text=f"there is no alert {body.rule!r} with a severity{hint}")
    return {**fixed.get(body.rule, {}), "alertname": body.rule}, severities[body.rule]


async def _with_channel(
    request: web.Request, channel: str, severities: tuple[Severity, ...]
) -> tuple[Severity, ...]:
    """Return the one severity that leads to `channel` and to the fewest others besides."""
    kind = SPELLINGS.get(channel, channel)
    known = await ask_alertmanager(find_desk(request).channels())
    kinds = {one: (*_channels_of(known, one), *_bridged(request, one)) for one in severities}
    able = [one for one in severities if kind in kinds[one] or channel in kinds[one]]
    if not able:
        there = ", ".join(sorted({found for some in kinds.values() for found in some})) or "none"
        raise web.HTTPBadRequest(text=f"no severity leads to the channel {channel!r}; there are: {there}")
    # Low waits for business hours: it is the last choice.
    return (min(able, key=lambda one: (one is Severity.LOW, len(kinds[one]))),)


def _channels_of(known: Mapping[str, tuple[str, ...]], severity: Severity) -> tuple[str, ...]:
    return known.get(severity.value, known.get(f"{PREFIX}{severity}", ()))


def _bridged(request: web.Request, severity: Severity) -> tuple[str, ...]:
    """Return the channel to which the exporter is the bridge, to Alertmanager one webhook of many."""
    sms = request.app[SERVICES].configuration().notifications.sms
    return ("sms",) if severity is Severity.CRITICAL and sms is not None and sms.twilio is not None else ()


def _wait(text: str) -> float | None:
    if not text:
        return None
    try:
        found = durations.seconds(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= LONGEST_WAIT:
        raise web.HTTPBadRequest(text=f"wait must be a duration up to {durations.text_of(LONGEST_WAIT)}")
    return found


def _answer(drill: Drill) -> dict[str, Any]:
    return {
        "id": drill.id,
        "state": "running" if drill.running else "done",
        "actor": drill.actor,
        "started": iso(drill.started),
        "until": iso(drill.until),
        "total": drill.expected.total(),
        "done": sum(min(count, (drill.sent or {}).get(kind, 0)) for kind, count in drill.expected.items()),
        "alerts": [_row(one) for one in drill.results],
        "sent": drill.sent,
        "failed": drill.failed,
        "problems": list(problems(drill)),
    }


def _row(result: DrillResult) -> dict[str, Any]:
    return {
        "alert": result.labels["alertname"],
        "severity": result.labels["severity"],
        "service": result.labels.get("integration", ""),
        "tenant": result.labels.get("tenant", ""),
        "receivers": list(result.receivers),
        "channels": list(result.channels),
        "hidden_by": list(result.hidden_by),
    }


def problems(drill: Drill) -> Iterator[str]:
    """Yield what is wrong with the way of alerts, a sentence each; what is not sent yet is none."""
    if drill.error:
        yield f"Alertmanager could not be asked: {drill.error}"
    for one in drill.results:
        severity = one.labels["severity"]
        people = [name for name in one.receivers if not name.endswith(HISTORY_RECEIVER)]
        if not one.receivers:
            yield f"{severity}: Alertmanager does not list it"
        elif one.hidden_by:
            yield f"{severity}: a silence or an inhibition hides it ({', '.join(one.hidden_by)})"
        elif not one.channels or not people:
            yield f"{severity}: {', '.join(one.receivers)} has no channel, so nobody is notified"
    for kind, count in (drill.failed or {}).items():
        yield f"{kind}: {count} requests failed; Alertmanager's log says why"
    if not drill.running and drill.sent is not None:
        for kind, count in sorted(drill.expected.items()):
            if (missing := count - drill.sent.get(kind, 0)) > 0:
                late = f"{missing} of {count} messages were not sent in time"
                yield f"{kind}: {late}; quiet hours may hold them"

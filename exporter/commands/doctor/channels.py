"""Channels of notifications: do they answer? Nothing is sent, and nobody signs in.

What is reached is Slack, PagerDuty (events.pagerduty.com), Amazon SNS (sns.<region>.amazonaws.com, by the AWS
General Reference), webhooks and mail servers. Alertmanager sends: from another machine its way may differ.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from exporter import registry
from exporter.commands.doctor.finding import Area, Finding
from exporter.commands.doctor.service import origin, shown
from exporter.core.clock import SystemClock
from exporter.core.errors import ProbeError, Shortage
from exporter.core.network import Network, Trace
from exporter.core.notifications import Email, Notifications
from exporter.core.options import TlsOptions
from exporter.core.probe import Result, Target
from exporter.engine.run import run
from exporter.generate.receivers import Channels, shared_channels, team_channels

TIMEOUT = 10.0
"""Seconds for one channel."""

PAGERDUTY = "https://events.pagerduty.com"
"""Where events go without `notifications.pagerduty.url`."""

IMPLICIT_TLS = 465
"""The port on which Alertmanager begins with TLS (config notes of `smarthost`); elsewhere by STARTTLS."""

AREA = Area("channels")
_LACKING = "give this command what it lacks, and run it again"
_REMEDY = "see the address in notifications, and the way there from Alertmanager's machine"


@dataclass(frozen=True)
class ChannelEndpoint:
    """Where a channel is reached and judged; `mail` is how mail is sent there, None for the web."""

    host: str
    port: int
    tls: bool
    judged: TlsOptions
    mail: Email | None = None

    def __str__(self) -> str:
        """Return host and port alone: the path of a webhook may be all its credential."""
        return shown((self.host, self.port))


async def findings(notifications: Notifications, network: Network) -> list[Finding]:
    """Connect to every channel of `notifications` once, whoever shares it."""
    places: dict[ChannelEndpoint, list[str]] = {}
    for name, place in _places(notifications):
        places.setdefault(place, []).append(name)
    found = [
        AREA.note(f"team {team.name} has a receiver of its own, which is not looked at")
        for team in notifications.teams
        if team.receiver
    ]
    if not places and not found:
        remedy = "name channels in notifications: nobody is told of an alert"
        return [AREA.note("no channel is configured", remedy)]
    return found + list(
        await asyncio.gather(*(_reach(network, ", ".join(names), place) for place, names in places.items()))
    )


def _places(notifications: Notifications) -> Iterator[tuple[str, ChannelEndpoint]]:
    shared = shared_channels(notifications)
    yield from _of(shared, "")
    if notifications.heartbeat:
        yield from _web("heartbeat", notifications.heartbeat.url, notifications.heartbeat.tls)
    for team in notifications.teams:
        yield from _of(team_channels(team, shared), f" of team {team.name}")


def _of(channels: Channels, whose: str) -> Iterator[tuple[str, ChannelEndpoint]]:
    if channels.slack and channels.slack.api_url:
        yield from _web(f"slack{whose}", channels.slack.api_url.reveal(), channels.slack.tls)
    if channels.pagerduty:
        yield from _web(f"pagerduty{whose}", channels.pagerduty.url or PAGERDUTY, channels.pagerduty.tls)
    if channels.sms:
        sms = channels.sms
        yield from _web(f"sms{whose}", f"https://sns.{sms.sns_region}.amazonaws.com", sms.tls)
    if channels.webhook:
        yield from _web(f"webhook{whose}", channels.webhook.url, channels.webhook.tls)
    if channels.email:
        host, _, port = channels.email.smarthost.rpartition(":")
        # Who is written to makes no other server of it.
        way = Email(to=(), require_tls=channels.email.require_tls)
        yield (
            f"email{whose}",
            ChannelEndpoint(host.strip("[]"), int(port), int(port) == IMPLICIT_TLS, channels.email.tls, way),
        )


def _web(name: str, url: str, tls: TlsOptions) -> Iterator[tuple[str, ChannelEndpoint]]:
    place = origin(url)
    if place is not None:
        yield name, ChannelEndpoint(*place, url.lower().startswith("https"), tls)


async def _reach(network: Network, name: str, place: ChannelEndpoint) -> Finding:
    try:
        return await (_greet if place.mail is not None else _connect)(network, name, place)
    except Shortage as shortage:
        return AREA.problem(f"{name}: {place} was not asked: {shortage.why}", _LACKING)


async def _connect(network: Network, name: str, place: ChannelEndpoint) -> Finding:
    try:
        async with asyncio.timeout(TIMEOUT):
            tls = place.judged if place.tls else None
            peer = await network.connect(place.host, place.port, Trace(), tls=tls)
    except TimeoutError:
        return AREA.problem(f"{name}: {place} does not answer within {TIMEOUT:g} s", _REMEDY)
    except ProbeError as error:
        return AREA.problem(f"{name}: {place} cannot be reached: {error.detail}", _REMEDY)
    return AREA.ok(f"{name}: {place} answers{f' by {peer.tls_version}' if peer.tls_version else ''}")


async def _greet(network: Network, name: str, place: ChannelEndpoint) -> Finding:
    """Say hello to a mail server, by TLS where Alertmanager would, and goodbye."""
    assert place.mail is not None  # noqa: S101 - the caller looked
    probe = registry.probes()["smtp"]
    security = "tls" if place.tls else "starttls" if place.mail.require_tls else "none"
    said = {"host": place.host, "port": place.port, "security": security, "tls": place.judged}
    options: Any = probe.options(**said)
    target = Target("notifications", "", probe, options, 60.0, TIMEOUT)
    result: Result = await run(target, network, SystemClock(), {})
    if result.ok:
        how = "without TLS" if security == "none" else f"by {security}"
        return AREA.ok(f"{name}: {place} takes mail {how}; signing in was not tried")
    return AREA.problem(f"{name}: {place}: {result.reason}: {result.detail}", _REMEDY)

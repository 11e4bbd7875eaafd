"""Channels of notifications: do they answer? Nothing is sent, and no credential is used.

Checked are Slack, PagerDuty (events.pagerduty.com), Twilio (api.twilio.com), Amazon SNS
(sns.<region>.amazonaws.com, by the AWS General Reference), webhooks and mail servers. Alertmanager may send
from a machine with another network.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from exporter import registry
from exporter.commands.doctor.finding import Area, Finding
from exporter.commands.doctor.service import TIMEOUT, format_address, origin
from exporter.core.clock import SystemClock
from exporter.core.errors import ProbeError, Shortage
from exporter.core.network import Network, Trace
from exporter.core.notifications import Email, Notifications
from exporter.core.options import TlsOptions
from exporter.core.probe import Result, Target
from exporter.core.sms import Sms
from exporter.engine.run import run
from exporter.generate.receivers import Channels, shared_channels, team_channels

PAGERDUTY = "https://events.pagerduty.com"
"""Where events go without `notifications.pagerduty.url`."""

IMPLICIT_TLS = 465
"""The port on which Alertmanager begins with TLS (config notes of `smarthost`); elsewhere by STARTTLS."""

AREA = Area("channels")
_LACKING = "give this process what it lacks, and run the command again"
_REMEDY = "check the address in notifications, and the network from Alertmanager's machine"


@dataclass(frozen=True)
class ChannelEndpoint:
    """The address of a channel; `tls_options` judge its certificate, `mail` is None for a web address."""

    host: str
    port: int
    tls: bool
    tls_options: TlsOptions
    mail: Email | None = None

    def __str__(self) -> str:
        """Return host and port alone: the path of a webhook may be its credential."""
        return format_address((self.host, self.port))


async def findings(notifications: Notifications, network: Network) -> list[Finding]:
    """Connect to every channel of `notifications` once, also where several teams share it."""
    endpoints: dict[ChannelEndpoint, list[str]] = {}
    for name, endpoint in _endpoints(notifications):
        endpoints.setdefault(endpoint, []).append(name)
    found = [
        AREA.note(f"team {team.name} has a receiver of its own, which is not checked")
        for team in notifications.teams
        if team.receiver
    ]
    if not endpoints and not found:
        remedy = "name channels in notifications: nobody is notified of an alert"
        return [AREA.note("no channel is configured", remedy)]
    return found + list(
        await asyncio.gather(
            *(_check(network, ", ".join(names), endpoint) for endpoint, names in endpoints.items())
        )
    )


def _endpoints(notifications: Notifications) -> Iterator[tuple[str, ChannelEndpoint]]:
    shared = shared_channels(notifications)
    yield from _channel_endpoints(shared, "")
    if notifications.heartbeat:
        yield from _web_endpoint("heartbeat", notifications.heartbeat.url, notifications.heartbeat.tls)
    for team in notifications.teams:
        yield from _channel_endpoints(team_channels(team, shared), f" of team {team.name}")


def _channel_endpoints(channels: Channels, whose: str) -> Iterator[tuple[str, ChannelEndpoint]]:
    if channels.slack and channels.slack.api_url:
        yield from _web_endpoint(f"slack{whose}", channels.slack.api_url.reveal(), channels.slack.tls)
    if channels.pagerduty:
        yield from _web_endpoint(
            f"pagerduty{whose}", channels.pagerduty.url or PAGERDUTY, channels.pagerduty.tls
        )
    if channels.sms:
        for name, url in _text_vendors(channels.sms):
            yield from _web_endpoint(f"{name}{whose}", url, channels.sms.tls)
    if channels.webhook:
        yield from _web_endpoint(f"webhook{whose}", channels.webhook.url, channels.webhook.tls)
    if channels.email:
        host, _, port = channels.email.smarthost.rpartition(":")
        # Recipients are left out, so that teams with one server share an endpoint.
        way = Email(to=(), require_tls=channels.email.require_tls)
        yield (
            f"email{whose}",
            ChannelEndpoint(host.strip("[]"), int(port), int(port) == IMPLICIT_TLS, channels.email.tls, way),
        )


def _text_vendors(sms: Sms) -> Iterator[tuple[str, str]]:
    if sms.twilio:
        yield "sms by twilio", sms.twilio.base_url
        if sms.twilio.fallback:
            yield "sms by the second account", sms.twilio.fallback.base_url
    if sms.sns:
        yield "sms by sns", sms.sns.url


def _web_endpoint(name: str, url: str, tls: TlsOptions) -> Iterator[tuple[str, ChannelEndpoint]]:
    address = origin(url)
    if address is not None:
        yield name, ChannelEndpoint(*address, url.lower().startswith("https"), tls)


async def _check(network: Network, name: str, endpoint: ChannelEndpoint) -> Finding:
    try:
        return await (_connect_smtp if endpoint.mail is not None else _connect)(network, name, endpoint)
    except Shortage as shortage:
        return AREA.problem(f"{name}: {endpoint} was not checked: {shortage.why}", _LACKING)


async def _connect(network: Network, name: str, endpoint: ChannelEndpoint) -> Finding:
    try:
        async with asyncio.timeout(TIMEOUT):
            tls = endpoint.tls_options if endpoint.tls else None
            peer = await network.connect(endpoint.host, endpoint.port, Trace(), tls=tls)
    except TimeoutError:
        return AREA.problem(f"{name}: {endpoint} does not answer within {TIMEOUT:g} s", _REMEDY)
    except ProbeError as error:
        return AREA.problem(f"{name}: {endpoint} cannot be reached: {error.detail}", _REMEDY)
    return AREA.ok(f"{name}: {endpoint} answers{f' by {peer.tls_version}' if peer.tls_version else ''}")


async def _connect_smtp(network: Network, name: str, endpoint: ChannelEndpoint) -> Finding:
    """Greet a mail server, by TLS where Alertmanager would, and quit."""
    assert endpoint.mail is not None  # noqa: S101 - the caller has checked
    # The provider does it all: greeting, TLS and QUIT. Without a user it does not sign in.
    probe = registry.probes()["smtp"]
    security = "tls" if endpoint.tls else "starttls" if endpoint.mail.require_tls else "none"
    values = {"host": endpoint.host, "port": endpoint.port, "security": security, "tls": endpoint.tls_options}
    options: Any = probe.options(**values)
    target = Target("notifications", "", probe, options, 60.0, TIMEOUT)
    result: Result = await run(target, network, SystemClock(), {})
    if result.ok:
        how = "without TLS" if security == "none" else f"by {security}"
        return AREA.ok(f"{name}: {endpoint} takes mail {how}; signing in was not tried")
    return AREA.problem(f"{name}: {endpoint}: {result.reason}: {result.detail}", _REMEDY)

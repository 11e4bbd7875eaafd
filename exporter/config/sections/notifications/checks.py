"""Checks of `notifications:` that types alone do not make."""

import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from exporter.config import durations
from exporter.config.document.context import Path
from exporter.config.document.validate import suggestion
from exporter.config.document.values import is_given, is_missing
from exporter.config.sections.notifications.addresses import NotificationIssue, own_certificate, web_address
from exporter.config.sections.notifications.native import native_issues
from exporter.config.sections.notifications.sms import sms_issues
from exporter.core.notifications import (
    NEVER,
    AlertHistory,
    AlertmanagerApi,
    BusinessHours,
    Email,
    EscalationTimes,
    Notifications,
    PagerDuty,
    QuietHours,
    SharedReceiver,
    Slack,
    Team,
    Webhook,
)
from exporter.core.quoting import is_plain_key
from exporter.core.receiver_kinds import Version
from exporter.core.sms import Sms

_DAY = "(monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_DAYS = re.compile(rf"{_DAY}(:{_DAY})?(\s*,\s*{_DAY}(:{_DAY})?)*")
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\s/]+):([0-9]{1,5})")

SHORTEST_WAIT = 60.0
"""Seconds that somebody has at least to acknowledge an alert: Alertmanager itself waits for one of them."""

Channel = Slack | Email | PagerDuty | Sms | Webhook


@dataclass(frozen=True)
class _Check:
    """Finds what is wrong with notifications, given the names of the integrations.

    `written` are the channels in the document: one that has a mistake is there all the same.
    """

    integrations: frozenset[str]
    written: frozenset[str]
    version: Version

    def all(self, notifications: Notifications) -> Iterator[NotificationIssue]:
        for name in ("slack", "email", "pagerduty", "sms", "webhook", "heartbeat"):
            channel = getattr(notifications, name)
            if channel is not None:
                yield from self.channel(channel, (name,))
        if notifications.history is not None:
            yield from self.history(notifications.history, ("history",))
        yield from _alertmanager(notifications.alertmanager, ("alertmanager",))
        yield from _escalation(notifications.escalation, ("escalation",))
        yield from self.hours(notifications.business_hours, ("business_hours",))
        for name in ("grafana_url", "runbook_url"):
            if getattr(notifications, name):
                yield from web_address(getattr(notifications, name), (name,))
        yield from self.receivers(notifications.receivers)
        seen: set[str] = set()
        for index, team in enumerate(notifications.teams):
            if team.name in seen:
                yield ("teams", index, "name"), f"{_named(team)} is given twice", "choose another name"
            seen.add(team.name)
            yield from self.team(team, ("teams", index))

    def team(self, team: Team, path: Path) -> Iterator[NotificationIssue]:
        for index, name in enumerate(team.integrations):
            if name not in self.integrations:
                yield (
                    (*path, "integrations", index),
                    "a team names an integration that is not in this file",
                    suggestion(name, self.integrations),
                )
        channels = 0
        for name in ("slack", "email", "pagerduty", "webhook"):
            channel = getattr(team, name)
            if channel is not None:
                channels += 1
                # what a team leaves out is that of the shared channel
                if not (name in self.written and _lacks(channel)):
                    yield from self.channel(channel, (*path, name))
        if not channels and not team.receiver:
            yield (
                path,
                f"{_named(team)} has no channel to be notified by",
                "add slack, email, pagerduty, webhook or receiver",
            )
        yield from self.native(team.receiver or {}, (*path, "receiver"))
        if team.quiet_hours:
            yield from self.hours(team.quiet_hours, (*path, "quiet_hours"))

    def receivers(self, receivers: tuple[SharedReceiver, ...]) -> Iterator[NotificationIssue]:
        seen: set[str] = set()
        for index, one in enumerate(receivers):
            if one.name in seen:
                yield ("receivers", index, "name"), "a name is given twice", "choose another name"
            seen.add(one.name)
            yield from self.native(one.receiver, ("receivers", index, "receiver"))

    def native(self, receiver: dict[str, Any], path: Path) -> Iterator[NotificationIssue]:
        for place, what, remedy in native_issues(receiver, self.version):
            yield (*path, *place), what, remedy

    def channel(self, channel: Channel, path: Path) -> Iterator[NotificationIssue]:
        yield from own_certificate(channel.tls, (*path, "tls"))
        if isinstance(channel, Slack) and channel.api_url is None:
            yield path, "slack has no api_url", "add api_url: or api_url_file:"
        elif isinstance(channel, Slack) and channel.api_url:
            yield from web_address(channel.api_url.reveal(), (*path, "api_url"))
        if isinstance(channel, PagerDuty):
            if channel.routing_key is None:
                yield path, "pagerduty has no routing_key", "add routing_key: or routing_key_file:"
            if channel.url:
                yield from web_address(channel.url, (*path, "url"))
        if isinstance(channel, Webhook):
            yield from web_address(channel.url, (*path, "url"))
        if isinstance(channel, Email):
            yield from self.email(channel, path)
        if isinstance(channel, Sms):
            yield from sms_issues(channel, path)

    def history(self, history: AlertHistory, path: Path) -> Iterator[NotificationIssue]:
        yield from own_certificate(history.tls, (*path, "tls"))
        if history.url:
            yield from web_address(history.url, (*path, "url"))
        if history.bearer_token is None and not history.tls.cert_file:
            yield (
                path,
                "history has no bearer_token",
                "add bearer_token_file: with a token of the role notify",
            )

    def email(self, email: Email, path: Path) -> Iterator[NotificationIssue]:
        for index, address in enumerate(email.to):
            if not _ADDRESS.fullmatch(address):
                yield (*path, "to", index), "a recipient is no mail address", "write it as name@example.com"
        if not _ADDRESS.fullmatch(email.sender):
            yield (*path, "sender"), "the sender is no mail address", "write it as name@example.com"
        found = _HOST_PORT.fullmatch(email.smarthost)
        if not found or not 1 <= int(found[2]) <= 65_535:
            yield (*path, "smarthost"), "the smarthost is not host:port", "write it as mail.example.com:587"
        if is_given(email.username) != is_given(email.password):
            yield path, "username and password belong together", "give both or neither"

    def hours(self, hours: BusinessHours | QuietHours, path: Path) -> Iterator[NotificationIssue]:
        if not is_zone(hours.time_zone):
            yield (*path, "time_zone"), "the time zone is not known", "write one such as Europe/Berlin or UTC"
        if isinstance(hours, BusinessHours):
            if not is_days(hours.days):
                yield (*path, "days"), "the days are not days of the week", "write them as monday:friday"
            if hours.start >= hours.end:
                yield (*path, "end"), "the end is not after the start", "write a later end"
        elif hours.start == hours.end:
            # Quiet hours may pass midnight, so their end may be before their start.
            yield (*path, "end"), "the end is the start", "write another end"


def findings(
    notifications: Notifications, integrations: frozenset[str], written: frozenset[str], version: Version
) -> list[NotificationIssue]:
    """Return what is wrong with `notifications`: path below it, what, remedy.

    `written` are the keys of the document, `version` is that of Alertmanager.
    """
    return list(_Check(integrations, written, version).all(notifications))


def _named(team: Team) -> str:
    return f"the team {team.name}" if is_plain_key(team.name) else "a team"


def _lacks(channel: Channel) -> bool:
    if isinstance(channel, Slack):
        return channel.api_url is None
    return isinstance(channel, PagerDuty) and channel.routing_key is None


def _alertmanager(api: AlertmanagerApi, path: Path) -> Iterator[NotificationIssue]:
    yield from own_certificate(api.tls, (*path, "tls"))
    for url in api.urls:
        yield from web_address(url, (*path, "url"))
    basic = api.auth.basic
    if basic and api.auth.bearer_token:
        yield (*path, "auth"), "both basic and bearer_token are set", "keep one of them"
    if basic and ":" in basic.username:
        yield (*path, "auth", "basic", "username"), "the user name holds a colon", "write one without"
    if basic and basic.password is None:
        yield (*path, "auth", "basic"), "basic has no password", "add password_file:"


def _escalation(times: EscalationTimes, path: Path) -> Iterator[NotificationIssue]:
    for name in ("high", "medium"):
        text = getattr(times, name)
        try:
            wrong = not is_missing(text) and text != NEVER and durations.seconds(text) < SHORTEST_WAIT
        except ValueError:  # a line break behind it, which the pattern lets through
            wrong = True
        if wrong:
            yield (*path, name), f"{name} is too short to acknowledge anything", "write 1m or more, or never"


def is_days(text: str) -> bool:
    """Return whether `text` is days of the week as Alertmanager writes them."""
    return _DAYS.fullmatch(text) is not None


def is_zone(name: str) -> bool:
    """Return whether there is a time zone of that name, as far as this machine knows."""
    if name == "UTC":
        return True
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        # a machine without the time-zone database can judge no name
        return not zoneinfo.available_timezones()
    return True

"""Who is notified: the `notifications:` part of the configuration."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from exporter.core.notice_address import NoticeAddress
from exporter.core.options import TlsOptions
from exporter.core.secret import Secret
from exporter.core.severity import Severity
from exporter.core.sms import Sms

CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"
# 24:00 is the end of a day; as a start Alertmanager refuses it.
CLOCK_OR_MIDNIGHT = r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$"
DAY = "(sunday|monday|tuesday|wednesday|thursday|friday|saturday)"
Tls = Annotated[
    TlsOptions,
    Meta(
        description="How its certificate is judged; files are named to Alertmanager by their absolute paths."
    ),
]
NATIVE = (
    "A native Alertmanager receiver, such as {telegram_configs: [...]}, of a kind and with keys that"
    " `generate.alertmanager.version` knows. Credentials in it are moved into files."
)
NEVER = "never"
# Those of durations, which are read above this floor; it may be a word besides.
WAIT = rf"^({NEVER}|([0-9]{{1,9}}(s|m|h|d|w))+)$"
ZONE = "Time zone by its IANA name, such as Europe/Berlin."


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Slack(_Part, frozen=True):
    """A Slack incoming webhook; `channel` overrides the webhook's own."""

    api_url: Annotated[Secret | None, Meta(description="Incoming webhook URL.")] = None
    channel: Annotated[str, Meta(description="Channel, such as #alerts.")] = ""
    tls: Tls = TlsOptions()


class Email(_Part, frozen=True):
    """E-mail by SMTP."""

    to: Annotated[tuple[str, ...], Meta(description="Recipients.", min_length=1)]
    sender: Annotated[str, Meta(description="Address the mail comes from.")] = (
        "integration-exporter@localhost"
    )
    smarthost: Annotated[str, Meta(description="host:port of the SMTP server.")] = "localhost:25"
    username: Annotated[str, Meta(description="User of the SMTP server; empty to send without one.")] = ""
    password: Annotated[Secret | None, Meta(description="Password of the SMTP server.")] = None
    require_tls: Annotated[bool, Meta(description="Refuse to send without STARTTLS.")] = True
    tls: Tls = TlsOptions()


class PagerDuty(_Part, frozen=True):
    """PagerDuty Events API v2."""

    routing_key: Annotated[
        Secret | None, Meta(description="Integration key of an Events API v2 service.")
    ] = None
    url: Annotated[
        str,
        Meta(
            description="Address of the Events API v2; empty: https://events.pagerduty.com/v2/enqueue."
            " Accounts of the EU have https://events.eu.pagerduty.com/v2/enqueue."
        ),
    ] = ""
    tls: Tls = TlsOptions()


class Webhook(_Part, frozen=True):
    """A generic webhook in Alertmanager's format."""

    url: Annotated[str, Meta(description="Where to post; it is no secret, put one into `bearer_token`.")]
    bearer_token: Annotated[Secret | None, Meta(description="Sent as `Authorization: Bearer`.")] = None
    tls: Tls = TlsOptions()


class AlertHistory(NoticeAddress, frozen=True):
    """How Alertmanager brings every notice to the exporter, which keeps them (docs/notices.md)."""


class AlertmanagerLogin(_Part, frozen=True):
    """User name and password (RFC 7617)."""

    username: Annotated[str, Meta(description="User name; it may hold no colon.")]
    password: Annotated[Secret | None, Meta(description="Password.")] = None


class AlertmanagerAuth(_Part, frozen=True):
    """Who the exporter is to Alertmanager: one of the two."""

    basic: Annotated[AlertmanagerLogin | None, Meta(description="User name and password.")] = None
    bearer_token: Annotated[Secret | None, Meta(description="Sent as `Authorization: Bearer`.")] = None


class AlertmanagerApi(_Part, frozen=True):
    """How the exporter asks Alertmanager itself: to list, acknowledge, silence and fire alerts."""

    url: Annotated[
        str | tuple[str, ...],
        Meta(
            description="Base URL of Alertmanager, or a list with that of each member of a cluster; empty:"
            " `generate.alertmanager` with its addresses, scheme and path."
        ),
    ] = ""
    auth: Annotated[AlertmanagerAuth, Meta(description="Credentials, where it wants any.")] = (
        AlertmanagerAuth()
    )
    tls: Annotated[TlsOptions, Meta(description="How its certificate is judged.")] = TlsOptions()

    @property
    def urls(self) -> tuple[str, ...]:
        """The base URLs that are given, without a slash at the end."""
        given = (self.url,) if isinstance(self.url, str) else self.url
        return tuple(one.rstrip("/") for one in given if one)


class EscalationTimes(_Part, frozen=True):
    """After how long an alert that nobody acknowledges is sent again, one severity up."""

    high: Annotated[
        str,
        Meta(pattern=WAIT, description="How long one of severity high waits, at least 1m; or never."),
    ] = "1h"
    medium: Annotated[
        str,
        Meta(pattern=WAIT, description="How long one of severity medium waits, at least 1m; or never."),
    ] = "4h"


class QuietHours(_Part, frozen=True):
    """A span of each day in which a team gets nothing below critical."""

    start: Annotated[str, Meta(pattern=CLOCK, description="hh:mm.")]
    end: Annotated[str, Meta(pattern=CLOCK, description="hh:mm; before `start` it is on the next day.")]
    time_zone: Annotated[str, Meta(description=ZONE)] = "UTC"


class Team(_Part, frozen=True):
    """Recipients of their own for some tenants, integrations or alerts; empty lists match everything.

    A team is notified in addition to the channels above. All its channels get every alert from
    `minimum_severity` up. What a channel leaves out (Slack's URL, PagerDuty's key, the mail server) is the
    one above. Alerts of a whole integration carry no tenant: name the integration to be notified of its
    outage.
    """

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Name of the team; unique.")]
    tenants: Annotated[tuple[str, ...], Meta(description="Tenants it cares for.")] = ()
    integrations: Annotated[tuple[str, ...], Meta(description="Integrations it cares for.")] = ()
    alerts: Annotated[tuple[str, ...], Meta(description="Names of alerts it cares for.")] = ()
    minimum_severity: Annotated[Severity, Meta(description="Lowest severity it gets.")] = Severity.LOW
    quiet_hours: Annotated[QuietHours | None, Meta(description="When it gets critical alerts only.")] = None
    slack: Annotated[Slack | None, Meta(description="Its Slack channel.")] = None
    email: Annotated[Email | None, Meta(description="Its e-mail recipients.")] = None
    pagerduty: Annotated[PagerDuty | None, Meta(description="Its PagerDuty service.")] = None
    webhook: Annotated[Webhook | None, Meta(description="Its webhook.")] = None
    receiver: Annotated[dict[str, Any] | None, Meta(description=NATIVE)] = None


class SharedReceiver(_Part, frozen=True):
    """A native Alertmanager receiver beside the channels above, for all alerts of some severities."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Name of the receiver; unique.")]
    receiver: Annotated[dict[str, Any], Meta(description=NATIVE)]
    severities: Annotated[
        tuple[Severity, ...], Meta(description="Which alerts it gets; empty: all, low in business hours.")
    ] = ()


class BusinessHours(_Part, frozen=True):
    """When alerts of severity low are sent."""

    time_zone: Annotated[str, Meta(description=ZONE)] = "UTC"
    days: Annotated[
        str,
        Meta(
            pattern=f"^{DAY}(:{DAY})?( *, *{DAY}(:{DAY})?)*$",
            description="Days, such as monday:friday or saturday:monday, sunday:thursday.",
        ),
    ] = "monday:friday"
    start: Annotated[str, Meta(pattern=CLOCK, description="hh:mm.")] = "09:00"
    end: Annotated[str, Meta(pattern=CLOCK_OR_MIDNIGHT, description="hh:mm, up to 24:00.")] = "17:00"


class Notifications(_Part, frozen=True):
    """Channels; a severity reaches those of its channels that are configured here."""

    slack: Annotated[Slack | None, Meta(description="Gets critical, high and medium.")] = None
    email: Annotated[Email | None, Meta(description="Gets critical, high and, in business hours, low.")] = (
        None
    )
    pagerduty: Annotated[PagerDuty | None, Meta(description="Gets critical.")] = None
    sms: Annotated[Sms | None, Meta(description="Gets critical.")] = None
    webhook: Annotated[Webhook | None, Meta(description="Gets everything.")] = None
    heartbeat: Annotated[
        Webhook | None, Meta(description="Outside service that misses the Watchdog when all is dead.")
    ] = None
    history: Annotated[
        AlertHistory | None,
        Meta(description="Brings every notice into the exporter's history, whatever channel it goes to."),
    ] = None
    alertmanager: Annotated[
        AlertmanagerApi, Meta(description="How the exporter asks Alertmanager and changes what it has.")
    ] = AlertmanagerApi()
    escalation: Annotated[
        EscalationTimes, Meta(description="When what nobody acknowledges goes one severity up.")
    ] = EscalationTimes()
    business_hours: Annotated[BusinessHours, Meta(description="When alerts of severity low are sent.")] = (
        BusinessHours()
    )
    receivers: Annotated[
        tuple[SharedReceiver, ...], Meta(description="Native Alertmanager receivers, by severity.")
    ] = ()
    teams: Annotated[tuple[Team, ...], Meta(description="Recipients in addition.")] = ()
    grafana_url: Annotated[
        str,
        Meta(description="Base URL of Grafana, for links in messages; empty: messages link to no dashboard."),
    ] = ""
    runbook_url: Annotated[
        str,
        Meta(
            description="Base URL of the runbook pages, <name>.md each; empty: those that the exporter serves"
            " (`generate.exporter.url`)."
        ),
    ] = ""

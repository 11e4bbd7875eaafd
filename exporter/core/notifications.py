"""Who is told: the `notifications:` part of the configuration."""

from typing import Annotated, Any

import msgspec

from exporter.core.secret import Secret
from exporter.core.severity import Severity

Meta = msgspec.Meta


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Slack(_Part, frozen=True):
    """A Slack incoming webhook; `channel` overrides the webhook's own."""

    api_url: Annotated[Secret | None, Meta(description="Incoming webhook URL.")] = None
    channel: Annotated[str, Meta(description="Channel, such as #alerts.")] = ""


class Email(_Part, frozen=True):
    """E-mail by SMTP."""

    to: Annotated[tuple[str, ...], Meta(description="Recipients.", min_length=1)]
    sender: Annotated[str, Meta(description="Address the mail comes from.")] = (
        "integration-exporter@localhost"
    )
    smarthost: Annotated[str, Meta(description="host:port of the SMTP server.")] = "localhost:25"
    username: str = ""
    password: Secret | None = None
    require_tls: bool = True


class PagerDuty(_Part, frozen=True):
    """PagerDuty Events API v2."""

    routing_key: Secret | None = None


class Sms(_Part, frozen=True):
    """Text messages, by Amazon SNS, which Alertmanager speaks itself."""

    to: Annotated[tuple[str, ...], Meta(description="Phone numbers in E.164 form.", min_length=1)]
    sns_region: Annotated[str, Meta(description="AWS region of SNS.")]
    access_key: Annotated[str, Meta(description="AWS access key id; empty for the machine's own role.")] = ""
    secret_key: Secret | None = None


class Webhook(_Part, frozen=True):
    """A generic webhook in Alertmanager's format."""

    url: str
    bearer_token: Secret | None = None


class QuietHours(_Part, frozen=True):
    """A span of each day in which a team is told nothing below critical."""

    start: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    end: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    time_zone: str = "UTC"


class Team(_Part, frozen=True):
    """Recipients of their own for some tenants, integrations or alerts; empty lists match everything."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    tenants: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    minimum_severity: Severity = Severity.LOW
    quiet_hours: QuietHours | None = None
    slack: Slack | None = None
    email: Email | None = None
    pagerduty: PagerDuty | None = None
    webhook: Webhook | None = None
    receiver: Annotated[
        dict[str, Any] | None, Meta(description="A native Alertmanager receiver, without its name.")
    ] = None


class BusinessHours(_Part, frozen=True):
    """When alerts of severity low are told."""

    time_zone: str = "UTC"
    days: Annotated[str, Meta(description="Days as Alertmanager writes them, such as monday:friday.")] = (
        "monday:friday"
    )
    start: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "09:00"
    end: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]|24):[0-5]\d$")] = "17:00"


class Notifications(_Part, frozen=True):
    """Channels; a severity reaches those of its channels that are configured here."""

    slack: Slack | None = None
    email: Email | None = None
    pagerduty: PagerDuty | None = None
    sms: Sms | None = None
    webhook: Webhook | None = None
    heartbeat: Annotated[
        Webhook | None, Meta(description="Outside service that misses the Watchdog when all is dead.")
    ] = None
    business_hours: BusinessHours = BusinessHours()
    teams: tuple[Team, ...] = ()
    grafana_url: Annotated[str, Meta(description="Base URL of Grafana, for links in messages.")] = ""
    runbook_url: Annotated[str, Meta(description="Base URL of the runbook pages.")] = ""

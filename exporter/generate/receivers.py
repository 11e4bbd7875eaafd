"""From channels to Alertmanager receivers; secrets stay out of the text and are referred to by path.

Every key is valid on Alertmanager 0.25 (docs/configuration.md of prometheus/alertmanager at that tag).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from exporter.core.notifications import Email, Notifications, PagerDuty, Slack, Team, Webhook
from exporter.core.options import TlsOptions
from exporter.core.secret import Secret
from exporter.core.sms import Sms
from exporter.generate.secret_files import SecretFiles

Receiver = dict[str, Any]
_LINKS = {
    "runbook": "Runbook",
    "details": "Whole error",
    "dashboard": "Dashboard",
    "silence": "Silence",
}
"""Templates of links by their text."""

AWS_PROFILE = "integration-exporter"
AWS_CREDENTIALS = "aws-credentials"
"""File of AWS credentials: Alertmanager's SNS receiver reads no secret from a file but through AWS's own."""


@dataclass(frozen=True)
class Channels:
    """The channels of one place; those without what they need are None."""

    slack: Slack | None = None
    email: Email | None = None
    pagerduty: PagerDuty | None = None
    sms: Sms | None = None
    webhook: Webhook | None = None


def shared_channels(notifications: Notifications) -> Channels:
    """Return the channels that alerts go to whatever team they concern."""
    slack, pagerduty = notifications.slack, notifications.pagerduty
    return Channels(
        slack=slack if slack and slack.api_url else None,
        email=notifications.email,
        pagerduty=pagerduty if pagerduty and pagerduty.routing_key else None,
        sms=notifications.sms,
        webhook=notifications.webhook,
    )


def team_channels(team: Team, shared: Channels) -> Channels:
    """Return a team's channels; what it leaves out (a URL, a key, the mail server) is the shared one's."""
    pagerduty = team.pagerduty
    if pagerduty and not pagerduty.routing_key:
        pagerduty = shared.pagerduty
    elif pagerduty and shared.pagerduty and not pagerduty.url:
        pagerduty = msgspec.structs.replace(pagerduty, url=shared.pagerduty.url)
    return Channels(
        slack=_by(team.slack, shared.slack),
        email=_through(team.email, shared.email),
        pagerduty=pagerduty,
        webhook=team.webhook,
    )


def _by(slack: Slack | None, shared: Slack | None) -> Slack | None:
    """Return `slack`, by the webhook of `shared` unless it has one itself; None where neither has one."""
    if slack is None or slack.api_url:
        return slack
    tls = slack.tls if slack.tls != TlsOptions() or shared is None else shared.tls
    return msgspec.structs.replace(slack, api_url=shared.api_url, tls=tls) if shared else None


def _through(email: Email | None, shared: Email | None) -> Email | None:
    """Return `email`, sent through the mail server of `shared` unless it names one itself."""
    # The key has a default, so only a value that differs from it is known to be written in the file.
    if email is None or shared is None or email.smarthost != Email(to=email.to).smarthost:
        return email
    return msgspec.structs.replace(shared, to=email.to)


class Receivers:
    """Builds receivers; `owner` in the names of secret files keeps those of teams apart.

    Text messages go by `bridge`, webhooks to the exporter, or else by SNS, which Alertmanager speaks itself.
    """

    def __init__(self, secrets: SecretFiles, bridge: Iterable[Receiver] = ()) -> None:
        """Keep where secrets go, as `secrets`."""
        self.secrets = secrets
        self._bridge = tuple(bridge)

    def build(self, name: str, channels: Channels, kinds: Iterable[str], owner: str = "") -> Receiver:
        """Return the receiver `name` with those of `kinds` that are configured; it may have none."""
        receiver: Receiver = {"name": name}
        for kind in kinds:
            settings = getattr(channels, kind)
            if settings is not None:
                key, configs = self._builders[kind](self, settings, owner)
                if configs:
                    receiver[key] = [*receiver.get(key, ()), *configs]
        return receiver

    def heartbeat(self, webhook: Webhook | None) -> Receiver:
        """Return the Watchdog's receiver: the outside service, or none."""
        if webhook is None:
            return {"name": "nowhere"}
        # Any request counts as a sign of life: the message on resolution would be one more.
        _, configs = self._webhook(webhook, "heartbeat")
        return {"name": "heartbeat", "webhook_configs": [{**configs[0], "send_resolved": False}]}

    def _file(self, name: str, owner: str, secret: Secret) -> str:
        return self.secrets.path("-".join(filter(None, (owner, name))), secret)

    def _http(self, tls: TlsOptions) -> Receiver:
        made = self.secrets.tls(tls)
        return {"http_config": {"tls_config": made}} if made else {}

    def _slack(self, slack: Slack, owner: str) -> tuple[str, list[Receiver]]:
        config: Receiver = {"send_resolved": True}
        if slack.api_url:
            config["api_url_file"] = self._file("slack-url", owner, slack.api_url)
        if slack.channel:
            config["channel"] = slack.channel
        config |= self._http(slack.tls)
        return "slack_configs", [
            {
                **config,
                "color": '{{ template "integration.colour" . }}',
                "title": '{{ template "integration.slack.subject" . }}',
                "title_link": '{{ template "integration.alerts" . }}',
                "fallback": '{{ template "integration.slack.subject" . }}',
                "text": '{{ template "integration.slack" . }}',
            }
        ]

    def _email(self, email: Email, owner: str) -> tuple[str, list[Receiver]]:
        config: Receiver = {
            "send_resolved": True,
            "to": ", ".join(email.to),
            "from": email.sender,
            "smarthost": email.smarthost,
            "require_tls": email.require_tls,
        }
        if email.username:
            config["auth_username"] = email.username
        if email.password:
            config["auth_password_file"] = self._file("smtp-password", owner, email.password)
        if tls := self.secrets.tls(email.tls):
            config["tls_config"] = tls
        return "email_configs", [
            {
                **config,
                "headers": {"Subject": '{{ template "integration.subject" . }}'},
                "html": '{{ template "integration.email.html" . }}',
                "text": '{{ template "integration.email.text" . }}',
            }
        ]

    def _pagerduty(self, pagerduty: PagerDuty, owner: str) -> tuple[str, list[Receiver]]:
        # `Channels` holds no PagerDuty without a key; the empty one is for the type alone.
        key = pagerduty.routing_key or Secret("")
        return "pagerduty_configs", [
            {
                "send_resolved": True,
                "routing_key_file": self._file("pagerduty-key", owner, key),
                **({"url": pagerduty.url} if pagerduty.url else {}),
                **self._http(pagerduty.tls),
                "severity": '{{ template "integration.pagerduty.severity" . }}',
                "description": '{{ template "integration.subject" . }}',
                "class": "{{ .CommonLabels.alertname }}",
                "component": '{{ template "integration.service" . }}',
                "group": '{{ template "integration.tenant" . }}',
                "client": "integration-exporter",
                "client_url": '{{ template "integration.alerts" . }}',
                # Alertmanager adds every alert whole below these two names unless they are set, and an event
                # above 512 KB loses all its details.
                "details": {
                    "firing": '{{ template "integration.pagerduty.firing" . }}',
                    "resolved": '{{ template "integration.pagerduty.resolved" . }}',
                    "respond": '{{ template "integration.response" . }}',
                },
                # A link whose address is empty is left out.
                "links": [
                    {"href": f'{{{{ template "integration.{name}" . }}}}', "text": text}
                    for name, text in _LINKS.items()
                ],
            }
        ]

    def _sms(self, sms: Sms, owner: str) -> tuple[str, list[Receiver]]:
        del owner  # only the shared channels have text messages
        if self._bridge:
            return "webhook_configs", list(self._bridge)
        sns = sms.sns
        if sns is None:
            return "sns_configs", []
        signer: Receiver = {"region": sns.region}
        if sns.access_key and sns.secret_key:
            text = (
                f"[{AWS_PROFILE}]\naws_access_key_id = {sns.access_key}\n"
                f"aws_secret_access_key = {sns.secret_key.reveal()}\n"
            )
            self.secrets.path(AWS_CREDENTIALS, Secret(text))
            signer["profile"] = AWS_PROFILE
        # No message on resolution: it would cost as much and wake the same person.
        message = {"send_resolved": False, "sigv4": signer, "message": '{{ template "integration.sms" . }}'}
        message |= {"api_url": sns.api_url} if sns.api_url else {}
        message |= self._http(sms.tls)
        return "sns_configs", [{**message, "phone_number": number} for number in sms.to]

    def _webhook(self, webhook: Webhook, owner: str) -> tuple[str, list[Receiver]]:
        # The URL is in the text because Alertmanager 0.25 has no `url_file` for webhooks.
        config: Receiver = {"send_resolved": True, "url": webhook.url, **self._http(webhook.tls)}
        if webhook.bearer_token:
            path = self._file("webhook-token", owner, webhook.bearer_token)
            signed = {"authorization": {"type": "Bearer", "credentials_file": path}}
            config["http_config"] = signed | config.get("http_config", {})
        return "webhook_configs", [config]

    _builders: dict[str, Callable[["Receivers", Any, str], tuple[str, list[Receiver]]]] = {  # noqa: RUF012  never changed
        "slack": _slack,
        "email": _email,
        "pagerduty": _pagerduty,
        "sms": _sms,
        "webhook": _webhook,
    }


def literal(values: Iterable[str]) -> str:
    """Return a regular expression that matches exactly `values`, safe between the quotes of a matcher."""
    # A class instead of a backslash, which would have to be doubled inside a matcher's quotes.
    return "|".join(re.sub(r"([^A-Za-z0-9_ -])", r"[\1]", value) for value in values)

"""A configuration from environment variables alone, with one target per provider."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as Folder
from typing import Any

from exporter.config.assemble import assemble
from exporter.config.catalogue import Catalogue
from exporter.config.document.context import Path, SourceLocation
from exporter.config.document.values import Expanded, is_text
from exporter.config.load_context import LoadContext
from exporter.core.configuration import Configuration

RESEND_SMARTHOST = "smtp.resend.com:587"
"""Resend's SMTP server with STARTTLS: user `resend`, password is the API key (resend.com/docs)."""


@dataclass
class EnvironmentSource:
    """A document made of variables: the place of a value is the name of its variable."""

    environ: Mapping[str, str]
    value: dict[str, Any] = field(default_factory=dict)
    names: dict[Path, str] = field(default_factory=dict)

    def place(self, path: Path) -> SourceLocation:
        """Return the variable that gave the value at `path`, or one of those below or above it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.names:
                return (f"environment variable {self.names[path[:length]]}", 0)
        below = sorted(name for known, name in self.names.items() if known[: len(path)] == path)
        return (f"environment variable {below[0]}" if below else "environment", 0)

    def take(self, path: Path, *names: str) -> Expanded | None:
        """Return the value of the first of `names` that is set, and remember it as the place of `path`."""
        for name in names:
            text = self.environ.get(name, "")
            if text:
                self.names[path] = name
                return Expanded.of(text, f"${{{name}}}")
        return None

    def words(self, path: Path, name: str) -> list[Expanded]:
        """Return the comma-separated parts of a variable."""
        text = self.take(path, name)
        parts = [part.strip() for part in text.split(",")] if text else []
        return [Expanded.of(part, f"${{{name}}}") for part in parts if part]


def load(catalogue: Catalogue, environ: Mapping[str, str]) -> Configuration:
    """Return the configuration that the environment describes; ConfigError names variables."""
    # A variable that nothing reads may hold any bytes; one that is read is reported below.
    readable = {name: value for name, value in environ.items() if is_text(value)}
    context = LoadContext(readable, str(Folder.cwd()), catalogue=catalogue)
    source = EnvironmentSource(readable)
    source.value["integrations"] = _integrations(source, catalogue)
    source.value["notifications"] = _notifications(source, context)
    for name in environ.keys() - readable.keys():
        if name in names_read(catalogue):
            context.add_error(
                (f"environment variable {name}", 0), "the value is not UTF-8 text", "set it to UTF-8 text"
            )
    return assemble(context, source, None, None)


def _integrations(source: EnvironmentSource, catalogue: Catalogue) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for name, probe in sorted(catalogue.probes.items()):
        if not probe.environment:
            continue
        path: Path = ("integrations", len(made), "options")
        options = {
            option: value
            for option, names in probe.environment.items()
            if (value := source.take((*path, option), *names)) is not None
        }
        # Also without any option: the provider is shown as not_configured then.
        made.append({"name": name, "provider": name, "options": options})
    return made


def _notifications(source: EnvironmentSource, context: LoadContext) -> dict[str, Any]:
    top: Path = ("notifications",)
    made: dict[str, Any] = {}
    if slack := source.take((*top, "slack"), "SLACK_WEBHOOK_URL"):
        made["slack"] = {"api_url": slack}
    if key := source.take((*top, "pagerduty"), "PAGERDUTY_INTEGRATION_KEY"):
        made["pagerduty"] = {"routing_key": key}
    if url := source.take((*top, "webhook"), "ALERT_WEBHOOK_URL"):
        made["webhook"] = {"url": url}
    if to := source.words((*top, "email", "to"), "ALERT_EMAIL_RECIPIENTS"):
        email = _email(source, (*top, "email"), to)
        if email:
            made["email"] = email
        else:
            context.notes.append(
                "ALERT_EMAIL_RECIPIENTS is not used: neither SMTP_HOST nor RESEND_API_KEY is set."
            )
    if source.environ.get("ALERT_SMS_RECIPIENTS", "").strip():
        context.notes.append(
            "ALERT_SMS_RECIPIENTS is not used: text messages go by Twilio or Amazon SNS, which takes a"
            " configuration file with notifications.sms."
        )
    return made


def _email(source: EnvironmentSource, path: Path, to: list[Expanded]) -> dict[str, Any]:
    """Return how mail is sent: by SMTP_HOST, else by Resend; empty when there is neither."""
    host = source.take((*path, "smarthost"), "SMTP_HOST")
    if host:
        # 587 is the port of message submission (RFC 6409).
        port = source.environ.get("SMTP_PORT", "") or "587"
        smarthost = host if ":" in host else f"{host}:{port}"
        made: dict[str, Any] = {"to": to, "smarthost": Expanded.of(smarthost, "${SMTP_HOST}")}
        user = source.take((*path, "username"), "SMTP_USER")
        if user:
            made["username"] = user
            if "@" in user:
                made["sender"] = user
        if password := source.take((*path, "password"), "SMTP_PASS"):
            made["password"] = password
        return made
    if key := source.take((*path, "password"), "RESEND_API_KEY"):
        # Resend takes mail only from a verified domain; the recipients' own is the likeliest
        sender = f"integration-exporter@{to[0].rpartition('@')[2]}"
        return {
            "to": to,
            "smarthost": RESEND_SMARTHOST,
            "username": "resend",
            "password": key,
            "sender": Expanded.of(sender, "integration-exporter@${ALERT_EMAIL_RECIPIENTS}"),
        }
    return {}


def names_read(catalogue: Catalogue) -> set[str]:
    """Return the variables that become integrations and channels where there is no file."""
    names = {"SLACK_WEBHOOK_URL", "PAGERDUTY_INTEGRATION_KEY", "ALERT_WEBHOOK_URL", "ALERT_EMAIL_RECIPIENTS"}
    names |= {"SMTP_HOST", "SMTP_PORT", "SMTP_USER", "SMTP_PASS", "RESEND_API_KEY", "ALERT_SMS_RECIPIENTS"}
    for probe in catalogue.probes.values():
        names.update(name for group in probe.environment.values() for name in group)
    return names

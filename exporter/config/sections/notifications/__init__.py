"""`notifications:` who is notified, how, and when."""

from typing import Any

from exporter.config.draft import Draft
from exporter.config.layout import Defaults
from exporter.config.sections.integrations import BuiltIntegrations
from exporter.config.sections.notifications.checks import findings
from exporter.core.generation import Generation
from exporter.core.native_secrets import inline_secrets
from exporter.core.notifications import Notifications
from exporter.core.options import trusting
from exporter.core.receiver_kinds import version_of
from exporter.core.secret import reveal_all

NEEDS = ("defaults", "generate", "integrations")


def read(draft: Draft, part: Notifications) -> Notifications:
    """Return the notifications, with the authorities that everything trusts."""
    defaults: Defaults = draft.values["defaults"]
    integrations: BuiltIntegrations = draft.values["integrations"]
    generation: Generation = draft.values["generate"]
    version = version_of(generation.alertmanager.version)
    for path, what, remedy in findings(part, integrations.names, draft.keys_of("notifications"), version):
        draft.add_error(("notifications", *path), what, remedy)
    draft.context.secrets.update(_receivers(part))
    if part.sms and part.sms.twilio and not _lets_alertmanager_in(part):
        draft.context.notes.append(NO_WAY_IN)
    return trusting(part, defaults.tls.ca_file) if defaults.tls.ca_file else part


NO_WAY_IN = (
    "notifications.sms.twilio needs Alertmanager to reach the exporter: give it a token of the role notify,"
    " by notifications.sms.bridge.bearer_token_file or notifications.history.bearer_token_file."
)


def _lets_alertmanager_in(part: Notifications) -> bool:
    """Return whether Alertmanager shows who it is when it brings text messages."""
    ways = [way for way in (part.sms and part.sms.bridge, part.history) if way]
    return any(way.bearer_token or way.tls.cert_file for way in ways[:1])


def fields(value: Notifications) -> dict[str, Any]:
    """Return the notifications as the configuration takes them."""
    return {"notifications": value}


def _receivers(notifications: Notifications) -> set[str]:
    """Return the credentials of notifications; the address of a webhook is often all it has."""
    hooks = [notifications.webhook, notifications.heartbeat, *(team.webhook for team in notifications.teams)]
    native = [team.receiver or {} for team in notifications.teams]
    native += [one.receiver for one in notifications.receivers]
    inline = {secret.text for receiver in native for secret in inline_secrets(receiver)}
    return reveal_all(notifications).union({hook.url for hook in hooks if hook}, inline)

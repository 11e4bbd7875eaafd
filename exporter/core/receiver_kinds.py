"""What each version of Alertmanager knows of native receivers: kinds, their keys, and which are credentials.

Read from config/ and notify/ of prometheus/alertmanager at the tags v0.25.0 to v0.34.0. What a version knows,
later ones know as well: none has taken a key away.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Version = tuple[int, int]

OLDEST: Version = (0, 25)
NEWEST: Version = (0, 34)
"""The newest one looked at; a later one is taken for it."""

_COMMON = "send_resolved http_config"
_TABLE = {
    "discord_configs": {
        "0.25": f"{_COMMON} webhook_url title message",
        "0.27": "webhook_url_file",
        "0.28": "content username avatar_url",
    },
    "email_configs": {
        "0.25": "send_resolved to from hello smarthost auth_username auth_password auth_password_file"
        " auth_secret auth_identity headers html text require_tls tls_config",
        "0.30": "threading",
        "0.31": "auth_secret_file force_implicit_tls",
    },
    "incidentio_configs": {
        "0.29": f"{_COMMON} url url_file alert_source_token alert_source_token_file max_alerts timeout",
    },
    "jira_configs": {
        "0.28": f"{_COMMON} api_url project summary description labels priority issue_type reopen_transition"
        " resolve_transition wont_fix_resolution reopen_duration fields",
        "0.29": "api_type",
    },
    "mattermost_configs": {
        "0.30": f"{_COMMON} webhook_url webhook_url_file channel username text icon_url icon_emoji"
        " attachments type props priority",
        "0.32": "fallback color pretext author_name author_link author_icon title title_link fields thumb_url"
        " footer footer_icon image_url",
    },
    "msteams_configs": {
        "0.26": f"{_COMMON} webhook_url title text",
        "0.27": "webhook_url_file summary",
    },
    "msteamsv2_configs": {"0.28": f"{_COMMON} webhook_url webhook_url_file title text"},
    "opsgenie_configs": {
        "0.25": f"{_COMMON} api_key api_key_file api_url message description source details entity responders"
        " actions tags note priority update_alerts",
    },
    "pagerduty_configs": {
        "0.25": f"{_COMMON} service_key service_key_file routing_key routing_key_file url client client_url"
        " description details images links source severity class component group",
        "0.30": "timeout",
    },
    "pushover_configs": {
        "0.25": f"{_COMMON} user_key token title message url url_title sound priority retry expire html",
        "0.26": "user_key_file token_file device",
        "0.27": "ttl",
        "0.29": "monospace",
    },
    "rocketchat_configs": {
        "0.28": f"{_COMMON} api_url token_id token_id_file token token_file channel color title title_link"
        " text fields short_fields emoji icon_url image_url thumb_url link_names actions",
    },
    "slack_configs": {
        "0.25": f"{_COMMON} api_url api_url_file channel username color title title_link pretext text fields"
        " short_fields footer fallback callback_id icon_emoji icon_url image_url thumb_url link_names"
        " mrkdwn_in actions",
        "0.30": "app_token app_token_file app_url timeout",
        "0.31": "message_text",
        "0.32": "update_message",
    },
    "sns_configs": {
        "0.25": f"{_COMMON} api_url sigv4 topic_arn phone_number target_arn subject message attributes",
        "0.33": "use_aws_http_client",
    },
    "telegram_configs": {
        "0.25": f"{_COMMON} api_url bot_token chat_id message disable_notifications parse_mode",
        "0.26": "bot_token_file",
        "0.28": "message_thread_id",
        "0.31": "chat_id_file",
    },
    "victorops_configs": {
        "0.25": f"{_COMMON} api_key api_key_file api_url routing_key message_type state_message"
        " entity_display_name monitoring_tool custom_fields",
    },
    "webex_configs": {"0.25": f"{_COMMON} api_url message room_id"},
    "webhook_configs": {
        "0.25": f"{_COMMON} url max_alerts",
        "0.26": "url_file",
        "0.28": "timeout",
        "0.32": "payload",
    },
    "wechat_configs": {
        "0.25": f"{_COMMON} api_secret corp_id message api_url to_user to_party to_tag agent_id message_type",
        "0.31": "api_secret_file",
    },
}

_SECRETS = {
    "discord_configs": ("webhook_url",),
    "email_configs": ("auth_password", "auth_secret"),
    "incidentio_configs": ("alert_source_token",),
    "mattermost_configs": ("webhook_url",),
    "msteams_configs": ("webhook_url",),
    "msteamsv2_configs": ("webhook_url",),
    "opsgenie_configs": ("api_key",),
    "pagerduty_configs": ("routing_key", "service_key"),
    "pushover_configs": ("token", "user_key"),
    "rocketchat_configs": ("token", "token_id"),
    "slack_configs": ("api_url", "app_token"),
    "telegram_configs": ("bot_token",),
    "victorops_configs": ("api_key",),
    "wechat_configs": ("api_secret",),
}

NESTED_SECRETS = ("bearer_token", "client_secret", "credentials", "password", "key")
"""Credentials below `http_config` and `tls_config`, each with a twin <key>_file in every version."""

LISTED_SECRETS = "secrets"
"""The values of a header that are credentials (`http_headers`); their twin is `files`."""

WITHOUT_FILE = "secret_key"
"""The credential of `sigv4`, which no version reads from a file of its own."""


@dataclass(frozen=True)
class ReceiverKind:
    """One kind of receiver: the version that it came with, that of each key, and its keys of credentials."""

    since: Version
    keys: Mapping[str, Version]
    secrets: tuple[str, ...]


def version_of(text: str) -> Version:
    """Return the version in `0.28` or `0.28.1`."""
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def _kind(name: str) -> ReceiverKind:
    keys = {key: version_of(since) for since, words in _TABLE[name].items() for key in words.split()}
    return ReceiverKind(min(keys.values()), keys, _SECRETS.get(name, ()))


RECEIVER_KINDS = {name: _kind(name) for name in _TABLE}
"""Every kind by its key in a receiver, such as `slack_configs`."""

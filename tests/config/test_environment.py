"""The exporter on environment variables alone."""

import pytest

from exporter.config.environment import load
from exporter.core.errors import ConfigError
from exporter.core.secret import Secret
from tests.config.house import CATALOGUE


def test_each_provider_of_the_environment_is_one_target(monkeypatch: pytest.MonkeyPatch) -> None:
    made = load(CATALOGUE, {"SHOP_KEY": "planted-credential", "SHOP_WINDOW": "30"})
    assert list(made.targets) == [("shop", "")]
    target = made.targets["shop", ""]
    assert target.configured
    assert target.options.api_key == Secret("planted-credential")
    assert target.options.window == 30
    assert (made.path, made.text) == (None, None)
    assert "planted-credential" not in made.redacted_text
    assert "planted-credential" in made.secrets


def test_a_provider_without_credentials_is_a_target_that_is_not_configured() -> None:
    assert not load(CATALOGUE, {}).targets["shop", ""].configured


def test_a_second_name_of_a_variable_is_taken_when_the_first_is_not_set() -> None:
    made = load(CATALOGUE, {"SHOP_KEY": "", "OLD_SHOP_KEY": "older"})
    assert made.targets["shop", ""].options.api_key == Secret("older")


def test_a_mistake_names_its_variable_and_not_its_value() -> None:
    environ = {
        "SHOP_KEY": "k",
        "SHOP_WINDOW": "planted-credential",
        "SLACK_WEBHOOK_URL": "planted-credential",
        "ALERT_EMAIL_RECIPIENTS": "ops@example.com, planted",
        "SMTP_HOST": "mail.example.com",
        "SMTP_USER": "u",
        "OLD_SHOP_KEY": "\udcff",
    }
    with pytest.raises(ConfigError) as caught:
        load(CATALOGUE, environ)
    names = ["ALERT_EMAIL_RECIPIENTS", "OLD_SHOP_KEY", "SHOP_WINDOW", "SLACK_WEBHOOK_URL"]
    files = [mistake.file for mistake in caught.value.mistakes]
    assert [name for name in names if f"environment variable {name}" not in files] == []
    assert "planted" not in str(caught.value)


def test_notifications_come_from_the_known_names() -> None:
    made = load(
        CATALOGUE,
        {
            "SLACK_WEBHOOK_URL": "https://hooks.example.com/x",
            "PAGERDUTY_INTEGRATION_KEY": "pd-key",
            "ALERT_WEBHOOK_URL": "https://example.com/hook",
            "ALERT_EMAIL_RECIPIENTS": "a@example.com, b@example.com",
            "SMTP_HOST": "mail.example.com",
            "SMTP_USER": "sender@example.com",
            "SMTP_PASS": "mail-password",
            "RESEND_API_KEY": "not-needed",
        },
    ).notifications
    assert made.slack is not None and made.slack.api_url == Secret("https://hooks.example.com/x")
    assert made.pagerduty is not None and made.pagerduty.routing_key == Secret("pd-key")
    assert made.webhook is not None and made.webhook.url == "https://example.com/hook"
    assert made.email is not None
    assert made.email.to == ("a@example.com", "b@example.com")
    assert (made.email.smarthost, made.email.sender) == ("mail.example.com:587", "sender@example.com")
    assert made.email.password == Secret("mail-password")


def test_mail_goes_by_resend_when_there_is_no_smtp_server() -> None:
    made = load(CATALOGUE, {"ALERT_EMAIL_RECIPIENTS": "a@example.com", "RESEND_API_KEY": "re-key"})
    email = made.notifications.email
    assert email is not None
    assert (email.smarthost, email.username, email.password) == (
        "smtp.resend.com:587",
        "resend",
        Secret("re-key"),
    )
    assert email.sender == "integration-exporter@example.com"


def test_what_is_given_and_cannot_be_used_is_said_visibly() -> None:
    made = load(
        CATALOGUE, {"ALERT_EMAIL_RECIPIENTS": "a@example.com", "ALERT_SMS_RECIPIENTS": "+15551234567"}
    )
    assert [note.split()[0] for note in made.notes] == ["ALERT_EMAIL_RECIPIENTS", "ALERT_SMS_RECIPIENTS"]
    assert "ALERT_SMS_RECIPIENTS is not used" in made.redacted_text


def test_thresholds_and_retention_come_from_the_environment() -> None:
    made = load(
        CATALOGUE,
        {"CONNECTION_THRESHOLD": "75", "API_LOG_RETENTION_DAYS": "2", "RATE_LIMIT_CLEANUP_MINUTES": "5"},
    )
    values = {one.value for one in made.thresholds if one.family.name == "connections_ratio"}
    assert values == {0.75, 0.9}
    assert made.store.retention["requests"] == 2 * 86_400
    assert made.store.retention["rate_limits"] == 300

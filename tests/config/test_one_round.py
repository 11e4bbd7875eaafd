"""Mistakes of meaning show in the same round as mistakes of form, and none that only follows from another."""

from pathlib import Path

import pytest

from exporter import registry
from exporter.config.load import load_text
from exporter.core.errors import ConfigError

FILE = """\
defaults: {timeout: soon}
integrations:
- name: web
  provider: http
  options:
    url: shop.example/health
    redirects: many
    headers: {Authorization: Bearer x}
    expect: {status: [200], body: ["a =="], matches: ["("]}
    unknown: 1
- name: other
  provider: http
  intervall: 5m
  options: {url: ftp://shop.example/}
notifications:
  slak: {}
  email: {to: [ops@example.com], smarthost: mail.example.com}
  pagerduty: {routing_key: 5, rooting_key: x}
  business_hours: {time_zone: Mars/Olympus}
  grafana_url: 7
  runbook_url: runbooks
  teams:
  - {name: a, tenants: [x], pagerduty: {}}
  - {name: a, tenants: [y], email: {to: [nobody]}}
store: {url: "mysql://x/y", retention: {checks: often}}
replicas: none
"""
WORDS = (
    (1, "no duration"),
    (6, "url: the URL must start with http"),
    (7, "redirects: expected a whole number"),
    (8, "Authorization is a credential"),
    (9, "body[0] is no JMESPath"),
    (9, "matches[0]"),
    (10, "unknown key unknown"),
    (13, "unknown key intervall"),
    (14, "url: the URL must start with http"),
    (16, "unknown key slak"),
    (17, "smarthost is not host:port"),
    (18, "unknown key rooting_key"),
    (18, "routing_key: expected text"),
    (19, "time zone is not known"),
    (20, "grafana_url: expected text"),
    (21, "runbook_url is no web address"),
    (24, "the team a is given twice"),
    (24, "a recipient is no mail address"),
    (25, "address of the store is neither"),
    (25, "no duration"),
    (26, "replicas: expected a whole number"),
)


def mistakes(text: str, folder: Path) -> list[tuple[int, str]]:
    with pytest.raises(ConfigError) as caught:
        load_text(text, str(folder / "my.yml"), registry.catalogue(), {})
    return [(mistake.line, mistake.what) for mistake in caught.value.mistakes]


def test_all_that_can_be_judged_is_reported_at_once(tmp_path: Path) -> None:
    found = mistakes(FILE, tmp_path)
    missing = [
        words for words in WORDS if not any(words[0] == line and words[1] in what for line, what in found)
    ]
    more = [one for one in found if not any(one[0] == line and what in one[1] for line, what in WORDS)]
    assert (missing, more) == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        # the same key twice in another dress, a channel that others lean on, keys that others need
        "notifications: {slack: {api_url: 5}, teams: [{name: a, tenants: [x], slack: {channel: b}}]}",
        "notifications: {email: {to: [a@b.example], username: 5, password: p}}",
        "store: {token_keys: 5}\nintegrations:\n"
        "- {name: a, provider: google_calendar, tokens: {source: store}}",
        "integrations:\n- name: a\n  provider: http\n  options: {url: 'http://a/', token_endpoint: 5, auth:"
        " {oauth2: {client_id: a, client_secret: b}}}",
    ],
)
def test_what_only_follows_from_another_mistake_is_not_reported(tmp_path: Path, text: str) -> None:
    assert len(mistakes(text, tmp_path)) == 1


def test_a_channel_that_is_nothing_lends_nothing(tmp_path: Path) -> None:
    text = "notifications: {slack: null, teams: [{name: a, tenants: [x], slack: {channel: b}}]}"
    assert mistakes(text, tmp_path) == [(1, "slack has no api_url")]

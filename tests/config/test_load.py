"""What a right configuration becomes."""

from pathlib import Path

import pytest

from exporter.config.load import load_file, load_text
from exporter.core.secret import Secret
from exporter.core.severity import Severity
from tests.config.house import CATALOGUE, House, ShopOptions, WebOptions

WHOLE = """\
# yaml-language-server: $schema=config.schema.json
defaults: {timeout: 3s, interval: 2m, labels: {stage: live}}
integrations:
  - name: payments
    provider: shop
    critical: true
    interval: 1h30m
    labels: {team: money}
    options: {api_key: "${KEY}", window: "${WINDOW:-20}", dear: ${DEAR}}
    thresholds: {error_ratio: {high: 0.2}}
  - name: site
    provider: web
    options:
      url: https://example.com/$${x}
      headers: {X-Api-Key: "abc ${KEY}"}
      tls: {ca_file: ca.pem}
  - name: calendars
    provider: shop
    interval: 10m
    options: {window: 30}
    tenants:
      list:
        - {id: acme, labels: {plan: gold}, options: {api_key_file: acme.key}}
        - {id: bolt, thresholds: {error_ratio: {medium: 0.05, high: 0.3}}}
store: {url: "sqlite:////tmp/x.db", retention: {checks: 5d}}
replicas: "${REPLICAS:-1}"
"""


@pytest.fixture
def whole(house: House) -> House:
    house.write({"ca.pem": "x", "acme.key": "acme-secret\n"})
    return house


# inside braces a reference needs quotes; DEAR shows that a reference alone may also stand for a boolean
TEXT = WHOLE.replace("dear: ${DEAR}", 'dear: "${DEAR}"')


def test_a_whole_file_becomes_integrations_and_targets(whole: House) -> None:
    made = whole.load(TEXT, KEY="key-value", DEAR="true")
    assert [one.name for one in made.integrations] == ["payments", "site", "calendars"]
    assert list(made.targets) == [
        ("payments", ""),
        ("site", ""),
        ("calendars", "acme"),
        ("calendars", "bolt"),
    ]
    payments = made.targets["payments", ""]
    assert (payments.interval, payments.timeout, payments.critical) == (5_400.0, 3.0, True)
    assert payments.labels == (("stage", "live"), ("team", "money"))
    assert payments.options == ShopOptions(api_key=Secret("key-value"), window=20, dear=True)
    assert made.targets["site", ""].interval == 120.0
    assert made.store.url == "sqlite:////tmp/x.db"
    assert made.store.retention["checks"] == 432_000.0
    assert made.store.retention["audit"] == 7_776_000.0
    assert made.path == str(whole.main)
    assert made.text == TEXT


def test_values_of_the_environment_take_the_type_of_their_option(whole: House) -> None:
    made = whole.load(TEXT, KEY="12345", DEAR="false", WINDOW="7", REPLICAS="2")
    options = made.targets["payments", ""].options
    assert options == ShopOptions(api_key=Secret("12345"), window=7, dear=False)
    assert made.replicas == 2
    web: WebOptions = made.targets["site", ""].options
    assert web.url == "https://example.com/${x}"
    assert web.headers["X-Api-Key"].reveal() == "abc 12345"


def test_relative_files_start_from_the_folder_of_the_configuration(whole: House) -> None:
    made = whole.load(TEXT, KEY="k", DEAR="true")
    assert made.targets["site", ""].options.tls.ca_file == str(whole.folder / "ca.pem")
    secret = made.targets["calendars", "acme"].options.api_key
    assert secret.reveal() == "acme-secret"
    assert secret.file == str(whole.folder / "acme.key")
    assert made.files == {str(whole.main), str(whole.folder / "ca.pem"), str(whole.folder / "acme.key")}


def test_a_tenant_lies_over_its_integration_and_shares_the_rest(whole: House) -> None:
    made = whole.load(TEXT, KEY="k", DEAR="true")
    acme, bolt = made.targets["calendars", "acme"], made.targets["calendars", "bolt"]
    assert (acme.options.window, bolt.options.window) == (30, 30)
    assert acme.labels == (("plan", "gold"), ("stage", "live"))
    assert acme.configured
    assert not bolt.configured


def test_thresholds_have_a_default_for_every_integration_and_a_tenant_only_where_it_differs(
    whole: House,
) -> None:
    made = whole.load(TEXT, KEY="k", DEAR="true", CONNECTION_THRESHOLD="70")
    table = {
        (one.family.name, one.integration, one.tenant, one.severity): one.value for one in made.thresholds
    }
    assert table["error_ratio", "payments", "", Severity.HIGH] == 0.2
    assert table["error_ratio", "site", "", Severity.HIGH] == 0.1
    assert table["certificate_life_seconds", "site", "", Severity.CRITICAL] == 0
    assert table["connections_ratio", "site", "", Severity.MEDIUM] == pytest.approx(0.7)
    assert [key for key in table if key[2]] == [("error_ratio", "calendars", "bolt", Severity.HIGH)]
    assert len(made.thresholds) == 3 * 7 + 1


def test_thresholds_of_the_file_win_over_the_environment_and_take_durations(house: House) -> None:
    text = (
        "integrations: [{name: a, provider: shop}]\n"
        "thresholds: {connections_ratio: {medium: 0.6}, certificate_life_seconds: {medium: 4w}}\n"
    )
    made = house.load(text, CONNECTION_THRESHOLD="70")
    table = {(one.family.name, one.severity): one.value for one in made.thresholds}
    assert table["connections_ratio", Severity.MEDIUM] == 0.6
    assert table["certificate_life_seconds", Severity.MEDIUM] == 28 * 86_400


def test_an_inherited_timeout_shrinks_to_a_short_interval(house: House) -> None:
    made = house.load("integrations: [{name: a, provider: shop, interval: 5s}]")
    assert made.targets["a", ""].timeout == 5.0


def test_anchors_merge_keys_and_words_like_yes_are_taken_as_people_expect(house: House) -> None:
    made = house.load(
        "integrations:\n"
        "- &first\n  name: a\n  provider: shop\n  labels: &labels {answer: yes, at: '22:00'}\n"
        "- <<: *first\n  name: b\n  labels: {<<: *labels, at: no}\n"
    )
    assert made.targets["b", ""].labels == (("answer", "yes"), ("at", "no"))


def test_an_unchanged_file_gives_equal_targets(whole: House) -> None:
    first, again = whole.load(TEXT, KEY="k", DEAR="true"), whole.load(TEXT, KEY="k", DEAR="true")
    assert first.targets == again.targets
    assert whole.load(TEXT, KEY="l", DEAR="true").targets != first.targets


def test_more_reads_than_allowed_pass_with_a_word_of_the_operator(house: House) -> None:
    part = "name: a, provider: shop, interval: 1m, options: {api_key: k}, allow_over_budget: true"
    text = f"integrations: [{{{part}}}]"
    made = house.load(text)
    assert made.targets["a", ""].over_budget


def test_reads_are_summed_over_all_targets_of_one_credential(house: House) -> None:
    rows = ", ".join(f"{{id: t{n}}}" for n in range(3))
    text = (
        f"integrations: [{{name: a, provider: shop, options: {{api_key: k}}, tenants: {{list: [{rows}]}}}}]"
    )
    (mistake,) = house.mistakes(text)
    assert "25,920 reads" in mistake.what
    assert "at least 12m58s" in mistake.remedy
    rows = ", ".join(f"{{id: t{n}, options: {{api_key: own{n}}}}}" for n in range(3))
    house.load(f"integrations: [{{name: a, provider: shop, tenants: {{list: [{rows}]}}}}]")


def test_probing_can_be_switched_off_visibly(whole: House) -> None:
    made = whole.load(TEXT, KEY="k", DEAR="true", MONITORING_ENABLED="false", AUDIT_LOGGING_ENABLED="0")
    assert made.switched_off == {"MONITORING_ENABLED", "AUDIT_LOGGING_ENABLED"}
    assert not made.targets
    assert made.integrations


def test_a_text_can_stand_for_its_file(whole: House) -> None:
    made = load_text(TEXT, str(whole.main), CATALOGUE, {"KEY": "k", "DEAR": "true"})
    assert made == whole.load(TEXT, KEY="k", DEAR="true")


def test_the_default_file_is_read_when_no_path_is_given(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(house.folder)
    house.write({"integration-exporter.yml": "integrations: [{name: here, provider: shop}]"})
    assert list(load_file(None, CATALOGUE, {}).targets) == [("here", "")]
    Path("integration-exporter.yml").unlink()
    assert load_file(None, CATALOGUE, {}).path is None


def test_a_secret_of_notifications_can_stand_in_a_file(house: House) -> None:
    house.write({"slack": "https://hooks.example.com/T0/B0\n", "pw": "mail-password"})
    made = house.load(
        "notifications:\n"
        "  slack: {api_url_file: slack}\n"
        "  email: {to: [a@example.com], username: u, password_file: pw}\n"
        "  teams: [{name: t, pagerduty: {routing_key: abcd}}]\n"
    )
    assert made.notifications.slack is not None
    assert made.notifications.slack.api_url == Secret("https://hooks.example.com/T0/B0")
    assert made.notifications.slack.api_url.file == str(house.folder / "slack")
    assert {"https://hooks.example.com/T0/B0", "mail-password", "abcd"} <= made.secrets

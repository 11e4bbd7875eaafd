"""No planted credential shows in an error, in what is shown, or in any printed form."""

import yaml

from exporter.config.shown import masked
from exporter.core.secret import redact
from tests.config.house import CATALOGUE, House

PLANTED = "planted-credential"

EVERYWHERE = """\
# a comment with planted-credential-00
integrations:
- name: a
  provider: shop
  options: {api_key: planted-credential-01}
- name: b
  provider: web
  options:
    url: https://user:planted-credential-02@example.com/?api_token=planted-credential-03&x=1
    headers: {X-Any: planted-credential-04}
    login: {username: u, password_file: pw}
    help: Speaks of planted-credential-01.
- name: c
  provider: shop
  interval: 1h
  options: {api_key_file: key}
  tenants:
    list:
    - {id: t, options: {api_key: planted-credential-05}}
    - {id: v, options: {api_key: "${FROM_ENV}", account: "${ACCOUNT}"}}
    - {id: w, options: {api_key: "${NOWHERE:-planted-credential-06}"}}
notifications:
  slack: {api_url: https://hooks.example.com/planted-credential-07}
  email: {to: [a@example.com], username: u, password: planted-credential-08}
  pagerduty: {routing_key: planted-credential-09}
  sms: {to: ["+15551234567"], sns_region: eu, access_key: k, secret_key: planted-credential-10}
  webhook: {url: https://example.com/planted-credential-11, bearer_token: planted-credential-12}
  heartbeat: {url: https://example.com/planted-credential-13}
  teams:
  - {name: t, receiver: {telegram_configs: [{bot_token: planted-credential-14}]}}
store: {url: "sqlite://u:planted-credential-15@/x"}
"""
FILES = {"pw": f"{PLANTED}-16\n", "key": f"{PLANTED}-17\n"}
ENVIRONMENT = {"FROM_ENV": f"{PLANTED}-18", "ACCOUNT": f"{PLANTED}-19"}


def test_the_shown_text_is_what_was_loaded_with_stars_for_every_credential(house: House) -> None:
    house.write(FILES)
    made = house.load(EVERYWHERE, **ENVIRONMENT)
    assert PLANTED not in made.shown
    shown = yaml.safe_load(made.shown)
    assert shown["integrations"][0]["options"] == {"api_key": "***"}
    assert shown["integrations"][1]["options"]["url"] == "https://user:***@example.com/?api_token=***&x=1"
    assert shown["integrations"][1]["options"]["login"] == {"username": "u", "password_file": "pw"}
    assert shown["integrations"][2]["tenants"]["list"][1]["options"]["account"] == "${ACCOUNT}"
    assert shown["notifications"]["heartbeat"]["url"] == "https://example.com/***"
    assert shown["store"]["url"] == "sqlite://u:***@/x"


def test_the_shown_text_needs_no_knowledge_of_the_credentials() -> None:
    document = yaml.safe_load(EVERYWHERE.replace("    help: Speaks of planted-credential-01.\n", ""))
    assert PLANTED not in str(masked(document, CATALOGUE))


def test_no_printed_form_of_the_configuration_holds_a_credential(house: House) -> None:
    house.write(FILES)
    made = house.load(EVERYWHERE, **ENVIRONMENT)
    for part in (
        made.integrations,
        [t.options.api_key for t in made.targets.values() if hasattr(t.options, "api_key")],
    ):
        assert PLANTED not in repr(part)
    web = made.targets["b", ""].options
    assert PLANTED not in repr((web.headers, web.login))


def test_every_credential_is_known_for_redaction(house: House) -> None:
    house.write(FILES)
    made = house.load(EVERYWHERE, **ENVIRONMENT)
    for number in (1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 17, 18):
        assert PLANTED not in redact(f"failed with {PLANTED}-{number:02} there", made.secrets), number
    assert "https://hooks.example.com/planted-credential-07" in made.secrets
    assert "https://example.com/planted-credential-13" in made.secrets


def test_no_mistake_quotes_a_credential_whatever_is_wrong_around_it(house: House) -> None:
    house.write(FILES)
    lines = EVERYWHERE.splitlines(keepends=True)
    seen = 0
    for index, line in enumerate(lines):
        for broken in (
            line.replace(": ", ":", 1),
            line.replace("api_key", "apikey").replace("password", "pasword").replace("_key", "_kye"),
            line.replace("planted", "*planted"),
            line.replace("planted", "!planted"),
            line.replace("planted", "'planted"),
            line.replace("planted", "[planted"),
            line.replace("planted", "{planted: 1, x"),
            "  " + line,
            "\t" + line,
            line.replace("name: ", "name: planted-credential-01 "),
        ):
            if broken == line:
                continue
            text = "".join([*lines[:index], broken, *lines[index + 1 :]])
            try:
                house.load(text, **ENVIRONMENT)
            except Exception as error:  # noqa: BLE001 -- whatever comes, it may not hold a credential
                seen += 1
                assert type(error).__name__ == "ConfigError"
                assert PLANTED not in str(error), (broken, str(error))
    assert seen > 100


def test_a_credential_is_no_label_because_labels_are_shown_to_all(house: House) -> None:
    (house.folder / "rows.yml").write_text(
        "- id: t\n  labels: {plan: gold, key: planted-credential-21}\n"
        "  options: {api_key: planted-credential-21}\n"
    )
    mistakes = house.mistakes(
        """\
defaults: {labels: {team: "${FROM_ENV}"}}
integrations:
- name: a
  provider: shop
  labels:
    good: planted-credential
    bad: "Bearer ${FROM_ENV}"
  options: {api_key: "${FROM_ENV}"}
  tenants: {files: [rows.yml]}
""",
        **ENVIRONMENT,
    )
    assert {(mistake.file.rpartition("/")[2], mistake.line) for mistake in mistakes} == {
        ("main.yml", 1),
        ("main.yml", 7),
        ("rows.yml", 2),
    }
    assert all("the value of a label holds a credential" in str(mistake) for mistake in mistakes)


def test_a_short_credential_may_be_the_same_word_as_a_label(house: House) -> None:
    house.load(
        """\
integrations:
- name: a
  provider: shop
  labels: {plan: gold}
  options: {api_key: gold}
"""
    )

"""No planted credential shows in an error, in what is shown, or in any printed form."""

from urllib.parse import unquote

import pytest
import yaml

from exporter.config.redacted import redact_configuration
from exporter.core.secret import redact
from exporter.net.url import parse
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
  sms: {to: ["+15551234567"], sns: {region: eu, access_key: k, secret_key: planted-credential-10}}
  webhook: {url: https://example.com/planted-credential-11, bearer_token: planted-credential-12}
  heartbeat: {url: https://example.com/planted-credential-13}
  teams:
  - {name: t, receiver: {opsgenie_configs: [{api_key: planted-credential-14}]}}
store: {url: "sqlite://u:planted-credential-15@/x"}
"""
FILES = {"pw": f"{PLANTED}-16\n", "key": f"{PLANTED}-17\n"}
ENVIRONMENT = {"FROM_ENV": f"{PLANTED}-18", "ACCOUNT": f"{PLANTED}-19"}


def test_the_shown_text_is_what_was_loaded_with_stars_for_every_credential(house: House) -> None:
    house.write(FILES)
    made = house.load(EVERYWHERE, **ENVIRONMENT)
    assert PLANTED not in made.redacted_text
    shown = yaml.safe_load(made.redacted_text)
    assert shown["integrations"][0]["options"] == {"api_key": "***"}
    assert shown["integrations"][1]["options"]["url"] == "https://user:***@example.com/?api_token=***&x=1"
    assert shown["integrations"][1]["options"]["login"] == {"username": "u", "password_file": "pw"}
    assert shown["integrations"][2]["tenants"]["list"][1]["options"]["account"] == "${ACCOUNT}"
    assert shown["notifications"]["heartbeat"]["url"] == "https://example.com/***"
    assert shown["store"]["url"] == "sqlite://u:***@/x"


def test_the_shown_text_needs_no_knowledge_of_the_credentials() -> None:
    document = yaml.safe_load(EVERYWHERE.replace("    help: Speaks of planted-credential-01.\n", ""))
    assert PLANTED not in str(redact_configuration(document, CATALOGUE))


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


PUBLIC = """\
integrations:
- name: {name}
  provider: shop
  labels: {{{label}: {value}}}
  options: {{api_key: "${{KEY}}"}}
  tenants: {{list: [{{id: {tenant}}}]}}
- name: web
  provider: web
  options: {{url: "https://x/", gauge: one, help: {help}}}
"""
HARMLESS = {"name": "a", "label": "plan", "value": "gold", "tenant": "t", "help": "Help."}


@pytest.mark.parametrize("place", HARMLESS)
def test_what_everybody_sees_holds_no_credential(house: House, place: str) -> None:
    secret = "planted_credential_31"
    house.load(PUBLIC.format(**HARMLESS), KEY=secret)
    text = f"{secret}." if place == "help" else secret
    mistakes = house.mistakes(PUBLIC.format(**HARMLESS | {place: text}), KEY=secret)
    assert ["holds a credential" in mistake.what for mistake in mistakes] == [True]
    assert secret not in str(mistakes)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_TOKEN", "planted-credential"),
        ("DB_PASSWORD", "correct-horse-battery"),
        ("X", "sk_live_51HabcDEFghi"),
    ],
)
def test_a_variable_that_holds_a_credential_is_no_label(house: House, name: str, value: str) -> None:
    text = PUBLIC.format(**HARMLESS | {"value": f'"${{{name}}}"'})
    (mistake,) = house.mistakes(text, KEY="k", **{name: value})
    assert mistake.what == "the value of a label holds a credential"


@pytest.mark.parametrize("value", ["production", "eu-central-1-blue", "2026-11-28", "shop.example.com"])
def test_another_variable_may_be_a_label_and_a_name(house: House, value: str) -> None:
    text = PUBLIC.format(**HARMLESS | {"value": '"${WHERE}"', "name": '"${WHERE}"'})
    made = house.load(text, KEY="k", WHERE=value)
    assert (value, "t") in made.targets
    assert value not in made.secrets


WEB = "integrations: [{name: a, provider: web, options: {url: 'https://x/a?b=${V}', ratio: '${R:-1}'}}]"


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("pl4nted", False),  # shorter than eight characters
        ("pl4ntedX", True),
        ("planted-credential", True),
        ("production", False),  # one word
        ("12345678", False),
        ("30m", False),
        ("shop.example.com", False),
        ("192.168.100.200", False),
        ("https://hooks.example.com/T0/planted?k=v4luev4l", True),
    ],
)
def test_a_harmless_value_of_a_variable_is_shown_and_another_is_not(
    house: House, value: str, hidden: bool
) -> None:
    made = house.load(WEB, V=value)
    target = made.targets["a", ""]
    assert (redact(value, target.hidden) != value) == hidden
    assert target.hidden <= made.secrets
    assert "hooks.example.com" not in target.hidden


@pytest.mark.parametrize("value", ["T0planted/B0?planted-name&c=planted-value", "planted%2Bend?planted-part"])
def test_of_a_value_that_ends_a_url_each_part_is_hidden(house: House, value: str) -> None:
    target = house.load(WEB.replace("a?b=", ""), V=value).targets["a", ""]
    shown = redact(parse(f"https://x/{value}").redact(), target.hidden)
    assert shown.startswith("https://x/***")
    assert "planted" not in shown
    assert "planted" not in redact(unquote(value), target.hidden)


@pytest.mark.parametrize(("name", "hidden"), [("V", False), ("V_TOKEN", True), ("WEB_PASS", True)])
def test_the_name_of_a_variable_tells_a_short_credential(house: House, name: str, hidden: bool) -> None:
    made = house.load(WEB.replace("${V}", f"${{{name}}}"), **{name: "hunter"})
    assert ("hunter" in made.targets["a", ""].hidden) == hidden


def test_the_path_of_a_file_by_a_variable_is_no_credential(house: House) -> None:
    house.write({"run/credentials/exporter/shop": "planted-credential"})
    folder = str(house.folder / "run/credentials/exporter")
    text = "integrations: [{name: a, provider: shop, options: {api_key_file: '${DIRECTORY}/NAME'}}]"
    assert folder not in house.load(text.replace("NAME", "shop"), DIRECTORY=folder).secrets
    (mistake,) = house.mistakes(text.replace("NAME", "other"), DIRECTORY=folder)
    assert f"the file {folder}/other does not exist" in mistake.what

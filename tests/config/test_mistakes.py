"""Each mistake in a file of its own: the file, the line, what is wrong and what to do."""

# ruff: noqa: E501 -- a table with one mistake per line is read across
import os
from dataclasses import dataclass, field

import pytest

from exporter.config.load import load_file
from exporter.core.errors import ConfigError
from tests.config.house import CATALOGUE, House

SHOP = "integrations:\n- name: a\n  provider: shop\n"
WEB = "integrations:\n- name: a\n  provider: web\n"
URL = "  options: {url: 'http://x'}\n"
PHONE = "+15551234567"
TWILIO = f"notifications:\n  sms:\n    to: ['{PHONE}']\n    twilio: {{{{account_sid: AC{'0' * 32}, {{}}}}}}\n"


@dataclass
class Wrong:
    """A text with one mistake: its line, and words that the message and the remedy hold."""

    name: str
    text: str | bytes
    line: int
    what: str
    remedy: str
    file: str = "main.yml"
    files: dict[str, str | bytes] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)


MISTAKES = [
    Wrong("empty", "", 1, "empty", "at least one key"),
    Wrong("only a comment", "# nothing\n", 1, "empty", "at least one key"),
    Wrong("a list", "- a\n", 1, "top of the file is no mapping", "integrations:"),
    Wrong("text", "hello\n", 1, "top of the file is no mapping", "integrations:"),
    Wrong("not utf-8", b"a: \xff\xfe\xff\n", 0, "not UTF-8", "save it as UTF-8"),
    Wrong("control character", "replicas: 1\na: \x01\n", 2, "control character", "remove it"),
    Wrong("open list", "a: [1, 2\n", 2, "did not find expected ',' or ']'", "brackets"),
    Wrong("open mapping", "a: {b: 1\n", 2, "did not find expected ',' or '}'", "brackets"),
    Wrong("no dash", "- a\nb: c\n", 2, "did not find expected '-' indicator", "indentation"),
    Wrong("tab", "defaults:\n\ttimeout: 5s\n", 2, "tab", "spaces"),
    Wrong("open quote", "replicas: 1\nstore: {url: 'x}\n", 3, "end of stream", "close the quotes"),
    Wrong("open bracket", "replicas: [1\n", 2, "unreadable YAML", "bracket"),
    Wrong("colon", "replicas: 1: 2\n", 1, "mapping values", "colon"),
    Wrong("two documents", "replicas: 1\n---\nreplicas: 2\n", 2, "another document", "---"),
    Wrong("unknown alias", "replicas: *hunter22\n", 1, "undefined alias", "quote a value that begins with *"),
    Wrong("tag", "replicas: !hunter22 1\n", 1, "tag", "quote a value that begins with !"),
    Wrong("python tag", "replicas: !!python/object:os.system x\n", 1, "tag", "remove it"),
    Wrong("self alias", "store: &a\n  b: *a\n", 1, "contains itself", "remove the alias"),
    Wrong("deep", "store: " + "[" * 5_000 + "]" * 5_000, 1, "nested deeper", "flatten"),
    Wrong("bad merge", "store:\n  <<: 5\n", 2, "<< takes a mapping", "anchor"),
    Wrong("key twice", "replicas: 1\nreplicas: 2\n", 2, "key replicas is given twice", "remove one"),
    Wrong("number as key", "5: x\n", 1, "a key is not text", "quotes"),
    Wrong("unknown top key", "integration: []\n", 1, "unknown key integration", "did you mean integrations?"),
    Wrong("unknown key", SHOP + "  intervall: 5m\n", 4, "unknown key intervall", "did you mean interval?"),
    Wrong("slipped value", SHOP + "  options: {api_key:sk_live_9}\n", 4, "no plain word", "blank after the colon"),
    Wrong("unknown provider", "integrations:\n- name: a\n  provider: shpo\n", 3, "provider: 'shpo'", "did you mean shop?"),
    Wrong("no provider", "integrations:\n- name: a\n", 2, "key provider is missing", "add provider:"),
    Wrong("no name", "integrations:\n- provider: shop\n", 2, "key name is missing", "add name:"),
    Wrong("bad name", "integrations:\n- name: a b\n  provider: shop\n", 2, "'a b'", "unique"),
    Wrong("name with a break", 'integrations:\n- name: "a\\n"\n  provider: shop\n', 2, "line break", "one line"),
    Wrong("name twice", SHOP + "- name: a\n  provider: web\n" + URL, 4, "name a is taken by line 2", "another name"),
    Wrong("integration is text", "integrations:\n- shop\n", 2, "expected a mapping, found text", "keys with values"),
    Wrong("integrations is text", "integrations: shop\n", 1, "expected a list, found text", "list"),
    Wrong("critical is text", SHOP + "  critical: yes\n", 4, "expected true or false, found text", "without quotes"),
    Wrong("replicas zero", "replicas: 0\n", 1, "below the least value 1", "divides call budgets"),
    Wrong("replicas text", "replicas: two\n", 1, "expected a whole number, found text", "without quotes"),
    Wrong("bad duration", SHOP + "  interval: 5x\n", 4, "'5x' is no duration", "30s"),
    Wrong("duration without unit", SHOP + "  interval: 60\n", 4, "interval: a number is no duration", "30s"),
    Wrong("interval too short", SHOP + "  interval: 10ms\n", 4, "out of bounds", "1s to 30d"),
    Wrong("timeout above interval", SHOP + "  interval: 5m\n  timeout: 6m\n", 5, "above the interval 5m", "at most"),
    Wrong("timeout zero", SHOP + "  timeout: 0s\n", 4, "zero", "at least 1ms"),
    Wrong("default timeout", "defaults:\n  interval: 5s\n  timeout: 9s\n", 3, "above the interval", "at most"),
    Wrong("null", SHOP + "  options:\n", 4, "expected a mapping, found nothing", "remove the key"),
    Wrong("unknown option", SHOP + "  options:\n    api_keys: x\n", 5, "unknown key api_keys", "api_key?"),
    Wrong("option of wrong type", SHOP + "  options:\n    window: many\n", 5, "expected a whole number", "without"),
    Wrong("option out of bounds", SHOP + "  options:\n    window: 61\n", 5, "above the greatest value 60", "Minutes"),
    Wrong("option of wrong form", WEB + "  options: {url: 'http://x', method: PUT}\n", 4, "'PUT'", "GET|POST"),
    Wrong("option missing", WEB, 2, "the key url is missing", "What to ask"),
    Wrong("secret is a number", SHOP + "  options: {api_key: 12345678}\n", 4, "expected text", "quotes"),
    Wrong("nested key", WEB + "  options:\n    url: http://x\n    tls:\n      cafile: x\n", 7, "cafile", "ca_file?"),
    Wrong("nested secret", WEB + "  options:\n    url: http://x\n    login: {username: u}\n", 6, "password", "_file"),
    Wrong("refused by the provider", WEB + "  options:\n    url: ftp://x\n", 5, "no web address", "https://host"),
    Wrong("unset variable", SHOP + "  options: {account: '${NOPE}'}\n", 4, "NOPE is not set", "${NOPE:-default}"),
    Wrong("open reference", SHOP + "  options: {account: '${NOPE'}\n", 4, "not closed", "$${"),
    Wrong("odd reference", SHOP + "  options: {account: '${a b}'}\n", 4, "no variable name", "${NAME}"),
    Wrong("reference in braces", "store: {url: ${NOPE}}\n", 1, "unreadable YAML", "into quotes"),
    Wrong("variable is no number", "replicas: ${N}\n", 1, "found text", "a whole number", environ={"N": "x"}),
    Wrong("two secrets", SHOP + "  options:\n    api_key: a\n    api_key_file: s\n", 6, "both", "keep one", files={"s": "x"}),
    Wrong("secret file missing", SHOP + "  options: {api_key_file: s}\n", 4, "does not exist", "create it"),
    Wrong("secret file empty", SHOP + "  options: {api_key_file: s}\n", 4, "is empty", "credential", files={"s": "\n"}),
    Wrong("secret file is a folder", SHOP + "  options: {api_key_file: .}\n", 4, "is a folder", "name a file"),
    Wrong("secret file not text", SHOP + "  options: {api_key_file: s}\n", 4, "UTF-8", "save", files={"s": b"\xff\xff"}),
    Wrong("secret file huge", SHOP + "  options: {api_key_file: s}\n", 4, "larger", "smaller", files={"s": "x" * 300_000}),
    Wrong("device as secret", SHOP + "  options: {api_key_file: /dev/zero}\n", 4, "no regular file", "name a file"),
    Wrong("no file named", SHOP + '  options: {api_key_file: ""}\n', 4, "no file is named", "remove the key"),
    Wrong("file name with zero", SHOP + '  options: {api_key_file: "a\\0b"}\n', 4, "cannot be used", "control"),
    Wrong("ca file missing", WEB + "  options: {url: 'http://x', tls: {ca_file: c}}\n", 4, "does not exist", "create"),
    Wrong("label name", SHOP + "  labels: {a-b: x}\n", 4, "no Prometheus label name", "letters"),
    Wrong("reserved label", SHOP + "  labels:\n    severity: x\n", 5, "label severity is reserved", "another"),
    Wrong("hidden label", SHOP + "  labels: {__a: x}\n", 4, "reserved", "another"),
    Wrong("label is a number", SHOP + "  labels: {a: 5}\n", 4, "expected text", "quotes"),
    Wrong("label too long", SHOP + f"  labels: {{a: {'x' * 300}}}\n", 4, "too long", "256"),
    Wrong("unknown threshold", "thresholds:\n  eror_ratio: {high: 1}\n", 2, "eror_ratio", "did you mean error_ratio?"),
    Wrong("unknown severity", "thresholds:\n  error_ratio: {hihg: 1}\n", 2, "hihg", "did you mean high?"),
    Wrong("severity without rule", "thresholds:\n  error_ratio: {low: 0}\n", 2, "severity low", "medium"),
    Wrong("threshold text", "thresholds:\n  error_ratio: {high: lots}\n", 2, "no number", "error_ratio: {"),
    Wrong("threshold not a mapping", "thresholds:\n  error_ratio: 0.5\n", 2, "mapping of severities", "medium: 0.05"),
    Wrong("threshold below", "thresholds: {error_ratio: {high: -1}}\n", 1, "below 0", "error_ratio"),
    Wrong("threshold above", "thresholds: {error_ratio: {high: 5}}\n", 1, "above 1", "error_ratio"),
    Wrong("ladder", "thresholds:\n  error_ratio: {medium: 0.5}\n", 2, "high (0.1) must not be below medium", "stricter"),
    Wrong("falling ladder", "thresholds:\n  certificate_life_seconds: {high: 30d}\n", 2, "must not be above", "stricter"),
    Wrong("ladder of an integration", SHOP + "  thresholds:\n    error_ratio: {high: 0.01}\n", 5, "must not", "stricter"),
    Wrong("store key", "store: {uri: x}\n", 1, "unknown key uri", "did you mean url?"),
    Wrong("store address", "store: {url: 'mysql://u:hunter22@h/d'}\n", 1, "is neither sqlite://", "postgresql://user"),
    Wrong("retention table", "store: {retention: {check: 5d}}\n", 1, "unknown key check", "did you mean checks?"),
    Wrong("retention", "store: {retention: {checks: 5s}}\n", 1, "below a minute", "1m"),
    Wrong("slack", "notifications:\n  slack: {}\n", 2, "no api_url", "api_url_file:"),
    Wrong(
        "slack of a team",
        "notifications:\n  teams: [{name: a, slack: {channel: '#a'}}]\n",
        2,
        "no api_url",
        "api_url_file:",
    ),
    Wrong("slack address", "notifications:\n  slack: {api_url: hunter22}\n", 2, "no web address", "https://"),
    Wrong("pagerduty", "notifications: {pagerduty: {}}\n", 1, "no routing_key", "routing_key_file"),
    Wrong("mail without recipients", "notifications: {email: {to: []}}\n", 1, "shorter than 1", "Recipients"),
    Wrong("mail recipient", "notifications: {email: {to: [ops]}}\n", 1, "no mail address", "name@example.com"),
    Wrong("smarthost", "notifications: {email: {to: [a@b.c], smarthost: h}}\n", 1, "not host:port", "587"),
    Wrong("half a login", "notifications: {email: {to: [a@b.c], username: u}}\n", 1, "belong together", "both"),
    Wrong("phone", "notifications: {sms: {to: ['5'], sns: {region: r}}}\n", 1, "E.164", "+1555"),
    Wrong("phone twice", f"notifications: {{sms: {{to: ['{PHONE}', '{PHONE}'], sns: {{region: r}}}}}}\n", 1, "given twice", "keep one"),
    Wrong("sms without account", f"notifications:\n  sms: {{to: ['{PHONE}']}}\n", 2, "no account to send by", "twilio: or sns:"),
    Wrong("moved key of sms", f"notifications:\n  sms:\n    to: ['{PHONE}']\n    sns_region: r\n", 4, "sns_region has moved", "sns: {region: ...}"),
    Wrong("moved secret of sms", f"notifications:\n  sms:\n    to: ['{PHONE}']\n    sns: {{region: r}}\n    secret_key_file: k\n", 5, "has moved", "below sns"),
    Wrong("twilio without token", TWILIO.format("from: '+15551234567'"), 4, "no auth_token", "auth_token_file:"),
    Wrong("twilio without sender", TWILIO.format("auth_token: x"), 4, "either from or messaging_service_sid", "+1555"),
    Wrong("sender of twilio", TWILIO.format("auth_token: x, from: 'Much too long a name'"), 4, "neither a number", "+1555"),
    Wrong("sid of twilio", f"notifications:\n  sms:\n    to: ['{PHONE}']\n    twilio: {{account_sid: ACx, auth_token: x, from: '{PHONE}'}}\n", 4, "wrong form", "AC and 32"),
    Wrong("half of a key of aws", f"notifications:\n  sms:\n    to: ['{PHONE}']\n    sns: {{region: r, access_key: k}}\n", 4, "belong together", "both"),
    Wrong("impossible name of slack", "notifications:\n  slack: {api_url: 'https://a..b/'}\n", 2, "no web address", "https://"),
    Wrong("heartbeat", "notifications: {heartbeat: {url: h}}\n", 1, "no web address", "https://"),
    Wrong("time zone", "notifications: {business_hours: {time_zone: Mars}}\n", 1, "time zone", "Europe/Berlin"),
    Wrong("days", "notifications: {business_hours: {days: mon-fri}}\n", 1, "wrong form", "monday:friday"),
    Wrong("hours", "notifications: {business_hours: {start: '18:00'}}\n", 1, "not after the start", "later"),
    Wrong("team without channel", "notifications: {teams: [{name: t}]}\n", 1, "no channel to be notified by", "slack"),
    Wrong("team's integration", SHOP + "notifications:\n  teams:\n  - name: t\n    integrations: [b]\n    email: {to: [a@b.example]}\n",
          7, "not in this file", "a"),
    Wrong("no tenant source", SHOP + "  tenants: {}\n", 4, "names no source", "add list:"),
    Wrong("tenant id", SHOP + "  tenants:\n    list:\n    - {id: a b}\n", 6, "'a b'", "tenant"),
    Wrong("tenant id is a number", SHOP + "  tenants: {list: [{id: 77}]}\n", 4, "expected text, found a number", "quotes"),
    Wrong("tenant without id", SHOP + "  tenants:\n    list:\n    - {labels: {a: b}}\n", 6, "key id is missing", "add id"),
    Wrong("tenant twice", SHOP + "  tenants:\n    list:\n    - id: t\n    - id: t\n", 7, "is given twice", "remove one"),
    Wrong("tenant sets too much", SHOP + "  tenants:\n    list:\n    - {id: t, options: {window: 5}}\n", 6,
          "window cannot be set by a tenant", "under the options of the integration"),
    Wrong("tenant's unknown option", SHOP + "  tenants: {list: [{id: t, options: {acount: x}}]}\n", 4, "acount", "account?"),
    Wrong("tenant's label", SHOP + "  tenants: {list: [{id: t, labels: {le: x}}]}\n", 4, "le is reserved", "another"),
    Wrong("tenant's ladder", SHOP + "  tenants: {list: [{id: t, thresholds: {error_ratio: {medium: 1}}}]}\n", 4,
          "must not be below", "stricter"),
    Wrong("tenant file missing", SHOP + "  tenants:\n    files: [t.yml]\n", 5, "does not exist", "create it"),
    Wrong("tenant file no list", SHOP + "  tenants: {files: [t.yml]}\n", 1, "expected a list of tenants", "- id:",
          file="t.yml", files={"t.yml": "id: a\n"}),
    Wrong("tenant file row", SHOP + "  tenants: {files: [t.yml]}\n", 2, "unknown key ids", "did you mean id?",
          file="t.yml", files={"t.yml": "- id: a\n- {id: b, ids: c}\n"}),
    Wrong("tenant file unreadable", SHOP + "  tenants: {files: ['*.json']}\n", 2, "unreadable JSON", "fix",
          file="t.json", files={"t.json": '[\n{"id" 5}]'}),
    Wrong("tenant file key twice", SHOP + "  tenants: {files: [t.json]}\n", 2, "id is given twice", "remove one",
          file="t.json", files={"t.json": '[\n\t{"id": "a", "id": "b"}]'}),
    Wrong("json with tabs", SHOP + "  tenants: {files: [t.json]}\n", 3, "'a b'", "tenant",
          file="t.json", files={"t.json": '[\n{"id": "x"},\n\t{\t"id": "a b"}]'}),
    Wrong("json of half characters", SHOP + "  tenants: {files: [t.json]}\n", 1, "unreadable JSON", "valid text",
          file="t.json", files={"t.json": '[{"id": "\\ud800"}]'}),
    Wrong("secrets folder missing", SHOP + "  tenants: {list: [{id: a}], secrets_dir: no}\n", 4, "is no folder", "create"),
    Wrong("over budget", SHOP + "  options: {api_key: abcdef}\n  interval: 1m\n", 5, "43,200 reads", "at least 4m20s"),
    Wrong("over budget with replicas", SHOP + "  options: {api_key: abcdef}\nreplicas: 2\n", 2, "5,000", "8m39s"),
    Wrong("metric twice", WEB + "  options: {url: 'http://x', gauge: g}\n- name: b\n  provider: web\n"
          "  options: {url: 'http://x', gauge: g, help: Other.}\n", 7, "integration_web_g is also", "same help"),
    Wrong("metric name", WEB + "  options: {url: 'http://x', gauge: G}\n", 4, "lower-case", "another name"),
    Wrong("switch", "replicas: 1\n", 0, "neither true nor false", "true or false",
          file="environment variable MONITORING_ENABLED", environ={"MONITORING_ENABLED": "perhaps"}),
    Wrong("threshold variable", "replicas: 1\n", 0, "no number", "a number",
          file="environment variable CONNECTION_THRESHOLD", environ={"CONNECTION_THRESHOLD": "all"}),
    Wrong("threshold variable too high", "replicas: 1\n", 0, "must not be below", "stricter",
          file="environment variable CONNECTION_THRESHOLD", environ={"CONNECTION_THRESHOLD": "95"}),
    Wrong("retention variable", "replicas: 1\n", 0, "no number above 0", "a number",
          file="environment variable API_LOG_RETENTION_DAYS", environ={"API_LOG_RETENTION_DAYS": "-1"}),
]  # fmt: skip


@pytest.mark.parametrize("wrong", MISTAKES, ids=lambda wrong: wrong.name)
def test_a_mistake_is_reported_with_its_file_its_line_and_a_remedy(house: House, wrong: Wrong) -> None:
    house.write(wrong.files)
    mistakes = house.mistakes(wrong.text, **wrong.environ)
    assert len(mistakes) == 1, [str(mistake) for mistake in mistakes]
    file = wrong.file if wrong.file.startswith("environment") else str(house.folder / wrong.file)
    assert (mistakes[0].file, mistakes[0].line) == (file, wrong.line)
    assert wrong.what in mistakes[0].what
    assert wrong.remedy in mistakes[0].remedy
    assert "hunter22" not in str(mistakes[0])
    assert "sk_live" not in str(mistakes[0])


def test_all_mistakes_of_all_files_are_reported_at_once_and_in_order(house: House) -> None:
    house.write({"t.yml": "- id: x\n  labels: {job: a}\n- {id: 'y z'}\n"})
    text = """\
replica: 2
defaults: {timeout: 5}
integrations:
  - name: a
    provider: shop
    intervall: 5m
    options: {windoww: 5, api_key_file: gone}
    tenants: {list: [{id: x}], files: [t.yml]}
  - name: a
    provider: nowhere
    labels: {tenant: x}
  - name: b
    provider: web
    options: {url: '${GONE}', ratio: lots}
thresholds: {error_ratio: {high: 0.01}}
notifications: {slack: {}}
"""
    mistakes = house.mistakes(text)
    lines = [mistake.line for mistake in mistakes if mistake.file.endswith("main.yml")]
    assert lines == [1, 2, 6, 7, 7, 9, 10, 11, 14, 14, 15, 16]
    assert [mistake.line for mistake in mistakes if mistake.file.endswith("t.yml")] == [1, 2, 3]


@pytest.mark.parametrize("path", ["gone.yml", ".", "/dev/null/x", "a\0b", "x" * 5_000])
def test_a_path_that_leads_to_no_file_is_one_mistake(house: House, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_file(str(house.folder / path) if path != "." else ".", CATALOGUE, {})
    assert len(caught.value.mistakes) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can play another user")
def test_a_file_that_may_not_be_read_is_one_mistake(house: House) -> None:
    house.write({"main.yml": "replicas: 1\n"})
    os.seteuid(65_534)
    try:
        with pytest.raises(ConfigError, match="no permission"):
            load_file(str(house.main), CATALOGUE, {})
    finally:
        os.seteuid(0)


def test_an_alias_bomb_is_refused_quickly(house: House) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "too large once its aliases" in house.mistakes("\n".join(rows))[0].what


def test_a_file_beyond_the_limit_is_refused(house: House) -> None:
    assert "larger than" in house.mistakes("#" + "x" * (33 << 20))[0].what


def test_a_named_pipe_is_refused_and_not_waited_for(house: House) -> None:
    os.mkfifo(house.folder / "pipe")
    with pytest.raises(ConfigError, match="no regular file"):
        load_file(str(house.folder / "pipe"), CATALOGUE, {})

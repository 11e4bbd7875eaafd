"""The section `generate:`: what it may say, and that Prometheus takes what comes of it."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import registry
from exporter.config.load import load_file
from exporter.config.sections.generate import split_address
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.generation import Generation
from exporter.generate import bundle, scraping
from exporter.generate.document import as_yaml
from tests.rules.tools import program, run, write

INTEGRATIONS = "integrations: [{name: a, provider: tcp, options: {host: localhost, port: 1}}]\n"

ACCESS = {
    "nobody": "",
    "a user": "basic_auth: {{username: prometheus, password_file: {folder}/password}}",
    "a token": "bearer_token_file: {folder}/token",
}
TLS = {
    "plain": "scheme: http",
    "https": "scheme: https",
    "own authority": "scheme: https, tls: {{ca_file: {folder}/ca.pem, server_name: exporter.internal}}",
    "any certificate": "scheme: https, tls: {{insecure_skip_verify: true}}",
}
PREFIXES = {"no prefix": "", "prefix": "path_prefix: /a/b-1"}
ADDRESSES = {
    "usual": "",
    "name": "addresses: [exporter.internal:10055]",
    "several": "addresses: ['10.0.0.1:10055', '[::1]:10055', 'localhost:1']",
}
WAYS = [
    pytest.param(*values, id=" + ".join(names))
    for names, values in (
        (tuple(name for name, _ in one), tuple(value for _, value in one))
        for one in product(ACCESS.items(), TLS.items(), PREFIXES.items(), ADDRESSES.items())
    )
]


def loaded(folder: Path, section: str) -> Configuration:
    (folder / "c.yml").write_text(f"{INTEGRATIONS}generate:\n{section}")
    return load_file(str(folder / "c.yml"), registry.catalogue(), {})


@pytest.mark.parametrize(("access", "tls", "prefix", "addresses"), WAYS)
def test_prometheus_takes_every_way_to_reach_the_parts(
    tmp_path: Path, access: str, tls: str, prefix: str, addresses: str
) -> None:
    for name in ("password", "token", "ca.pem"):
        (tmp_path / name).write_text("x")
    peer = ", ".join(filter(None, (access, tls, prefix, addresses))).format(folder=tmp_path)
    roles = ("exporter", "prometheus", "alertmanager")
    section = "".join(f"  {role}: {{{peer}}}\n" for role in roles)
    configuration = loaded(tmp_path, f"  job: shop/exporter\n{section}")
    text = as_yaml(scraping.configuration(configuration.generation))
    write(tmp_path, {"p.yml": text})
    done = run(program("promtool"), "check", "config", "--syntax-only", str(tmp_path / "p.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    content = yaml.safe_load(text)
    jobs = {job["job_name"]: job for job in content["scrape_configs"]}
    assert list(jobs) == ["shop/exporter", "prometheus", "alertmanager"]
    (alerting,) = content["alerting"]["alertmanagers"]
    for job in (*jobs.values(), alerting):
        assert job.get("scheme", "http") == ("https" if "https" in tls else "http")
        assert ("basic_auth" in job, "authorization" in job) == ("basic" in access, "token" in access)
        assert ("tls_config" in job) == ("tls:" in tls)
        (static,) = job["static_configs"]
        assert len(static["targets"]) == (3 if "::1" in addresses else 1)
    assert jobs["shop/exporter"].get("metrics_path") == ("/a/b-1/metrics" if prefix else None)
    assert alerting.get("path_prefix") == ("/a/b-1" if prefix else None)


def test_files_of_another_machine_are_not_looked_for_here(tmp_path: Path) -> None:
    section = """\
  exporter:
    scheme: https
    basic_auth: {username: u, password_file: /not/here/password}
    tls: {ca_file: /not/here/ca.pem, cert_file: own.pem, key_file: own.key}
"""
    generation = loaded(tmp_path, section).generation
    assert scraping.job(generation, "exporter") == {
        "job_name": "integration-exporter",
        "scheme": "https",
        "basic_auth": {"username": "u", "password_file": "/not/here/password"},
        "tls_config": {"ca_file": "/not/here/ca.pem", "cert_file": "own.pem", "key_file": "own.key"},
        "static_configs": [{"targets": ["127.0.0.1:10055"]}],
    }


def test_without_the_section_everything_is_on_this_machine() -> None:
    content = scraping.configuration(Generation())
    targets = [job["static_configs"][0]["targets"] for job in content["scrape_configs"]]
    assert targets == [["127.0.0.1:10055"], ["127.0.0.1:9090"], ["127.0.0.1:9093"]]
    assert content["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["127.0.0.1:9093"]}]}]


def test_the_rules_look_for_the_job_of_that_name(tmp_path: Path) -> None:
    configuration = loaded(tmp_path, "  job: shop-exporter\n")
    text = as_yaml(bundle.rule_files(configuration)["exporter"])
    assert 'up{job="shop-exporter"} == 0' in text
    assert 'absent(up{job="shop-exporter"})' in text
    assert '"integration-exporter"' not in text and "$job" not in text
    assert 'up{job="integration-exporter"} == 0' in as_yaml(bundle.rule_files()["exporter"])


MISTAKES = [
    (
        "  exporter: {addresses: ['https://exporter.internal:10055/prefix']}\n",
        3,
        "not host:port",
        "addresses: [exporter.internal:10055], scheme: https, path_prefix: /prefix",
    ),
    (
        "  exporter: {addresses: ['https://me:planted@exporter.internal']}\n",
        3,
        "not host:port",
        "exporter.internal:10055",
    ),
    ("  prometheus:\n    addresses:\n    - localhost\n", 5, "not host:port", "exporter.internal:10055"),
    ("  prometheus: {addresses: ['localhost:0']}\n", 3, "not host:port", "exporter.internal:10055"),
    ("  prometheus: {addresses: ['localhost:65536']}\n", 3, "not host:port", "exporter.internal:10055"),
    ("  alertmanager: {addresses: ['a/b:1']}\n", 3, "not host:port", "exporter.internal:10055"),
    ("  exporter: {scheme: ftp}\n", 3, "scheme", "http"),
    ("  exporter: {path_prefix: exporter/}\n", 3, "path_prefix", "/exporter"),
    ("  exporter: {url: exporter.internal}\n", 3, "url is no web address", "https://host/path"),
    ("  exporter: {tls: {ca_file: x}}\n", 3, "tls is not used with the scheme http", "scheme: https"),
    ("  exporter: {scheme: https, tls: {cert_file: x}}\n", 3, "belong together", "both or neither"),
    (
        "  exporter: {bearer_token_file: x, basic_auth: {username: u, password_file: x}}\n",
        3,
        "both basic_auth and bearer_token_file",
        "keep one",
    ),
    ("  exporter: {basic_auth: {username: u, password_file: ''}}\n", 3, "no file is named", "name a file"),
    ("  exporter: {basic_auth: {username: u}}\n", 3, "password_file is missing", "password_file"),
    ("  job: prometheus\n", 3, "is another one's", "another name"),
    ("  job: 'a\"b'\n", 3, "job", "scrape job"),
    ("  secrets: {group: x}\n", 3, "the group has no owner", "add owner"),
    ("  secrets: {owner: 'a b'}\n", 3, "owner", "Alertmanager runs as"),
    ("  secrets: {dri: x}\n", 3, "unknown key dri", "did you mean dir?"),
]


@pytest.mark.parametrize(("section", "line", "what", "remedy"), MISTAKES)
def test_a_mistake_is_named_with_its_line_and_what_to_write(
    tmp_path: Path, section: str, line: int, what: str, remedy: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, section)
    (mistake,) = caught.value.mistakes
    assert mistake.line == line
    assert what in mistake.what
    assert remedy in mistake.remedy
    assert "planted" not in str(mistake)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://exporter.internal:10055/prefix/", ("exporter.internal:10055", "https", "/prefix")),
        ("http://exporter.internal", ("exporter.internal:80", "http", "")),
        ("https://[::1]/", ("[::1]:443", "https", "")),
        ("ftp://exporter.internal:1", None),
        ("https://u:p@exporter.internal", None),
        ("https://exporter.internal/?a=b", None),
        ("https://exporter.internal/#a", None),
        ("https://exporter.internal:99999", None),
        ("https://exporter internal", None),
        ("https://exporter.internal/a b", None),
        ("exporter.internal", None),
    ],
)
def test_a_plain_web_address_is_taken_apart(url: str, parts: Any) -> None:
    assert split_address(url) == parts

"""The key `events.beacon`: whose pages may report."""

# ruff: noqa: E501 -- a table with one mistake per line is read across
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from exporter.config.schema import build_schema
from exporter.core.event_settings import BeaconSite
from tests.config.house import CATALOGUE, House

ALLOW = "  allow: {widget: [donate], release: ['1.*'], route: [/]}\n"
SITE = '{key: pub_shop, tenant: acme, origins: ["https://shop.example"], sample: 0.1}'


def events(*sites: str, allow: str = ALLOW) -> str:
    return f"integrations: []\nevents:\n{allow}  beacon:\n    sites:\n" + "".join(
        f"      - {site}\n" for site in sites
    )


def test_a_site_has_a_key_a_tenant_origins_and_a_sample(tmp_path: Path) -> None:
    bare = (
        '{key: pub_blog, origins: ["https://blog.example", "http://localhost:3000"], events_per_minute: 500}'
    )
    found = House(tmp_path).load(events(SITE, bare))
    assert found.events.sites == {
        "pub_shop": BeaconSite("pub_shop", "acme", frozenset({"https://shop.example"}), 0.1),
        "pub_blog": BeaconSite(
            "pub_blog", "", frozenset({"https://blog.example", "http://localhost:3000"}), 1.0, 500
        ),
    }
    assert not found.notes


GOOD = "https://shop.example"
MISTAKES: list[tuple[str, str]] = [
    ("key: ab", "key"),
    ('key: "pub shop"', "key"),
    ("key: pub_shöp", "key"),
    ("tenant: a/b", "tenant"),
    ("origins: []", "origins"),
    ("sample: 0", "sample"),
    ("sample: -0.1", "sample"),
    ("sample: 1.01", "sample"),
    ("sample: much", "sample"),
    ("events_per_minute: 99", "events_per_minute"),
    ("share: 0.1", "share"),
    *((f"origins: ['{GOOD}', '{origin}']", "sites[1].origins[1] is no origin") for origin in (
        "shop.example", "https://shop.example/", "https://shop.example/app", "https://Shop.example", "https://*.shop.example",
        "*", "null", "ftp://shop.example", "https://", "https://shop.example?x=1", "https://ann:pw@shop.example", "https://shöp.example",
        "https://shop.example:443", "http://shop.example:80", "https://shop.example:0", "https://shop.example:65536", "https://shop..example",
        "HTTPS://shop.example", " https://shop.example", "https://shop.example:",
    )),
]  # fmt: skip


@pytest.mark.parametrize(("change", "word"), MISTAKES, ids=[change for change, _ in MISTAKES])
def test_each_mistake_is_named_with_its_line_and_a_remedy(tmp_path: Path, change: str, word: str) -> None:
    keys = {"key": "pub_other", "origins": f'["{GOOD}"]'}
    name, _, value = change.partition(": ")
    site = "{" + ", ".join(f"{key}: {text}" for key, text in (keys | {name: value}).items()) + "}"
    (mistake,) = House(tmp_path).mistakes(events(SITE, site))
    assert mistake.line == 7
    assert word in str(mistake) and mistake.remedy


def test_all_mistakes_are_named_at_once_a_key_that_is_there_twice_among_them(tmp_path: Path) -> None:
    found = House(tmp_path).mistakes(
        events(SITE, SITE, '{key: pub_third, origins: ["https://a.example/", "https://b.example:443"]}')
    )
    assert [mistake.line for mistake in found] == [7, 8, 8]
    assert "the key is taken by another site" in str(found[0])
    slash, port = sorted(map(str, found[1:]))
    assert "sites[2].origins[0]" in slash and "no slash at the end" in slash
    assert "sites[2].origins[1]" in port and "leave the port out" in port


@pytest.mark.parametrize(
    ("allow", "named"),
    [
        ("", ["widget", "release", "route"]),
        ("  allow: {widget: 10, release: ['1.*'], route: [/]}\n", ["widget"]),
    ],
)
def test_a_label_that_pages_may_fill_is_noted(tmp_path: Path, allow: str, named: list[str]) -> None:
    notes = House(tmp_path).load(events(SITE, allow=allow)).notes
    assert [note.split()[0].removeprefix("events.allow.") for note in notes] == named
    assert not House(tmp_path).load("integrations: []\nevents: {series_limit: 500}\n").notes


@pytest.mark.parametrize(
    ("site", "fine"),
    [
        ({"key": "pub_shop", "tenant": "acme", "origins": ["https://shop.example"], "sample": 0.1}, True),
        ({"key": "pub_shop", "origins": []}, False),
        ({"key": "pub_shop", "origins": ["https://shop.example"], "sample": 0}, False),
        ({"key": "pub_shop", "origins": ["https://shop.example"], "rate": 1}, False),
        ({"origins": ["https://shop.example"]}, False),
    ],
)
def test_the_schema_for_editors_knows_sites(site: dict[str, Any], fine: bool) -> None:
    validator = Draft202012Validator(build_schema(CATALOGUE))
    assert validator.is_valid({"events": {"beacon": {"sites": [site]}}}) is fine

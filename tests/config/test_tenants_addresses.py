"""Addresses in rows from outside are guarded, and no option that says where we connect slips by unmarked."""

import json
import re
import sqlite3
from pathlib import Path
from typing import Annotated

import pytest

from exporter import registry
from exporter.config.catalogue import Catalogue
from exporter.config.load import load_file
from exporter.core.options import PER_TENANT, TENANT_ADDRESS, Options, address_fields, tenant_fields
from exporter.core.probe import Probe
from tests.config.house import nothing

SOUNDS = re.compile(r"(^|_)(url|uri|host|hostname|server|address|endpoint|domain|base|port)(_|$)")
"""Names of options that say where we connect."""

NAMES_ONLY = frozenset({("resend", "ignored_domains"), ("resend", "domains")})
"""Options that sound so, and are compared with what the vendor answers."""


class ShopOptions(Options, frozen=True, kw_only=True):
    url: Annotated[str, TENANT_ADDRESS] = "https://shop.example"
    account: Annotated[str, PER_TENANT] = ""


CATALOGUE = Catalogue({"shop": Probe("shop", "Shop", ShopOptions, nothing)}, {})
TEXT = """
integrations:
- name: a
  provider: shop
  options: {url: "http://10.0.0.1/"}
  tenants:
    list: [{id: listed, options: {url: "http://10.0.0.2/"}}]
    files: [own.json]
    sql: {url: "sqlite:///rows.db", query: "SELECT id, options FROM rows"}
    allow_networks: [192.168.0.0/16, 10.9.0.0/16]
"""


@pytest.mark.parametrize("name", sorted(registry.catalogue().probes))
def test_an_option_of_a_tenant_that_says_where_we_connect_is_marked(name: str) -> None:
    probe = registry.catalogue().probes[name]
    sounding = {option for option in tenant_fields(probe.options) if SOUNDS.search(option)}
    assert {
        option for option in sounding - address_fields(probe.options) if (name, option) not in NAMES_ONLY
    } == set()


def test_only_a_row_from_outside_that_names_an_address_is_guarded(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "rows.db") as opened:
        opened.execute("CREATE TABLE rows (id, options)")
        opened.executemany(
            "INSERT INTO rows VALUES (?, ?)",
            [("named", json.dumps({"url": "http://x/"})), ("shared", json.dumps({"account": "A"}))],
        )
    opened.close()
    (tmp_path / "own.json").write_text('[{"id": "filed", "options": {"url": "http://10.0.0.3/"}}]')
    (tmp_path / "main.yml").write_text(TEXT)
    made = load_file(str(tmp_path / "main.yml"), CATALOGUE, {})
    assert {tenant: target.networks for (_, tenant), target in made.targets.items()} == {
        "listed": None,
        "filed": None,
        "named": ("10.9.0.0/16", "192.168.0.0/16"),
        "shared": None,
    }


def test_rows_of_files_are_guarded_where_others_write_them(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "own.json").write_text('[{"id": "filed", "options": {"url": "http://10.0.0.3/"}}]')
    text = TEXT.replace("    sql:", "    secrets_dir: secrets\n    # sql:")
    (tmp_path / "main.yml").write_text(text)
    made = load_file(str(tmp_path / "main.yml"), CATALOGUE, {})
    assert {tenant: target.networks for (_, tenant), target in made.targets.items()} == {
        "listed": None,
        "filed": ("10.9.0.0/16", "192.168.0.0/16"),
    }

"""The schema that editors use agrees with the loader."""

import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from exporter.config.durations import seconds, text_of
from exporter.config.schema import build_schema
from tests.config.house import CATALOGUE
from tests.config.test_load import TEXT

SCHEMA = build_schema(CATALOGUE)
VALIDATOR = Draft202012Validator(SCHEMA)


def valid(text: str) -> bool:
    return bool(VALIDATOR.is_valid(yaml.safe_load(text)))


def test_the_schema_is_a_schema_and_always_the_same() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.dumps(build_schema(CATALOGUE)) == json.dumps(SCHEMA)


def test_what_the_loader_takes_the_schema_takes() -> None:
    errors = [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(TEXT))]
    assert errors == []


@pytest.mark.parametrize(
    ("options", "good"),
    [
        ("{api_key: x}", True),
        ("{api_key_file: x, window: 5}", True),
        ("{window: '${W}'}", True),
        ("{dear: '${D:-true}'}", True),
        ("{window: many}", False),
        ("{windoww: 5}", False),
        ("{url: x}", False),
    ],
)
def test_options_are_completed_by_provider(options: str, good: bool) -> None:
    assert valid(f"integrations: [{{name: a, provider: shop, options: {options}}}]") is good


@pytest.mark.parametrize(
    ("part", "good"),
    [
        ("provider: web, options: {url: x}", True),
        ("provider: web, options: {}", False),
        ("provider: web", False),
        ("provider: nowhere", False),
        ("provider: shop, tenants: {list: [{id: a, options: {account: x}}]}", True),
        ("provider: shop, tenants: {list: [{id: a, options: {window: 5}}]}", False),
        ("provider: shop, thresholds: {error_ratio: {high: 0.5}}", True),
        ("provider: shop, thresholds: {certificate_life_seconds: {high: 3d}}", True),
        ("provider: shop, thresholds: {error_ratio: {low: 0.5}}", False),
        ("provider: shop, interval: 5 minutes", False),
        ("provider: shop, interval: '${I}'", True),
    ],
)
def test_the_schema_knows_what_each_place_takes(part: str, good: bool) -> None:
    assert valid(f"integrations: [{{name: a, {part}}}]") is good


def test_credentials_are_marked_and_have_a_file_twin() -> None:
    options: dict[str, Any] = SCHEMA["$defs"]["shop.options"]["properties"]
    assert "api_key_file" in options
    assert SCHEMA["$defs"]["web.Login"]["required"] == ["username"]
    assert SCHEMA["$defs"]["StorePart"]["properties"]["url_file"]


@pytest.mark.parametrize(
    ("text", "amount"),
    [("500ms", 0.5), ("30s", 30), ("5m", 300), ("1h30m", 5_400), ("1d", 86_400), ("2w", 1_209_600)],
)
def test_durations_are_read_as_prometheus_reads_them(text: str, amount: float) -> None:
    assert seconds(text) == amount
    assert seconds(text_of(amount)) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1.5h", 5_400), (".5s", 0.5), ("5s5m", 305), ("250us", 0.00025), ("0", 0), ("9ns", 9e-9)],
)
def test_durations_are_read_as_go_reads_them(text: str, amount: float) -> None:
    assert seconds(text) == pytest.approx(amount)


@pytest.mark.parametrize(
    "text", ["", "5", "5x", "-5s", "1.5", "1e3s", ".s", "\N{ARABIC-INDIC DIGIT FIVE}s", "5s\n", " 5s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds(text)

"""Whatever stands in a file, only a configuration or a list of mistakes comes out."""

import json
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.config.feeds.feeds import FeedMemory, Feeds
from exporter.config.feeds.http import rows_of
from exporter.config.feeds.row import FeedProblem, checked
from exporter.config.load import load_text
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from tests.config.house import CATALOGUE

VOCABULARY = """
name provider options tenants list files id labels thresholds interval timeout critical url api_key
api_key_file login username password tls ca_file headers error_ratio high medium slack email to
notifications integrations store retention checks replicas defaults teams receiver secrets_dir
shop web a b 5m 30s 0s *.yml /dev/null ${X} ${X:-1} ${ $${X} http://u:p@x sqlite:// <<
"""
WORDS = st.sampled_from(VOCABULARY.split())
LEAVES = WORDS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)
INTEGRATIONS = st.fixed_dictionaries(
    {"name": st.just("a") | VALUES, "provider": st.sampled_from(["shop", "web"]) | VALUES},
    optional={
        "options": st.dictionaries(WORDS, VALUES, max_size=4) | VALUES,
        "tenants": st.fixed_dictionaries(
            {}, optional={"list": st.lists(st.fixed_dictionaries({"id": st.just("t") | VALUES}, optional={
                "options": VALUES, "labels": VALUES, "thresholds": VALUES}), max_size=3), "files": VALUES}
        )
        | VALUES,
        "thresholds": VALUES,
        "labels": VALUES,
        "interval": VALUES,
        "timeout": VALUES,
    },
)  # fmt: skip
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "integrations": st.lists(INTEGRATIONS, max_size=3) | VALUES,
        "thresholds": VALUES,
        "notifications": VALUES,
        "store": VALUES,
        "defaults": VALUES,
        "replicas": VALUES,
    },
)


def load(text: str) -> None:
    try:
        made = load_text(text, "/nonexistent/folder/main.yml", CATALOGUE, {"X": "1"})
    except ConfigError as error:
        assert error.mistakes
        assert all(mistake.what and mistake.remedy for mistake in error.mistakes)
        assert all("\n" not in str(mistake) for mistake in error.mistakes)
    else:
        assert isinstance(made, Configuration)
        yaml.safe_load(made.redacted_text)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(DOCUMENTS | VALUES)
def test_a_random_document_gives_a_configuration_or_mistakes(value: Any) -> None:
    load(yaml.safe_dump(value, allow_unicode=True))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=60) | st.text(alphabet="ab:-[]{}&*!|>'\"%@`#, \n\t<?${}0x1.", max_size=60))
def test_random_text_gives_a_configuration_or_mistakes(text: str) -> None:
    load(text)


NUMBERS = st.sampled_from([10**400, -(10**400), 2**63, 2**64, 0.5, 1e308, -1, 0])
ROW_LEAVES = (
    LEAVES | NUMBERS | st.sampled_from(["NaN", "1e999", "x" * 300, "\u2028", "a\nb", "://[", "http://u:p@[x"])
)
ROW_VALUES = st.recursive(
    ROW_LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
STEPS = st.dictionaries(st.sampled_from(["medium", "high", "low", "x"]), ROW_VALUES, max_size=3)
FAMILIES = st.sampled_from(["error_ratio", "connections_ratio", "certificate_life_seconds", "x"])
OPTIONS = st.sampled_from(["api_key", "api_key_file", "account", "size", "strict", "window", "x"])
ROWS = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b", "c"]) | ROW_VALUES},
    optional={
        "options": st.dictionaries(OPTIONS, ROW_VALUES, max_size=3) | ROW_VALUES,
        "labels": st.dictionaries(st.text(max_size=3), ROW_VALUES, max_size=3) | ROW_VALUES,
        "thresholds": st.dictionaries(FAMILIES, STEPS | ROW_VALUES, max_size=3) | ROW_VALUES,
        "..text": ROW_VALUES,
        "other": ROW_VALUES,
    },
)
GROUPS = st.fixed_dictionaries(
    {"targets": st.lists(ROW_VALUES, max_size=3) | ROW_VALUES},
    optional={
        "labels": st.dictionaries(st.text(max_size=3) | st.just("__option_size"), ROW_VALUES, max_size=3)
    },
)
FEED = """
integrations:
- {name: a, provider: shop, interval: 1h, tenants: {http: {url: "http://127.0.0.1:9/"}, secrets_dir: .}}
"""


def answered(feeds: Feeds, body: bytes) -> None:
    """Let the source of `a` have answered `body`."""
    known = feeds.memory_of(("a", "http"))
    assert isinstance(known, FeedMemory)
    try:
        known.take([checked(row) for row in rows_of(body, 100)], 0.0)
    except FeedProblem as problem:
        known.failure = str(problem)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(ROWS | GROUPS | ROW_VALUES, max_size=4), min_size=1, max_size=3))
def test_whatever_a_source_of_tenants_answers_a_configuration_comes_of_it(answers: list[Any]) -> None:
    feeds = Feeds()
    for answer in ([], *answers):
        if answer:
            answered(feeds, json.dumps(answer).encode())
        made = load_text(FEED, "/nonexistent/../main.yml", CATALOGUE, {}, feeds)
        (state,) = feeds.states()
        assert len(made.targets) == state.tenants
        assert all("\n" not in line for line in state.warnings)

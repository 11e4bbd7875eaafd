"""`ratelimits:` what a right one means, and every mistake with its line and a remedy."""

from pathlib import Path

import pytest

from exporter.core.ratelimit import RateLimitPolicy, RateLimitSettings
from exporter.core.secret import Secret
from tests.config.house import House

POLICY = '{name: api, endpoint: "/api/*", by: address, limit: 100/1m, block_for: 10m}'


def limits(*policies: str, head: str = "") -> str:
    """Return a document; the first policy is in line 5."""
    listed = "".join(f"    - {policy}\n" for policy in policies) if policies else "    []\n"
    return f"integrations: []\nratelimits:\n  {head or 'storage: memory'}\n  policies:\n{listed}"


def test_a_policy_has_a_name_an_endpoint_a_kind_a_limit_and_a_block(tmp_path: Path) -> None:
    found = House(tmp_path).load(limits(POLICY, '{name: all, endpoint: "*", limit: 5/1s}'))
    assert found.ratelimits == RateLimitSettings(
        None,
        "allow",
        {
            "api": RateLimitPolicy("api", "/api/*", "address", 100, 60, 600.0),
            "all": RateLimitPolicy("all", "*", "address", 5, 1),
        },
    )
    assert House(tmp_path).load("integrations: []\n").ratelimits == RateLimitSettings()


@pytest.mark.parametrize(
    "url",
    [
        *("redis://127.0.0.1:6379", "redis://cache.example/3", "rediss://user:pw@cache.example:6380/0"),
        *("redis://:p%40ss@[::1]:6379/0", "redis://cache.example/"),
    ],
)
def test_the_storage_is_memory_or_a_redis(tmp_path: Path, url: str) -> None:
    found = House(tmp_path).load(limits(head=f"storage: '{url}'")).ratelimits
    assert found.storage == Secret(url) and "pw" not in repr(found)


def test_the_address_of_redis_may_be_in_a_file_and_its_password_shows_nowhere(tmp_path: Path) -> None:
    (tmp_path / "redis").write_text("redis://:hunter2hunter2@cache.example:6379/0\n")
    found = House(tmp_path).load(limits(head=f"storage_file: {tmp_path}/redis"))
    assert found.ratelimits.storage == Secret("redis://:hunter2hunter2@cache.example:6379/0")
    inline = House(tmp_path).load(limits(head="storage: redis://:hunter2hunter2@cache.example:6379/0"))
    for one in (found, inline):
        assert "hunter2hunter2" in one.secrets and "hunter2" not in one.redacted_text
    # The usual word is none that logs have to hide.
    assert "memory" not in House(tmp_path).load(limits(POLICY)).secrets


MISTAKES: list[tuple[str, str]] = [
    ("name: ''", "name"),
    ("name: 'a b'", "name"),
    ("endpoint: ''", "endpoint"),
    ("endpoint: 'GET /api'", "endpoint"),
    ("by: ip", "address"),
    ("limit: 100", "limit"),
    ("limit: 0/1m", "limit"),
    ("limit: 100/0s", "limit"),
    ("limit: 100/500ms", "whole seconds"),
    ("limit: 100/1500ms", "whole seconds"),
    ("limit: 100/31d", "30d"),
    ("limit: 100 per minute", "limit"),
    ("block_for: soon", "block_for"),
    ("block_for: 31d", "30d"),
    ("burst: 7", "burst"),
]


@pytest.mark.parametrize(("change", "word"), MISTAKES, ids=[change for change, _ in MISTAKES])
def test_each_mistake_is_named_with_its_line_and_a_remedy(tmp_path: Path, change: str, word: str) -> None:
    keys = {"name": "other", "endpoint": "/api/*", "limit": "100/1m"}
    name, _, value = change.partition(": ")
    policy = "{" + ", ".join(f"{key}: {text}" for key, text in (keys | {name: value}).items()) + "}"
    (mistake,) = House(tmp_path).mistakes(limits(POLICY, policy))
    assert mistake.line == 6
    assert word in str(mistake) and mistake.remedy


@pytest.mark.parametrize(
    ("head", "word"),
    [
        ("storage: disk", "neither memory nor"),
        ("storage: redis://", "neither memory nor"),
        ("storage: http://cache.example:6379", "neither memory nor"),
        ("storage: redis://cache.example:99999", "neither memory nor"),
        ("storage: redis://cache.example/main", "neither memory nor"),
        ("storage: redis://cache.example/0?socket_timeout=9", "neither memory nor"),
        ("when_storage_fails: ignore", "allow"),
        ("storage_timeout: 5ms", "10ms to 5s"),
        ("storage_timeout: 6s", "10ms to 5s"),
        ("storages: memory", "storages"),
    ],
)
def test_mistakes_of_the_storage_are_named_too(tmp_path: Path, head: str, word: str) -> None:
    (mistake,) = House(tmp_path).mistakes(limits(POLICY, head=head))
    assert mistake.line == 3 and word in str(mistake) and mistake.remedy


def test_a_name_that_is_there_twice_is_a_mistake_and_all_are_named_at_once(tmp_path: Path) -> None:
    twice, odd = POLICY, '{name: odd, endpoint: "/a b", limit: 1/31d, block_for: 99d}'
    found = House(tmp_path).mistakes(limits(POLICY, twice, odd, head="storage: tape"))
    assert [mistake.line for mistake in found] == [3, 6, 7, 7, 7]
    assert "taken by another policy" in str(found[1])

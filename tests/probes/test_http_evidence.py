"""What an assertion found instead: an administrator who asks for the probe sees it, nobody else."""

import json

import pytest
from msgspec.structs import replace

from exporter.core.network import Network
from exporter.probes.http import PROBE
from exporter.probes.http.evidence import LONGEST, values
from exporter.server.handlers.probe import story
from tests.probes.day import probed, target_of
from tests.servers.raw import answering, ok, serving

SERVED = {
    "status": "degraded",
    "db": {"state": "down", "lag": 12},
    "tags": ["a", "b"],
    "api_token": "planted-secret",
    "items": [{"ok": True}, {"ok": False}],
    "note": "x" * 500,
    "gone": None,
}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("status == 'ok'", ['status is "degraded"']),
        ("db.state == 'up' && db.lag < `5`", ['db.state is "down"', "db.lag is 12"]),
        ("contains(tags, 'c')", ["tags is a list of 2"]),
        ("db == `{}`", ["db is an object with 2 keys"]),
        ("missing == 'x'", ["missing is not there"]),
        ("!(status != 'ok')", ['status is "degraded"']),
        ("api_token == 'x'", ["api_token is ***"]),
        ("items[1].ok", ["items[1].ok is false"]),
        ("items[?ok == `false`].ok | [0]", ["items is a list of 2"]),
        ("note == 'y'", [f'note is "{"x" * (LONGEST - 1)}...']),
        ("`false`", []),
    ],
)
def test_each_field_that_is_read_is_reported_in_short(expression: str, found: list[str]) -> None:
    assert values(expression, SERVED) == found


async def test_only_the_story_of_the_probe_quotes_it_and_without_what_was_sent(network: Network) -> None:
    served = {"status": "degraded", "echo": "Bearer planted-token-0123"}
    options = {
        "auth": {"bearer": {"token": "planted-token-0123"}},
        "expect": {"body": ["status == 'ok' || echo == 'x'"]},
    }
    async with serving(answering(ok(json.dumps(served).encode()))) as server:
        target = target_of(PROBE, {"url": server.url(), **options})
        result = await probed(target, network)
    assert result.detail == "expect.body[0] `status == 'ok' || echo == 'x'` is not true"
    assert result.private == ('status is "degraded"', 'echo is "***"')
    assert 'Found: status is "degraded"' in story(target, result, "")
    # What is listed, stored and shown to viewers is made of the other fields.
    assert "degraded" not in repr(replace(result, private=()))


async def test_a_good_answer_is_not_quoted(network: Network) -> None:
    async with serving(answering(ok(b'{"status": "ok"}'))) as server:
        target = target_of(PROBE, {"url": server.url(), "expect": {"body": ["status == 'ok'"]}})
        assert (await probed(target, network)).private == ()

"""How Prometheus finds every process, and what a shard says of itself."""

from typing import Any

import pytest

from exporter.core.configuration import Integration, Shard
from exporter.core.errors import StartError
from exporter.core.reason import Reason
from exporter.server.discovery import META, groups, validate_template
from exporter.server.paths import Paths
from tests.server.house import HTTP, Room, house, state

SHARD, REPLICA = f"{META}shard", f"{META}replica"


def addresses(*templates: str, shards: int = 1, replicas: int = 1) -> list[Any]:
    return [group["targets"] for group in groups(templates, shards, replicas)]


@pytest.mark.parametrize(
    ("templates", "shards", "replicas", "found"),
    [
        (["a:1"], 1, 1, ["a:1"]),
        (["a-{shard}:1"], 3, 1, ["a-0:1", "a-1:1", "a-2:1"]),
        (["a:1", "b:1"], 2, 1, ["a:1", "b:1"]),
        (["a:1", "a:1"], 1, 1, ["a:1"]),
        (["a-{shard}-{replica}:1"], 2, 2, ["a-0-0:1", "a-0-1:1", "a-1-0:1", "a-1-1:1"]),
        (["{shard}.a:1", "{shard}.b:1"], 2, 1, ["0.a:1", "1.a:1", "0.b:1", "1.b:1"]),
    ],
)
def test_a_template_stands_for_every_shard_and_replica(
    templates: list[str], shards: int, replicas: int, found: list[str]
) -> None:
    assert addresses(*templates, shards=shards, replicas=replicas) == [[one] for one in found]


def test_labels_for_relabelling_name_shard_and_replica() -> None:
    made = groups(["a-{shard}-{replica}"], 1, 2, https=True, path="/x/metrics")
    common = {"__scheme__": "https", "__metrics_path__": "/x/metrics", SHARD: "0"}
    assert [group["labels"] for group in made] == [common | {REPLICA: "0"}, common | {REPLICA: "1"}]
    assert groups(["a"], 1, 1) == [{"targets": ["a"], "labels": {}}]


@pytest.mark.parametrize(
    "template", ["a", "a:1", "a-{shard}.b:1", "[::1]:10055", "{shard}-{replica}", "10.0.0.1"]
)
def test_good_templates_are_taken(template: str) -> None:
    assert validate_template(template) == template


@pytest.mark.parametrize(
    "template", ["", "http://a:1", "a:1/metrics", "a b", "a-{index}:1", "a:port", "a:1,b:1"]
)
def test_bad_templates_are_reported_at_the_start(template: str) -> None:
    with pytest.raises(StartError, match=r"^--sd\.address is"):
        validate_template(template)


async def test_one_process_alone_is_where_it_was_asked() -> None:
    async with house(Room([state("a")])) as made:
        answer = await made.ask("/api/v1/sd")
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.json == [{"targets": [f"127.0.0.1:{made.port}"], "labels": {}}]
        assert (await made.ask("/api/v1/sd", headers={"Host": 'localhost"x'})).status in (400, 403)


@pytest.mark.parametrize(("shard", "replicas"), [(Shard(0, 2), 1), (Shard(), 2)])
async def test_a_part_of_the_list_is_never_given_for_the_whole(shard: Shard, replicas: int) -> None:
    async with house(Room([state("a")], shard=shard, replicas=replicas)) as made:
        answer = await made.ask("/api/v1/sd")
    assert (answer.status, answer.json["status"]) == (503, 503)
    assert "--sd.address" in answer.json["error"]


async def test_every_process_gives_the_same_whole_list() -> None:
    lists = []
    for index in range(2):
        room = Room(
            [state("a")], shard=Shard(index, 2), sd_addresses=("x-{shard}:9",), paths=Paths("/p", "/p")
        )
        async with house(room) as made:
            lists.append((await made.ask("/p/api/v1/sd")).json)
    labels = {"__metrics_path__": "/p/metrics"}
    assert (
        lists[0]
        == lists[1]
        == [{"targets": [f"x-{n}:9"], "labels": {**labels, SHARD: str(n)}} for n in range(2)]
    )


async def test_the_status_of_a_shard_says_that_it_is_one_and_leaves_out_what_others_serve() -> None:
    """An integration whose targets are all elsewhere is not missing: it would make the shard `partial`."""
    shard = Shard(1, 2, frozenset({("elsewhere", "t1"), ("both", "t1")}))
    idle = Integration("elsewhere", HTTP, True, 60.0)
    async with house(Room([state("both", "t2")], shard=shard, idle=(idle,))) as made:
        answer = (await made.ask("/api/v1/status")).json
        assert answer["shard"] == {"index": 1, "count": 2}
        assert (list(answer["integrations"]), answer["overall_status"]) == (["both"], "healthy")
        missed = await made.ask("/probe?target=elsewhere/t1", headers={"X-Integration-Exporter": "1"})
        assert (missed.status, "another shard" in missed.text) == (404, True)
        outsider = await made.ask("/probe?target=elsewhere/t9", headers={"X-Integration-Exporter": "1"})
        assert (outsider.status, "another shard" in outsider.text) == (404, False)


async def test_an_exporter_that_is_no_shard_says_nothing_of_shards() -> None:
    async with house(Room([state("a", status="error", reason=Reason.DNS)])) as made:
        assert "shard" not in (await made.ask("/api/v1/status")).json

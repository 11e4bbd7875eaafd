"""The calls of a run to a vendor: one credential on each, pages by the last id, the vendor's own refusals."""

from collections.abc import AsyncIterator

import pytest

from exporter.core.errors import ProbeError
from exporter.core.network import Answer, Network
from exporter.core.options import TlsOptions
from exporter.core.probe import Kit
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.engine.kit import RunKit
from exporter.net.tokens import Tokens
from exporter.probes._vendor_api import VendorApi, bearer
from exporter.sandbox.harness import Call, Endpoint, Reply, Vendor, serve
from exporter.sandbox.stand import Stand
from tests.clock import HandClock

ROWS = tuple(f"row{number}" for number in range(5))


def _options(_endpoint: Endpoint) -> dict[str, object]:
    return {}


def _rows(call: Call) -> Reply:
    """Two rows a page, after the id in `after`."""
    limit = int(call.query["limit"][0])
    start = ROWS.index(call.query["after"][0]) + 1 if "after" in call.query else 0
    rows = [{"id": row} for row in ROWS[start : start + limit]]
    return Reply(body={"data": rows, "has_more": start + limit < len(ROWS)}, headers={"X-Start": str(start)})


def _refused(_call: Call) -> Reply:
    return Reply(403, {"error": "planted"}, {"X-Request": "r1"})


class Refused(ProbeError):
    """What a vendor makes of an answer that is not 200."""


def refuse(name: str, answer: Answer) -> Refused:
    return Refused(Reason.PERMISSION, f"{name} answered HTTP {answer.status}")


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    vendor = Vendor("team", "Team", _options, {"GET /rows": _rows, "GET /refused": _refused})
    async with serve([vendor]) as sandbox:
        yield sandbox.stands["team"]


@pytest.fixture
def kit(network: Network) -> Kit:
    clock = HandClock()
    return RunKit(network, clock, {}, Tokens(network, clock))


def api_of(kit: Kit, base_url: str, max_body: int = 1 << 20) -> VendorApi:
    auth = bearer(Secret("key-1"), scheme="Key")
    return VendorApi(
        kit, base_url, TlsOptions(), auth, refuse, extra=(("X-Version", "7"),), max_body=max_body
    )


async def test_every_call_carries_the_credential_and_the_headers_of_the_vendor(
    stand: Stand, kit: Kit
) -> None:
    api = api_of(kit, f"{stand.endpoint.url}/")
    page = await api.get("/rows", (("limit", "2"), ("name", "a b")))
    assert [item.text("id") for item in page.items("data")] == ["row0", "row1"]
    assert api.headers["x-start"] == "0"
    (call,) = stand.calls
    assert (call.method, call.path, call.query) == ("GET", "/rows", {"limit": ["2"], "name": ["a b"]})
    assert (call.headers["authorization"], call.headers["x-version"]) == ("Key key-1", "7")


def test_a_credential_that_is_not_configured_is_an_empty_one_and_none_shows() -> None:
    ((name, value),) = bearer(None)
    assert isinstance(value, Secret)
    assert (name, value.reveal(), str(value)) == ("Authorization", "Bearer ", str(Secret("x")))


async def test_every_status_but_200_is_what_the_vendor_makes_of_it(stand: Stand, kit: Kit) -> None:
    api = api_of(kit, stand.endpoint.url)
    with pytest.raises(Refused, match=r"^permission: /refused answered HTTP 403$"):
        await api.get("/refused")
    assert api.headers["x-request"] == "r1"
    with pytest.raises(Refused, match=r"^permission: the list answered HTTP 403$"):
        await api.read(stand.endpoint.url, "/refused", (), name="the list")


@pytest.mark.parametrize(("most", "count", "truncated"), [(1, 2, True), (2, 4, True), (3, 5, False)])
async def test_a_list_is_read_page_by_page_after_the_last_id(
    stand: Stand, kit: Kit, most: int, count: int, truncated: bool
) -> None:
    rows = await api_of(kit, stand.endpoint.url).list_by_id("/rows", "after", most, (("kind", "x"),), size=2)
    assert [item.text("id") for item in rows.items] == list(ROWS[:count])
    assert rows.truncated is truncated
    assert [call.query.get("after") for call in stand.calls] == [None, ["row1"], ["row3"]][:most]
    assert all(call.query["kind"] == ["x"] and call.query["limit"] == ["2"] for call in stand.calls)


async def test_an_answer_above_the_bound_is_no_answer(stand: Stand, kit: Kit) -> None:
    with pytest.raises(ProbeError, match="10 bytes") as failure:
        await api_of(kit, stand.endpoint.url, max_body=10).get("/rows", (("limit", "5"),))
    assert failure.value.reason is Reason.BAD_RESPONSE

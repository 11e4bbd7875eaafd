"""The stream of changes: what it says, to whom, how often, and when it ends."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exporter.core.changes import BOARD, CONFIGURATION
from exporter.core.listing import Listing
from exporter.core.probe import Result
from exporter.core.reason import Reason
from exporter.registry import lists
from exporter.server.access import Identity
from exporter.server.change_kinds import MEANINGS, SILENT, SLOW, STATISTICS, every_kind, kinds_of, names_for
from exporter.server.change_stream import MOST_CHANGES, MOST_NAMES
from exporter.server.services import StreamLimits
from exporter.server.sessions import SESSION_SECONDS
from exporter.server.web_config.settings import Role
from exporter.store.schema import METADATA
from tests.server.house import CHANGE, House, Room, bearer, house
from tests.server.test_access import TOKENS, board, web_config
from tests.waiting import PATIENCE, rest, until

PATH = "/api/v1/stream"
QUICK = StreamLimits(gap=0.05, slow_gap=0.1, beat=0.2)


class Reader:
    """One open stream, read message by message."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.id = ""
        self.comments = 0

    async def block(self) -> list[str]:
        """Return the lines of the next block, [] at the end."""
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while line := (await self.answer.content.readline()).decode():
                if line == "\n":
                    return lines
                lines.append(line.rstrip("\n"))
        return []

    async def change(self) -> dict[str, Any]:
        """Return what the next event says; the greeting and comments are passed over."""
        while lines := await self.block():
            fields = dict(line.split(": ", 1) for line in lines)
            self.id = fields.get("id", self.id)
            if "data" in fields:
                assert fields["event"] == "change"
                found: dict[str, Any] = json.loads(fields["data"])
                return found
            self.comments += 1
        raise EOFError

    async def ended(self) -> bool:
        """Return whether the stream ends without another event."""
        try:
            await self.change()
        except (EOFError, aiohttp.ClientError):
            return True
        return False


@asynccontextmanager
async def opened(made: House, caller: str = "viewer", **headers: str) -> AsyncIterator[Reader]:
    given = bearer(TOKENS[caller]) | {name.replace("_", "-"): value for name, value in headers.items()}
    async with made.client.get(made.url + PATH, headers=given) as answer:
        assert answer.status == 200
        yield Reader(answer)


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[House]:
    async with house(Room(board(), path=web_config(tmp_path), streams=QUICK)) as made:
        yield made


async def test_a_change_arrives_as_an_event_with_a_place_to_go_on_from(guarded: House) -> None:
    async with opened(guarded) as reader:
        head = dict(line.split(": ", 1) for line in await reader.block())
        assert head["retry"] == "3000" and head["id"]
        assert reader.answer.headers["X-Accel-Buffering"] == "no"
        assert reader.answer.headers["Cache-Control"] == "no-store"
        guarded.room.feed.note(BOARD, "calendar", "acme")
        assert await reader.change() == {
            "kinds": ["targets"],
            "integrations": ["calendar"],
            "tenants": ["acme"],
        }
        assert reader.id > head["id"]


async def test_changes_that_come_together_are_one_event(guarded: House) -> None:
    async with opened(guarded, "admin") as reader:
        await reader.block()
        for _ in range(100):
            guarded.room.feed.note(BOARD, "calendar", "acme")
            guarded.room.feed.note("failure", "payments", "")
            guarded.room.feed.note("token_log", "payments", None)
        assert await reader.change() == {
            "kinds": ["errors", "targets", "token-log", "tokens"],
            "integrations": ["calendar", "payments"],
            "tenants": None,
        }
        guarded.room.feed.note(BOARD)
        assert (await reader.change())["kinds"] == ["targets"]


async def test_a_change_on_the_board_and_in_any_thread_is_heard(guarded: House) -> None:
    room = guarded.room
    room.history.feed = room.feed
    async with opened(guarded) as reader:
        await reader.block()
        state = room.states[1]
        room.history.add_outcome(("connected", None), state, Result(1.0, 0.1))
        thread = threading.Thread(target=lambda: room.feed.note("failure", "payments", "globex"))
        thread.start()
        thread.join()
        assert (await reader.change())["kinds"] == ["errors"]
        state.status, state.reason = "error", Reason.AUTH
        room.history.add_outcome(("connected", None), state, Result(1.0, 0.1, Reason.AUTH))
        assert (await reader.change())["tenants"] == ["acme"]


async def test_a_bound_caller_hears_of_its_tenants_alone(guarded: House) -> None:
    feed = guarded.room.feed
    async with opened(guarded, "bound_viewer") as bound, opened(guarded) as free:
        await bound.block(), await free.block()
        for tenant in ("globex", "", None):
            feed.note(BOARD, "calendar", tenant)
            assert (await free.change())["kinds"] == ["targets"]
        feed.note(BOARD, "calendar", "globex")
        feed.note("failure", "payments", "acme")
        assert await bound.change() == {
            "kinds": ["errors"],
            "integrations": ["payments"],
            "tenants": ["acme"],
        }
        feed.note(CONFIGURATION)
        assert await bound.change() == {"kinds": ["configuration"], "integrations": None, "tenants": None}


async def test_what_needs_an_administrator_is_said_to_one_alone(guarded: House) -> None:
    async with opened(guarded) as viewer, opened(guarded, "bound_admin") as admin:
        await viewer.block(), await admin.block()
        for table in ("token", "audit_entry", "notice", "sms_incident"):
            guarded.room.feed.note(table, "payments", "acme")
        found = await admin.change()
        assert {"tokens", "audit", "alerts", "notices"} <= set(found["kinds"])
        guarded.room.feed.note(BOARD, "payments", "acme")
        assert (await viewer.change())["kinds"] == ["targets"]


async def test_figures_that_always_move_wait_for_their_turn(tmp_path: Path) -> None:
    limits = StreamLimits(gap=0.01, slow_gap=3600.0)
    async with house(Room(board(), path=web_config(tmp_path), streams=limits)) as made:
        async with opened(made) as reader:
            await reader.block()
            made.room.feed.note("event_summary", "", "")
            heard = [(await reader.change())["kinds"]]
            for _ in range(2):
                made.room.feed.note("check_summary", "payments", "")
                made.room.feed.note(BOARD, "payments", "")
                heard.append((await reader.change())["kinds"])
        assert heard == [["statistics"], ["targets"], ["targets"]]


async def test_figures_that_waited_are_heard_of_in_the_end(guarded: House) -> None:
    async with opened(guarded) as reader:
        await reader.block()
        for _ in range(3):
            guarded.room.feed.note("check_summary", "payments", "")
            assert (await reader.change())["kinds"] == ["statistics"]


async def test_who_comes_back_is_brought_up_to_date_whatever_it_says_of_its_place(guarded: House) -> None:
    async with opened(guarded) as reader:
        head = dict(line.split(": ", 1) for line in await reader.block())
        async with opened(guarded, Last_Event_ID=head["id"]) as again:
            await again.block()
            guarded.room.feed.note(BOARD, "calendar", "acme")
            assert (await again.change())["kinds"] == ["targets"]
    await until(lambda: guarded.room.feed.listener is None)
    for last in (head["id"], again.id, "", "x" * 500, "-1", "\u00e9"):
        async with opened(guarded, Last_Event_ID=last) as reader:
            found = await reader.change()
        assert "targets" in found["kinds"] and "tokens" not in found["kinds"], last
        assert found["integrations"] is None and found["tenants"] is None


async def test_silence_has_a_comment_by_which_proxies_see_that_it_lives(tmp_path: Path) -> None:
    limits = StreamLimits(beat=0.02)
    room = Room(board(), path=web_config(tmp_path), streams=limits)
    async with house(room) as made, opened(made) as reader:
        await reader.block()
        assert await reader.block() == [": alive"]
        assert await reader.block() == [": alive"]


ACCESS = "bearer_tokens: [{{name: viewer, token: {token}, {rights}}}]\n"
RIGHTS = {
    "withdrawn": {"token": "another-0123456789"},
    "more": {"rights": "roles: [admin]"},
    "fewer": {"rights": "roles: [ingest]"},
    "bound": {"rights": "roles: [viewer], tenants: [acme]"},
}


@pytest.mark.parametrize("how", RIGHTS)
async def test_who_may_read_another_part_hears_that_and_nothing_more(tmp_path: Path, how: str) -> None:
    path = tmp_path / "web.yml"
    before = {"token": TOKENS["viewer"], "rights": "roles: [viewer]"}
    path.write_text(ACCESS.format(**before))
    # No beat and no event comes to the help of who is judged again.
    limits = StreamLimits(beat=PATIENCE)
    async with house(Room(board(), path=path, streams=limits)) as made, opened(made) as reader:
        await reader.block()
        path.write_text(ACCESS.format(**before | RIGHTS[how]))
        assert await reader.block() == ["event: access", "data: {}"]
        made.room.feed.note(BOARD, "calendar", "acme")
        assert await reader.ended()


async def test_who_may_read_the_same_as_before_goes_on(tmp_path: Path) -> None:
    path = web_config(tmp_path)
    limits = StreamLimits(beat=PATIENCE)
    async with house(Room(board(), path=path, streams=limits)) as made, opened(made) as reader:
        await reader.block()
        path.write_text(path.read_text() + "\n")
        assert await reader.block() == [": alive"]
        made.room.feed.note(BOARD, "calendar", "acme")
        assert (await reader.change())["kinds"] == ["targets"]


async def test_a_token_that_expires_without_a_word_is_noticed_by_the_beat(tmp_path: Path) -> None:
    limits = StreamLimits(beat=0.05, gap=0.01)
    async with house(Room(board(), streams=limits)) as made, signed_in(made) as reader:
        await reader.block()
        made.room.now += SESSION_SECONDS + 1
        while (lines := await reader.block()) != ["event: access", "data: {}"]:
            assert lines == [": alive"]
        assert await reader.ended()


async def test_a_session_that_somebody_ends_hears_nothing_more(tmp_path: Path) -> None:
    limits = StreamLimits(beat=PATIENCE)
    async with (
        house(Room(board(), streams=limits)) as made,
        signed_in(made) as reader,
        signed_in(made) as other,
        made.client.get(made.url + PATH) as nobody,
    ):
        await reader.block(), await other.block(), await Reader(nobody).block()
        cookie = {"Cookie": reader.answer.request_info.headers["Cookie"]}
        assert (await made.ask("/sign-out", "POST", cookie, admin=False)).status == 303
        made.room.feed.note("audit_entry", "", "")
        assert await reader.block() == ["event: access", "data: {}"]
        assert await reader.ended()
        for one in (other, Reader(nobody)):
            assert await one.block() == [": alive"]
        assert (await other.change())["kinds"] == ["audit"]


@asynccontextmanager
async def signed_in(made: House) -> AsyncIterator[Reader]:
    """Open a stream by the cookie of a new session."""
    form = {"token": made.admin["Authorization"].removeprefix("Bearer ")}
    reply = await made.ask("/sign-in", "POST", admin=False, data=form)
    cookie = {"Cookie": reply.headers["set-cookie"].partition(";")[0]}
    async with made.client.get(made.url + PATH, headers=cookie) as answer:
        assert answer.status == 200
        yield Reader(answer)


async def test_beyond_the_bound_a_page_is_asked_to_do_without(tmp_path: Path) -> None:
    limits = StreamLimits(most=3, of_bound=1)
    async with house(Room(board(), path=web_config(tmp_path), streams=limits)) as made:
        async with opened(made), opened(made, "bound_viewer"):
            second = await made.ask(PATH, headers=bearer(TOKENS["bound_viewer"]))
            assert second.status == 503 and second.headers["retry-after"] == "30"
            async with opened(made):
                full = await made.ask(PATH, headers=bearer(TOKENS["admin"]))
                assert full.status == 503 and "renewed without the stream" in full.json["error"]
            # Those that left are not waited for.
        for _ in range(3):
            async with opened(made):
                pass


async def test_a_client_that_does_not_read_is_cut_off_and_the_others_go_on(tmp_path: Path) -> None:
    limits = StreamLimits(gap=0.0, gather=0.0)
    async with house(Room(board(), path=web_config(tmp_path), streams=limits)) as made:
        reader, writer = await asyncio.open_connection("127.0.0.1", made.port, limit=1024)
        head = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKENS['viewer']}\r\n\r\n"
        writer.write(head.encode())
        await reader.readuntil(b"\r\n\r\n")
        async with opened(made) as other:
            await other.block()
            names = [f"{'i' * 4000}{number}" for number in range(MOST_NAMES)]
            cut = False
            for _ in range(2000):  # as much as buffers of the system hold, and more
                for name in names:
                    made.room.feed.note(BOARD, name, "")
                assert (await other.change())["kinds"] == ["targets"]
                if cut := _streams(made) == 1:
                    break
            assert cut
        writer.close()


def _streams(made: House) -> int:
    listener: Any = made.room.feed.listener
    return len(listener.__self__) if listener else 0


async def test_a_flood_of_changes_is_one_short_event(guarded: House) -> None:
    async with opened(guarded) as reader, opened(guarded, "bound_viewer") as bound:
        await reader.block(), await bound.block()
        for number in range(MOST_CHANGES + 10):
            guarded.room.feed.note(BOARD, f"i{number}", f"t{number}")
        nobody = {"kinds": ["targets"], "integrations": None, "tenants": None}
        # Whether its own tenant was among them, nobody knows any more.
        assert await reader.change() == await bound.change() == nobody


async def test_a_stream_ends_at_once_when_the_exporter_stops(tmp_path: Path) -> None:
    async with house(Room(board(), path=web_config(tmp_path))) as made:
        session = aiohttp.ClientSession()
        answer = await session.get(made.url + PATH, headers=bearer(TOKENS["viewer"]))
        reader = Reader(answer)
        await reader.block()
    assert await reader.block() == []  # its end, and no error: it was not cut
    await session.close()


async def test_nothing_listens_while_no_page_is_open(guarded: House) -> None:
    assert _streams(guarded) == 0
    async with opened(guarded):
        assert _streams(guarded) == 1
    await until(lambda: guarded.room.feed.listener is None)
    guarded.room.feed.note(BOARD)
    await rest()


async def test_a_stream_has_no_head_and_changes_nothing(guarded: House) -> None:
    for method in ("HEAD", "POST"):
        assert (await guarded.ask(PATH, method, bearer(TOKENS["admin"]) | CHANGE)).status == 405


def test_every_table_has_a_meaning_or_is_silent() -> None:
    unknown = [table for table in METADATA.tables if not kinds_of(table) and table not in SILENT]
    assert unknown == [], "say in exporter/server/change_kinds.py what a change of it means to a page"
    assert [
        table for table in SILENT | set(MEANINGS) if table not in (*METADATA.tables, BOARD, CONFIGURATION)
    ] == []
    # What is listed is heard at once, however often figures move.
    assert SLOW and all(kinds_of(table) == (STATISTICS,) for table in SLOW)


@pytest.mark.parametrize("listing", lists().values(), ids=lambda one: one.name)
def test_a_list_is_a_kind_of_change_for_those_who_may_read_it(listing: Listing[Any]) -> None:
    (kind,) = (kind for kind in every_kind() if kind.name == listing.name)
    assert (kind.role, kind.narrow) == (Role(listing.role), listing.narrow)
    bound = Identity("bound", frozenset({Role.ADMIN}), frozenset({"acme"}))
    assert (listing.name in names_for(bound)) is listing.narrow
    viewer = Identity("viewer", frozenset({Role.VIEWER}))
    assert (listing.name in names_for(viewer)) is (listing.role == "viewer")

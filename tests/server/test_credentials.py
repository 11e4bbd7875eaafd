"""Each way to say who calls, alone: what is reported of a refusal, and one cause of it at a time."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
import trustme

from exporter.server.access import Identity
from exporter.server.web_config import passwords as module
from exporter.server.web_config.passwords import AT_ONCE, REMEMBERED, WAITING, Passwords, TooBusyError
from exporter.server.web_config.settings import Role
from tests.server.house import CHANGE, House, Room, basic, bearer, hashed, house, state
from tests.server.test_access import PASSWORDS, TOKENS, web_config
from tests.server.test_listener import MUTUAL, certificates, client_context, raw
from tests.waiting import PATIENCE


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[House]:
    async with house(Room([state("payments"), state("calendar", "acme")], path=web_config(tmp_path))) as made:
        yield made


async def error(made: House, path: str, headers: dict[str, str], method: str = "GET") -> tuple[int, str]:
    reply = await made.ask(path, method, headers, admin=False)
    return reply.status, reply.json["error"]


async def test_a_refusal_says_what_was_missing(guarded: House) -> None:
    ada = basic("ada", PASSWORDS["ada"])
    assert await error(guarded, "/api/v1/status", {}) == (401, "say who you are")
    assert await error(guarded, "/api/v1/tokens", bearer(TOKENS["viewer"])) == (
        403,
        "this needs the role admin, which token:viewer has not",
    )
    assert await error(guarded, "/api/v1/sd", bearer(TOKENS["bound_viewer"])) == (
        403,
        "token:bound_viewer is bound to tenants, and this shows all of them",
    )
    assert await error(guarded, "/api/v1/checks", ada, "POST") == (
        403,
        "changes need the header X-Integration-Exporter: 1",
    )
    assert await error(guarded, "/api/v1/checks", ada | CHANGE | {"Origin": "https://x.example"}, "POST") == (
        403,
        "this request comes from another site; open the exporter's own page",
    )


async def test_without_access_a_refusal_says_where_the_token_is() -> None:
    async with house(Room([state("payments")])) as made:
        reply = await made.ask("/config", admin=False)
        assert (reply.status, reply.headers["www-authenticate"]) == (
            401,
            'Bearer realm="integration-exporter"',
        )
        message = "this needs the admin token; the first lines of the exporter's log name its file"
        assert message in reply.text
        wrong = await made.ask("/api/v1/status", headers=bearer("wrong"), admin=False)
        assert (wrong.status, wrong.json["error"]) == (401, "this is not the admin token of this exporter")
        assert wrong.headers["www-authenticate"] == 'Bearer realm="integration-exporter"'
        token = made.admin["Authorization"].removeprefix("Bearer ")
        for given in (f"bearer {token}", f"BEARER  {token} "):
            assert (
                await made.ask("/api/v1/tokens", headers={"Authorization": given}, admin=False)
            ).status == 200
        made.room.admin.path, made.room.admin.trouble = None, "there is no home"
        assert await error(made, "/api/v1/tokens", {}) == (
            403,
            "this needs --web.config.file, or the admin token: there is no home",
        )


async def test_the_question_for_credentials_is_for_passwords_only_where_there_are_users(
    guarded: House, tmp_path: Path
) -> None:
    asked = (await guarded.ask("/api/v1/status")).headers["www-authenticate"]
    assert asked == 'Basic realm="integration-exporter", charset="UTF-8"'
    path = tmp_path / "tokens.yml"
    path.write_text("bearer_tokens: [{name: x, token: a-token-0123456789, roles: [viewer]}]\n")
    async with house(Room([state("payments")], path=path)) as made:
        for headers in ({}, basic("vera", "x")):
            reply = await made.ask("/api/v1/status", headers=headers)
            assert reply.status == 401
            assert reply.headers["www-authenticate"] == 'Bearer realm="integration-exporter"'


async def test_the_name_of_a_scheme_may_be_written_in_any_case(guarded: House) -> None:
    vera = b64encode(f"vera:{PASSWORDS['vera']}".encode()).decode()
    for given in (
        f"basic {vera}",
        f"BASIC  {vera}",
        f"bearer {TOKENS['viewer']}",
        f"BEARER  {TOKENS['viewer']}",
    ):
        assert (await guarded.ask("/api/v1/status", headers={"Authorization": given})).status == 200, given


async def test_a_password_may_have_colons_and_be_longer_than_bcrypt_reads(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    long = "a:" + "x" * 70
    path.write_text(f"basic_auth_users:\n  vera: {hashed(long)}\n")
    async with house(Room([state("payments")], path=path)) as made:
        for password, status in ((long, 200), (long + "more", 200), (long[:-1], 401), (long[:-1] + "y", 401)):
            assert (await made.ask("/config", headers=basic("vera", password))).status == status, password


async def test_either_mark_of_the_own_page_is_enough_and_any_of_another_site_too_much(guarded: House) -> None:
    ada, own = basic("ada", PASSWORDS["ada"]) | CHANGE, guarded.url
    for headers, status in (
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": own.upper().replace("HTTP", "http")}, 200),
        ({"Referer": f"{own}/?tenant=acme"}, 200),
        ({"Referer": f"{own}.evil.example/"}, 403),
        ({"Referer": "http://[::1"}, 403),
        ({"Origin": own, "Referer": "https://evil.example/"}, 403),
        ({"Origin": "https://evil.example", "Referer": f"{own}/"}, 403),
        ({"Origin": own, "Sec-Fetch-Site": "cross-site"}, 403),
    ):
        assert (await guarded.ask("/-/reload", "POST", ada | headers)).status == status, headers


async def test_a_token_is_never_sent_by_a_browser_itself_so_nothing_of_its_page_counts(
    guarded: House,
) -> None:
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await guarded.ask("/-/reload", "POST", bearer(TOKENS["admin"]) | evil)).status == 200


@pytest.mark.parametrize(
    ("line", "host", "status"),
    [
        ("/api/v1/status", "localhost", b"200"),
        ("http://LOCALHOST/api/v1/status", "localhost", b"200"),
        ("http://localhost/api/v1/status", "LocalHost", b"200"),
        ("http://localhost:1/api/v1/status", "localhost", b"400"),
        ("http://[::1/api/v1/status", "localhost", b"400"),
    ],
)
async def test_the_request_line_and_the_host_name_one_place(
    guarded: House, line: str, host: str, status: bytes
) -> None:
    head = f"GET {line} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKENS['viewer']}\r\n"
    answer = await raw(guarded.port, f"{head}Connection: close\r\n\r\n".encode())
    assert answer.split()[1] == status
    message = b'"the request line and the header Host name different hosts"' in answer
    assert message is line.startswith("http://localhost:1/")


async def test_a_proxy_may_name_anybody_whose_name_can_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text("trusted_proxy: {header: X-User, addresses: [127.0.0.1], roles: [viewer]}\n")
    async with house(Room([state("payments")], path=path)) as made:
        for name, status in (
            ("a", 200),
            ("é", 200),
            ("\N{ZERO WIDTH SPACE}", 401),
            ("x" * 256, 200),
            ("", 401),
        ):
            assert (await made.ask("/config", headers={"X-User": name})).status == status, name


def test_an_admin_sees_what_a_viewer_sees_and_nobody_else_does() -> None:
    for role in Role:
        assert Identity("x", frozenset({role})).has(Role.VIEWER) is (role in (Role.VIEWER, Role.ADMIN))
        assert Identity("x", frozenset({role})).has(Role.ADMIN) is (role is Role.ADMIN)
    bound = Identity("x", frozenset(), frozenset({"acme"}))
    assert (bound.sees("acme"), bound.sees("globex"), bound.sees("")) == (True, False, False)
    assert Identity("x", frozenset()).sees("acme") and Identity("x", frozenset()).ambient


# --- certificates --------------------------------------------------------------------------------------

TOKEN = "bearer_tokens: [{name: x, token: a-token-0123456789, roles: [viewer]}]\n"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ("", 200),
        (f"basic_auth_users:\n  vera: {hashed('x')}\n", 401),
        (TOKEN, 401),
        ("trusted_proxy: {header: X-User, addresses: [10.1.2.3], roles: [viewer]}\n", 401),
        ("client_certificates: [{san: other.example, roles: [viewer]}]\n", 401),
        ("client_certificates: [{san: one.example, roles: [ingest]}]\n", 403),
        ("client_certificates: [{san: two.example, roles: [viewer]}]\n", 200),
    ],
    # A hash has another salt in each process; the ids must be the same in all that share the tests.
    ids=["nothing", "users", "tokens", "proxy", "another name", "another role", "this name"],
)
async def test_a_certificate_makes_a_viewer_by_itself_only_where_nothing_else_is_configured(
    tmp_path: Path, more: str, status: int
) -> None:
    authority = trustme.CA()
    certificates(tmp_path, authority)
    path = tmp_path / "web.yml"
    path.write_text(MUTUAL + more)
    own = client_context(authority, authority.issue_cert("one.example", "two.example"))
    async with house(Room([state("payments")], path=path), tls=own) as made:
        assert (await made.ask("/api/v1/status")).status == status


async def test_who_a_certificate_names_is_the_actor_in_the_log(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificates(tmp_path, authority)
    path = tmp_path / "web.yml"
    path.write_text(MUTUAL + "client_certificates: [{san: z.example, name: ops, roles: [admin]}]\n")
    own = client_context(authority, authority.issue_cert("z.example", "a.example"))
    async with house(Room([state("payments")], path=path), tls=own) as made:
        with structlog.testing.capture_logs() as logs:
            assert (await made.ask("/-/reload", "POST", CHANGE)).status == 200
        assert [log["actor"] for log in logs if "actor" in log] == ["certificate:ops"]
    path.write_text(MUTUAL)
    async with house(Room([state("payments")], path=path), tls=own) as made:
        assert await error(made, "/api/v1/tokens", {}) == (
            403,
            "this needs the role admin, which certificate:a.example has not",
        )


# --- passwords -----------------------------------------------------------------------------------------


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count what bcrypt is asked: that it is not asked is the point, and shows nowhere else."""
    found: list[str] = []
    usual = module._fits

    def count(password: str, hash_: bytes) -> bool:
        found.append(password)
        return usual(password, hash_)

    monkeypatch.setattr(module, "_fits", count)
    return found


async def test_a_right_password_is_judged_once_and_a_wrong_one_each_time(judged: list[str]) -> None:
    made, users = Passwords(), {"vera": hashed("right").encode(), "ada": hashed("right").encode()}
    for password, expected, asked in (
        ("right", True, 1),
        ("right", True, 1),
        ("no", False, 2),
        ("no", False, 3),
    ):
        assert await made.verify(users, "vera", password) is expected
        assert len(judged) == asked
    assert await made.verify(users, "ada", "right") and len(judged) == 4  # another user is another question
    assert not await made.verify(users, "nobody", "right") and len(judged) == 5
    changed = {"vera": hashed("new").encode()}
    assert not await made.verify(changed, "vera", "right") and await made.verify(changed, "vera", "new")


async def test_the_last_thousand_right_passwords_are_remembered(
    monkeypatch: pytest.MonkeyPatch, judged: list[str]
) -> None:
    assert REMEMBERED == 1024
    monkeypatch.setattr(module, "REMEMBERED", 2)
    made, users = Passwords(), {name: hashed(name).encode() for name in ("a", "b", "c")}
    for name in ("a", "b", "a", "c"):  # "a" was used after "b"
        assert await made.verify(users, name, name)
    judged.clear()
    for name in ("a", "c", "b"):
        assert await made.verify(users, name, name)
    assert judged == ["b"]


async def test_an_unknown_user_is_judged_at_the_cost_of_the_most_expensive_hash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[bytes] = []

    def fits(_password: str, hash_: bytes) -> bool:
        seen.append(hash_)
        return True

    monkeypatch.setattr(module, "_fits", fits)
    users = {"a": hashed("a", 4).encode(), "b": hashed("b", 6).encode()}
    assert not await Passwords().verify(users, "nobody", "x")
    assert not await Passwords().verify({}, "nobody", "x")
    assert [(hash_[:7], len(hash_)) for hash_ in seen] == [(b"$2b$06$", 60), (b"$2b$10$", 60)]


async def test_two_are_judged_at_once_64_wait_and_more_are_refused_until_one_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (AT_ONCE, WAITING) == (2, 64)
    running: list[str] = []

    async def slow(function: object, password: str, _hash: bytes) -> bool:
        running.append(password)
        await gate.wait()
        return False

    monkeypatch.setattr(asyncio, "to_thread", slow)
    made, users = Passwords(), {"vera": hashed("x").encode()}
    for _ in range(2):  # a wave that was judged leaves room for as many again, and for no more
        gate = asyncio.Event()
        running.clear()
        asked = [asyncio.create_task(made.verify(users, "vera", f"guess {turn}")) for turn in range(64)]
        await asyncio.sleep(0)
        with pytest.raises(TooBusyError):
            async with asyncio.timeout(PATIENCE):  # one that is let in waits for the gate
                await made.verify(users, "vera", "one more")
        assert len(running) == 2
        gate.set()
        assert set(await asyncio.gather(*asked)) == {False}
    assert not await made.verify(users, "vera", "one more")


async def test_who_is_turned_away_learns_when_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING", 0)
    path = tmp_path / "web.yml"
    path.write_text(f"basic_auth_users:\n  vera: {hashed('x')}\n")
    async with house(Room([state("payments")], path=path)) as made:
        reply = await made.ask("/config", headers=basic("vera", "x"))
        assert (reply.status, reply.headers["retry-after"]) == (503, "2")
        assert "too many passwords are being checked; try again" in reply.text

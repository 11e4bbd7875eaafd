import asyncio
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.common_metrics import CERTIFICATE_EXPIRY, CHAIN_EXPIRY
from exporter.core.errors import ProbeError
from exporter.core.network import Network
from exporter.core.options import tenant_fields
from exporter.core.probe import Result
from exporter.core.reason import Reason
from exporter.probes.smtp import PROBE, SmtpOptions
from exporter.probes.smtp.reply import MAX_LINE, MAX_LINES, Reply, refusal
from tests.probes.day import GoodDay, leaks, probed, target_of, values
from tests.servers.authority import Authority
from tests.servers.mail import PASSWORD, USER, Mail, MailRoom, mail_room
from tests.servers.raw import Visit, serving


@dataclass
class MailStage:
    room: MailRoom
    options: Mapping[str, Any]

    async def spoil(self, fault: str | None) -> None:
        await self.room.spoil(fault)

    async def play(self, scenario: str) -> None:
        raise ValueError(scenario)


def options(authority: Authority, port: int, **changes: Any) -> dict[str, Any]:
    signed = {"username": USER, "password": PASSWORD, "tls": {"ca_file": authority.ca_file}}
    return {"host": "localhost", "port": port, "family": "4", **signed, **changes}


@asynccontextmanager
async def opened() -> AsyncIterator[MailStage]:
    with tempfile.TemporaryDirectory() as directory:
        known, outsider = Authority(Path(directory)), Authority(Path(directory), "stranger")
        async with mail_room(Mail(known.server(), outsider.server())) as room:
            yield MailStage(room, options(known, room.mail.port))


GOOD_DAY = GoodDay(
    open=opened,
    reasons={
        "slow": Reason.TIMEOUT,
        "server_error": Reason.VENDOR_ERROR,
        "bad_json": Reason.BAD_RESPONSE,
        "missing_field": Reason.TLS,  # what it loses is the offer of STARTTLS
        "cut": Reason.CONNECT,
        "refused": Reason.CONNECT,
        "wrong_certificate": Reason.TLS,
        "bad_credential": Reason.AUTH,
    },
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def room(authority: Authority) -> AsyncIterator[MailRoom]:
    async with mail_room(Mail(authority.server(), authority.server())) as it:
        yield it


async def ask(network: Network, authority: Authority, room: MailRoom, **changes: Any) -> Result:
    target = target_of(PROBE, options(authority, room.mail.port, **changes))
    result = await probed(target, network)
    assert leaks(target, result) == []
    return result


# A real server.


class Keeper:
    """Lets one user in; aiosmtpd calls it."""

    async def handle_DATA(self, *_: Any) -> str:
        raise AssertionError("a probe sends no mail")


def let_in(_server: Any, _session: Any, _envelope: Any, _mechanism: Any, given: Any) -> AuthResult:
    known = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
    return AuthResult(success=known, handled=False)


@asynccontextmanager
async def real(context: ssl.SSLContext, **changes: Any) -> AsyncIterator[int]:
    def make() -> SMTP:
        return SMTP(
            Keeper(),
            hostname="real.example.org",
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=let_in,
            **changes,
        )

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0.05)  # its sessions end in their own turn


@pytest.mark.parametrize("without", [[], ["PLAIN"]], ids=["plain", "login"])
async def test_a_real_server_is_gone_through_phase_by_phase(
    network: Network, authority: Authority, without: list[str]
) -> None:
    async with real(authority.server(until=20), auth_exclude_mechanism=without) as port:
        target = target_of(PROBE, options(authority, port))
        result = await probed(target, network)
    assert (result.reason, result.detail) == (None, "")
    assert list(result.phases) == [
        "resolve", "connect", "banner", "ehlo", "starttls", "tls", "auth", "noop",
    ]  # fmt: skip
    found = values(result)
    assert found["smtp_message_size_limit_bytes"] == 33_554_432
    assert found["smtp_auth_offered{login}"] == 1
    assert ("smtp_auth_offered{plain}" in found) == (not without)
    assert found["certificate_expiry_timestamp_seconds"] == pytest.approx(time.time() + 20 * 86_400, abs=600)
    assert leaks(target, result) == []


async def test_a_real_server_that_refuses_the_password_is_an_auth_failure(
    network: Network, authority: Authority
) -> None:
    async with real(authority.server()) as port:
        target = target_of(PROBE, options(authority, port, password="wrong-password-4242"))
        result = await probed(target, network)
    assert result.reason is Reason.AUTH
    assert result.detail == "the server answered 535 5.7.8 to AUTH: the credential is wrong"


# The dialogue.


async def test_implicit_tls_is_spoken_from_the_first_byte(network: Network, authority: Authority) -> None:
    async with mail_room(Mail(authority.server(), authority.server(), implicit=True)) as room:
        result = await ask(network, authority, room, security="tls")
    assert result.ok, result.detail
    assert list(result.phases)[:4] == ["resolve", "connect", "tls", "banner"]
    assert "starttls" not in result.phases


async def test_what_is_offered_before_tls_is_forgotten(
    network: Network, authority: Authority, room: MailRoom
) -> None:
    room.mail.replies["EHLO secured"] = b"250-mail\r\n250 SIZE 77\r\n"
    result = await ask(network, authority, room, username="", password=None)
    assert values(result)["smtp_message_size_limit_bytes"] == 77
    assert not [name for name in values(result) if "auth_offered" in name]


async def test_unknown_ways_to_sign_in_share_one_label(
    network: Network, authority: Authority, room: MailRoom
) -> None:
    found = values(await ask(network, authority, room))
    assert {name for name in found if "auth" in name} == {
        f"smtp_auth_offered{{{way}}}" for way in ("plain", "login", "xoauth2", "other")
    }


async def test_no_mail_is_sent_and_the_goodbye_is_said(
    network: Network, authority: Authority, room: MailRoom
) -> None:
    await ask(network, authority, room)
    words = [line.split()[0] for line in room.mail.heard]
    assert words == [b"EHLO", b"STARTTLS", b"EHLO", b"AUTH", b"NOOP", b"QUIT"]
    assert room.mail.heard[0] == b"EHLO [127.0.0.1]\r\n"


async def test_a_server_that_ignores_the_goodbye_is_connected_all_the_same(
    network: Network, authority: Authority, room: MailRoom
) -> None:
    for reply in (b"", b"what?\r\n", b"421 4.3.0 no\r\n"):
        room.mail.replies["QUIT"] = reply
        assert (await ask(network, authority, room)).ok


async def test_a_password_goes_out_unencrypted_only_to_this_machine_or_where_that_is_wanted(
    network: Network, authority: Authority, room: MailRoom
) -> None:
    assert (await ask(network, authority, room, security="none")).ok  # this machine
    assert not [line for line in room.mail.heard if line.startswith(b"STARTTLS")]


async def test_nothing_is_said_to_a_server_without_starttls_but_the_greeting(
    network: Network, authority: Authority, room: MailRoom
) -> None:
    room.mail.starttls = False
    result = await ask(network, authority, room)
    assert result.reason is Reason.TLS
    assert [line.split()[0] for line in room.mail.heard] == [b"EHLO"]


async def test_replies_slipped_in_before_the_handshake_are_refused(
    network: Network, authority: Authority, room: MailRoom
) -> None:
    room.mail.replies["STARTTLS"] = b"220 2.0.0 go ahead\r\n250 AUTH PLAIN\r\n"
    result = await ask(network, authority, room)
    assert (result.reason, result.detail) == (
        Reason.BAD_RESPONSE,
        "the server said more than one reply to one command",
    )
    assert not [line for line in room.mail.heard if line.startswith(b"AUTH")]


async def test_replies_slipped_in_a_moment_later_are_refused_too(
    network: Network, authority: Authority
) -> None:
    async def talk(visit: Visit) -> None:
        await visit.say(b"220 hello\r\n")
        await visit.reader.readline()
        await visit.say(b"250-mail\r\n250 STARTTLS\r\n")
        await visit.reader.readline()
        await visit.say(b"220 go ahead\r\n")
        await asyncio.sleep(0.05)
        await visit.say(b"250 AUTH PLAIN\r\n")
        await visit.reader.read()

    async with serving(talk) as server:
        result = await probed(target_of(PROBE, options(authority, server.port)), network)
    assert result.reason in (Reason.TLS, Reason.CONNECT)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_the_expiry_of_a_refused_certificate_is_reported(
    network: Network, authority: Authority, security: str
) -> None:
    old = authority.server(since=-9, until=-2)
    async with mail_room(Mail(old, old, implicit=security == "tls")) as room:
        result = await ask(network, authority, room, security=security)
    assert (result.reason, result.detail) == (Reason.TLS, "the server's certificate has expired")
    assert [fact.metric for fact in result.facts] == [CERTIFICATE_EXPIRY, CHAIN_EXPIRY]
    for fact in result.facts:
        assert fact.value == pytest.approx(time.time() - 2 * 86_400, abs=60)
    assert not [line for line in room.mail.heard if line.startswith(b"AUTH")]


# What a server may answer, and what it means.

TABLE = [
    ("the greeting", "421 4.3.2 shutting down", Reason.VENDOR_ERROR),
    ("the greeting", "421 4.7.0 too many connections", Reason.RATE_LIMITED),
    ("the greeting", "450 4.7.1 try later", Reason.RATE_LIMITED),
    ("the greeting", "451 4.3.0 local error", Reason.VENDOR_ERROR),
    ("the greeting", "452 4.3.1 disk full", Reason.VENDOR_ERROR),
    ("the greeting", "521 no mail here", Reason.NOT_FOUND),
    ("the greeting", "550 5.7.1 blocked", Reason.PERMISSION),
    ("the greeting", "554 5.7.1 no SMTP service here", Reason.PERMISSION),
    ("the greeting", "556 no", Reason.NOT_FOUND),
    ("the greeting", "250 odd", Reason.BAD_RESPONSE),
    ("EHLO", "421 bye", Reason.VENDOR_ERROR),
    ("EHLO", "450 4.2.0 greylisted", Reason.VENDOR_ERROR),
    ("EHLO", "500 5.5.1 what", Reason.BAD_RESPONSE),
    ("EHLO", "501 5.5.4 bad name", Reason.BAD_RESPONSE),
    ("EHLO", "502 5.5.1 not implemented", Reason.BAD_RESPONSE),
    ("EHLO", "550 5.7.1 blocked", Reason.PERMISSION),
    ("STARTTLS", "454 4.7.0 TLS not available", Reason.TLS),
    ("STARTTLS", "501 5.5.4 no parameters", Reason.TLS),
    ("STARTTLS", "502 5.5.1 not implemented", Reason.TLS),
    ("STARTTLS", "250 odd", Reason.TLS),
    ("AUTH", "334 UGFzc3dvcmQ6", Reason.BAD_RESPONSE),
    ("AUTH", "421 4.7.0 too many attempts", Reason.RATE_LIMITED),
    ("AUTH", "432 4.7.12 password transition", Reason.AUTH),
    ("AUTH", "454 4.7.0 temporary failure", Reason.VENDOR_ERROR),
    ("AUTH", "451 4.3.0 backend down", Reason.VENDOR_ERROR),
    ("AUTH", "500 5.5.6 too long", Reason.AUTH),
    ("AUTH", "503 5.5.1 out of order", Reason.BAD_RESPONSE),
    ("AUTH", "504 5.5.4 unknown mechanism", Reason.AUTH),
    ("AUTH", "525 5.7.13 disabled", Reason.ACCOUNT),
    ("AUTH", "530 5.7.0 authentication required", Reason.AUTH),
    ("AUTH", "534 5.7.9 application password required", Reason.AUTH),
    ("AUTH", "535 5.7.8 wrong", Reason.AUTH),
    ("AUTH", "538 5.7.11 encryption required", Reason.TLS),
    ("AUTH", "550 5.7.1 forbidden", Reason.PERMISSION),
    ("AUTH", "552 5.2.2 over quota", Reason.QUOTA),
    ("AUTH", "554 5.7.0 forbidden", Reason.PERMISSION),
    ("NOOP", "421 4.4.2 timeout", Reason.VENDOR_ERROR),
    ("NOOP", "530 5.7.0 sign in first", Reason.AUTH),
    ("NOOP", "551 not local", Reason.PERMISSION),
    ("NOOP", "553 name", Reason.PERMISSION),
    ("NOOP", "599 odd", Reason.BAD_RESPONSE),
]


@pytest.mark.parametrize(("stage", "said", "reason"), TABLE, ids=[f"{row[0]} {row[1][:9]}" for row in TABLE])
async def test_a_reply_code_has_its_reason_at_each_stage(
    network: Network, authority: Authority, room: MailRoom, stage: str, said: str, reason: Reason
) -> None:
    room.mail.replies["banner" if stage == "the greeting" else stage] = (
        f"{said} quoth the server\r\n".encode()
    )
    result = await ask(network, authority, room)
    assert result.reason is reason, result.detail
    assert result.detail.startswith(f"the server answered {said[:3]} ")
    assert "quoth" not in result.detail, "a server's own words may hold anything"


def test_a_demand_for_tls_differs_from_a_demand_to_sign_in() -> None:
    reply = Reply()
    reply.feed(b"530 5.7.0 Must issue a STARTTLS command first\r\n")
    assert refusal(reply, "NOOP", secured=False).reason is Reason.TLS
    assert refusal(reply, "NOOP", secured=True).reason is Reason.AUTH


async def test_a_server_that_offers_no_way_that_we_speak_is_an_auth_failure(
    network: Network, authority: Authority, room: MailRoom
) -> None:
    room.mail.offers = ("mail", "AUTH XOAUTH2")
    assert (
        await ask(network, authority, room)
    ).detail == "the server offers neither PLAIN nor LOGIN to sign in"
    room.mail.offers = ("mail", "SIZE")
    assert (await ask(network, authority, room)).detail == "the server offers no way to sign in"


# Servers that mean no good.

HOSTILE: dict[str, tuple[bytes, Reason]] = {
    "no code": (b"hello there\r\n", Reason.BAD_RESPONSE),
    "http": (b"HTTP/1.1 400 Bad Request\r\n\r\n", Reason.BAD_RESPONSE),
    "an odd code": (b"700 what\r\n", Reason.BAD_RESPONSE),
    "no space": (b"220hello\r\n", Reason.BAD_RESPONSE),
    "a changing code": (b"220-a\r\n250 b\r\n", Reason.BAD_RESPONSE),
    "a long line": (b"220 " + b"x" * (MAX_LINE + 1), Reason.BAD_RESPONSE),
    "many lines": (b"220-x\r\n" * (MAX_LINES + 1), Reason.BAD_RESPONSE),
    "bytes of all kinds": (b"\0\xff\x80\r\n", Reason.BAD_RESPONSE),
    "nothing": (b"", Reason.CONNECT),
    "half a line": (b"220 hel", Reason.CONNECT),
    "half a reply": (b"220-hello\r\n", Reason.CONNECT),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_greeting_that_is_none_is_named(network: Network, kind: str) -> None:
    data, reason = HOSTILE[kind]

    async def talk(visit: Visit) -> None:
        await visit.say(data)

    async with serving(talk) as server:
        result = await probed(target_of(PROBE, {"host": "127.0.0.1", "port": server.port}), network)
    assert result.reason is reason, result.detail


async def test_a_greeting_without_end_is_refused_early(network: Network) -> None:
    sent = 0

    async def talk(visit: Visit) -> None:
        nonlocal sent
        for _ in range(20_000):
            await visit.say(b"220-" + b"x" * 1000 + b"\r\n")
            sent += 1

    async with serving(talk) as server:
        result = await probed(target_of(PROBE, {"host": "127.0.0.1", "port": server.port}), network)
    assert result.reason is Reason.BAD_RESPONSE
    assert sent < 20_000


async def test_a_reply_in_single_bytes_is_a_reply(
    network: Network, authority: Authority, room: MailRoom
) -> None:
    async def talk(visit: Visit) -> None:
        for byte in b"220-hello\r\n220 there\n":
            await visit.say(bytes([byte]))
            await asyncio.sleep(0.002)
        await visit.reader.readline()
        await visit.say(b"554 5.7.1 enough\r\n")

    async with serving(talk) as server:
        result = await probed(target_of(PROBE, {"host": "127.0.0.1", "port": server.port}), network)
    assert (result.reason, result.detail[:30]) == (Reason.PERMISSION, "the server answered 554 5.7.1 ")


async def test_the_log_of_a_timeout_says_what_was_waited_for(network: Network) -> None:
    async def talk(visit: Visit) -> None:
        await visit.say(b"220 hello\r\n")
        await visit.reader.read()

    async with serving(talk) as server:
        target = target_of(PROBE, {"host": "127.0.0.1", "port": server.port}, timeout=2.0)
        result = await probed(target, network)
    assert result.reason is Reason.TIMEOUT
    assert result.log[-1][1] == "stopped while waiting for the reply to EHLO"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"220 a\r\n", b"220-", b"\n", b"250"]), max_size=8))
def test_no_bytes_make_the_reader_of_replies_fail_otherwise_than_it_says(pieces: list[bytes]) -> None:
    reply = Reply()
    try:
        for piece in pieces:
            reply.feed(piece)
        reply.finish()
    except ProbeError as error:
        assert error.reason in (Reason.BAD_RESPONSE, Reason.CONNECT)
    else:
        assert 200 <= reply.code <= 599
        assert reply.lines


# Configuration.


def test_a_host_that_is_none_is_reported_before_anything_runs() -> None:
    assert PROBE.verify
    (mistake,) = PROBE.verify(SmtpOptions(host="a b"))
    assert mistake.startswith("host: ")


@pytest.mark.parametrize("changes", [{"username": USER}, {"password": PASSWORD}])
async def test_half_a_credential_is_not_configured_and_calls_nobody(
    network: Network, room: MailRoom, changes: dict[str, str]
) -> None:
    target = target_of(PROBE, {"host": "127.0.0.1", "port": room.mail.port, **changes})
    result = await probed(target, network)
    assert result.reason is Reason.NOT_CONFIGURED
    assert room.mail.heard == []


def test_a_tenant_may_bring_its_credential_and_nothing_else() -> None:
    assert tenant_fields(SmtpOptions) == {"username", "password"}

"""A refusal that comes after the password, or from a pooler, is no reason to change a good password."""

from typing import Any

import pytest

from exporter.core.network import Network
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.probes.postgres import PROBE
from exporter.probes.postgres.options import PostgresOptions
from exporter.probes.postgres.session import parameters
from tests.probes.day import probed, target_of
from tests.servers.postgres import USER, cluster
from tests.servers.raw import Talk, Visit, serving

ASKS = b"R" + (8).to_bytes(4, "big") + (3).to_bytes(4, "big")
"""AuthenticationCleartextPassword."""
IN = b"R" + (8).to_bytes(4, "big") + (0).to_bytes(4, "big")
READY = b"Z" + (5).to_bytes(4, "big") + b"I"


def error(state: str, text: str) -> bytes:
    body = f"SFATAL\0VFATAL\0C{state}\0M{text}\0\0".encode()
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


def saying(*answers: bytes) -> Talk:
    """Answer each message of a connection with the next of `answers`."""

    async def talk(visit: Visit) -> None:
        for answer in answers:
            if not await visit.reader.read(4096):
                return
            await visit.say(answer)

    return talk


AFTER_THE_PASSWORD = {
    "password authentication failed for user": ("28P01", Reason.AUTH),
    "Passwort-Authentifizierung für Benutzer fehlgeschlagen": ("28P01", Reason.AUTH),
    "пользователь не прошёл проверку подлинности (по паролю)": ("28P01", Reason.AUTH),
    "ユーザーのパスワード認証に失敗しました": ("28P01", Reason.AUTH),
    'role "x" is not permitted to log in': ("28000", Reason.AUTH),
    'database "app" is not currently accepting connections': ("55000", Reason.VENDOR_ERROR),
    "the database system is starting up": ("57P03", Reason.VENDOR_ERROR),
    "sorry, too many clients already": ("53300", Reason.QUOTA),
    "Max client connections reached": ("XX000", Reason.QUOTA),
    "MaxClientsInSessionMode: max clients reached - in Session mode": ("XX000", Reason.QUOTA),
    "no more connections allowed (max_client_conn)": ("53300", Reason.QUOTA),
    "query_wait_timeout": ("08P01", Reason.QUOTA),
    "Your account or project has exceeded the compute time quota.": ("53000", Reason.QUOTA),
    "server login has been failing, try again later (server_login_retry)": ("08P01", Reason.VENDOR_ERROR),
    "Too many connections attempts": ("XX000", Reason.RATE_LIMITED),
    "Failed to acquire permit to connect to the database. Too many database connection attempts are currently"
    " ongoing.": ("XX000", Reason.RATE_LIMITED),
    "Control plane request failed": ("XX000", Reason.VENDOR_ERROR),
    "Couldn't connect to compute node": ("XX000", Reason.VENDOR_ERROR),
    "endpoint has been disabled": ("57P05", Reason.VENDOR_ERROR),
    "terminating connection due to administrator command": ("57P01", Reason.VENDOR_ERROR),
    "Tenant or user not found": ("XX000", Reason.NOT_FOUND),
    "unsupported startup parameter: options": ("08P01", Reason.BAD_RESPONSE),
    'unrecognized configuration parameter "x"': ("42704", Reason.BAD_RESPONSE),
    'invalid value for parameter "x": "y"': ("22023", Reason.BAD_RESPONSE),
    "something that nobody has heard of": ("58000", Reason.BAD_RESPONSE),
    "etwas, das niemand kennt": ("53400", Reason.BAD_RESPONSE),
}


@pytest.mark.parametrize("text", AFTER_THE_PASSWORD)
async def test_a_refusal_after_the_password_blames_the_password_only_where_it_speaks_of_it(
    network: Network, text: str
) -> None:
    state, reason = AFTER_THE_PASSWORD[text]
    async with serving(saying(b"N", ASKS, error(state, text))) as raw:
        options = {"host": "127.0.0.1", "port": raw.port, "user": "u", "password": "pw"}
        result = await probed(target_of(PROBE, options), network)
    assert result.reason is reason, result.detail
    assert text not in result.detail


def _ready(text: str, state: str = "08P01") -> Talk:
    """Let everybody in and refuse the first statement, as a pooler does."""
    return saying(b"N", IN + READY, _refusal(text, state) + READY)


def _refusal(text: str, state: str = "08P01") -> bytes:
    return error(state, text).replace(b"SFATAL\0VFATAL", b"SERROR\0VERROR")


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        ("query_wait_timeout", Reason.QUOTA, "all connections of the pooler are taken"),
        (
            "transaction blocks not allowed in statement pooling mode",
            Reason.BAD_RESPONSE,
            "use its transaction or session pool",
        ),
        ("invalid command 'BEGIN', use SHOW HELP;", Reason.BAD_RESPONSE, "the pooler's console"),
        ("anything else", Reason.VENDOR_ERROR, "broke the protocol"),
    ],
)
async def test_what_a_pooler_refuses_within_a_session_is_named_and_nothing_of_it_is_on_our_log(
    network: Network, text: str, reason: Reason, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(_ready(text)) as raw:
        options = {"host": "127.0.0.1", "port": raw.port, "user": "u"}
        result = await probed(target_of(PROBE, options), network)
    assert (result.reason, words in result.detail) == (reason, True), result.detail
    assert not caplog.records


async def test_a_pooler_that_refuses_a_statement_within_a_transaction_and_its_end_is_named_once(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    begun = b"C\0\0\0\x0aBEGIN\0" + READY[:-1] + b"T"
    refused = [_refusal(text) + READY for text in ("query_wait_timeout", "invalid command 'ROLLBACK'")]
    async with serving(saying(b"N", IN + READY, begun, *refused)) as raw:
        options = {"host": "127.0.0.1", "port": raw.port, "user": "u"}
        result = await probed(target_of(PROBE, options), network)
    assert result.reason is Reason.QUOTA and "connections of the pooler" in result.detail, result.detail
    assert not caplog.records


async def test_a_real_database_that_takes_no_connections_is_no_auth_failure(
    network: Network,
) -> None:
    with cluster() as server:
        server.admin("CREATE DATABASE shut ALLOW_CONNECTIONS false")
        result = await probed(target_of(PROBE, server.options(database="shut")), network)
    assert result.reason is Reason.VENDOR_ERROR
    assert result.detail == (
        "the server answered 55000: the database takes no connections (ALLOW_CONNECTIONS is off)"
    )


async def test_a_missing_root_certificate_is_named(network: Network) -> None:
    with cluster() as server:
        missing = {"sslmode": "verify-full", "sslrootcert": str(server.home / "absent.pem")}
        result = await probed(target_of(PROBE, server.options(**missing)), network)
    assert result.reason is Reason.TLS
    assert "set sslrootcert to a file, or to system" in result.detail


async def test_the_log_of_a_run_names_what_is_read(network: Network) -> None:
    with cluster() as server:
        result = await probed(target_of(PROBE, server.options()), network)
    lines = [words for _, words in result.log]
    assert f"signing in as {USER}" in lines
    assert any(line.startswith("reading pg_") for line in lines)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://u:geheim@h/db?pgbouncer=true", "does not know: pgbouncer; remove it"),
        ("postgresql+psycopg://u:geheim@h/db", "let it begin with postgresql://"),
        ("postgresql://u:geheim@h:port/db", "url is no connection string of PostgreSQL"),
        ("postgresql://u:geheim@h/db?geheim", "url is no connection string of PostgreSQL"),
    ],
)
def test_what_is_wrong_with_a_connection_string_is_said_without_quoting_it(url: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        parameters(_options(url=Secret(url)))
    assert words in str(caught.value)
    assert "geheim" not in str(caught.value)


def _options(**given: Any) -> PostgresOptions:
    return PostgresOptions(**given)

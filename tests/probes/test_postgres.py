import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.errors import ProbeError
from exporter.core.network import Network
from exporter.core.options import tenant_fields
from exporter.core.probe import Result, Target
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.engine.kit import CachedAnswers
from exporter.probes.postgres import PROBE, failures
from exporter.probes.postgres.metrics import SIZE
from exporter.probes.postgres.options import PostgresOptions
from exporter.probes.postgres.session import parameters
from exporter.probes.postgres.startup import _FirstReply, _TlsReply
from tests.clock import HandClock
from tests.probes.day import GoodDay, leaks, probed, target_of, values
from tests.servers.authority import Authority
from tests.servers.ports import free_port
from tests.servers.postgres import PASSWORD, USER, Cluster, cluster, standby
from tests.servers.raw import Talk, Visit, serving
from tests.waiting import until


@dataclass
class DatabaseStage:
    """A real server; faults are things that happen to real servers."""

    server: Cluster
    stack: contextlib.ExitStack
    options: Mapping[str, Any]
    fault: str | None = None

    async def spoil(self, fault: str | None) -> None:
        heal, _ = self._ways()[self.fault] if self.fault else (lambda: None, None)
        await asyncio.to_thread(heal)
        self.fault = fault
        if fault:
            await asyncio.to_thread(self._ways()[fault][1])

    def _ways(self) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
        server = self.server
        return {
            "slow": (lambda: server.signal(signal.SIGCONT), lambda: server.signal(signal.SIGSTOP)),
            "refused": (server.start, server.stop),
            "server_error": (lambda: self._recover(False), lambda: self._recover(True)),
            "wrong_certificate": (
                lambda: self._show(server.authority),
                lambda: self._show(Authority(server.home, "stranger")),
            ),
            "bad_credential": (lambda: self._password(PASSWORD), lambda: self._password("changed-password")),
        }

    def _recover(self, recovering: bool) -> None:
        """Let the server wait for a primary that never comes; it lets nobody in meanwhile."""
        self.server.stop()
        signpost = self.server.data / "standby.signal"
        if recovering:
            signpost.touch()
            conf = "hot_standby = off\n"
        else:
            signpost.unlink()
            conf = ""
        (self.server.data / "postgresql.auto.conf").write_text(conf)
        self.server.start(wait=not recovering)

    def _show(self, authority: Authority) -> None:
        self.server.show(authority)
        self.server.stop()
        self.server.start()

    def _password(self, text: str) -> None:
        self.server.admin(f"ALTER ROLE {USER} PASSWORD '{text.replace(chr(39), chr(39) * 2)}'")

    async def play(self, scenario: str) -> None:
        second = await asyncio.to_thread(lambda: self.stack.enter_context(standby(self.server)))
        # A new standby streams for a moment before either side says how far it is.
        await self._answers(
            self.server,
            "SELECT 1 FROM pg_stat_replication WHERE replay_lsn = sent_lsn OR replay_lag IS NOT NULL",
        )
        await self._answers(second, "SELECT 1 WHERE pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()")
        if scenario == "standby":
            self.options = second.options()

    @staticmethod
    async def _answers(server: Cluster, statement: str) -> None:
        async with asyncio.timeout(60.0):
            while not server.admin(statement):
                await asyncio.sleep(0.05)


@asynccontextmanager
async def opened() -> AsyncIterator[DatabaseStage]:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(cluster())
        yield DatabaseStage(server, stack, server.options())


GOOD_DAY = GoodDay(
    open=opened,
    reasons={
        "slow": Reason.TIMEOUT,
        "server_error": Reason.VENDOR_ERROR,
        "refused": Reason.CONNECT,
        "wrong_certificate": Reason.TLS,
        "bad_credential": Reason.AUTH,
    },
    scenarios=("replicated", "standby"),
    volatile=frozenset({SIZE.name}),
)


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster() as it:
        yield it


@pytest.fixture(autouse=True)
async def quiet(request: pytest.FixtureRequest) -> None:
    """Begin without the sessions of the test before: they end, and count what they did, in their own time."""
    if "server" in request.fixturenames:
        server = request.getfixturevalue("server")
        await until(lambda: server.admin(CLIENTS) == [(0,)])


CLIENTS = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


async def ask(
    server: Cluster, network: Network, answers: CachedAnswers | None = None, **changes: Any
) -> Result:
    target = target_of(PROBE, server.options(**changes))
    result = await probed(target, network, answers=answers)
    assert leaks(target, result, answers) == []
    return result


# A real server on a good day.


async def test_a_session_has_its_phases_and_the_certificates_end(network: Network, server: Cluster) -> None:
    result = await ask(server, network, host="localhost")
    assert (result.reason, result.detail) == (None, "")
    assert sorted(result.phases) == ["connect", "processing", "resolve", "tls"]
    expiry = values(result)["certificate_expiry_timestamp_seconds"]
    assert expiry == pytest.approx(time.time() + 30 * 86_400, abs=600)


async def test_nothing_is_left_open_and_the_session_only_reads(network: Network, server: Cluster) -> None:
    server.admin("SELECT pg_stat_statements_reset()")
    assert (await ask(server, network)).ok
    left = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'monitor'"
    await until(lambda: server.admin(left) == [(0,)])
    ours = server.admin(
        "SELECT query FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE rolname = 'monitor'"
    )
    words = {query.split()[0] for (query,) in ours}
    assert words <= {"SELECT", "BEGIN", "COMMIT", "SET"}


async def test_connections_are_counted_by_state_against_what_clients_may_have(
    network: Network, server: Cluster
) -> None:
    with server.connect("app") as one, server.connect("app") as two, server.connect("app"):
        one.execute("BEGIN")
        two.execute("BEGIN")
        with contextlib.suppress(psycopg.Error):
            two.execute("SELECT 1 / 0")
        await asyncio.sleep(0.3)
        found = values(await ask(server, network))
        assert found["postgres_connections_used"] == 4
        assert found["postgres_connections_limit"] == 14 - 3
        assert {name: value for name, value in found.items() if "connections{" in name} == {
            "postgres_connections{active}": 1,
            "postgres_connections{idle}": 1,
            "postgres_connections{idle_in_transaction}": 1,
            "postgres_connections{idle_in_transaction_aborted}": 1,
            "postgres_connections{other}": 0,
        }
        assert 0.3 <= found["postgres_transaction_longest_seconds"] < 60


async def test_a_statement_that_waits_for_a_lock_is_reported_with_its_age(
    network: Network, server: Cluster
) -> None:
    with server.connect("app") as one, server.connect("app") as two:
        one.execute("BEGIN; UPDATE ledger SET amount = 1 WHERE id = 1")
        waiting = threading.Thread(target=lambda: two.execute("UPDATE ledger SET amount = 2 WHERE id = 1"))
        waiting.start()
        await until(lambda: server.admin("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
        await asyncio.sleep(0.4)
        found = values(await ask(server, network))
        one.execute("ROLLBACK")
        await asyncio.to_thread(waiting.join)
    assert found["postgres_connections_waiting"] == 1
    assert 0.3 <= found["postgres_lock_wait_longest_seconds"] < 60


# Increases.


async def grown(server: Cluster, network: Network, between: Callable[[], object]) -> dict[str, float]:
    answers: CachedAnswers = {}
    await ask(server, network, answers)
    await asyncio.to_thread(between)
    await until(lambda: server.admin(CLIENTS) == [(0,)])
    return values(await ask(server, network, answers))


def deadlock(server: Cluster) -> None:
    """Let two transactions wait for one another; the server ends one of them."""
    met = threading.Barrier(2)
    ended = []

    def change(first: int, second: int) -> None:
        with server.connect("app") as connection:
            connection.execute(f"BEGIN; UPDATE ledger SET amount = 1 WHERE id = {first}".encode())
            met.wait(60)
            try:
                connection.execute(f"UPDATE ledger SET amount = 1 WHERE id = {second}".encode())
                connection.execute("COMMIT")
            except psycopg.errors.DeadlockDetected:
                ended.append(first)

    threads = [threading.Thread(target=change, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(ended) == 1


async def test_a_deadlock_is_counted_and_its_transaction_is_an_error(
    network: Network, server: Cluster
) -> None:
    found = await grown(server, network, lambda: deadlock(server))
    assert found["postgres_deadlocks_window"] == 1
    assert found["postgres_transactions_window{rolled_back}"] >= 1


async def test_rollbacks_are_reported_beside_commits(network: Network, server: Cluster) -> None:
    def work() -> None:
        with server.connect("app") as connection:
            for _ in range(30):
                connection.execute("BEGIN; SELECT 1 FROM ledger; ROLLBACK")
            for _ in range(40):
                connection.execute("SELECT 1 FROM ledger")

    found = await grown(server, network, work)
    assert found["postgres_transactions_window{rolled_back}"] == 30
    assert 40 <= found["postgres_transactions_window{committed}"] < 60
    assert 0 < found["postgres_cache_hit_ratio"] <= 1


async def test_the_mean_time_of_statements_is_that_of_the_window(network: Network, server: Cluster) -> None:
    took = 0.0

    def work() -> None:
        nonlocal took
        with server.connect("app") as connection:
            began = time.monotonic()
            for _ in range(5):
                connection.execute("SELECT pg_sleep(0.1)")
            took = time.monotonic() - began

    server.admin("SELECT pg_stat_statements_reset()", "SELECT pg_sleep(1)")
    found = await grown(server, network, work)
    calls = found["postgres_queries_window"]
    assert calls >= 5
    # Within the session it took at least what it slept, and at most what a busy machine made of it outside.
    assert 0.49 <= found["postgres_query_mean_seconds"] * calls < took + 0.5


async def test_without_the_extension_the_times_of_statements_are_absent_and_nothing_drifts(
    network: Network, server: Cluster
) -> None:
    server.admin("CREATE DATABASE plain")
    answers: CachedAnswers = {}
    for _ in range(2):
        result = await ask(server, network, answers, database="plain")
        assert (result.reason, result.drift) == (None, ())
    assert "postgres_transactions_window{committed}" in values(result)
    assert not [name for name in values(result) if "quer" in name]


async def test_an_extension_in_a_schema_that_is_closed_to_us_is_absent_too(
    network: Network, server: Cluster
) -> None:
    server.admin("CREATE DATABASE supabase")
    with server.connect(database="supabase") as connection:
        connection.execute("CREATE SCHEMA extensions")
        connection.execute("CREATE EXTENSION pg_stat_statements SCHEMA extensions")
    answers: CachedAnswers = {}
    await ask(server, network, answers, database="supabase")
    assert "postgres_queries_window" not in values(await ask(server, network, answers, database="supabase"))
    with server.connect(database="supabase") as connection:
        connection.execute("GRANT USAGE ON SCHEMA extensions TO monitor")
    answers = {}
    await ask(server, network, answers, database="supabase")
    assert "postgres_queries_window" in values(await ask(server, network, answers, database="supabase"))


async def test_the_window_is_ten_minutes_long_moves_on_and_survives_a_restart(
    network: Network, server: Cluster
) -> None:
    clock, answers = HandClock(), CachedAnswers()
    target = target_of(PROBE, server.options())
    lengths = []
    for _ in range(25):
        result = await probed(target, network, clock=clock, answers=answers)
        lengths.append(values(result).get("postgres_window_seconds", 0))
        await clock.advance(60)
    assert lengths[:3] == [0, 60, 120]
    assert lengths[-1] == 660  # ten minutes and the step between what is kept
    assert len(answers["totals/1"][1]) <= 13


async def test_statistics_that_were_reset_begin_a_new_window(network: Network, server: Cluster) -> None:
    found = await grown(server, network, lambda: server.admin("SELECT pg_stat_reset()"))
    assert "postgres_window_seconds" not in found
    assert "postgres_deadlocks_window" not in found


# What a role may see.


async def test_a_role_without_pg_monitor_is_connected_but_what_others_do_is_absent(
    network: Network, server: Cluster
) -> None:
    result = await ask(server, network, user="stranger", password="stranger-password")
    assert result.ok
    found = values(result)
    assert found["postgres_permission_missing"] == 1
    assert found["postgres_connections_used"] == 1
    assert not [name for name in found if "longest" in name or "connections{" in name]
    assert values(await ask(server, network))["postgres_permission_missing"] == 0


# Refusals.


@pytest.mark.parametrize(
    ("changes", "reason", "code"),
    [
        ({"password": "wrong-password-4242"}, Reason.AUTH, "28P01"),
        ({"user": "nosuchrole"}, Reason.AUTH, "28P01"),
        ({"user": "nobody"}, Reason.AUTH, "28000"),
        ({"database": "nosuchdb"}, Reason.NOT_FOUND, "3D000"),
        ({"database": "closed"}, Reason.PERMISSION, "42501"),
    ],
)
async def test_a_refusal_has_its_reason_and_its_code(
    network: Network, server: Cluster, changes: dict[str, Any], reason: Reason, code: str
) -> None:
    result = await ask(server, network, **changes)
    assert result.reason is reason, result.detail
    assert result.detail.startswith(f"the server answered {code}: ")
    assert "certificate_expiry_timestamp_seconds" in values(result)


async def test_a_server_without_a_free_connection_is_out_of_quota(network: Network, server: Cluster) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(11):
            stack.enter_context(server.connect("app"))
        result = await ask(server, network)
        assert result.reason is Reason.QUOTA, result.detail
        assert result.detail == "the server answered 53300: all connections are taken"
        for _ in range(3):  # now even the reserved ones are taken
            stack.enter_context(server.connect())
        assert (await ask(server, network)).reason is Reason.QUOTA
    for _ in range(600):
        if (await ask(server, network)).ok:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the connections were not given back")


@pytest.mark.parametrize("sslmode", ["verify-full", "verify-ca", "require", "disable"])
async def test_sslmode_means_what_libpq_means_by_it(network: Network, server: Cluster, sslmode: str) -> None:
    result = await ask(server, network, sslmode=sslmode)
    # The server lets nobody in without TLS.
    assert result.reason is (Reason.AUTH if sslmode == "disable" else None), result.detail


async def test_a_certificate_for_another_name_is_refused_by_verify_full_alone(
    network: Network, server: Cluster
) -> None:
    server.admin("ALTER SYSTEM SET listen_addresses = '127.0.0.1, 127.0.0.2'")
    server.stop()
    server.start()
    result = await ask(server, network, host="127.0.0.2", sslmode="verify-full")
    assert (result.reason, result.detail) == (
        Reason.TLS,
        "the server's certificate is for another host name",
    )
    assert "certificate_expiry_timestamp_seconds" in values(result)


async def test_the_end_of_an_expired_certificate_is_reported(network: Network) -> None:
    with cluster() as server:
        server.show(server.authority, until=-3)
        server.stop()
        server.start()
        result = await ask(server, network)
    assert result.reason is Reason.TLS
    expiry = values(result)["certificate_expiry_timestamp_seconds"]
    assert expiry == pytest.approx(time.time() - 3 * 86_400, abs=60)


async def _wait_in_turns(turns: int) -> None:
    """Wait 0.1 s as often as said: where the loop stands still, that is one turn of it."""
    for _ in range(turns):
        await asyncio.sleep(0.1)


async def test_a_server_that_stops_answering_within_a_session_costs_no_more_than_the_timeout(
    network: Network, server: Cluster
) -> None:
    with server.connect() as lock:
        # The session gets in, and its first reading then waits for this lock.
        lock.execute("BEGIN; LOCK TABLE pg_extension IN ACCESS EXCLUSIVE MODE")
        patience = asyncio.create_task(_wait_in_turns(95))
        asked = asyncio.create_task(probed(target_of(PROBE, server.options(), timeout=5.0), network))
        waiting = "SELECT pid FROM pg_stat_activity WHERE usename = 'monitor' AND wait_event_type = 'Lock'"
        while not (found := await asyncio.to_thread(server.admin, waiting)):
            assert not asked.done(), asked.result().detail
        os.kill(found[0][0], signal.SIGSTOP)
        try:
            result = await asked
            assert not patience.done()  # psycopg alone would wait five seconds more for the server to stop
        finally:
            os.kill(found[0][0], signal.SIGCONT)
            patience.cancel()
        lock.execute("ROLLBACK")
    assert result.reason is Reason.TIMEOUT, result.detail
    assert (await ask(server, network)).ok


# Servers that are none, and outsiders' words.


async def test_a_port_where_nobody_listens_is_refused(network: Network) -> None:
    options = {"host": "127.0.0.1", "port": free_port()}
    assert (await probed(target_of(PROBE, options), network)).reason is Reason.CONNECT


def saying(*answers: bytes) -> Talk:
    async def talk(visit: Visit) -> None:
        for answer in answers:
            await visit.reader.read(4096)
            await visit.say(answer)

    return talk


def error(code: bytes, text: bytes) -> bytes:
    body = b"SXXX\0C" + code + b"\0M" + text + b"\0\0"
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    ("answers", "changes", "reason"),
    [
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], {}, Reason.BAD_RESPONSE),
        ([b""], {}, Reason.CONNECT),
        ([b"S" + b"injected"], {}, Reason.BAD_RESPONSE),
        ([b"N"], {"sslmode": "require"}, Reason.TLS),
    ],
)
async def test_what_speaks_no_postgres_is_named(
    network: Network, answers: list[bytes], changes: dict[str, Any], reason: Reason
) -> None:
    async with serving(saying(*answers)) as raw:
        options = {"host": "127.0.0.1", "port": raw.port, **changes}
        result = await probed(target_of(PROBE, options), network)
    assert result.reason is reason, result.detail


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (b"53300", Reason.QUOTA),
        (b"57P03", Reason.VENDOR_ERROR),
        (b"28000", Reason.AUTH),
        (b"3D000", Reason.NOT_FOUND),
        (b"XX000", Reason.VENDOR_ERROR),
        (b"08P01", Reason.VENDOR_ERROR),
    ],
)
async def test_a_refusal_in_another_language_has_the_reason_of_its_code(
    network: Network, code: bytes, reason: Reason
) -> None:
    async with serving(saying(b"N", error(code, "Grüße, nichts geht".encode()))) as raw:
        options = {"host": "127.0.0.1", "port": raw.port, "user": "u", "sslmode": "prefer"}
        result = await probed(target_of(PROBE, options), network)
    assert result.reason is reason, result.detail
    assert "nichts" not in result.detail


STATES = {
    "28P01": Reason.AUTH,
    "28000": Reason.AUTH,
    "28XYZ": Reason.AUTH,
    "3D000": Reason.NOT_FOUND,
    "42501": Reason.PERMISSION,
    "42P01": Reason.BAD_RESPONSE,
    "53300": Reason.QUOTA,
    "53100": Reason.VENDOR_ERROR,
    "53200": Reason.VENDOR_ERROR,
    "55P03": Reason.TIMEOUT,
    "57014": Reason.TIMEOUT,
    "57P01": Reason.VENDOR_ERROR,
    "57P03": Reason.VENDOR_ERROR,
    "58030": Reason.VENDOR_ERROR,
    "08006": Reason.CONNECT,
    "08P01": Reason.VENDOR_ERROR,
    "XX000": Reason.VENDOR_ERROR,
    "F0000": Reason.VENDOR_ERROR,
    "?": Reason.BAD_RESPONSE,
}


@pytest.mark.parametrize("state", STATES)
def test_each_code_has_its_reason(state: str) -> None:
    assert failures.of_state(state).reason is STATES[state]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=40) | st.just(error(b"57P03", b"x")), max_size=5))
def test_no_bytes_make_the_readers_fail_otherwise_than_they_say(pieces: list[bytes]) -> None:
    for reader in (_TlsReply(), _FirstReply()):
        try:
            for piece in pieces:
                if not reader.done:
                    reader.feed(piece)
            reader.finish()
        except ProbeError as failure:
            assert failure.reason in (Reason.BAD_RESPONSE, Reason.CONNECT)


# Configuration and secrets.


async def test_a_connection_string_works_and_shows_nowhere(network: Network, server: Cluster) -> None:
    planted = "url-password-4242"
    server.admin(f"CREATE ROLE byurl LOGIN PASSWORD '{planted}' IN ROLE pg_monitor")
    url = f"postgresql://byurl:{planted}@127.0.0.1:{server.port}/postgres?sslmode=verify-full"
    own = {"url": url, "sslrootcert": server.authority.ca_file}
    for changes, reason in (({}, None), ({"database": "nosuchdb"}, Reason.NOT_FOUND)):
        target: Target = target_of(PROBE, {**own, **changes})
        result = await probed(target, network)
        assert result.reason is reason, result.detail
        assert planted not in repr((result, target.options))


@pytest.mark.parametrize(
    "url", ["postgresql://u:planted-secret@h:port/db", "host='planted-secret", "nonsense"]
)
def test_a_connection_string_that_is_none_is_reported_without_its_words(url: str) -> None:
    assert PROBE.verify
    assert PROBE.verify(PostgresOptions(url=Secret(url))) == ["url is no connection string of PostgreSQL"]


def test_what_is_given_beside_the_connection_string_wins() -> None:
    options = PostgresOptions(url=Secret("postgresql://a:b@h:1/d?sslmode=require"), user="x", port=2)
    found = parameters(options)
    assert (found["user"], found["port"], found["dbname"], found["sslmode"]) == ("x", "2", "d", "require")


async def test_neither_host_nor_connection_string_is_not_configured(network: Network) -> None:
    result = await probed(target_of(PROBE, {"user": "x"}), network)
    assert result.reason is Reason.NOT_CONFIGURED


async def test_a_socket_file_is_connected_to_by_its_folder(network: Network, server: Cluster) -> None:
    result = await ask(server, network, host=str(server.home), sslmode="disable", sslrootcert="")
    assert result.ok, result.detail
    assert list(result.phases) == ["processing"]


def test_a_tenant_may_bring_its_database_and_credential_and_nothing_else() -> None:
    assert tenant_fields(PostgresOptions) == {"database", "user", "password"}


def test_the_command_does_not_load_the_driver_before_it_is_needed(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = "import sys; from exporter import registry; registry.probes(); print('psycopg' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr

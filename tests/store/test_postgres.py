"""What can go wrong with a server: no thread waits for ever, one sentence, nothing lost that was promised."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from exporter.core.errors import StoreError
from exporter.core.hours import DAY
from exporter.core.store import Filter, Window
from exporter.core.summary import HOUR
from exporter.store import postgres
from exporter.store.check_batch import CheckBatch
from exporter.store.connect import parse
from exporter.store.database import Database
from exporter.store.errors import UnwritableError
from exporter.store.partial_index import PartialIndex
from exporter.store.schema import METADATA
from exporter.store.subjects import changes
from exporter.store.subjects.summaries import statistics
from exporter.store.writer import Writer
from tests.servers.ports import free_port
from tests.servers.postgres import Cluster, cluster
from tests.store.queries import changes_of, reasons_of, snapshots_of, statistics_of
from tests.store.records import KEY, change, snapshot, summaries, summary
from tests.waiting import PATIENCE, until


@pytest.fixture
def store(database: str) -> Iterator[Database]:
    made = Database(database)
    made.open()
    yield made
    made.close()


def processes(server: Cluster) -> list[psutil.Process]:
    assert server.process is not None
    whole = psutil.Process(server.process.pid)
    return [whole, *whole.children()]


def pause(server: Cluster, number: signal.Signals) -> None:
    for one in processes(server):
        one.send_signal(number)


def refusal(url: str) -> str:
    with pytest.raises(StoreError) as caught:
        Database(url).open()
    return str(caught.value)


def test_the_migrations_make_the_tables_that_the_code_uses(store: Database) -> None:
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_an_index_of_some_rows_holds_no_others(store: Database) -> None:
    indexes = [index for table in METADATA.tables.values() for index in table.indexes]
    query = "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%% WHERE %%'"
    with store.reading() as connection:
        found = set(connection.exec_driver_sql(query).scalars())
    assert found == {index.name for index in indexes if isinstance(index, PartialIndex)}


def test_replicas_that_start_at_once_bring_the_tables_up_to_date_together(database: str) -> None:
    stores = [Database(database, f"replica-{number}") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Database.open, stores))
    for store in stores:
        store.write([CheckBatch(changes=[change(1.0)])])
    assert len(changes_of(stores[0]).rows) == 4
    for store in stores:
        store.close()


def test_replicas_that_write_the_same_targets_at_once_lose_and_lock_nothing(database: str) -> None:
    keys = [("payments", f"t{number}") for number in range(40)]
    stores = [Database(database, f"replica-{number}") for number in range(3)]
    for store in stores:
        store.open()

    def write(number: int) -> None:
        mine = keys if number % 2 else keys[::-1]
        for _ in range(10):
            counted = {
                key: one for name in mine for key, one in summaries(summary(durations=(0.1,)), name).items()
            }
            stores[number].write([CheckBatch({key: snapshot(key) for key in mine}, summaries=counted)])

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    assert len(snapshots_of(stores[0])) == 40
    found = statistics_of(stores[0], Window(0, 10_000), limit=100)
    assert {one.runs for one in found} == {30}
    for store in stores:
        store.close()


def test_replicas_that_fold_hours_at_once_count_each_run_once(database: str) -> None:
    stores = [Database(database, f"replica-{number}") for number in range(4)]
    for store in stores:
        store.open()
    for hour in range(24):
        counted = summary(hour, durations=(0.1,), reasons=("dns",))
        stores[0].write([CheckBatch(summaries=summaries(counted))])

    def fold(store: Database) -> None:
        while store.retain({}, 30 * DAY):
            pass

    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(fold, stores))
    (found,) = statistics_of(stores[0], Window(0, HOUR))
    assert (found.runs, found.failed) == (48, 24)
    assert reasons_of(stores[0], Window(0, DAY)) == {KEY: {"dns": 24}}
    for store in stores:
        store.close()


LIMITS = {
    "application_name": "integration-exporter",
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "1min",
}
WATCH = {
    "connect_timeout": "5",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "12000",
}


@pytest.mark.parametrize(
    ("query", "limits", "watch"),
    [
        ("", {}, {}),
        (
            "&application_name=mine&options=-c%20lock_timeout%3D200",
            {"application_name": "mine", "lock_timeout": "200ms"},
            {},
        ),
        ("&keepalives_idle=7&connect_timeout=9", {}, {"keepalives_idle": "7", "connect_timeout": "9"}),
        (
            "&options=-c%20lock_timeout%3D1s&options=-c%20work_mem%3D1MB",
            {"lock_timeout": "1s", "work_mem": "1MB"},
            {},
        ),
    ],
)
def test_a_connection_has_its_limits_and_what_the_url_says_goes_before_them(
    database: str, query: str, limits: dict[str, str], watch: dict[str, str]
) -> None:
    store = Database(database + query)
    store.open()  # which takes its time for the migrations alone
    with store.reading() as connection:
        for name, value in (LIMITS | limits).items():
            assert connection.exec_driver_sql(f"SHOW {name}").scalar() == value
        driver = connection.connection.driver_connection
        assert isinstance(driver, postgres.DeadlineWait)
        assert driver.patience == postgres.PATIENCE
        given = driver.info.get_parameters()
        assert {name: given.get(name) for name in WATCH} == WATCH | watch
    store.close()


def test_tables_are_brought_up_to_date_in_more_time_and_by_one_replica_at_a_time(
    database: str, server: Cluster
) -> None:
    engine = postgres.open_engine(parse(database))
    with engine.connect() as connection, connection.begin():
        postgres.lock_for_migration(connection)
        for name in ("statement_timeout", "lock_timeout"):
            assert connection.exec_driver_sql(f"SHOW {name}").scalar() == "10min"
        driver = connection.connection.driver_connection
        assert isinstance(driver, postgres.DeadlineWait) and driver.patience == postgres.MIGRATION_WAIT
        second = Database(database)
        thread = threading.Thread(target=second.open)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(60)
    assert changes_of(second).rows == []
    second.close()
    engine.dispose()


def test_more_reads_than_eight_at_once_wait_for_a_connection_and_open_no_more(
    store: Database, server: Cluster, database: str
) -> None:
    together = threading.Barrier(8)

    def use(_: int) -> None:
        with store.reading() as connection:
            connection.exec_driver_sql("SELECT 1")
            together.wait(60)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(use, range(16)))
    name = database.rpartition("/")[2].partition("?")[0]
    assert server.admin(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'") == [(8,)]


@pytest.mark.parametrize(
    ("change_of_url", "words"),
    [
        (("app-password", "wrong-planted-one"), "it refuses the user; see user and password"),
        (("/store", "/no_such_database_"), "the database does not exist; make it: CREATE DATABASE"),
        (("app:app-password", "stranger:stranger-password"), "the user may not do that; GRANT CREATE"),
    ],
)
def test_a_server_that_refuses_is_reported_in_a_sentence_without_the_password(
    database: str, server: Cluster, change_of_url: tuple[str, str], words: str
) -> None:
    text = refusal(database.replace(*change_of_url))
    assert words in text
    assert f"127.0.0.1:{server.port}/" in text
    assert "planted" not in text
    assert "password@" not in text


def test_a_server_that_is_not_there_is_reported_in_a_sentence() -> None:
    text = refusal(f"postgresql://app:planted@127.0.0.1:{free_port()}/x")
    assert "it does not answer; see whether the server runs" in text
    assert "planted" not in text


def test_connections_that_were_cut_while_idle_are_replaced_without_a_word(
    store: Database, server: Cluster
) -> None:
    store.write([CheckBatch({KEY: snapshot()})])
    server.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
    store.write([CheckBatch({KEY: snapshot(failures=3)})])
    assert snapshots_of(store) == [snapshot(failures=3)]


def test_a_lock_that_is_held_too_long_is_a_sentence_and_no_lost_batch(
    store: Database, server: Cluster, database: str
) -> None:
    url = f"{database}&options=-c%20lock_timeout%3D200"
    waiting = Database(url)
    waiting.open()
    name = database.rpartition("/")[2].partition("?")[0]
    with psycopg.connect(host=str(server.home), port=server.port, user="postgres", dbname=name) as other:
        other.execute("LOCK TABLE target_state IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreError, match="another session holds a lock") as caught:
            waiting.write([CheckBatch({KEY: snapshot()})])
        assert not isinstance(caught.value, UnwritableError)
    waiting.write([CheckBatch({KEY: snapshot()})])
    waiting.close()


def test_a_statement_that_takes_too_long_is_given_up_by_the_server(database: str) -> None:
    impatient = Database(f"{database}&options=-c%20statement_timeout%3D200")
    impatient.open()
    with pytest.raises(StoreError, match="it took too long"), impatient.reading() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(5)")
    impatient.close()


def test_a_server_that_hangs_keeps_no_thread_and_costs_nothing_in_the_end(
    store: Database, server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write([CheckBatch({KEY: snapshot()})])
    pause(server, signal.SIGSTOP)
    # Sooner than in earnest, and only while it hangs: one that is slow must not fail it.
    monkeypatch.setattr(postgres.DeadlineWait, "patience", 0.5)
    monkeypatch.setattr(postgres, "CONNECT_WAIT", 2)
    try:
        for _ in range(2):  # on the old connection, and on a new one
            with pytest.raises(StoreError, match="does not answer") as caught:
                store.write([CheckBatch({KEY: snapshot(failures=1)})])
            assert not isinstance(caught.value, UnwritableError)
    finally:
        pause(server, signal.SIGCONT)
        monkeypatch.undo()
    store.write([CheckBatch({KEY: snapshot(failures=2)})])
    assert snapshots_of(store) == [snapshot(failures=2)]


def test_a_server_that_hangs_in_the_middle_of_a_transaction_costs_its_connection(
    store: Database, server: Cluster
) -> None:
    try:
        with (
            pytest.raises(StoreError, match=r"does not answer.* \(no answer within 0\.5 s\)$"),
            store.reading() as connection,
        ):
            connection.exec_driver_sql("SELECT 1")
            driver = connection.connection.driver_connection
            assert isinstance(driver, postgres.DeadlineWait)
            driver.patience = 0.5
            pause(server, signal.SIGSTOP)
            connection.exec_driver_sql("SELECT 2")
        assert isinstance(driver, postgres.DeadlineWait) and driver.closed
    finally:
        pause(server, signal.SIGCONT)
    assert snapshots_of(store) == []


async def test_through_an_outage_the_writer_loses_only_what_its_bound_drops() -> None:
    with cluster() as server:
        server.admin("CREATE DATABASE state OWNER app")
        url = f"postgresql://app:app-password@127.0.0.1:{server.port}/state?options=-c%20synchronous_commit%3Don"
        writer = Writer(Database(url), every=0.02, longest_wait=0.2, most=20)
        await writer.open()
        writer.submit(CheckBatch(changes=[change(0.0)]))
        assert await writer.flush(PATIENCE)
        assert server.process is not None
        # The first of them begins no other one while it is stopped.
        server.signal(signal.SIGSTOP)
        for process in processes(server)[::-1]:
            with contextlib.suppress(psutil.NoSuchProcess):  # the others end by themselves at times
                process.kill()
        server.process.wait(timeout=PATIENCE)
        for at in range(1, 31):
            writer.submit(
                CheckBatch(changes=[change(float(at))], summaries=summaries(summary(durations=(0.1,))))
            )
        await until(lambda: not writer.healthy)
        (server.data / "postmaster.pid").unlink(missing_ok=True)
        server.start()
        await until(lambda: writer.healthy)
        assert await writer.flush(PATIENCE)
        found = await writer.read(lambda connection: changes.query(connection).rows)
        assert [one.at for one in found] == [float(at) for at in (*range(30, 10, -1), 0)]
        assert writer.dropped == 10
        (counted,) = await writer.read(lambda connection: statistics(connection, Window(0, 10_000)))
        assert counted.runs == 30
        assert await writer.close(PATIENCE)
    # A thread ends a moment after its answer is there.
    await until(lambda: not [one for one in threading.enumerate() if one.name.startswith("store-")])


async def test_a_read_with_values_that_the_server_refuses_leaves_the_store_healthy(database: str) -> None:
    writer = Writer(Database(database))
    await writer.open()
    with pytest.raises(UnwritableError):
        await writer.read(lambda connection: changes.query(connection, Filter(tenant="a\0b"), 1))
    assert (writer.healthy, writer.failed_reads) == (True, 0)
    assert await writer.close(PATIENCE)

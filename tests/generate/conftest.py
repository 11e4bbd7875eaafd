"""The servers that dashboards ask: a Prometheus and a PostgreSQL that hold a made-up platform."""

from collections.abc import Iterator

import pytest

from exporter.store.database import Database
from tests.generate.dashboards_asking import Prometheus, knowing
from tests.generate.dashboards_platform import NOW, Platform
from tests.generate.stored_platform import Reader, connect, fill, run_role_file, url
from tests.servers.postgres import Cluster, cluster


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that scraped two replicas of the exporter for an hour."""
    platform = Platform(NOW, replicas=2)
    samples = list(platform.exposition(NOW - 3600, NOW, 60))[:-1]
    # What is compared with six hours ago.
    earlier = platform.exposition(NOW - 6 * 3600, NOW - 6 * 3600, 60)
    samples += (line for line in earlier if line.startswith("integration_quota_used"))
    with knowing([*samples, "# EOF"], NOW, tmp_path_factory.mktemp("tsdb")) as it:
        yield it


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    """A PostgreSQL with a database for the platform."""
    with cluster() as made:
        made.admin("CREATE DATABASE platform OWNER app")
        yield made


@pytest.fixture(scope="session")
def store(server: Cluster) -> Iterator[Database]:
    """The store of a platform in trouble."""
    made = Database(url(server, "platform"))
    made.open()
    fill(made, NOW)
    yield made
    made.close()


@pytest.fixture(scope="session")
def reader(server: Cluster, store: Database) -> Iterator[Reader]:
    """The role of Grafana, made by the file that is shipped, over the network with its password."""
    run_role_file(server, "platform")
    with connect(server) as connection:
        yield connection


@pytest.fixture(scope="session")
def writer(server: Cluster, reader: Reader) -> Iterator[Reader]:
    """A session of the same role that lifts its default to read only, as any session may."""
    with connect(server, options="-c default_transaction_read_only=off") as connection:
        yield connection

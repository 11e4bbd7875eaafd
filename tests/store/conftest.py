"""A PostgreSQL server for all tests of the store, and a database of its own for each test."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.servers.postgres import Cluster, cluster

_numbers = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    # Of two replicas each has up to eight connections, and a test some more.
    with cluster(connections=40) as made:
        yield made


@pytest.fixture
def database(server: Cluster) -> Iterator[str]:
    name = f"store{next(_numbers)}"
    server.admin(f"CREATE DATABASE {name} OWNER app")
    yield f"postgresql://app:app-password@127.0.0.1:{server.port}/{name}?sslmode=require"
    server.admin(f"DROP DATABASE {name} WITH (FORCE)")

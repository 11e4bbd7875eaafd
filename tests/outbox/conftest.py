"""Both databases for the tests of the outbox."""

from collections.abc import Callable, Iterator

import pytest

from exporter.store.database import Database
from tests.store.conftest import database, server

__all__ = ("database", "server")

URLS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": lambda request: f"sqlite:///{request.getfixturevalue('tmp_path')}/state.db",
    "postgresql": lambda request: str(request.getfixturevalue("database")),
}


@pytest.fixture(params=URLS)
def url(request: pytest.FixtureRequest) -> str:
    return URLS[request.param](request)


@pytest.fixture
def store(url: str) -> Iterator[Database]:
    made = Database(url)
    made.open()
    yield made
    made.close()

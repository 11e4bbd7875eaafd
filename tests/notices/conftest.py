"""Both databases for the tests of notices."""

from tests.outbox.conftest import database, server, url

__all__ = ("database", "server", "url")

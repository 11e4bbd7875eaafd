"""The servers that dashboards ask: a Prometheus and a PostgreSQL that hold a made-up platform."""

from collections.abc import Iterator
from typing import Any

import pytest

from exporter import registry
from exporter.core import common_metrics
from exporter.store.database import Database
from tests.generate.dashboards_asking import Prometheus, knowing
from tests.generate.dashboards_platform import NOW, Platform
from tests.generate.dashboards_reading import selectors
from tests.generate.stored_platform import Reader, connect, fill, run_role_file, url
from tests.servers.postgres import Cluster, cluster


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that scraped two replicas of the exporter for an hour."""
    samples = Platform(NOW, replicas=2).exposition(NOW - 3600, NOW, 60)
    with knowing([*list(samples)[:-1], *_own_series(), "# EOF"], NOW, tmp_path_factory.mktemp("tsdb")) as it:
        yield it


def _own_series() -> Iterator[str]:
    """Yield samples for what the panels of providers ask: one series that satisfies each selector."""
    panels = [panel for source in registry.sources().values() for panel in source.panels]
    exprs = (panel.expr.replace("$integration", ".*").replace("$tenant", ".*") for panel in panels)
    wanted = {_series(selector) for expr in exprs for selector in selectors(expr)}
    for name, labels in sorted(wanted - {("", "")}):
        if name not in {
            str(metric) for metric in common_metrics.TARGET_SERIES + common_metrics.SHARED_SERIES
        }:
            yield from (f"{name}{{{labels}}} 1 {NOW - 60 * index:.0f}" for index in range(60, -1, -1))


def _series(selector: Any) -> tuple[str, str]:
    known = {"integration": "payments", "provider": "stripe", "tenant": "acme"}
    for matcher in selector.matchers.matchers:
        if matcher.value and matcher.value != ".*" and "Not" not in str(matcher.op):
            known[matcher.name] = matcher.value.split("|")[0]
    return selector.name or "", ",".join(f'{name}="{value}"' for name, value in sorted(known.items()))


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

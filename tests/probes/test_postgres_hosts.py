"""Host names of the provider `postgres`: what libpq is given, and what can be none."""

from collections.abc import Iterator
from typing import Any

import pytest

from exporter.core.network import Network
from exporter.core.secret import Secret
from exporter.probes.postgres import PROBE
from exporter.probes.postgres.options import PostgresOptions
from exporter.probes.postgres.session import parameters
from tests.probes.day import target_of
from tests.probes.test_postgres import ask
from tests.servers.postgres import Cluster, cluster


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster() as it:
        yield it


@pytest.mark.parametrize("host", ["127。0。0。1", "ｌocalhost"])  # noqa: RUF001 - what UTS 46 maps
@pytest.mark.parametrize("form", ["host", "url"])
async def test_the_certificate_is_compared_with_the_ascii_form_of_a_name(
    network: Network, server: Cluster, host: str, form: str
) -> None:
    given: dict[str, Any] = {"host": host} if form == "host" else {"host": "", "url": f"postgresql://{host}"}
    result = await ask(server, network, sslmode="verify-full", **given)
    assert result.ok, result.detail


@pytest.mark.parametrize(
    ("host", "passed"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("DB_1.example", "db_1.example"),
        ("a.example,bücher.example", "a.example,xn--bcher-kva.example"),
        ("::1", "::1"),
        ("/var/run/Postgresql", "/var/run/Postgresql"),
        ("@Abstract", "@Abstract"),
    ],
)
def test_libpq_is_given_names_in_ascii(host: str, passed: str) -> None:
    assert parameters(PostgresOptions(host=host))["host"] == passed
    assert parameters(PostgresOptions(url=Secret(f"host={host}")))["host"] == passed


@pytest.mark.parametrize("options", [{"host": "no host"}, {"url": "host='no host'"}, {"host": "a..b"}])
def test_a_host_that_can_be_none_is_a_mistake(options: dict[str, str]) -> None:
    assert PROBE.verify is not None
    (mistake,) = PROBE.verify(target_of(PROBE, options).options)
    assert "the host is no valid name" in mistake and "; " in mistake

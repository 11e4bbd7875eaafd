import pytest

from exporter.core.network import Network
from exporter.core.options import tenant_fields
from exporter.core.reason import Reason
from exporter.probes.tcp import PROBE, TcpOptions
from tests.probes.day import hurried, probed, target_of
from tests.servers.ports import free_port
from tests.servers.raw import Visit, full_backlog, serving


async def quiet(visit: Visit) -> None:
    await visit.reader.read()


async def test_a_port_that_takes_connections_is_connected(network: Network) -> None:
    async with serving(quiet) as server:
        result = await probed(target_of(PROBE, {"host": "localhost", "port": server.port}), network)
    assert (result.reason, result.samples, result.facts, result.http_status) == (None, (), (), None)
    assert list(result.phases) == ["resolve", "connect"]
    assert result.calls == 0


async def test_a_port_where_nobody_listens_is_refused(network: Network) -> None:
    port = free_port()
    result = await probed(target_of(PROBE, {"host": "127.0.0.1", "port": port}), network)
    assert (result.reason, result.detail) == (
        Reason.CONNECT,
        f"127.0.0.1:{port} refused the connection",
    )
    assert result.phases == {} or "connect" not in result.phases


async def test_a_port_too_busy_to_accept_is_a_timeout_and_the_log_says_what_was_waited_for(
    network: Network,
) -> None:
    with full_backlog() as port:
        result = await probed(hurried(target_of(PROBE, {"host": "127.0.0.1", "port": port})), network)
    assert result.reason is Reason.TIMEOUT
    assert result.log[-1][1] == "stopped while waiting for 127.0.0.1 to take the connection"


async def test_a_name_that_does_not_exist_is_a_dns_failure(network: Network) -> None:
    target = target_of(PROBE, {"host": "no-such-name.invalid", "port": 9}, timeout=20.0)
    assert (await probed(target, network)).reason is Reason.DNS


async def test_the_family_of_addresses_is_the_configured_one(network: Network) -> None:
    async with serving(quiet) as server:
        options = {"host": "localhost", "port": server.port}
        assert (await probed(target_of(PROBE, {**options, "family": "4"}), network)).ok
        assert (await probed(target_of(PROBE, {**options, "family": "6"}), network)).reason in (
            Reason.CONNECT,
            Reason.DNS,
        )


@pytest.mark.parametrize("host", ["a b", "host:80", "", "http://a", "a..b", "a/b"])
def test_a_host_that_is_none_is_reported_before_anything_runs(host: str) -> None:
    assert PROBE.verify
    (mistake,) = PROBE.verify(TcpOptions(host=host, port=1))
    assert mistake.startswith("host: ")


def test_a_tenant_may_not_say_where_to_connect() -> None:
    assert tenant_fields(TcpOptions) == frozenset()

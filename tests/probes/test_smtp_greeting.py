"""What goes wrong before a mail server is asked for anything: no greeting, or a name that it refuses."""

import pytest

from exporter.core.network import Network
from exporter.core.reason import Reason
from exporter.probes.smtp import PROBE
from tests.probes.day import probed, target_of
from tests.servers.raw import Visit, serving


async def _silent(visit: Visit) -> None:
    await visit.reader.read()


@pytest.mark.parametrize("security", ["starttls", "none", ""])
async def test_a_server_that_waits_for_tls_is_suspected_to_speak_it_from_the_first_byte(
    network: Network, security: str
) -> None:
    async with serving(_silent) as server:
        options = {"host": "127.0.0.1", "port": server.port, "security": security}
        result = await probed(target_of(PROBE, options, timeout=1.0), network)
    assert result.reason is Reason.TIMEOUT
    assert result.detail == ("the server sent no greeting; perhaps the port begins with TLS (security: tls)")


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (b"501 5.5.4 Invalid domain name\r\n", "501 5.5.4"),
        (b"504 5.5.2 <[127.0.0.1]>: Helo command rejected\r\n", "504 5.5.2"),
        (b"553 no\r\n", "553"),
        (b"450 4.7.1 <[127.0.0.1]>: Helo command rejected: Host not found\r\n", "450 4.7.1"),
        (b"550-Access denied\r\n550 Invalid HELO name (See RFC2821 4.1.1.1)\r\n", "550"),
    ],
)
async def test_a_refused_name_is_named_with_its_remedy(network: Network, reply: bytes, code: str) -> None:
    async def talk(visit: Visit) -> None:
        await visit.say(b"220 hello\r\n")
        await visit.reader.readline()
        await visit.say(reply)
        await visit.reader.read()

    async with serving(talk) as server:
        result = await probed(target_of(PROBE, {"host": "127.0.0.1", "port": server.port}), network)
    assert result.reason is Reason.BAD_RESPONSE
    assert result.detail == (
        f"the server answered {code} to EHLO: it refuses the name we greet with ([127.0.0.1]); set `ehlo`"
    )


async def test_other_refusals_of_the_greeting_keep_their_meaning(network: Network) -> None:
    async def talk(visit: Visit) -> None:
        await visit.say(b"220 hello\r\n")
        await visit.reader.readline()
        await visit.say(b"421 4.7.0 Too many connections\r\n")

    async with serving(talk) as server:
        result = await probed(target_of(PROBE, {"host": "127.0.0.1", "port": server.port}), network)
    assert result.reason is Reason.RATE_LIMITED

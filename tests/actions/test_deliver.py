"""Deliveries to endpoints: signed at each attempt, led to public addresses alone, judged by their status."""

import base64
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from standardwebhooks import Webhook

from exporter.actions.deliver import DeliverAction
from exporter.core.action import ActionKit, EndpointReport
from exporter.core.delivery import (
    AttemptError,
    Delivery,
    EndpointLimits,
    GiveUp,
    Receipt,
    RetryLater,
    RetryPolicy,
)
from exporter.core.network import DEFAULT_TLS, AddressGuard
from exporter.core.options import TlsOptions
from exporter.core.secret import Secret
from exporter.core.webhook import WebhookEndpoint
from exporter.net.addresses import PublicOnly
from exporter.net.network import LoopNetwork
from tests.servers.authority import Authority
from tests.servers.ports import free_port
from tests.servers.raw import Visit, answering, keeping, ok, serving

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
OLD_KEY = "whsec_" + base64.b64encode(b"o" * 32).decode()
BODY = b'{"order": 7,  "price": 1.10}'
LOCAL = PublicOnly(("127.0.0.1/32",))
"""Takes one address of this machine for a public one: a test can reach no other."""

ENDPOINT = WebhookEndpoint("crm", "acme", "", (Secret(KEY),))


def no_source(_name: str) -> None:
    """Return nothing: receivers are no sources."""


@dataclass
class Bench:
    """An action with one endpoint, and what it reported."""

    network: LoopNetwork
    endpoint: WebhookEndpoint = ENDPOINT
    reports: list[EndpointReport] = field(default_factory=list)
    now: float = 1_800_000_000.0
    public: AddressGuard = LOCAL
    tls: TlsOptions = DEFAULT_TLS

    async def send(self, url: str = "", *, tenant: str = "acme", **changes: Any) -> Receipt:
        self.endpoint = replace(self.endpoint, url=url or self.endpoint.url, tls=self.tls, **changes)
        kit = ActionKit(
            self.network,
            {"crm": self.endpoint}.get,
            no_source,
            lambda: self.now,
            self.reports.append,
        )
        delivery = Delivery(
            *("evt_1:crm", "deliver", "crm", BODY, self.now, self.now + 60),
            message_id="evt_1",
            tenant=tenant,
            headers=(("Content-Type", "application/json"),),
        )
        return await DeliverAction(kit, public=self.public).run(delivery)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    network = LoopNetwork()
    yield Bench(network)
    await network.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def parts(request: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return first, {name.lower(): value for name, _, value in pairs}, body


def status(line: str, headers: str = "") -> bytes:
    return ok(b"", headers=headers, status=line)


async def failure(bench: Bench, answer: bytes, **changes: Any) -> AttemptError:
    async with serving(answering(answer)) as server:
        with pytest.raises((RetryLater, GiveUp)) as caught:
            await bench.send(server.url(), **changes)
    return caught.value


async def test_the_payload_arrives_byte_for_byte_under_a_signature_that_the_public_library_accepts(
    bench: Bench,
) -> None:
    bench.now = time.time()
    async with serving(keeping()) as server:
        receipt = await bench.send(server.url("/hook"), headers=(("X-Env", "production"),))
    first, headers, body = parts(server.requests[0])
    assert first == "POST /hook HTTP/1.1"
    assert body == BODY
    assert headers["x-env"] == "production" and headers["content-type"] == "application/json"
    assert Webhook(KEY).verify(body, headers) == json.loads(BODY)
    assert (receipt.status, receipt.url) == (200, server.url("/hook"))


async def test_each_attempt_is_signed_by_every_secret_at_its_own_time(bench: Bench) -> None:
    async with serving(keeping()) as server:
        await bench.send(server.url(), secrets=(Secret(KEY), Secret(OLD_KEY)))
        bench.now += 90
        await bench.send()
    first, second = (parts(request)[1] for request in server.requests)
    assert len(first["webhook-signature"].split()) == 2
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 90
    assert first["webhook-id"] == second["webhook-id"] == "evt_1"


async def test_a_header_of_the_endpoint_cannot_replace_one_of_the_signature(bench: Bench) -> None:
    async with serving(keeping()) as server:
        await bench.send(server.url(), headers=(("Webhook-Id", "other"), ("X-A", "1")))
    assert server.requests[0].lower().count(b"webhook-id:") == 1
    assert parts(server.requests[0])[1]["webhook-id"] == "evt_1"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("301 Moved Permanently", "bad_response"),
        ("302 Found", "bad_response"),
        ("304 Not Modified", "bad_response"),
        ("400 Bad Request", "bad_response"),
        ("401 Unauthorized", "auth"),
        ("403 Forbidden", "permission"),
        ("404 Not Found", "not_found"),
        ("422 Unprocessable", "bad_response"),
        ("429 Too Many Requests", "rate_limited"),
        ("500 Oops", "vendor_error"),
        ("503 Busy", "vendor_error"),
    ],
)
async def test_every_status_but_2xx_and_410_is_tried_again_later(
    bench: Bench, line: str, reason: str
) -> None:
    error = await failure(bench, status(line, "Location: /elsewhere\r\n"))
    assert isinstance(error, RetryLater)
    assert (error.reason, error.status, error.after) == (reason, int(line[:3]), None)
    assert [(one.reason, one.gone) for one in bench.reports] == [(reason, False)]


async def test_410_ends_the_delivery_and_reports_that_the_endpoint_wants_no_more(bench: Bench) -> None:
    error = await failure(bench, status("410 Gone"))
    assert isinstance(error, GiveUp) and error.status == 410
    assert [one.gone for one in bench.reports] == [True]


@pytest.mark.parametrize("line", ["429 Too Many Requests", "503 Busy"])
async def test_the_wait_that_a_receiver_asks_for_is_kept(bench: Bench, line: str) -> None:
    error = await failure(bench, status(line, "Retry-After: 120\r\n"))
    assert isinstance(error, RetryLater) and error.after == 120.0


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"x" * 100_000),
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut",
        b"HTTP/1.1 202 Accepted\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nbad",
    ],
    ids=["too long", "cut", "no gzip"],
)
async def test_a_receiver_that_said_2xx_has_it_whatever_is_wrong_with_its_body(
    bench: Bench, answer: bytes
) -> None:
    async with serving(answering(answer)) as server:
        assert (await bench.send(server.url())).status in (200, 202)
    assert [one.reason for one in bench.reports] == [""]


async def test_a_body_that_never_comes_does_not_make_an_accepted_delivery_a_failed_one(bench: Bench) -> None:
    limits = EndpointLimits(retry=RetryPolicy(timeout=0.2))
    async with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", stay=True)) as server:
        assert (await bench.send(server.url(), limits=limits)).status == 200


async def test_a_receiver_that_does_not_answer_is_left_after_the_timeout_of_its_endpoint(
    bench: Bench,
) -> None:
    limits = EndpointLimits(retry=RetryPolicy(timeout=0.1))
    async with serving(answering(b"", stay=True)) as server:
        with pytest.raises(RetryLater) as caught:
            await bench.send(server.url(), limits=limits)
    assert caught.value.reason == "timeout"
    assert "0.1 s" in caught.value.detail


async def test_the_fallback_takes_over_where_the_first_url_cannot_be_reached_or_fails(bench: Bench) -> None:
    async with (
        serving(answering(status("500 Oops"))) as broken,
        serving(keeping()) as fallback,
    ):
        for url in (f"http://127.0.0.1:{free_port()}/", broken.url()):
            receipt = await bench.send(url, fallback_url=fallback.url("/second"))
            assert receipt.url == fallback.url("/second") and "fallback" in receipt.detail
    assert len(fallback.requests) == 2


@pytest.mark.parametrize("line", ["410 Gone", "429 Too Many Requests", "400 Bad Request"])
async def test_the_fallback_is_left_alone_where_the_receiver_itself_has_judged(
    bench: Bench, line: str
) -> None:
    async with serving(keeping()) as fallback:
        await failure(bench, status(line), fallback_url=fallback.url())
    assert fallback.visits == 0


def redirecting(to: str, line: str = "307 Temporary Redirect") -> Any:
    return answering(status(line, f"Location: {to}\r\n"))


@pytest.mark.parametrize("line", ["307 Temporary Redirect", "308 Permanent Redirect"])
async def test_a_redirect_that_keeps_the_body_is_followed_without_the_endpoint_s_headers(
    bench: Bench, line: str
) -> None:
    async with serving(keeping()) as second, serving(redirecting(second.url("/new"), line)) as first:
        await bench.send(first.url(), headers=(("Authorization", "Bearer of-the-first"),))
    asked, headers, body = parts(second.requests[0])
    assert asked == "POST /new HTTP/1.1" and body == BODY
    assert "authorization" not in headers and headers["webhook-id"] == "evt_1"
    assert parts(first.requests[0])[1]["authorization"] == "Bearer of-the-first"


async def test_a_redirect_in_a_circle_ends(bench: Bench) -> None:
    port = free_port()
    async with serving(redirecting(f"http://127.0.0.1:{port}/"), port=port) as server:
        with pytest.raises(RetryLater) as caught:
            await bench.send(server.url())
    assert caught.value.reason == "bad_response"


# What follows proves that nothing is dialled: by an audit of every connection, and by servers that listen.


@pytest.fixture(scope="session")
def audit() -> list[Any]:
    dialled: list[Any] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            dialled.append(arguments[1])

    sys.addaudithook(hook)  # there is no way to remove one, so there is one for all tests
    return dialled


@pytest.fixture
def dialled(audit: list[Any]) -> Iterator[list[Any]]:
    audit.clear()
    yield audit


HOSTILE = (
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://2130706433:{port}/",  # decimal
    "http://2852039166/",  # decimal, of the metadata
    "http://0177.0.0.1:{port}/",  # octal
    "http://0x7f.0.0.1:{port}/",  # hexadecimal
    "http://0x7f000001:{port}/",
    "http://127.1:{port}/",  # short
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://[::]:{port}/",
    "http://[::1]:{port}/",
    "http://127.0.0.1:{port}/",
    "http://127.0.0.53:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",  # trailing dot
    "http://127.0.0.1.:{port}/",
    "http://ⓛocalhost:{port}/",  # mapped to localhost by UTS 46
    "http://[fe80::1%25lo]:{port}/",  # with a zone
    "http://[fe80::1%lo]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",  # NAT64
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",  # 6to4
    "http://[2002:a9fe:a9fe::1]/",
    "http://[::127.0.0.1]:{port}/",
    "http://255.255.255.255:{port}/",  # broadcast
    "http://224.0.0.1:{port}/",
    "http://[fd00:ec2::254]/",  # unique local, metadata
    "http://[fc00::1]:{port}/",
    "http://169.254.1.1:{port}/",  # link-local
    "http://10.0.0.1:{port}/",
    "http://192.168.0.1:{port}/",
    "http://100.100.100.200/",  # metadata of another cloud
    "http://example.com@127.0.0.1:{port}/",  # userinfo
    "http://127.0.0.1:{port}\\@example.com/",
    "http://example.com#@127.0.0.1:{port}/\n",
    "http://127.0.0.1:{port}%2f@example.com/",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
)


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_hostile_address_reaches_nothing(bench: Bench, text: str, dialled: list[Any]) -> None:
    bench.public = DeliverAction.public
    port = free_port()
    async with serving(keeping(), port=port) as four, serving(keeping(), host="::1", port=port) as six:
        for where in ({"url": text}, {"url": f"http://127.0.0.1:{port}/", "fallback_url": text}):
            with pytest.raises(RetryLater) as caught:
                await bench.send(
                    **{name: value.replace("{port}", str(port)) for name, value in where.items()}
                )
            assert caught.value.reason in ("connect", "dns", "not_configured"), caught.value
        assert (four.visits, six.visits) == (0, 0)
    assert dialled == []


@pytest.mark.parametrize("text", [one for one in HOSTILE if "@" not in one])
async def test_a_redirect_to_a_hostile_address_reaches_nothing_more(
    bench: Bench, text: str, dialled: list[Any]
) -> None:
    bench.public = PublicOnly(("127.0.0.9/32",))
    port = free_port()
    async with (
        serving(keeping(), port=port) as four,
        serving(keeping(), host="::1", port=port) as six,
        serving(redirecting(text.strip().replace("{port}", str(port))), host="127.0.0.9") as first,
    ):
        with pytest.raises(RetryLater):
            await bench.send(first.url())
        assert (first.visits, four.visits, six.visits) == (1, 0, 0)
    assert dialled == [("127.0.0.9", first.port)]


async def test_a_name_that_leads_elsewhere_a_moment_later_gains_nothing(
    bench: Bench, dialled: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ["127.0.0.1", "127.0.0.2", "127.0.0.2"]

    def answer(*_: object) -> list[object]:
        return [(0, 0, 0, "", (answers.pop(0), 0))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)  # no name server of a test can be the system's own
    port = free_port()
    async with (
        serving(keeping(), port=port) as good,
        serving(keeping(), host="127.0.0.2", port=port) as inside,
    ):
        await bench.send(f"http://rebinding.example:{port}/")
        # Asked once, and what was judged is what was dialled.
        assert answers == ["127.0.0.2", "127.0.0.2"]
        with pytest.raises(RetryLater, match="not public"):
            await bench.send()
        assert (good.visits, inside.visits) == (1, 0)
    assert dialled == [("127.0.0.1", port)]


async def test_a_redirect_to_a_name_that_leads_inside_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*_: object) -> list[object]:
        return [(0, 0, 0, "", ("127.0.0.2", 0))]

    async with serving(keeping(), host="127.0.0.2") as inside:
        async with serving(redirecting(f"http://inside.example:{inside.port}/")) as first:
            monkeypatch.setattr(socket, "getaddrinfo", answer)
            with pytest.raises(RetryLater, match="not public"):
                await bench.send(first.url())
        assert inside.visits == 0


async def test_private_addresses_are_reached_where_the_endpoint_allows_them_but_never_metadata(
    bench: Bench, dialled: list[Any]
) -> None:
    bench.public = DeliverAction.public
    async with serving(keeping(), host="127.0.0.2") as server:
        assert (await bench.send(server.url(), private=True)).status == 200
    dialled.clear()
    for host in ("169.254.169.254", "[fd00:ec2::254]", "168.63.129.16", "[::ffff:169.254.169.254]"):
        with pytest.raises(RetryLater, match=r"metadata|Azure"):
            await bench.send(f"http://{host}/", private=True)
    assert dialled == []


async def test_a_connection_of_an_attempt_is_not_kept_for_the_next_one(bench: Bench) -> None:
    async with serving(keeping()) as server:
        await bench.send(server.url())
        await bench.send()
        assert server.visits == 2
        # Before the server ends, which would close what is kept.
        assert bench.network.idle == 0


async def test_the_certificate_of_an_endpoint_is_reported_also_when_it_is_refused(
    bench: Bench, authority: Authority
) -> None:
    context = authority.server("localhost", "127.0.0.1")
    async with serving(keeping(), tls=context) as server:
        bench.tls = TlsOptions(ca_file=authority.ca_file)
        await bench.send(server.url(scheme="https"))
        bench.tls = DEFAULT_TLS
        with pytest.raises(RetryLater) as caught:
            await bench.send()
    assert caught.value.reason == "tls"
    good, refused = bench.reports
    assert good.certificate_expiry and good.certificate_expiry == refused.certificate_expiry


async def test_nothing_of_a_secret_is_in_what_an_attempt_leaves(bench: Bench) -> None:
    async def echo(visit: Visit) -> None:
        request = await visit.request()
        token = parts(request)[1]["authorization"]
        await visit.say(status("307 Go", f"Location: ftp://{token.split()[1]}.example/\r\n"))

    async with serving(echo) as server:
        with pytest.raises(RetryLater) as caught:
            await bench.send(
                server.url("/?token=s3cr3t-of-the-url"), headers=(("Authorization", "Bearer hunter2hunter2"),)
            )
    left = f"{caught.value} {caught.value.url}"
    assert "hunter2" not in left and "s3cr3t" not in left


async def test_what_waits_for_a_name_is_not_sent_to_another_tenant_who_took_it(bench: Bench) -> None:
    async with serving(keeping()) as server:
        with pytest.raises(GiveUp, match="another tenant"):
            await bench.send(server.url(), tenant="globex")
        assert server.visits == 0


async def test_an_endpoint_that_is_gone_or_disabled_has_no_limits_so_its_deliveries_wait(
    bench: Bench,
) -> None:
    for endpoint in (None, replace(bench.endpoint, enabled=False)):
        known = {} if endpoint is None else {"crm": endpoint}
        kit = ActionKit(bench.network, known.get, no_source, lambda: 0.0)
        assert DeliverAction(kit).limits("crm") is None
    kit = ActionKit(bench.network, {"crm": bench.endpoint}.get, no_source, lambda: 0.0)
    assert DeliverAction(kit).limits("crm") == bench.endpoint.limits

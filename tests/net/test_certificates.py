"""Which dates of certificates are known after a handshake, and what is said where one of them has passed."""

import ssl
import time
from collections import OrderedDict
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from exporter.core.errors import ProbeError
from exporter.core.network import Request, Trace
from exporter.core.options import TlsOptions
from exporter.net import certificate
from exporter.net.certificate import Certificate, expiry_of_file, first_expiry, path, read
from exporter.net.network import LoopNetwork
from exporter.net.session import TlsSession
from tests.servers.authority import Authority, Chain
from tests.servers.raw import Visit, keeping, serving
from tests.waiting import rest

DAY = 86_400.0


def days(at: float | None) -> float:
    assert at is not None
    return round((at - time.time()) / DAY, 1)


async def shaken(network: LoopNetwork, chain: Chain, tls: TlsOptions) -> tuple[Trace, str]:
    """Shake hands with a server of `chain`; return the trace, and the failure's words."""
    trace = Trace()
    async with serving(keeping(), tls=chain.server()) as server:
        try:
            await network.connect("localhost", server.port, trace, tls=tls, family="4")
        except ProbeError as error:
            return trace, error.detail
    return trace, ""


async def test_the_first_date_of_a_chain_is_known_beside_the_servers_own(
    network: LoopNetwork, tmp_path: Path
) -> None:
    chain = Chain(tmp_path, leaf=90, middle=2)
    trace, failure = await shaken(network, chain, TlsOptions(ca_file=chain.ca_file))
    assert failure == ""
    assert (days(trace.certificate_expiry), days(trace.chain_expiry)) == (90, 2)


@pytest.mark.parametrize(("leaf", "middle", "root", "first"), [(5, 80, 90, 5), (80, 90, 6, 6)])
async def test_the_chain_reaches_from_the_servers_own_certificate_to_the_root(
    network: LoopNetwork, tmp_path: Path, leaf: float, middle: float, root: float, first: float
) -> None:
    chain = Chain(tmp_path, leaf=leaf, middle=middle, root=root)
    trace, _ = await shaken(network, chain, TlsOptions(ca_file=chain.ca_file))
    assert days(trace.chain_expiry) == first


@pytest.mark.parametrize("skip", [True, False], ids=["unverified", "verified"])
async def test_a_surplus_certificate_that_has_expired_does_no_harm(
    network: LoopNetwork, tmp_path: Path, skip: bool
) -> None:
    chain = Chain(tmp_path, surplus=-3)
    tls = TlsOptions(insecure_skip_verify=True) if skip else TlsOptions(ca_file=chain.ca_file)
    trace, failure = await shaken(network, chain, tls)
    assert (failure, days(trace.chain_expiry)) == ("", 90)


async def test_a_chain_that_nobody_verified_has_a_first_date_too(
    network: LoopNetwork, tmp_path: Path
) -> None:
    chain = Chain(tmp_path, leaf=90, middle=2)
    trace, _ = await shaken(network, chain, TlsOptions(insecure_skip_verify=True))
    assert (days(trace.certificate_expiry), days(trace.chain_expiry)) == (90, 2)


@pytest.mark.parametrize(
    ("leaf", "middle", "words"),
    [
        (90, -1, "a certificate of the chain, not the server's own, has expired"),
        (-1, 400, "the server's certificate has expired"),
        (-1, -2, "the server's certificate has expired"),
    ],
)
async def test_it_is_reported_whether_the_server_or_its_chain_has_expired(
    network: LoopNetwork, tmp_path: Path, leaf: float, middle: float, words: str
) -> None:
    chain = Chain(tmp_path, leaf=leaf, middle=middle)
    trace, failure = await shaken(network, chain, TlsOptions(ca_file=chain.ca_file))
    assert failure == words
    assert (days(trace.certificate_expiry), days(trace.chain_expiry)) == (leaf, min(leaf, middle))


async def test_without_a_second_look_both_stay_possible(network: LoopNetwork, tmp_path: Path) -> None:
    chain = Chain(tmp_path, middle=-1)
    trace = Trace(deadline=time.monotonic())  # no time is left for it
    async with serving(keeping(), tls=chain.server()) as server:
        with pytest.raises(ProbeError) as caught:
            tls = TlsOptions(ca_file=chain.ca_file)
            await network.connect("localhost", server.port, trace, tls=tls, family="4")
        await rest()  # the server notices that nobody is there
    assert caught.value.detail == "the server's certificate, or one of its chain, has expired"
    assert trace.certificate_expiry is trace.chain_expiry is None


async def test_a_kept_connection_tells_the_dates_again(network: LoopNetwork, tmp_path: Path) -> None:
    chain = Chain(tmp_path, leaf=90, middle=2)
    async with serving(keeping(), tls=chain.server()) as server:
        url = server.url(scheme="https", host="localhost")
        request = Request(url, tls=TlsOptions(ca_file=chain.ca_file), family="4")
        for _ in range(2):
            trace = Trace()
            await network.call(request, trace)
            assert (days(trace.certificate_expiry), days(trace.chain_expiry)) == (90, 2)
        assert server.visits == 1


async def test_the_date_of_a_chain_is_known_after_an_upgrade(network: LoopNetwork, tmp_path: Path) -> None:
    chain = Chain(tmp_path, leaf=90, middle=2)

    async def upgrading(visit: Visit) -> None:
        await visit.writer.start_tls(chain.server())
        await visit.reader.read()

    trace = Trace()
    async with (
        serving(upgrading) as server,
        network.talk("localhost", server.port, trace, family="4") as talk,
    ):
        await talk.secure(TlsOptions(ca_file=chain.ca_file))
    assert (days(trace.certificate_expiry), days(trace.chain_expiry)) == (90, 2)


@pytest.mark.parametrize("named", ["", "expired"])
async def test_the_date_of_our_own_certificate_is_known_whatever_the_server_says(
    network: LoopNetwork, authority: Authority, tmp_path: Path, named: str
) -> None:
    own = Chain(tmp_path, leaf=-1 if named else 9)
    tls = TlsOptions(ca_file=authority.ca_file, cert_file=own.file())
    async with serving(keeping(), tls=authority.server()) as server:
        for request in (
            Request(server.url(scheme="https"), tls=tls),
            Request("https://127.0.0.1:1", tls=tls),
        ):
            trace = Trace()
            try:
                await network.call(request, trace)
            except ProbeError as error:
                assert "refused the connection" in error.detail
            assert days(trace.client_certificate_expiry) == (-1 if named else 9)
    trace = Trace()
    async with serving(keeping()) as server:
        await network.call(Request(server.url(), tls=tls), trace)
    assert trace.client_certificate_expiry is None, "without TLS nothing is shown"


def test_of_a_file_with_our_certificate_and_its_chain_the_first_date_counts(tmp_path: Path) -> None:
    assert days(expiry_of_file(Chain(tmp_path, leaf=90, middle=7).file())) == 7
    (tmp_path / "none.pem").write_text("nothing")
    assert expiry_of_file(str(tmp_path / "none.pem")) is None
    assert expiry_of_file(str(tmp_path / "absent.pem")) is None


async def test_a_certificate_is_good_for_the_names_it_lists_and_not_for_its_common_name(
    network: LoopNetwork, tmp_path: Path
) -> None:
    chain = Chain(tmp_path, name="nameless")
    tls = TlsOptions(ca_file=chain.ca_file, server_name="nameless")
    _, failure = await shaken(network, chain, tls)
    assert failure == "the server's certificate is for another host name than nameless"


async def test_an_authority_without_its_root_is_trusted_where_the_operator_names_it(
    network: LoopNetwork, tmp_path: Path
) -> None:
    chain = Chain(tmp_path, root=1)
    trace, failure = await shaken(network, chain, TlsOptions(ca_file=chain.middle_file))
    assert failure == ""
    assert days(trace.chain_expiry) == 90, "the root is no part of the way"


def test_a_python_that_tells_no_chain_tells_no_date() -> None:
    session = TlsSession(ssl.create_default_context(), "localhost")
    session._tls = object()  # type: ignore[assignment]  # an SSLObject of another Python
    assert session.chain() == []
    assert first_expiry(session.chain()) is None


def one(subject: str, issuer: str, expiry: float | None = 1.0) -> Certificate:
    return Certificate(expiry, subject, 0.0, subject.encode(), issuer.encode())


@pytest.mark.parametrize(
    ("sent", "way"),
    [
        ([], []),
        ([one("leaf", "a")], ["leaf"]),
        ([one("leaf", "a"), one("b", "c")], ["leaf"]),
        ([one("leaf", "a"), one("b", "c"), one("a", "b")], ["leaf", "a", "b"]),
        ([one("leaf", "leaf"), one("leaf", "a"), one("a", "a")], ["leaf"]),
        ([one("leaf", "a"), one("a", "b"), one("b", "a")], ["leaf", "a", "b"]),
        ([one("leaf", "a"), one("a", "a", None), one("a", "a", 9.0)], ["leaf", "a"]),
    ],
)
def test_the_way_up_a_chain_goes_from_issuer_to_issuer(sent: list[Certificate], way: list[str]) -> None:
    assert [certificate.summary for certificate in path(sent)] == way


def test_a_chain_that_a_server_makes_endless_is_followed_for_ten_steps() -> None:
    sent = [one(str(number), str(number + 1), 100.0 - number) for number in range(20)]
    assert [certificate.summary for certificate in path(sent)] == [str(number) for number in range(10)]
    assert first_expiry(path(sent)) == 91.0


def test_of_two_issuers_with_one_name_the_one_that_lasts_counts() -> None:
    sent = [one("leaf", "a", 9.0), one("a", "b", 1.0), one("a", "c", 5.0), one("a", "d", 3.0)]
    assert first_expiry(path(sent)) == 5.0


def test_a_certificate_that_cannot_be_read_has_no_dates() -> None:
    found = read(b"no certificate")
    assert (found.expiry, found.since, found.summary) == (None, None, "a certificate that cannot be read")
    assert first_expiry([found]) is None
    assert read(b"no certificate") is found


def test_a_certificate_is_reported_by_its_names_and_its_date(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    found = read(chain.leaf.public_bytes(Encoding.DER))
    expires = f"{chain.leaf.not_valid_after_utc:%F %TZ}"
    assert found.summary == f"certificate CN=localhost, issued by CN=Test middle, expires {expires}"
    assert (found.since, found.expiry) == (
        chain.leaf.not_valid_before_utc.timestamp(),
        chain.leaf.not_valid_after_utc.timestamp(),
    )
    assert certificate._name(x509.Name([])) == "(no name)"


def test_a_name_that_a_vendor_made_endless_is_cut() -> None:
    units = [x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "u" * 64) for _ in range(9)]
    name = x509.Name(units)
    assert certificate._name(name) == name.rfc4514_string()[:200]
    assert len(certificate._name(name)) == 200


def test_the_certificates_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "_KEPT", 2)
    monkeypatch.setattr(certificate, "_seen", OrderedDict())
    newest = [read(b"no certificate %d" % number) for number in range(5)][-2:]
    assert list(certificate._seen.values()) == newest
    keys = list(certificate._seen)
    read(b"no certificate 4")
    assert list(certificate._seen) == keys, "the newest are the ones that stay"

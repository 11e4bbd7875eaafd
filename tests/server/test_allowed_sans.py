"""Subject alternative names of clients: what the web configuration may ask for, and who gets in by them."""

import ipaddress
from pathlib import Path

import pytest
import trustme

from exporter.server.alternative_names import names
from exporter.server.web_config.reader import read
from tests.server.house import Room, house, state
from tests.server.test_listener import MUTUAL, certificates, client_context
from tests.server.test_web_config import mistakes

ASKS = MUTUAL.removeprefix("\n")  # line 6 is the first one after it
ROLES = "roles: [viewer]"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[]", " names nobody; list the names that may come in, or drop the key"),
        ("['']", " names nobody; list the names"),
        ("[~]", " names nobody; list the names"),
        ("scraper.example", ": expected a list, found text; write a list"),
        ("[7]", ": expected text, found a number; put the value into quotes"),
        ("['DNS:scraper.example']", " begins with the mark of its kind; write the name alone"),
        ("['IP Address:10.0.0.7']", " begins with the mark of its kind; write the name alone"),
        ("[one, 'two three']", " has signs that no certificate has; write ASCII"),
        ("[bücher.example]", " has signs that no certificate has; write ASCII"),
        ("['2001:DB8::1']", " is an address in a form that is never compared; write 2001:db8::1"),
        ("['::ffff:10.0.0.7']", " is an address in a form that is never compared; write 10.0.0.7"),
    ],
)
def test_a_list_that_can_admit_nobody_is_refused_at_its_line(
    tmp_path: Path, written: str, message: str
) -> None:
    certificates(tmp_path, trustme.CA())
    found = mistakes(tmp_path, ASKS + f"  client_allowed_sans: {written}\n")
    assert found[0].removeprefix("6: ").removeprefix("a name of ").startswith(f"client_allowed_sans{message}")


@pytest.mark.parametrize("asks", ["NoClientCert", "VerifyClientCertIfGiven"])
def test_names_without_a_certificate_of_every_client_are_refused(tmp_path: Path, asks: str) -> None:
    certificates(tmp_path, trustme.CA())
    text = ASKS.replace("RequireAndVerifyClientCert", asks) + "  client_allowed_sans: [scraper.example]\n"
    assert any("6: client_allowed_sans needs every client" in one for one in mistakes(tmp_path, text))


@pytest.mark.parametrize("san", ["DNS:a.example", "a b", "2001:DB8::1"])
def test_a_role_for_a_name_that_no_certificate_has_is_refused(tmp_path: Path, san: str) -> None:
    certificates(tmp_path, trustme.CA())
    found = mistakes(tmp_path, ASKS + f"client_certificates: [{{san: '{san}', {ROLES}}}]\n")
    assert found[0].startswith("6: a name of client_certificates ")


@pytest.mark.parametrize(
    "name",
    ["one", "*.example", "xn--bcher-kva.example", "ada@example.com", "spiffe://a/b", "10.0.0.7", "::1"],
)
def test_every_kind_of_name_that_a_certificate_has_is_taken(tmp_path: Path, name: str) -> None:
    certificates(tmp_path, trustme.CA())
    path = tmp_path / "web.yml"
    path.write_text(ASKS + f"  client_allowed_sans: ['{name}']\n")
    settings = read(str(path)).tls
    assert settings is not None and settings.client_allowed_sans == (name,)


@pytest.mark.parametrize("address", ["10.0.0.7", "::1", "2001:db8::1"])
async def test_an_address_in_the_certificate_admits_in_the_form_it_is_commonly_written(
    tmp_path: Path, address: str
) -> None:
    authority = trustme.CA()
    certificates(tmp_path, authority)
    path = tmp_path / "web.yml"
    path.write_text(MUTUAL + f"  client_allowed_sans: ['{address}']\n")
    known = client_context(authority, authority.issue_cert(str(ipaddress.ip_address(address))))
    async with house(Room([state("payments")], path=path), tls=known) as made:
        assert (await made.ask("/metrics")).status == 200


async def test_a_sound_list_without_the_clients_name_loads_and_refuses_each_request(tmp_path: Path) -> None:
    """The exporter toolkit's web_config_auth_client_san.bad.yaml: `bad` is a name that the client lacks."""
    authority = trustme.CA()
    certificates(tmp_path, authority)
    path = tmp_path / "web.yml"
    path.write_text(MUTUAL + "  client_allowed_sans: [bad]\n")
    known = client_context(authority, authority.issue_cert("test3"))
    async with house(Room([state("payments")], path=path), tls=known) as made:
        for route in ("/metrics", "/-/healthy", "/"):
            assert (await made.ask(route)).status == 403


def test_names_of_other_kinds_admit_nobody() -> None:
    found = {"subjectAltName": (("DNS", "a"), ("Registered ID", "1.2.3"), ("othername", "<unsupported>"))}
    assert names(found) == {"a"}

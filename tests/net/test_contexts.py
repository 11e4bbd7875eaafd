"""TLS contexts: one for each way of judging, made once, and again when a file changes."""

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exporter.core.errors import ProbeError
from exporter.core.options import TlsOptions
from exporter.net import tls
from exporter.net.tls import LOOK_EVERY, Contexts, TlsContext, unverified_context
from tests.clock import HandClock
from tests.servers.authority import Authority
from tests.waiting import rest


class Making:
    """Runs what makes a context, and counts; `gate` holds it up."""

    def __init__(self) -> None:
        self.made = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self, call: Callable[[], TlsContext]) -> TlsContext:
        await self.gate.wait()
        self.made += 1
        return call()


@pytest.fixture
def making() -> Making:
    return Making()


async def test_equal_options_share_a_context_that_is_made_once(making: Making, authority: Authority) -> None:
    contexts = Contexts(making.run)
    options = TlsOptions(ca_file=authority.ca_file)
    making.gate.clear()
    waiting = [asyncio.create_task(contexts.get(options, http=True)) for _ in range(3)]
    await rest()
    making.gate.set()
    first, *others = await asyncio.gather(*waiting)
    assert all(other is first for other in others)
    assert await contexts.get(TlsOptions(ca_file=authority.ca_file, server_name="x"), http=True) is first
    assert making.made == 1


async def test_each_other_way_of_judging_has_a_context_of_its_own(
    making: Making, authority: Authority, tmp_path: Path
) -> None:
    contexts = Contexts(making.run)
    cert, key = authority.client("mine")
    base = TlsOptions(ca_file=authority.ca_file)
    others: list[dict[str, Any]] = [
        {"insecure_skip_verify": True},
        {"min_version": "TLS13"},
        {"legacy": True},
        {"cert_file": cert, "key_file": key},
    ]
    made = [await contexts.get(base, http=True), await contexts.get(base, http=False)]
    made += [await contexts.get(msgspec.structs.replace(base, **other), http=True) for other in others]
    assert len({id(context.judge) for context in made}) == making.made == 6
    normal, _, blindly, newest, legacy, own = (context.judge for context in made)
    assert (normal.verify_mode, normal.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (blindly.verify_mode, blindly.check_hostname) == (ssl.CERT_NONE, False)
    assert normal.minimum_version == ssl.TLSVersion.TLSv1_2
    assert newest.minimum_version == ssl.TLSVersion.TLSv1_3
    names = {cipher["name"] for cipher in normal.get_ciphers()}
    assert "AES128-SHA" not in names
    assert "AES128-SHA" in {cipher["name"] for cipher in legacy.get_ciphers()}
    assert not normal.options & 0x4
    assert legacy.options & 0x4
    assert [context.own_expiry is None for context in made] == [True] * 5 + [False]
    assert own.verify_mode == ssl.CERT_REQUIRED


async def test_a_file_that_changed_is_read_again(
    making: Making, authority: Authority, tmp_path: Path
) -> None:
    clock = HandClock()
    contexts = Contexts(making.run, clock.monotonic)
    file = tmp_path / "ca.pem"
    pem = Path(authority.ca_file).read_bytes()
    file.write_bytes(pem)
    options = TlsOptions(ca_file=str(file))
    first = await contexts.get(options, http=True)
    state = file.stat()
    file.write_bytes(pem + b"\n")  # another size at the same time
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert await contexts.get(options, http=True) is first  # one look a second is enough
    await clock.advance(LOOK_EVERY)
    second = await contexts.get(options, http=True)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    await clock.advance(LOOK_EVERY)
    third = await contexts.get(options, http=True)
    await clock.advance(LOOK_EVERY)
    assert len({id(context) for context in (first, second, third)}) == 3
    assert await contexts.get(options, http=True) is third
    file.unlink()
    await clock.advance(LOOK_EVERY)
    with pytest.raises(ProbeError, match="cannot be used: no such file or directory"):
        await contexts.get(options, http=True)
    assert making.made == 4
    assert contexts._locks == {}


async def test_the_context_that_was_not_made_for_longest_is_dropped(
    making: Making, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_MOST", 2)
    contexts = Contexts(making.run)
    plain = TlsOptions(ca_file=authority.ca_file)
    newest = msgspec.structs.replace(plain, min_version="TLS13")
    blindly = msgspec.structs.replace(plain, insecure_skip_verify=True)
    for options in (plain, newest, blindly):
        await contexts.get(options, http=True)
    await contexts.get(newest, http=True)
    await contexts.get(blindly, http=True)
    assert making.made == 3
    await contexts.get(plain, http=True)
    assert making.made == 4


async def test_a_context_that_was_made_again_counts_as_new(
    making: Making, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_MOST", 2)
    clock = HandClock()
    contexts = Contexts(making.run, clock.monotonic)
    file = tmp_path / "ca.pem"
    file.write_bytes(Path(authority.ca_file).read_bytes())
    changing = TlsOptions(ca_file=str(file))
    plain = TlsOptions(ca_file=authority.ca_file)
    await contexts.get(changing, http=True)
    await contexts.get(plain, http=True)
    os.utime(file, (1, 1))
    await clock.advance(LOOK_EVERY)
    again = await contexts.get(changing, http=True)
    await contexts.get(msgspec.structs.replace(plain, min_version="TLS13"), http=True)
    assert await contexts.get(changing, http=True) is again
    assert making.made == 4


def test_a_blind_context_takes_any_certificate() -> None:
    assert (unverified_context().verify_mode, unverified_context().check_hostname) == (ssl.CERT_NONE, False)


def test_what_reads_certificates_is_imported_by_who_makes_the_first_context_off_the_loop() -> None:
    """Its import takes 0.1 s, for which the loop of a process that just started would stand still."""
    code = (
        "import sys\n"
        "from exporter.core.options import TlsOptions\n"
        "from exporter.net.tls import _make\n"
        "assert 'cryptography.x509' not in sys.modules\n"
        "_make(TlsOptions(), True)\n"
        "print('cryptography.x509' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "True"

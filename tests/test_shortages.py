"""Commands that find no descriptor say so, and blame neither vendor nor channel."""

from pathlib import Path

import pytest

from exporter import registry
from exporter.cli import main
from exporter.commands import probe
from exporter.commands.doctor import channels, vendors
from exporter.commands.doctor.finding import FindingState
from exporter.config.load import load_file
from exporter.net.network import LoopNetwork
from tests.scarcity import LIMIT, no_descriptors

WHY = f"this process has no file descriptors left (limit {LIMIT}); raise LimitNOFILE or ulimit -n"
CONTENT = (
    "integrations:\n"
    "  - {name: web, provider: tcp, options: {host: 127.0.0.1, port: 9}}\n"
    "  - {name: shop, provider: tcp, options: {host: 127.0.0.1, port: 9}}\n"
    "notifications:\n"
    "  webhook: {url: 'http://127.0.0.1:9/hook'}\n"
    "  email: {to: [ops@example.org], sender: a@example.org, smarthost: '127.0.0.1:9', require_tls: false}\n"
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "short.yml"
    path.write_text(CONTENT)
    return path


def test_probe_says_what_this_process_lacks_and_that_nobody_was_asked(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with no_descriptors() as scarcity:
        scarcity.end()

        class Scarce(LoopNetwork):
            """A network that is made when there are no descriptors any more."""

            def __init__(self) -> None:
                super().__init__()
                scarcity.begin()

        monkeypatch.setattr(probe, "LoopNetwork", Scarce)
        code = main(["probe", "web", f"--config.file={config}"])
    out, err = capsys.readouterr()
    assert (code, out, err) == (1, "", f"integration-exporter: web was not probed: {WHY}\n")


async def test_the_doctor_blames_no_vendor_and_no_channel(config: Path) -> None:
    configuration = load_file(str(config), registry.catalogue(), {})
    network = LoopNetwork()
    with no_descriptors():
        (vendor,) = await vendors.findings(configuration, network, 3, lambda *_: None)
        found = await channels.findings(configuration.notifications, network)
    await network.close()
    assert (vendor.state, vendor.what) == (FindingState.PROBLEM, f"2 targets were not probed: {WHY}")
    assert [(one.state, one.what) for one in found] == [
        (FindingState.PROBLEM, f"webhook: 127.0.0.1:9 was not checked: {WHY}"),
        (FindingState.PROBLEM, f"email: 127.0.0.1:9 was not checked: {WHY}"),
    ]

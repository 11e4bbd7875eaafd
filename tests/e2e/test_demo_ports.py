"""Each part of the demo has a port of its own, also beside another demo."""

import contextlib
import socket
from dataclasses import astuple

import pytest

from exporter.core.defaults import HOST, PORTS, SANDBOX_PORT
from exporter.demo.ports import SINK_PORT, Ports


@pytest.mark.parametrize(
    "usual",
    [
        range(PORTS["exporter"], SINK_PORT + 1),
        range(PORTS["prometheus"], PORTS["alertmanager"] + 3),
        range(PORTS["exporter"], SANDBOX_PORT),
    ],
    ids=["exporter and sink", "Prometheus and Alertmanager", "all before the sandbox"],
)
def test_no_two_parts_share_a_port_where_others_have_the_usual_ones(usual: range) -> None:
    with contextlib.ExitStack() as stack:
        # Their next free port would be the same for both.
        for port in usual:
            taken = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):  # whoever else has it takes it just as well
                taken.bind((HOST, port))
        ports = Ports.free()
    assert len(set(astuple(ports))) == len(astuple(ports)), ports

"""Each part of the demo has a port of its own, also beside another demo."""

import contextlib
import socket
from dataclasses import astuple

from exporter.core.defaults import HOST, PORTS
from exporter.demo.ports import SINK_PORT, Ports


def test_no_two_parts_share_a_port_where_another_demo_has_the_usual_ones() -> None:
    with contextlib.ExitStack() as stack:
        # Those of the exporter and of the sink are neighbours: the next free port would be the same for both.
        for port in (next(iter(PORTS.values())), SINK_PORT):
            taken = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):  # whoever else has it takes it just as well
                taken.bind((HOST, port))
        ports = Ports.free()
    assert len(set(astuple(ports))) == len(astuple(ports)), ports

"""Reports to the service manager how far the process is (sd_notify(3))."""

import os
import socket


def notify(state: str) -> None:
    """Send `state`, such as READY=1, to systemd; without one that listens this does nothing."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            # "@" is how sd_notify(3) writes the NUL byte of an abstract socket.
            sender.sendto(state.encode(), "\0" + place[1:] if place.startswith("@") else place)
        except OSError:
            return  # who started us does not listen any more, and that must not end us

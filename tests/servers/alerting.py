"""A TLS server on blocking sockets: unlike the loop's own it tells its client by an alert why it refuses."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Alerting:
    """What it listens on, everything that was sent to it inside of TLS, and who never ended a handshake."""

    port: int
    received: bytes = b""
    hung: int = 0


def _shake_hands(server: Alerting, context: ssl.SSLContext, client: socket.socket) -> bytes:
    with context.wrap_socket(client, server_side=True, do_handshake_on_connect=False) as secure:
        try:
            try:
                secure.do_handshake()
            except TimeoutError:
                server.hung += 1
                raise
            secure.settimeout(0.3)
            return secure.recv(4096)
        except ssl.SSLError:
            # The alert is on its way; closing with unread bytes would let a reset overtake it.
            with socket.socket(fileno=secure.detach()) as bare:
                bare.settimeout(0.3)
                bare.shutdown(socket.SHUT_WR)
                while bare.recv(4096):
                    pass
    return b""


@contextlib.contextmanager
def alerting(context: ssl.SSLContext) -> Iterator[Alerting]:
    """Shake hands with each client in turn, read what it sends for a moment, answer nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        server = Alerting(listener.getsockname()[1])
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    client, _ = listener.accept()
                    client.settimeout(20)
                    server.received += _shake_hands(server, context, client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            stop.set()
            thread.join()

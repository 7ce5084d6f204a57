"""A TCP proxy that can lose the answer to a COMMIT: before the server heard it, or after."""

import socket
import threading
from contextlib import suppress
from enum import StrEnum


class Cut(StrEnum):
    """What to do with the next COMMIT."""

    NOTHING = "nothing"
    BEFORE = "before"
    """The server never hears it."""
    AFTER = "after"
    """The server does it; nobody is told."""


class CommitCutter:
    """Stands between a client and PostgreSQL on loopback."""

    def __init__(self, server_port: int) -> None:
        self.cut = Cut.NOTHING
        self.cuts = 0
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server_port))
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            threading.Thread(target=self._return, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        while heard := _receive(client):
            if self.cut is not Cut.NOTHING and b"COMMIT" in heard:
                cut, self.cut = self.cut, Cut.NOTHING
                self.cuts += 1
                if cut is Cut.AFTER:
                    # nobody listens any more when the answer comes
                    client.shutdown(socket.SHUT_WR)
                    server.sendall(heard)
                    threading.Event().wait(0.3)
                break
            server.sendall(heard)
        _close(client)
        _close(server)

    def _return(self, server: socket.socket, client: socket.socket) -> None:
        while heard := _receive(server):
            try:
                client.sendall(heard)
            except OSError:
                break
        _close(client)
        _close(server)


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except OSError:
        return b""


def _close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()

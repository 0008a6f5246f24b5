"""A wire between a client and a server that is cut, or goes dead, after so many bytes of the server's."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from types import TracebackType
from typing import Self

#: Closes without the usual farewell: the other side sees a reset.
_ABRUPTLY = struct.pack("ii", 1, 0)


class End(Enum):
    """How a connection ends."""

    #: As a server that closes it does.
    CLOSED = "closed"
    #: As a firewall that refuses every further packet does.
    RESET = "reset"
    #: As a firewall that drops every further packet does; what is sent is still acknowledged.
    DEAD = "dead"


class Wire:
    """Passes connections on to a port on loopback; use as a context manager."""

    def __init__(self, server: int) -> None:
        self.said = 0
        self._server, self._left, self._how = server, -1, End.CLOSED
        self._then: Callable[[], None] = lambda: None
        self._lock, self._open = threading.Lock(), set[socket.socket]()
        self._is_dead = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every connection, and take no more."""
        with suppress(OSError):  # a second time
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._end(End.CLOSED)

    @property
    def port(self) -> int:
        """The port that stands for the server's."""
        return int(self._listener.getsockname()[1])

    def cut(self, after: int, how: End = End.CLOSED, then: Callable[[], None] = lambda: None) -> None:
        """End every open connection once the server has said so many bytes more; later ones are passed on again.

        Dead, the wire stays so for all connections, new ones included, until it is cut otherwise.
        """
        with self._lock:
            self.said, self._left, self._how, self._then, self._is_dead = 0, after, how, then, False

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with suppress(OSError):
                    server = socket.create_connection(("127.0.0.1", self._server))
                    self._open |= {client, server}
                    threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
                    threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket, is_server: bool) -> None:
        with suppress(OSError):
            while piece := one.recv(65_536):
                if is_server:
                    piece = self._counted(other, piece)
                if not self._is_dead:
                    other.sendall(piece)
        with suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def _counted(self, client: socket.socket, piece: bytes) -> bytes:
        with self._lock:
            self.said += len(piece)
            if self._left < 0 or len(piece) < self._left:
                self._left -= len(piece) if self._left >= 0 else 0
                return piece
            last, self._left = piece[: self._left], -1
        with suppress(OSError):
            client.sendall(last)
        self._then()
        self._end(self._how)
        return b""

    def _end(self, how: End) -> None:
        if how is End.DEAD:
            self._is_dead = True
            return
        sockets, self._open = self._open, set()
        for each in sockets:
            with suppress(OSError):
                if how is End.RESET:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPTLY)
                # Wakes the thread that reads, which would keep the socket open.
                each.shutdown(socket.SHUT_RD if how is End.RESET else socket.SHUT_RDWR)
            each.close()

"""A TCP proxy before a legacy server that cuts a connection after so many bytes of what the server says."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

#: Closes without the usual farewell: the other side sees a reset.
_ABRUPTLY = struct.pack("ii", 1, 0)


@dataclass
class Proxy:
    """Passes connections to a port on loopback; use as a context manager."""

    server: int
    #: What the server has said in each connection since `cut` was called, in bytes.
    said: list[int] = field(default_factory=list)
    _listener: socket.socket = field(init=False)
    _cuts: dict[int, int] = field(default_factory=dict)
    _abrupt: bool = False

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def cut(self, connection: int | None = None, after: int = 0, *, abrupt: bool = False) -> None:
        """Cut a connection, counted from now, once the server has said so many bytes; by default none."""
        self.said, self._cuts, self._abrupt = [], {} if connection is None else {connection: after}, abrupt

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        said, number = self.said, len(self.said)
        said.append(0)
        limit = self._cuts.get(number)
        with (
            closing(client),
            suppress(OSError),
            closing(socket.create_connection(("127.0.0.1", self.server))) as server,
        ):
            threading.Thread(target=_pass_on, args=(client, server), daemon=True).start()
            while piece := server.recv(65_536):
                if limit is not None and said[number] + len(piece) >= limit:
                    client.sendall(piece[: limit - said[number]])
                    said[number] = limit
                    if self._abrupt:
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPTLY)
                    # Wakes the other thread too, which would keep the socket open.
                    client.shutdown(socket.SHUT_RD if self._abrupt else socket.SHUT_RDWR)
                    break
                client.sendall(piece)
                said[number] += len(piece)


def _pass_on(client: socket.socket, server: socket.socket) -> None:
    with suppress(OSError):
        while piece := client.recv(65_536):
            server.sendall(piece)
    with suppress(OSError):
        server.shutdown(socket.SHUT_WR)


class DistantProxy:
    """The same in a process of its own: Microsoft's driver lets no other thread of its process run while it fetches."""

    def __init__(self, server: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.proxy", str(server)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._answer())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._process:
            self._process.kill()

    @property
    def said(self) -> list[int]:
        return list(json.loads(self._ask("said")))

    def cut(self, connection: int | None = None, after: int = 0, *, abrupt: bool = False) -> None:
        self._ask("cut", connection, after, abrupt)

    def _ask(self, *words: object) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(words)}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def _say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def _obey(server: int) -> None:
    with Proxy(server) as proxy:
        _say(proxy.port)
        for line in sys.stdin:
            word, *arguments = json.loads(line)
            if word == "cut":
                connection, after, abrupt = arguments
                proxy.cut(connection, after, abrupt=abrupt)
            _say(json.dumps(proxy.said))


if __name__ == "__main__":
    _obey(int(sys.argv[1]))

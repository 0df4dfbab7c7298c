"""A TCP proxy between the updater and the database that makes trouble on purpose, at a chosen byte.

`proxied` starts one in a thread. A trouble is a function of the link it befalls: it may cut the link, stall it, delay
it, or do anything else while the stream is held, such as to kill the session at the server.
"""

import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.processes import HOST, POLL_S

CHUNK = 8_192
# Kept small, so that the server can't be far ahead of what the updater has got.
BUFFER = 16_384
HEAD = 10_000
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST, as a crashed machine or a firewall does.

type Trouble = Callable[["Link"], None]


@dataclass
class Link:
    """One connection through the proxy."""

    client: socket.socket
    server: socket.socket
    proxy: "Proxy"
    from_server: int = 0
    is_cut: bool = False

    def cut(self) -> None:
        """Reset both sides."""
        self.is_cut = True
        for side in (self.client, self.server):
            with suppress(OSError):
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def end(self) -> None:
        """Close both sides in good order, as if all was said."""
        self.is_cut = True

    def stall(self) -> None:
        """Pass nothing on any more until the client has gone or the proxy ends; no side is told."""
        while not self.proxy.is_ending.wait(POLL_S):
            with suppress(BlockingIOError):
                if not self.client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    break
        self.cut()

    def carry(self, trouble: tuple[int, Trouble] | None) -> None:
        """Pass bytes on until a side ends; at the byte of the trouble, let it happen."""
        after, happens = trouble or (None, None)
        while not self.is_cut and not self.proxy.is_ending.is_set():
            ready, _, _ = select.select([self.client, self.server], [], [], POLL_S)
            for side in ready:
                limit = CHUNK
                if side is self.server and after is not None:
                    limit = min(CHUNK, after - self.from_server)
                chunk = side.recv(limit)
                if not chunk:
                    return
                time.sleep(self.proxy.delay_s)
                (self.client if side is self.server else self.server).sendall(chunk)
                if side is self.server:
                    self.from_server += len(chunk)
                    self.proxy.from_server += len(chunk)
                    self.proxy.head = (self.proxy.head + chunk)[:HEAD]
            if happens and after is not None and self.from_server >= after:
                after = None
                self.proxy.happened += 1
                happens(self)


@dataclass
class Proxy:
    """An address that leads to a server. `connections`, `from_server` and `happened` count connections, bytes
    from the server and troubles, all together; `head` are the first of these bytes."""

    target: int
    port: int = 0
    connections: int = 0
    from_server: int = 0
    delay_s: float = 0
    troubles: list[tuple[int, Trouble]] = field(default_factory=list)
    happened: int = 0
    head: bytes = b""
    is_ending: threading.Event = field(default_factory=threading.Event)
    _is_listening: threading.Event = field(default_factory=threading.Event)
    _accepting: threading.Thread | None = None
    _threads: list[threading.Thread] = field(default_factory=list)

    def plan(self, after: int, happens: Trouble) -> None:
        """Trouble for the next connection without any: it happens once `after` (> 0) bytes came from the server."""
        self.troubles.append((after, happens))

    def listen(self) -> None:
        """Take connections from now on, on the same port as before."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, self.port))
        listener.listen()
        listener.settimeout(POLL_S)
        self.port = listener.getsockname()[1]
        self._is_listening.set()
        self._accepting = self._start(self._accept, listener)

    def refuse(self) -> None:
        """Refuse connections from now on, until `listen`; those that stand go on."""
        self._is_listening.clear()
        if self._accepting:
            self._accepting.join()

    def end(self) -> None:
        """Close everything."""
        self.is_ending.set()
        self.refuse()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[[socket.socket], None], with_socket: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=work, args=(with_socket,))
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while self._is_listening.is_set():
                with suppress(TimeoutError):
                    client, _ = listener.accept()
                    self.connections += 1
                    self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        trouble = self.troubles.pop(0) if self.troubles else None
        with client, suppress(OSError), socket.socket() as server:
            client.settimeout(None)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            server.connect((HOST, self.target))
            Link(client, server, self).carry(trouble)


@contextmanager
def proxied(port: int) -> Iterator[Proxy]:
    """A proxy to a port of this machine."""
    proxy = Proxy(port)
    proxy.listen()
    try:
        yield proxy
    finally:
        proxy.end()

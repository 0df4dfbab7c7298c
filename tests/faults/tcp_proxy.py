"""A TCP proxy between the updater and the database that injects a failure at a chosen byte.

`proxied` starts one in a thread. A failure is a function that gets the link: it may cut, stall or delay the link, or do
anything else while the stream is held, such as kill the session at the server.
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
# Small, so that the server can't get far ahead of what the updater has received.
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
        """Close both sides cleanly, as if everything had been sent."""
        self.is_cut = True

    def stall(self) -> None:
        """Silently stop forwarding until the client has gone or the proxy ends."""
        while not self.proxy.is_ending.wait(POLL_S):
            with suppress(BlockingIOError):
                if not self.client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    break
        self.cut()

    def carry(self, trouble: tuple[int, Trouble] | None) -> None:
        """Forward bytes until a side closes; trigger the failure at its byte."""
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
    """A proxy to a server. `connections`, `from_server` and `happened` are total counts of connections, bytes from the
    server and failures; `head` are the first of these bytes."""

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
        """Plan a failure for the next connection without one, after `after` (> 0) bytes from the server."""
        self.troubles.append((after, happens))

    def listen(self) -> None:
        """Accept connections from now on, on the same port as before."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, self.port))
        listener.listen()
        listener.settimeout(POLL_S)
        self.port = listener.getsockname()[1]
        self._is_listening.set()
        self._accepting = self._start(self._accept, listener)

    def refuse(self) -> None:
        """Refuse connections until `listen`; existing ones continue."""
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

"""uvicorn's HTTP protocol with limits, which apply before the app sees a request."""

import asyncio
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, NoReturn

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from web.serving.connections import Connections
from web.serving.refusals import RefusedError

LONGEST_LINE = 8 * 1024
LARGEST_HEAD = 32 * 1024
MOST_HEADERS = 200
# Bytes passed to the parser per call, which can't be interrupted: a few short requests.
PARSED_AT_ONCE = 512
MOST_HELD = 64 * 1024
# Closing a connection with unread bytes resets it, and the client never sees the answer: keep reading for a moment.
LINGER_S = 5.0
HEALTH = b"/health"
RETRY_AFTER_S = 5
_LONG_LINE = f"a line is longer than {LONGEST_LINE} bytes"


class Phase(Enum):
    """What the server is waiting for."""

    NEXT_REQUEST = auto()
    HEAD = auto()
    BODY = auto()
    OWN_ANSWER = auto()
    END = auto()


class GuardedProtocol(HttpToolsProtocol):
    """One connection.

    - A head of more than `LARGEST_HEAD` bytes, or with a line of more than `LONGEST_LINE`, is 431 (414 for the URL), as
      it arrives: neither the parser nor the app ever sees more of it.
    - A request that takes longer than `Limits.request_s` is 408; an idle connection is closed.
    - A client that accepts no piece of an answer within `Limits.write_s` is disconnected.
    - Of pipelined requests, only a few are parsed before their turn.
    """

    def __init__(self, connections: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._all = connections
        self._phase = Phase.NEXT_REQUEST
        self._since = self.loop.time()
        self._unsent_since: float | None = None
        self._held = b""
        self._silent_bytes = 0
        self._head_bytes = 0
        self._refusal: RefusedError | None = None
        # `cycle` is the newest request, which waits while an earlier one is answered.
        self._answering: RequestResponseCycle | None = None

    # --- The connection ---

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        self._all.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._all.remove(self)
        self.pipeline.clear()
        self._forget_answer()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server is stopping: wait only for an answer under way."""
        if self._phase is Phase.BODY:
            self._forget_answer()
        if not self._is_answering():
            self.transport.close()
        else:
            super().shutdown()

    def drop(self) -> None:
        """Close it at once, discarding what was not sent."""
        self.transport.abort()

    def end_if_overdue(self, now: float) -> bool:
        """End it if its client has kept the server waiting for too long; returns whether it was ended."""
        waited = now - self._since
        if self._is_write_overdue(now) or (self._phase is Phase.END and waited > LINGER_S):
            self.drop()
        elif self._phase is Phase.NEXT_REQUEST and waited > self._all.idle_s:
            self.transport.close()
        elif self._phase in (Phase.HEAD, Phase.BODY) and waited > self._all.limits.request_s:
            detail = f"The request did not arrive within {self._all.limits.request_s:g} seconds"
            self._refuse(RefusedError(HTTPStatus.REQUEST_TIMEOUT, detail))
        else:
            return False
        return True

    def _is_write_overdue(self, now: float) -> bool:
        if self.transport.get_write_buffer_size() == 0:
            self._unsent_since = None
        elif self._unsent_since is None:
            self._unsent_since = now
        return self._unsent_since is not None and now - self._unsent_since > self._all.limits.write_s

    def resume_writing(self) -> None:
        """The client has accepted enough of the answer."""
        self._unsent_since = None
        super().resume_writing()

    # --- What the client sends ---

    def data_received(self, data: bytes) -> None:
        """Parse bytes from the client, as far as it is their turn."""
        if self._is_ending():
            return
        data, self._held = self._held + data, b""
        for begin in range(0, len(data), PARSED_AT_ONCE):
            if self.pipeline:
                self._hold(data[begin:])
                return
            piece = data[begin : begin + PARSED_AT_ONCE]
            self._silent_bytes += len(piece)
            super().data_received(piece)
            if self._silent_bytes > LONGEST_LINE:
                self._refuse(_too_large(_LONG_LINE))
            if self._is_ending():
                return

    def _is_ending(self) -> bool:
        return self._phase is Phase.END or self.transport.is_closing()

    def _hold(self, data: bytes) -> None:
        if len(data) > MOST_HELD:
            self.drop()
        self._held = data

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._enter(Phase.HEAD)
        self._silent_bytes = self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the URL."""
        self._count(len(url), HTTPStatus.REQUEST_URI_TOO_LONG)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A complete header line, or a trailer of a chunked body."""
        size = len(name) + len(value) + len(": ")
        self._count(size + len("\r\n"), HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if size > LONGEST_LINE:
            self._reject(_too_large(_LONG_LINE))
        if len(self.headers) >= MOST_HEADERS:
            self._reject(_too_large(f"it has more than {MOST_HEADERS} lines"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The end of the head."""
        self._silent_bytes = 0
        if self._all.is_full() and self.url.partition(b"?")[0] != HEALTH:
            detail = f"The server has too many connections: try again in {RETRY_AFTER_S} seconds"
            self._reject(RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": str(RETRY_AFTER_S)}))
        super().on_headers_complete()
        self._enter(Phase.BODY)

    def on_chunk_header(self) -> None:
        """The length of the body's next chunk."""
        self._silent_bytes = 0

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._silent_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        self._silent_bytes = 0
        self._all.stop_waiting(self)
        self._enter(Phase.OWN_ANSWER)
        super().on_message_complete()
        self._wait_if_answered()

    def _count(self, size: int, status: HTTPStatus) -> None:
        self._silent_bytes = 0
        self._head_bytes += size
        if self._head_bytes > LARGEST_HEAD:
            self._reject(_too_large(f"it has more than {LARGEST_HEAD} bytes", status))

    def _reject(self, refusal: RefusedError) -> NoReturn:
        """Stop the parser, which makes uvicorn call `send_400_response`."""
        self._refusal = refusal
        raise refusal

    def _enter(self, phase: Phase) -> None:
        self._phase, self._since = phase, self.loop.time()

    # --- What the server answers ---

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """An answer was completed; parse what came after its request."""
        super().on_response_complete()
        self._wait_if_answered()
        if self._held and not self.pipeline:
            self.loop.call_soon(self.data_received, b"")

    def _wait_if_answered(self) -> None:
        if self._phase is Phase.OWN_ANSWER and self.cycle.response_complete:
            self._enter(Phase.NEXT_REQUEST)
            self._all.wait(self)

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser or one of the methods above rejected."""
        self._refuse(self._refusal or RefusedError(HTTPStatus.BAD_REQUEST, msg))

    def _refuse(self, refusal: RefusedError) -> None:
        """Answer and end the connection; if an earlier request still has to be answered, end it after that."""
        if self._phase is Phase.END:
            return
        is_begun = self._phase is Phase.BODY
        self._enter(Phase.END)
        if is_begun and self._answering is self.cycle and not self.cycle.response_started:
            self._forget_answer()
        if not self._is_answering():
            self._end_with(refusal)
        elif self._answering is not None:
            self.pipeline.clear()
            self._answering.keep_alive = False

    def _is_answering(self) -> bool:
        answer = self._answering
        return answer is not None and not answer.response_complete and not answer.disconnected

    def _forget_answer(self) -> None:
        """Make the app go on as if the client had left."""
        if self._answering is not None:
            self._answering.disconnected = True
            self._answering.message_event.set()

    def _end_with(self, refusal: RefusedError) -> None:
        self.transport.write(refusal.answer())
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()


def _too_large(reason: str, status: HTTPStatus = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) -> RefusedError:
    return RefusedError(status, f"The head of the request is too large: {reason}")

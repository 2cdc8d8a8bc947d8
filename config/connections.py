"""Who is connected to this process: how many may be, how long they may keep it waiting, and with how much.

uvicorn takes any number of connections, heads of any size, and waits for all of them for ever. These are its own
protocols with limits: nothing here depends on a proxy before us. Bodies are counted where they are read
(`config/lib/handler.py`).
"""

import asyncio
import resource
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from config.addresses import neighbourhood

HEAD_BYTES, HEAD_FIELDS, URL_BYTES = 16 * 1024, 100, 8 * 1024
HEAD_SECONDS = 10.0  # from a connection, or from the last answer, to the whole head of the next request
STALL_SECONDS = 20.0  # for a browser that takes nothing of what waits for it
LINGER_SECONDS = 2.0  # to throw away what comes after an answer that was given before the end of its question
CLOSE_SECONDS = 5.0  # at least, for whoever was told goodbye; twice that at most
PIPELINED = 8  # requests that are sent before the first is answered
FRAMES_A_SECOND, FRAMES_AT_ONCE = 20, 100  # of one socket, control frames too
FRAME_SLICE = 1024  # of what a socket says, between two looks whether it says too much
SPARE_FILES = 256  # for the database, Redis, vendors, logs
FLOOD = 4429

WORDS = {
    408: "That took too long to arrive.",
    414: "That address is too long.",
    429: "Too many connections come from your address. Close some.",
    431: "Your browser sent too much about itself. Delete this site’s cookies, and try again.",
    503: "Very many people are here right now. Try again in a moment.",
}


class TooMuch(Exception):
    """Stops the parser."""


def files_to_spare() -> int:
    """How many connections the process may have open: as many files as the system grants, less our own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.CONNECTIONS + SPARE_FILES
    if soft < wanted:
        with suppress(ValueError, OSError):  # what the system grants must do
            granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(settings.CONNECTIONS, soft - SPARE_FILES))


class Crowd:
    """All connections of a process. The dictionaries say since when, oldest first."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.most = files_to_spare()
        self.everybody: dict[Any, str] = {}
        self.by_address: dict[str, dict[Any, None]] = {}
        self.asking: dict[Any, float] = {}  # the head of a request is awaited
        self.stalled: dict[Any, float] = {}
        self.lingering: dict[Any, float] = {}
        self._closing: set[Any] = set()
        self._closing_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def refusal(self, connection: Any) -> int:
        """Why a connection may not join, as a status; 0 when it may. Whoever asks for nothing makes room first."""
        alike = self.by_address.get(self._address(connection), {})
        is_crowded = not settings.ALLAUTH_TRUSTED_PROXY_COUNT and len(alike) >= settings.CONNECTIONS_PER_ADDRESS
        if is_crowded and not self._drop(next((other for other in alike if other in self.asking), None)):
            return 429
        if len(self.everybody) >= self.most and not self._drop(next(iter(self.asking), None)):
            return 503
        return 0

    def join(self, connection: Any) -> None:
        """It is one of us, and is expected to ask something."""
        address = self._address(connection)
        self.everybody[connection] = address
        self.by_address.setdefault(address, {})[connection] = None
        self.since(self.asking, connection)
        if self._timer is None:
            self._timer = self.loop.call_later(1, self._look)

    def leave(self, connection: Any) -> None:
        """It is gone."""
        address = self.everybody.pop(connection, None)
        if address is not None:
            alike = self.by_address[address]
            del alike[connection]
            if not alike:
                del self.by_address[address]
        for waiting in (self.asking, self.stalled, self.lingering):
            waiting.pop(connection, None)
        self._closing.discard(connection)

    def since(self, waiting: dict[Any, float], connection: Any) -> None:
        """It keeps us waiting from now on."""
        waiting.pop(connection, None)
        waiting[connection] = self.loop.time()

    def _address(self, connection: Any) -> str:
        return neighbourhood(connection.client[0]) if connection.client else ""

    def _drop(self, connection: Any) -> bool:
        if connection is None:
            return False
        self.leave(connection)
        connection.transport.abort()
        return True

    def _look(self) -> None:
        """Each second: whose time is over?"""
        now = self.loop.time()
        self._over(self.asking, now - HEAD_SECONDS, lambda connection: connection.too_slow())
        self._over(self.stalled, now - STALL_SECONDS, lambda connection: connection.transport.abort())
        self._over(self.lingering, now - LINGER_SECONDS, lambda connection: connection.transport.close())
        if now - self._closing_at > CLOSE_SECONDS:
            # A closed connection is gone when the other side has read all: some never do.
            closing = {connection for connection in self.everybody if connection.transport.is_closing()}
            for connection in closing & self._closing:
                connection.transport.abort()
            self._closing, self._closing_at = closing, now
        self._timer = self.loop.call_later(1, self._look) if self.everybody else None

    def _over(self, waiting: dict[Any, float], limit: float, end: Callable[[Any], None]) -> None:
        while waiting:
            connection, since = next(iter(waiting.items()))
            if since > limit:
                return
            del waiting[connection]
            end(connection)


def crowd_of(protocol: Any) -> Crowd:
    """The one crowd of a server."""
    state = protocol.server_state
    if not hasattr(state, "crowd"):
        state.crowd = Crowd(protocol.loop)
    crowd: Crowd = state.crowd
    return crowd


class Stalls:
    """What both have in common: a browser that takes nothing of what waits for it is noted. Stands before uvicorn's."""

    crowd: Crowd

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]  # of the protocol that it stands before
        self.crowd.since(self.crowd.stalled, self)

    def resume_writing(self) -> None:
        super().resume_writing()  # type: ignore[misc]
        self.crowd.stalled.pop(self, None)


class Http(Stalls, HttpToolsProtocol):
    """uvicorn's HTTP, with limits: 431 and 414 for large heads, 408 for slow ones, 429 and 503 for many connections."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.refused = 0  # the status
        self.in_head = True
        self.came = self.parsed = self.fields = 0  # of the head: raw bytes, bytes and fields
        self.crowd = crowd_of(self)
        if status := self.crowd.refusal(self):
            self.refuse(status)
        else:
            self.crowd.join(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.refused:
            return
        was_in_head = self.in_head
        super().data_received(data)
        if was_in_head and self.in_head and not self.transport.is_closing():
            self.came += len(data)
            if self.came > HEAD_BYTES:
                self.refuse(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.in_head = True
        self.came = self.parsed = self.fields = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > URL_BYTES:
            self._stop(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.parsed += len(name) + len(value) + 4
        self.fields += 1
        if self.parsed > HEAD_BYTES or self.fields > HEAD_FIELDS:  # also what comes after a body in pieces
            self._stop(431)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.in_head = False
        self.crowd.asking.pop(self, None)
        if len(self.pipeline) >= PIPELINED:
            self._stop(429)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self.crowd.lingering.pop(self, None):
            self._is_idle()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.timeout_keep_alive_task is None or self.transport.is_closing():
            return
        if self.cycle.more_body:  # it was answered too early; who is still speaking would not hear us hang up
            self.crowd.since(self.crowd.lingering, self)
        else:
            self._is_idle()

    def handle_websocket_upgrade(self) -> None:
        self.crowd.leave(self)
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        if self.refused:
            self.refuse(self.refused)
        else:
            super().send_400_response(msg)

    def too_slow(self) -> None:
        """The next request did not come, or not all of its head."""
        if self.came or self.parsed:
            self.refuse(408)
        else:
            self.transport.close()

    def refuse(self, status: int) -> None:
        """Answer without looking any further, and hang up; in the middle of another answer only that."""
        self.refused = status
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()
            return
        words = WORDS[status].encode()
        head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n" % len(words)
        again = b"retry-after: 5\r\n" if status in (429, 503) else b""
        self.transport.write(STATUS_LINE[status] + head + again + b"\r\n" + words)
        self.transport.close()

    def _is_idle(self) -> None:
        self.in_head = True
        self.came = self.parsed = self.fields = 0
        self.crowd.since(self.crowd.asking, self)

    def _stop(self, status: int) -> None:
        self.refused = status
        raise TooMuch


class Websocket(Stalls, WebSocketsSansIOProtocol):
    """uvicorn's websockets, with limits: so many frames a second of whatever kind, none before it is let in."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.server_state = server_state

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.crowd = crowd_of(self)
        self.crowd.join(self)
        self.is_over = False
        self.allowance, self.allowance_at = float(FRAMES_AT_ONCE), self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self.handshake_initiated:
            super().data_received(data)
            if not self.handshake_initiated:  # the library refused what it was asked, and has said so to nobody
                self.transport.write(b"".join(self.conn.data_to_send()))
                self.transport.close()
            return
        if not self.handshake_complete:
            self.transport.abort()  # nobody speaks before they are let in
        for begin in range(0, len(data), FRAME_SLICE):
            if self.is_over or self.transport.is_closing():
                return
            super().data_received(data[begin : begin + FRAME_SLICE])

    def start_keepalive(self) -> None:
        self.crowd.asking.pop(self, None)
        super().start_keepalive()

    def handle_ping(self) -> None:
        if self._may_speak():
            super().handle_ping()

    def handle_pong(self, event: Any) -> None:
        if self._may_speak():
            super().handle_pong(event)

    def handle_text(self, event: Any) -> None:
        if self._may_speak():
            super().handle_text(event)

    def handle_bytes(self, event: Any) -> None:
        if self._may_speak():
            super().handle_bytes(event)

    def handle_cont(self, event: Any) -> None:
        if self._may_speak():
            super().handle_cont(event)

    async def send(self, message: Any) -> None:
        if self.close_sent:
            raise ClientDisconnected
        await super().send(message)

    def too_slow(self) -> None:
        """It was not let in."""
        self.transport.abort()

    def _may_speak(self) -> bool:
        if self.is_over:
            return False
        now = self.loop.time()
        self.allowance = min(FRAMES_AT_ONCE, self.allowance + (now - self.allowance_at) * FRAMES_A_SECOND) - 1
        self.allowance_at = now
        if self.allowance < 0:
            self._hang_up()
        return not self.is_over

    def _hang_up(self) -> None:
        """Say why, listen no more, and be gone in a moment: a flood is not read to its end."""
        self.is_over = True
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": FLOOD})
        with suppress(InvalidState):
            self.conn.send_close(FLOOD)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent, self.read_paused = True, False
        self.transport.pause_reading()
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

"""A browser's two ends, a websocket and HTTP kept alive, as lean as they go: they share the machine they measure."""

import asyncio
import json
import os
import struct
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import urlsplit

PING, PONG, CLOSE = 9, 10, 8


class Refused(Exception):
    """The other side did not take it, or went away."""


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """A client's frame. A mask of zeroes is a mask, and leaves the payload as it is."""
    size = len(payload)
    head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else struct.pack("!BBH", 0x80 | opcode, 0xFE, size)
    return head + b"\0\0\0\0" + payload


class Socket(asyncio.Protocol):
    """A websocket: tells what it hears, answers pings."""

    def __init__(self, request: bytes, heard: Callable[[bytes], None]) -> None:
        self.request, self.heard = request, heard
        self.buffer = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.alive = False
        self.pongs = 0

    @classmethod
    async def open(cls, site: str, cookie: str, heard: Callable[[bytes], None]) -> "Socket":
        """Open one. Raises Refused or OSError."""
        url = urlsplit(site)
        key = b64encode(os.urandom(16)).decode()
        request = (
            f"GET /ws/ HTTP/1.1\r\nHost: {url.netloc}\r\nOrigin: {site}\r\nCookie: {cookie}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        loop = asyncio.get_running_loop()
        _, socket = await loop.create_connection(lambda: cls(request.encode(), heard), url.hostname, url.port)
        async with asyncio.timeout(60):
            await socket.opened
        return socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(self.request)

    def connection_lost(self, error: Exception | None) -> None:
        self.alive = False
        if not self.opened.done():
            self.opened.set_exception(Refused(self.buffer[:80]))

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        if not self.alive:
            head, found, rest = buffer.partition(b"\r\n\r\n")
            if not found or b" 101 " not in head[:16]:
                self.buffer = buffer
                return self.transport.close() if found else None
            self.alive, buffer = True, rest
            self.opened.set_result(None)
        at, end = 0, len(buffer)
        while end - at >= 2:
            size, start = buffer[at + 1] & 0x7F, at + 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                if end - start < wide:
                    break
                size, start = int.from_bytes(buffer[start : start + wide], "big"), start + wide
            if end - start < size:
                break
            payload = buffer[start : start + size]
            match buffer[at] & 15:
                case 1:
                    self.heard(payload)
                case 9:
                    self.transport.write(frame(payload, PONG))
                case 10:
                    self.pongs += 1
                case 8:
                    self.alive = False
                    self.transport.close()
            at = start + size
        self.buffer = buffer[at:]

    def say(self, content: object) -> None:
        """Send a frame."""
        self.transport.write(frame(json.dumps(content).encode()))

    def ping(self) -> None:
        """Ask whether the other side lives; `pongs` counts the answers."""
        self.transport.write(frame(b"", PING))


class Caller(asyncio.Protocol):
    """HTTP/1.1 on one connection, one request at a time; opened again when the server closed it meanwhile."""

    def __init__(self, site: str, cookie: str = "", csrf: str = "") -> None:
        self.url = urlsplit(site)
        self.headers = f"Host: {self.url.netloc}\r\nOrigin: {site}\r\nCookie: {cookie}\r\nX-CSRFToken: {csrf}\r\n"
        self.transport: asyncio.Transport | None = None
        self.answer: asyncio.Future[tuple[int, bytes]] | None = None

    async def get(self, path: str) -> tuple[int, bytes]:
        """Status and body. Raises Refused or OSError."""
        return await self._call(f"GET {path} HTTP/1.1\r\n{self.headers}\r\n".encode())

    async def post(self, path: str, content: object) -> tuple[int, bytes]:
        """Status and body. Raises Refused or OSError."""
        body = json.dumps(content).encode()
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return await self._call(f"POST {path} HTTP/1.1\r\n{self.headers}{kind}\r\n".encode() + body)

    async def _call(self, request: bytes) -> tuple[int, bytes]:
        kept = self.transport is not None
        try:
            return await self._once(request)
        except Refused:
            if not kept:
                raise
            return await self._once(request)  # it was closed while this was on its way: browsers ask again, too

    async def _once(self, request: bytes) -> tuple[int, bytes]:
        loop = asyncio.get_running_loop()
        if self.transport is None:
            await loop.create_connection(lambda: self, self.url.hostname, self.url.port)
        self.buffer, self.answer = b"", loop.create_future()
        self.transport.write(request)
        async with asyncio.timeout(60):
            return await self.answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(Refused("closed"))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found or self.answer is None or self.answer.done():
            return
        lowered = head.lower()
        _, _, length = lowered.partition(b"\r\ncontent-length:")
        if len(body) >= int(length.split(b"\r\n", 1)[0] or 0):
            if b"\r\nconnection: close" in lowered:
                self.transport.close()
                self.transport = None
            self.answer.set_result((int(head[9:12]), body))

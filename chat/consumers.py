"""One socket for each open tab. It tells, it never writes: watch, catch up, forward."""

import asyncio
import json
import time
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import structlog
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone
from prometheus_client import Gauge
from pydantic import ValidationError

from chat import frames, probing
from chat.realtime import user_group
from config.lib.database import DatabaseThreads

log = structlog.get_logger(__name__)

NOT_SIGNED_IN, TOO_MANY_SOCKETS, FLOOD, TOO_BIG, UNSUPPORTED, POLICY = 4401, 4408, 4429, 1009, 1003, 1008
SOCKETS_FOR_EACH_USER = 10
FRAMES_A_SECOND, FRAMES_AT_ONCE = 10, 40
MOST_BAD_FRAMES = 5
LARGEST_FRAME = 64 * 1024
HEAR_SECONDS = 2.0  # for a socket's own bell to come back, before it is opened without
CHECK_SECONDS = 60  # how often an open socket makes sure that its session still is one

open_sockets = Gauge("dusk_open_sockets", "Websockets open in this process.")

# Channels' own way would be one thread for the whole process: a slow read of one tab would hold up all others.
in_database = DatabaseThreads(4, "socket-db", keep=True)


class TabConsumer(AsyncWebsocketConsumer):
    """A tab's socket. Everything about a person goes to one group; the tab picks what it shows."""

    async def connect(self) -> None:
        """Join the group of a signed-in person. The tab is told "open" when it hears: see `opened`."""
        self.user = self.scope["user"]
        self.checking: asyncio.Task[None] | None = None
        self.hears = False
        if not self.user.is_authenticated:
            await self.accept()
            return await self.close(NOT_SIGNED_IN)
        open_sockets.inc()
        self.session_key = self.scope["session"].session_key
        self.group = user_group(self.user.pk)
        self.name = f"{time.time():.6f} {uuid4().hex}"  # sorts by age, whatever order the bells arrive in
        self.newer: set[str] = set()
        self.bad_frames = 0
        self.allowance, self.allowance_at = float(FRAMES_AT_ONCE), time.monotonic()
        self.seen: probing.Seen | None = None
        self.headers: dict[UUID, probing.Header] = {}
        self.probed_at = time.monotonic()
        self.checking = asyncio.create_task(self._keep_checking())
        await self.channel_layer.group_add(self.group, self.channel_name)
        if await self._tell_siblings("opened"):
            self.opening = asyncio.get_running_loop().call_later(HEAR_SECONDS, self._open_anyway)
        else:
            await self._open()

    async def _open(self) -> None:
        """Let the tab in. What it asks from now on is answered, and what is told from now on it hears."""
        if not self.hears:
            self.hears = True
            await self.accept()

    def _open_anyway(self) -> None:
        # Its own bell was lost: Redis is slow or away. The tab asks for what it misses, as always.
        self.opening_late = asyncio.ensure_future(self._open())

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        if self.checking is None:
            return
        open_sockets.dec()
        self.checking.cancel()
        if hasattr(self, "opening"):
            self.opening.cancel()
        await self.channel_layer.group_discard(self.group, self.channel_name)
        await self._tell_siblings("closed")

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand an event to its method, at once.

        Channels' own first closes old database connections, in another thread, for each frame that passes. No
        connection is open here: the database is asked on threads of its own.
        """
        await getattr(self, get_handler_name(message))(message)

    # --- What the browser says ---------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a frame: only `watch` is one."""
        if self.checking is None:
            return None
        if text_data is None:
            return await self.close(UNSUPPORTED)
        if len(text_data) > LARGEST_FRAME:
            return await self.close(TOO_BIG)
        if not self._allowed():
            return await self.close(FLOOD)
        try:
            said = json.loads(text_data)
        except (ValueError, RecursionError):
            return await self._complain("bad_json", "That is not JSON.")
        if not isinstance(said, dict) or said.get("type") != "watch":
            return await self._complain("unknown_frame", "Only watch is understood.")
        try:
            watch = frames.Watch.model_validate(said)
        except ValidationError:
            return await self._complain("bad_request", "watch takes a conversation's id and a version.")
        known = self.headers.get(watch.conversation) if watch.conversation else None
        answer = await in_database(probing.answer, self.user, self.session_key, self.seen, watch, known)
        if answer is None:
            return await self.close(NOT_SIGNED_IN)
        self.seen, self.probed_at = answer.seen, time.monotonic()
        if answer.header is not None and watch.conversation:
            self.headers = {watch.conversation: answer.header}  # a tab shows one
        for text in answer.frames:
            await self.send(text)

    def _allowed(self) -> bool:
        now = time.monotonic()
        refill = (now - self.allowance_at) * FRAMES_A_SECOND
        self.allowance, self.allowance_at = min(FRAMES_AT_ONCE, self.allowance + refill), now
        self.allowance -= 1
        return self.allowance >= 0

    async def _complain(self, code: str, text: str) -> None:
        self.bad_frames += 1
        if self.bad_frames > MOST_BAD_FRAMES:
            return await self.close(POLICY)
        await self._send(frames.error_frame(code, text))

    async def _send(self, frame: frames.ServerFrame) -> None:
        await self.send(frames.encode(frame))

    # --- What the group hears ------------------------------------------------------------------------------

    async def frames(self, event: dict[str, Any]) -> None:
        """Forward, as they came: they were encoded once, where they were made."""
        if self.hears:
            for text in event["frames"]:
                await self.send(text)

    async def end(self, event: dict[str, Any]) -> None:
        """The session ended, or all of this person's did."""
        if event["session"] in (None, self.session_key):
            await self.close(NOT_SIGNED_IN)

    async def opened(self, event: dict[str, Any]) -> None:
        """A tab of this person. This very one: it hears. Another: with ten newer ones, this is the oldest and goes."""
        if event["name"] == self.name:
            self.opening.cancel()
            return await self._open()
        if event["name"] > self.name:
            self.newer.add(event["name"])
            if len(self.newer) >= SOCKETS_FOR_EACH_USER:
                await self.close(TOO_MANY_SOCKETS)

    async def closed(self, event: dict[str, Any]) -> None:
        """Another tab went."""
        self.newer.discard(event["name"])

    async def _tell_siblings(self, what: str) -> bool:
        """Whether the bell went out; while Redis is away the limit waits, the tab must not."""
        try:
            await self.channel_layer.group_send(self.group, {"type": what, "name": self.name})
        except Exception as error:
            log.warning("doorbell_failed", error=repr(error))
            return False
        return True

    async def _keep_checking(self) -> None:
        """End when the session or the person is gone, whatever bell was missed; say it when premium runs out.

        A tab that watches was checked with each question: only one that was silent for long is checked here.
        """
        told, until = self.user.premium_active, self.user.premium_until
        while True:
            await asyncio.sleep(_until_next_check(until))
            if self.seen is None or time.monotonic() - self.probed_at >= CHECK_SECONDS or _is_over(until):
                try:
                    self.seen = await in_database(probing.look, self.user, self.session_key, self.seen)
                except Exception as error:  # the database is away: ask again later
                    log.warning("session_check_failed", error=type(error).__name__)
                    continue
                if self.seen is None:
                    return await self.close(NOT_SIGNED_IN)
            until = self.seen.premium_until
            if self.seen.premium_active != told:
                told = self.seen.premium_active
                await self._send(frames.account_frame(self.seen))


def _until_next_check(premium_until: datetime | None) -> float:
    """Seconds to sleep: no longer than until premium ends, which nobody rings a bell for."""
    left = (premium_until - timezone.now()).total_seconds() if premium_until else 0
    return min(CHECK_SECONDS, left) if left > 0 else CHECK_SECONDS


def _is_over(premium_until: datetime | None) -> bool:
    return premium_until is not None and premium_until <= timezone.now()

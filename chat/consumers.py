"""One socket for each open tab. It tells, it never writes: watch, catch up, forward."""

import asyncio
import json
import time
from collections.abc import Coroutine
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import structlog
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.utils import await_many_dispatch
from django.db import DatabaseError
from django.utils import timezone
from prometheus_client import Gauge
from pydantic import ValidationError
from redis.exceptions import RedisError

from accounts import legal
from chat import frames, probing
from chat.realtime import user_group
from config.lib.database import DatabaseThreads
from config.lib.handler import DATABASE_SECONDS

log = structlog.get_logger(__name__)

NOT_SIGNED_IN, TOO_MANY_SOCKETS, FLOOD, TOO_BIG, UNSUPPORTED, POLICY = 4401, 4408, 4429, 1009, 1003, 1008
TRY_AGAIN = 1013
SOCKETS_FOR_EACH_USER = 10
FRAMES_A_SECOND, FRAMES_AT_ONCE = 10, 40
MOST_BAD_FRAMES = 5
LARGEST_FRAME = 64 * 1024
HEAR_SECONDS = 2.0  # for a socket's own bell to come back, before it is opened without
LEAVE_SECONDS = 2.0  # for a browser to take its close, for Redis to take ours
CHECK_SECONDS = 4.0  # how often all open sockets are looked at, whether their sessions still are some
CHECKED_AT_ONCE = 500

open_sockets = Gauge("dusk_open_sockets", "Websockets open in this process.")
sockets_here: dict[int, list["TabConsumer"]] = {}  # of each person, in this process, the oldest first
endings: set[asyncio.Task[None]] = set()

# Channels' own way would be one thread for the whole process: a slow read of one tab would hold up all others.
in_database = DatabaseThreads(4, "socket-db", keep=True, seconds=DATABASE_SECONDS)


class TabConsumer(AsyncWebsocketConsumer):
    """A tab's socket. Everything about a person goes to one group; the tab picks what it shows."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """From the first message to the last. However it ends, nothing of it is left behind."""
        self.scope, self.channel_layer = scope, get_channel_layer()
        self.gone = False  # closed, by whichever side: nothing is done any more
        self.is_counted = self.hears = False
        self.channel_name = ""
        self.task = asyncio.current_task()
        self.tasks: set[asyncio.Task[None]] = set()  # beside this one

        async def base_send(message: dict[str, Any]) -> None:
            try:
                await send(message)
            except OSError:  # the browser left, and has told only the server so far
                self.gone = True

        self.base_send = base_send
        try:
            await self._listen(receive)
        except StopConsumer:
            pass
        except (DatabaseError, RedisError, OSError) as error:  # it is away: the tab comes again
            log.warning("socket_failed", error=type(error).__name__)
            await self._close_in_time(TRY_AGAIN)
        except asyncio.CancelledError:
            if not self.gone:  # else by `put_out`, and not by the server
                raise
        finally:
            self.gone = True
            await self._leave()

    async def _listen(self, receive: Any) -> None:
        async with asyncio.timeout(HEAR_SECONDS):
            self.channel_name = await self.channel_layer.new_channel()
        heard = partial(self.channel_layer.receive, self.channel_name)
        await await_many_dispatch([receive, heard], self.dispatch)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand an event to its method, at once; after the first close no more.

        Channels' own first closes old database connections, in another thread, for each frame that passes. No
        connection is open here: the database is asked on threads of its own.
        """
        self._heed_cancellation()
        if not self.gone and message["type"] != "websocket.disconnect":
            await getattr(self, get_handler_name(message))(message)
        if self.gone or message["type"] == "websocket.disconnect":
            raise StopConsumer
        self._heed_cancellation()

    def _heed_cancellation(self) -> None:
        """End when we were told to while we waited for a thread or for Redis.

        asgiref keeps that to itself while a thread is at work, and so does asyncio.wait_for before Python 3.12, which
        the client of Redis waits with, when what it waits for is there at the same moment.
        """
        if self.task is not None and self.task.cancelling():
            raise asyncio.CancelledError

    async def connect(self) -> None:
        """Join the group of a signed-in person. The tab is told "open" when it hears: see `opened`."""
        self.user = self.scope["user"]
        if not self.user.is_authenticated or self.user.erase_at or self.user.restricted:
            await self.accept()
            return await self.close(NOT_SIGNED_IN)
        if legal.may_be_asked(self.user) and await in_database(legal.is_asked, self.user):
            await self.accept()
            return await self.close(NOT_SIGNED_IN)  # the page then asks over HTTP, and hears why
        self.session_key = self.scope["session"].session_key
        self.group = user_group(self.user.pk)
        self.name = uuid4().hex
        self.newer: set[str] = set()  # by the order of their bells, not by anybody's clock
        self.bad_frames = 0
        self.allowance, self.allowance_at = float(FRAMES_AT_ONCE), time.monotonic()
        self.seen: probing.Seen | None = None
        self.headers: dict[UUID, probing.Header] = {}
        self.told_premium = self.user.premium_active
        self._count()
        keep_checking()
        try:
            async with asyncio.timeout(HEAR_SECONDS):
                await self.channel_layer.group_add(self.group, self.channel_name)
        except (RedisError, OSError) as error:  # the tab asks for what it misses, as always
            log.warning("doorbell_failed", error=repr(error))
        if await self._tell_siblings("opened"):
            self._beside(self._open_anyway())
        else:
            await self._open()

    def _count(self) -> None:
        """Be one of this person's sockets; the oldest goes when there are too many, whether or not it listens."""
        self.is_counted = True
        open_sockets.inc()
        here = sockets_here.setdefault(self.user.pk, [])
        here.append(self)
        if len(here) > SOCKETS_FOR_EACH_USER:
            here.pop(0).put_out(TOO_MANY_SOCKETS)

    @property
    def premium_until(self) -> datetime | None:
        """As it was when somebody looked last."""
        until: datetime | None = (self.seen or self.user).premium_until
        return until

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _open(self) -> None:
        """Let the tab in. What it asks from now on is answered, and what is told from now on it hears."""
        if not self.hears and not self.gone:
            self.hears = True
            await self.accept()

    async def _open_anyway(self) -> None:
        # Its own bell was lost: Redis is slow or away. The tab asks for what it misses, as always.
        await asyncio.sleep(HEAR_SECONDS)
        await self._open()

    async def send(self, text_data: str | None = None, bytes_data: bytes | None = None, close: bool = False) -> None:
        """Say it, unless the socket is closed."""
        if not self.gone:
            await super().send(text_data)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close it, once."""
        if not self.gone:
            self.gone = True
            await super().close(code, reason)

    def put_out(self, code: int) -> None:
        """Close it from outside of its own loop, which may be waiting for a browser that reads nothing."""
        ending = asyncio.create_task(self._put_out(code))
        endings.add(ending)
        ending.add_done_callback(endings.discard)

    async def _put_out(self, code: int) -> None:
        if not await self._close_in_time(code) and self.task is not None:
            self.task.cancel()

    async def _close_in_time(self, code: int) -> bool:
        """Whether it could be said. Who does not read does not hear either."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self.close(code)
        except (TimeoutError, RuntimeError):  # RuntimeError: it was closed before, or never opened
            return False
        return True

    async def _leave(self) -> None:
        """Stop what goes on beside, leave the group, and tell the other tabs."""
        for task in self.tasks:
            task.cancel()
        if self.is_counted:
            open_sockets.dec()
            here = sockets_here.get(self.user.pk, [])
            if self in here:
                here.remove(self)
            if not here:
                sockets_here.pop(self.user.pk, None)
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                if self.is_counted:
                    await self.channel_layer.group_discard(self.group, self.channel_name)
                await self.channel_layer.drop(self.channel_name)
        except (RedisError, OSError) as error:
            log.warning("doorbell_failed", error=repr(error))
        if self.is_counted:
            await self._tell_siblings("closed")

    # --- What the browser says ---------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a frame: only `watch` is one."""
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
        self.seen = answer.seen
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
        """The session ended, or all of this person's did, or all but one."""
        but = event.get("but")  # who was started before there was such a thing does not say it
        if event["session"] in (None, self.session_key) and but != self.session_key:
            await self.close(NOT_SIGNED_IN)

    async def opened(self, event: dict[str, Any]) -> None:
        """A tab of this person. This very one: it hears. Another: with ten newer ones, this is the oldest and goes."""
        if event["name"] == self.name:
            return await self._open()
        if self.hears:
            self.newer.add(event["name"])
            if len(self.newer) >= SOCKETS_FOR_EACH_USER:
                await self.close(TOO_MANY_SOCKETS)

    async def closed(self, event: dict[str, Any]) -> None:
        """Another tab went."""
        self.newer.discard(event["name"])

    async def _tell_siblings(self, what: str) -> bool:
        """Whether the bell went out; while Redis is away the limit waits, the tab must not."""
        try:
            async with asyncio.timeout(HEAR_SECONDS):
                await self.channel_layer.group_send(self.group, {"type": what, "name": self.name})
        except (RedisError, OSError) as error:
            log.warning("doorbell_failed", error=repr(error))
            return False
        return True

    def checked(self, seen: probing.Seen | None) -> None:
        """Go when the session or the person is gone; say it when premium came or ran out."""
        if seen is None:
            return self.put_out(NOT_SIGNED_IN)
        self.seen = seen
        if seen.premium_active != self.told_premium:
            self.told_premium = seen.premium_active
            self._beside(self._send(frames.account_frame(seen)))


# --- Whether they are still good -------------------------------------------------------------------------------

_checking: asyncio.Task[None] | None = None


def keep_checking() -> None:
    """See to it that whoever is open in this process is checked, from now on until nobody is."""
    global _checking
    if _checking is None or _checking.done() or _checking.get_loop() is not asyncio.get_running_loop():
        _checking = asyncio.create_task(_check_all())


async def _check_all() -> None:
    """End sockets whose session or person is gone, whatever changed that, wherever, and whatever bell was missed.

    All of a process together: two short questions for hundreds of tabs, so that it can be done often.
    """
    while sockets_here:
        await asyncio.sleep(_until_next_check())
        tabs = [tab for tabs in sockets_here.values() for tab in tabs]
        for first in range(0, len(tabs), CHECKED_AT_ONCE):
            some = tabs[first : first + CHECKED_AT_ONCE]
            try:
                found = await in_database(probing.look_at_all, [(tab.user, tab.session_key, tab.seen) for tab in some])
            except Exception as error:  # the database is away: ask again later
                log.warning("session_check_failed", error=type(error).__name__)
                break
            for tab, seen in zip(some, found, strict=True):
                if not tab.gone:
                    tab.checked(seen)


def _until_next_check() -> float:
    """Seconds to sleep: no longer than until somebody's premium ends, which nobody rings a bell for."""
    now = timezone.now()
    ends = (tabs[0].premium_until for tabs in sockets_here.values())
    left = [seconds for end in ends if end and (seconds := (end - now).total_seconds()) > 0]
    return min([CHECK_SECONDS, *left])

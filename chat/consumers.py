"""One socket for each open tab. It tells, it never writes: watch, catch up, forward."""

import asyncio
import json
import time
from datetime import datetime
from typing import Any
from uuid import uuid4

import structlog
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.utils import timezone
from prometheus_client import Gauge
from pydantic import ValidationError

from accounts.models import User
from accounts.sessions import SessionStore
from chat import frames, sweeping, sync
from chat.models import Conversation, Reply
from chat.realtime import user_group
from config.lib.database import DatabaseThreads

log = structlog.get_logger(__name__)

NOT_SIGNED_IN, TOO_MANY_SOCKETS, FLOOD, TOO_BIG, UNSUPPORTED, POLICY = 4401, 4408, 4429, 1009, 1003, 1008
SOCKETS_FOR_EACH_USER = 10
FRAMES_A_SECOND, FRAMES_AT_ONCE = 10, 40
MOST_BAD_FRAMES = 5
LARGEST_FRAME = 64 * 1024
CHECK_SECONDS = 60  # how often an open socket makes sure that its session still is one

open_sockets = Gauge("dusk_open_sockets", "Websockets open in this process.")

# Channels' own way would be one thread for the whole process: a slow read of one tab would hold up all others.
in_database = DatabaseThreads(4, "socket-db")


class TabConsumer(AsyncWebsocketConsumer):
    """A tab's socket. Everything about a person goes to one group; the tab picks what it shows."""

    async def connect(self) -> None:
        """Let a signed-in person's tab in; join the group before anything is read."""
        self.user = self.scope["user"]
        self.checking: asyncio.Task[None] | None = None
        await self.accept()
        if not self.user.is_authenticated:
            return await self.close(NOT_SIGNED_IN)
        open_sockets.inc()
        self.session_key = self.scope["session"].session_key
        self.group = user_group(self.user.pk)
        self.name = f"{time.time():.6f} {uuid4().hex}"  # sorts by age, whatever order the bells arrive in
        self.newer: set[str] = set()
        self.bad_frames = 0
        self.allowance, self.allowance_at = float(FRAMES_AT_ONCE), time.monotonic()
        self.checking = asyncio.create_task(self._keep_checking())
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self._tell_siblings("opened")

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        if self.checking is None:
            return
        open_sockets.dec()
        self.checking.cancel()
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
        for frame in await in_database(_catch_up, self.user, watch):
            await self._send(frame)

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
        for text in event["frames"]:
            await self.send(text)

    async def end(self, event: dict[str, Any]) -> None:
        """The session ended, or all of this person's did."""
        if event["session"] in (None, self.session_key):
            await self.close(NOT_SIGNED_IN)

    async def opened(self, event: dict[str, Any]) -> None:
        """Another tab of this person: with ten newer ones, this is the oldest and goes."""
        if event["name"] > self.name:
            self.newer.add(event["name"])
            if len(self.newer) >= SOCKETS_FOR_EACH_USER:
                await self.close(TOO_MANY_SOCKETS)

    async def closed(self, event: dict[str, Any]) -> None:
        """Another tab went."""
        self.newer.discard(event["name"])

    async def _tell_siblings(self, what: str) -> None:
        try:
            await self.channel_layer.group_send(self.group, {"type": what, "name": self.name})
        except Exception as error:  # Redis is away: the limit waits, the tab must not
            log.warning("doorbell_failed", error=repr(error))

    async def _keep_checking(self) -> None:
        """End when the session or the person is gone, whatever bell was missed; say it when premium runs out."""
        user, told = self.user, self.user.premium_active
        while True:
            await asyncio.sleep(_until_next_check(user.premium_until))
            try:
                user = await in_database(_still_here, self.user.pk, self.session_key)
            except Exception as error:  # the database is away: ask again later
                log.warning("session_check_failed", error=type(error).__name__)
                continue
            if user is None:
                return await self.close(NOT_SIGNED_IN)
            if user.premium_active != told:
                told = user.premium_active
                await self._send(frames.account_frame(user))


def _until_next_check(premium_until: datetime | None) -> float:
    """Seconds to sleep: no longer than until premium ends, which nobody rings a bell for."""
    left = (premium_until - timezone.now()).total_seconds() if premium_until else 0
    return min(CHECK_SECONDS, left) if left > 0 else CHECK_SECONDS


def _still_here(user_id: int, session_key: str) -> User | None:
    """The person as they are now, if this is still their session."""
    request = HttpRequest()
    request.session = SessionStore(session_key)
    user = get_user(request)  # knows deactivation and changed passwords, too
    return user if isinstance(user, User) and user.pk == user_id else None


def _catch_up(user: Any, watch: frames.Watch) -> list[frames.ServerFrame]:
    """What a tab that knew a version is told; the same for a foreign conversation as for an absent one."""
    watched = Conversation.objects.visible_to(user).filter(pk=watch.conversation)
    conversation = watched.first()
    if conversation is not None and sweeping.settle_overdue(conversation):
        conversation = watched.first()
    if conversation is None:
        return [frames.error_frame("not_found", "There is nothing here.")]
    changes = sync.changes_since(conversation, watch.version)
    if changes["has_more"]:
        return [frames.error_frame("too_far_behind", "Take a fresh snapshot.")]
    pk = str(watch.conversation)
    news: list[frames.ServerFrame] = [
        {"type": "message", "conversation": pk, "version": m["version"], "message": m} for m in changes["messages"]
    ]
    if changes["reply"] is not None:
        news.append({"type": "reply", "conversation": pk, "reply": changes["reply"], "since": watch.version})
    typing = changes["reply"] is not None and changes["reply"]["state"] in Reply.OWED
    news.append({"type": "conversation", "conversation": changes["conversation"], "since": watch.version})
    news.append(frames.thread_frame(conversation, typing=typing))
    return news

"""The doorbell: the only module that knows the channel layer.

Whatever is rung here may be lost; browsers ask for what they missed. So nothing in this module raises.
"""

import asyncio
import contextlib
from collections import deque
from functools import partial
from typing import Any

import structlog
from channels.layers import get_channel_layer
from django.db import transaction

from chat.frames import ServerFrame, account_frame, conversation_frame, encode, thread_frame
from chat.models import Conversation

log = structlog.get_logger(__name__)


def user_group(user_id: int) -> str:
    """The group that every socket of a person hears."""
    return f"user.{user_id}"


def tell(conversation: Conversation, *news: ServerFrame, typing: bool) -> None:
    """On commit, tell every open tab what a change in a conversation is: what is new, its header, its thread's row."""
    everything = (*news, conversation_frame(conversation), thread_frame(conversation, typing=typing))
    transaction.on_commit(partial(announce, conversation.user_id, *everything), robust=True)


def announce(user_id: int, *frames: ServerFrame) -> None:
    """Tell every open tab of this person, from sync code on any thread."""
    _publish(user_group(user_id), {"type": "frames", "frames": [encode(frame) for frame in frames]})


def end_sockets(user_id: int, *, session_key: str | None = None) -> None:
    """Close this person's sockets (4401): all of them, or those of one session."""
    _publish(user_group(user_id), {"type": "end", "session": session_key})


def account_changed(sender: object, user: Any, **kwargs: Any) -> None:
    """Tell every open tab of this person what their premium is now: `accounts.premium.premium_changed`."""
    announce(user.pk, account_frame(user))


def end_session(sender: object, request: Any, user: Any, **kwargs: Any) -> None:
    """Close the sockets of a session that was logged out: Django's `user_logged_out`."""
    if user is not None:
        end_sockets(user.pk, session_key=request.session.session_key)


def _publish(group: str, event: dict[str, Any]) -> None:
    try:
        get_channel_layer().publish(group, event)
    except Exception as error:  # Redis away, frozen, restarting: the tabs will ask
        log.warning("doorbell_failed", error=repr(error))


class Announcer:
    """Announces from one event loop, in order and in batches.

    What is said while a batch is on its way goes out with the next: no delay when it is quiet, few round trips
    under load.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()
        self._flushing: asyncio.Task[None] | None = None

    def announce(self, user_id: int, *frames: ServerFrame) -> None:
        """Queue frames for every open tab of this person. Call on the loop's own thread."""
        self._waiting.append((user_group(user_id), {"type": "frames", "frames": [encode(f) for f in frames]}))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        layer = get_channel_layer()
        while self._waiting:
            batch = list(self._waiting)
            self._waiting.clear()
            try:
                await layer.publish_many(batch)
            except Exception as error:
                log.warning("doorbell_failed", error=repr(error), lost=len(batch))

    async def drain(self) -> None:
        """Wait until everything queued is on its way."""
        if self._flushing is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(self._flushing)

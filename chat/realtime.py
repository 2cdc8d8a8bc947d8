"""The doorbell: the only module that knows the channel layer.

Whatever is rung here may be lost; browsers ask for what they missed. So nothing in this module raises.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Any
from uuid import UUID

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


def announce_headers(changed: Iterable[tuple[UUID, int]]) -> None:
    """Tell whoever is here that headers of theirs have changed: many at once, as (conversation, person).

    For those who are not, nothing is read and nothing is sent: of a hundred thousand, a few are here.
    """
    owners = dict(changed)
    try:
        layer = get_channel_layer()
        heard = layer.listening({user_group(user_id) for user_id in owners.values()}) if owners else set()
        here = [pk for pk, user_id in owners.items() if user_group(user_id) in heard]
        if not here:
            return
        rows = Conversation.objects.filter(pk__in=here, deleted_at=None).select_related("girl", "user")
        layer.publish_all(
            (user_group(row.user_id), {"type": "frames", "frames": [encode(conversation_frame(row))]}) for row in rows
        )
    except Exception as error:  # as in `_publish`
        log.warning("doorbell_failed", error=repr(error), lost=len(owners))


def end_sockets(user_id: int, *, session_key: str | None = None, but: str | None = None) -> None:
    """Close this person's sockets (4401): all of them, those of one session, or all but those of one."""
    _publish(user_group(user_id), {"type": "end", "session": session_key, "but": but})


def account_changed(sender: object, user: Any, **kwargs: Any) -> None:
    """Tell every open tab of this person what their premium is now: `accounts.premium.premium_changed`."""
    announce(user.pk, account_frame(user))


def end_session(sender: object, request: Any, user: Any, **kwargs: Any) -> None:
    """Close the sockets of a session that was logged out: Django's `user_logged_out`."""
    if user is not None:
        end_sockets(user.pk, session_key=request.session.session_key)


def end_sessions(sender: object, user: Any, key: str | None, but: str | None, **kwargs: Any) -> None:
    """Close the sockets of sessions that were ended: `accounts.sessions.sessions_ended`."""
    end_sockets(user.pk, session_key=key, but=but)


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

"""The worker side: claim a reply, stream it from a model host, finish or fail it.

Each worker process has one event loop on which all its replies are written; a Celery thread only waits for its own.
Nothing is open in the database while a model writes: the few short reads and writes go through two threads, so a
process needs two connections for any number of replies.
"""

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import structlog
from celery.signals import worker_shutting_down
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from chat import frames, quotas
from chat.llm import Finished, ModelError, Request, Text, close_llm, get_llm
from chat.models import Message, Reply
from chat.prompts import build_request
from chat.realtime import Announcer
from chat.rendering import at_sentence_end, is_blank, utf16_cut, utf16_length
from chat.settling import Written, end
from config.lib.database import DatabaseThreads
from config.lib.prepared import Param, Select

log = structlog.get_logger(__name__)

PUSH_SECONDS = 0.05  # words go to the browser at most that often,
PUSH_SECONDS_EACH = 0.008  # less often with each reply that is written beside,
PUSH_SECONDS_MOST = 0.25  # but at least that often
SAVE_SECONDS = 1.0  # and to the database that often, which renews the lease


_TO_WRITE = Select(
    lambda: (
        Reply.objects.select_related("conversation__girl", "conversation__user")
        .only(
            *("conversation__user_id", "conversation__deleted_at", "conversation__user__is_active"),
            *(f"conversation__girl__{field}" for field in ("name", "persona_prompt", "example_dialogue")),
            *("answers_through", "state", "stop_at", "created_at"),
        )
        .filter(pk=Param("pk"))
    )
)
_SAID = Select(
    lambda: (
        Message.objects.filter(
            Q(sender=Message.Sender.AI) | Q(seq__lte=Param("through")), conversation=Param("conversation")
        )
        .only("seq", "sender", "text")
        .order_by("-seq")[: settings.CHAT_CONTEXT_TURNS]
    )
)


class Ending(Enum):
    """Why writing ended before the model did."""

    LOST = "another worker has it, or it was settled"
    STOPPED = "the member pressed Stop"
    HANDED_ON = "this worker is stopping"


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed reply and what it takes to write it."""

    reply: Reply
    user_id: int
    token: UUID
    request: Request
    started: float  # time.monotonic()


def pace(replies: int) -> float:
    """Seconds between two pushes of one reply, given how many are written at once.

    A push costs the same for one word and for five, here and in the web process: under load they travel together.
    """
    return min(PUSH_SECONDS + PUSH_SECONDS_EACH * (replies - 1), PUSH_SECONDS_MOST)


@dataclass(slots=True)
class Draft:
    """A reply while it is being written. What is in its text was pushed."""

    job: Job
    announcer: Announcer
    crowd: Callable[[], int]  # how many replies are written at this moment
    text: str = ""
    units: int = 0  # of the text, in UTF-16
    first_token_at: float | None = None
    finished: Finished | None = None
    ending: Ending | None = None
    writing: "asyncio.Task[None] | None" = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self) -> None:
        """Stream the reply from the model hosts. Raises ModelError.

        Words are pushed as soon as they are read, and read at the pace of the pushes: those that come in between gather
        at the host's door, where five cost as much as one. The first and the last wait for nothing.
        """
        request = self.job.request
        async with asyncio.timeout(max(0.1, request.deadline - time.monotonic())):
            async with contextlib.aclosing(get_llm().stream(request)) as pieces:
                async for piece in pieces:
                    match piece:  # other kinds are for others
                        case Text(text, last):
                            self.add(text)
                            if not last:
                                await asyncio.sleep(pace(self.crowd()))
                        case Finished():
                            self.finished = piece

    def add(self, text: str) -> None:
        """Take a few more words, and push them."""
        if self.first_token_at is None and not is_blank(text):
            self.first_token_at = time.monotonic()
        reply = self.job.reply
        self.announcer.announce(self.job.user_id, frames.delta_frame(reply.conversation_id, reply.pk, self.units, text))
        self.text += text
        self.units += utf16_length(text)

    def push_whole(self) -> None:
        """Send the reply with all its text so far: tabs that missed a delta, or just opened, are whole again."""
        reply = self.job.reply
        shape: frames.ReplyShape = {
            "id": str(reply.pk),
            "state": Reply.State.WRITING,
            "text": self.text,
            "can_retry": False,
        }
        self.announcer.announce(
            self.job.user_id, {"type": "reply", "conversation": str(reply.conversation_id), "reply": shape}
        )

    def end_early(self, ending: Ending) -> None:
        """Cut the model off."""
        if self.ending is None and self.writing is not None and not self.writing.done():
            self.ending = ending
            self.writing.cancel()

    def written(self, text: str) -> Written:
        """The record of this reply, with the text that is kept."""
        finished, started = self.finished, self.job.started
        return Written(
            text=text,
            provider=finished.provider if finished else "",
            model=finished.model if finished else "",
            tokens_in=finished.tokens_in if finished else None,
            tokens_out=finished.tokens_out if finished else None,
            first_token_ms=round((self.first_token_at - started) * 1000) if self.first_token_at else None,
            total_ms=round((time.monotonic() - started) * 1000),
        )


class Desk:
    """Where one process writes its replies: an event loop in a thread of its own, two threads for the database."""

    def __init__(self) -> None:
        self.loop = _new_event_loop()
        self.db = DatabaseThreads(2, "reply-db")
        self.announcer = Announcer()
        self.drafts: dict[UUID, Draft] = {}
        self.stopping = False
        threading.Thread(target=self.loop.run_forever, name="replies", daemon=True).start()

    async def write_reply(self, reply_id: UUID) -> UUID | None:
        """Claim, stream, settle. Returns the id of a reply to ring for next, if any."""
        if self.stopping:
            return reply_id
        job = await self.db(take, reply_id)
        if not isinstance(job, Job):
            return job
        draft = self.drafts[reply_id] = Draft(job, self.announcer, crowd=self.drafts.__len__)
        try:
            draft.push_whole()
            return await self._write(draft)
        finally:
            del self.drafts[reply_id]
            draft.settled.set()

    async def _write(self, draft: Draft) -> UUID | None:
        job = draft.job
        error = ""
        draft.writing = asyncio.create_task(draft.write())
        saving = asyncio.create_task(self._keep_saving(draft))
        try:
            await draft.writing
        except asyncio.CancelledError:
            if draft.ending is None:
                raise
        except TimeoutError:
            error = "no time left"
        except ModelError as failure:
            error = failure.reason
        except Exception as failure:  # a fault of ours must not leave the member waiting for the sweep
            log.exception("reply_crashed", reply=str(job.reply.pk))
            error = f"internal error: {type(failure).__name__}"
        finally:
            saving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await saving
        match draft.ending:
            case Ending.LOST:
                return None
            case Ending.HANDED_ON:
                released = await self.db(Reply.objects.release, job.reply.pk, token=job.token)
                return job.reply.pk if released else None
            case Ending.STOPPED:
                stop_at = await self.db(_stop_at, job.reply.pk)
                text = utf16_cut(draft.text, stop_at or 0).rstrip()
                state = Reply.State.STOPPED
            case _:
                text = draft.text.strip()
                if draft.finished and draft.finished.finish_reason == "length":
                    text = at_sentence_end(text)
                state = Reply.State.FAILED if error else Reply.State.DONE
        log.info(
            "reply_ended",
            reply=str(job.reply.pk),
            state=str(state),
            error=error,
            ms=round((time.monotonic() - job.started) * 1000),
        )
        return await self.db(
            end, job.reply, state, token=job.token, written=draft.written("" if error else text), error=error
        )

    async def _keep_saving(self, draft: Draft) -> None:
        """Save the text each second, which renews the lease and learns whether to go on."""
        job = draft.job
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            try:
                ending = await self.db(save, job.reply.pk, job.token, draft.text)
            except Exception as error:  # the database is away for a moment: the lease has room for a few tries
                log.warning("save_failed", reply=str(job.reply.pk), error=type(error).__name__)
                continue
            if ending is not None:
                return draft.end_early(ending)
            if draft.text:
                draft.push_whole()

    async def hand_on(self, grace: float) -> None:
        """Finish what can be finished in `grace` seconds, cut off the rest: their tasks ring for another worker."""
        self.stopping = True
        at_hand = list(self.drafts.values())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await asyncio.gather(*(draft.settled.wait() for draft in at_hand))
        for draft in at_hand:
            draft.end_early(Ending.HANDED_ON)
        await asyncio.gather(*(draft.settled.wait() for draft in at_hand))
        await self.announcer.drain()
        await close_llm()


def _new_event_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # not on Windows

    return uvloop.new_event_loop()


_desk: Desk | None = None
_desk_lock = threading.Lock()


def desk() -> Desk:
    """This process's desk, made at first use (after any fork)."""
    global _desk
    with _desk_lock:
        if _desk is None:
            _desk = Desk()
        return _desk


def write_reply(reply_id: UUID) -> UUID | None:
    """Write one reply; the calling thread waits. Returns the id of a reply to ring for next, if any."""
    here = desk()
    return asyncio.run_coroutine_threadsafe(here.write_reply(reply_id), here.loop).result()


def hand_on(grace: float | None = None) -> None:
    """Stop taking replies; finish or hand on those at hand. Waits; the tasks end with it."""
    if _desk is not None:
        seconds = settings.REPLY_HANDOVER_SECONDS if grace is None else grace
        asyncio.run_coroutine_threadsafe(_desk.hand_on(seconds), _desk.loop).result(seconds + 10)


@worker_shutting_down.connect
def _hand_on_in_background(**kwargs: Any) -> None:
    # Celery then waits for the tasks, which end within the grace. Not in the signal handler: it must return.
    threading.Thread(target=hand_on, name="hand-on", daemon=True).start()


def take(reply_id: UUID) -> Job | UUID | None:
    """Claim a reply and read what it takes to write it.

    None when it is another's or has ended; the id of the next reply to ring for when this one was ended here.
    """
    token = uuid4()
    if not Reply.objects.claim(reply_id, token=token):
        return None
    started = time.monotonic()
    reply = _TO_WRITE.first(pk=reply_id)
    if reply is None:  # deleted since
        return None
    conversation = reply.conversation
    left = (reply.due_at - timezone.now()).total_seconds()
    ended = partial(end, reply, token=token)
    if reply.stop_at is not None:
        return ended(Reply.State.STOPPED)
    if left <= 0:
        return ended(Reply.State.FAILED, error="overdue")
    if not conversation.user.is_active or conversation.deleted_at:
        return ended(Reply.State.FAILED, error="member or conversation gone")
    girl = conversation.girl
    request = build_request(
        persona=girl.persona_prompt,
        name=girl.name,
        example_dialogue=girl.example_dialogue,
        history=[(m.sender, m.text) for m in history(reply)],
        max_tokens=settings.LLM_MAX_TOKENS,
        temperature=settings.LLM_TEMPERATURE,
        deadline=started + left,
    )
    return Job(
        reply=reply,
        user_id=conversation.user_id,
        token=token,
        request=request,
        started=started,
    )


def history(reply: Reply) -> list[Message]:
    """The last turns before this reply, what it answers last.

    A reply that was written while the member went on stands after what they said meanwhile; for the model it comes
    before, so that the last turn is what is to be answered.
    """
    recent = _SAID(conversation=reply.conversation_id, through=reply.answers_through)[::-1]
    if recent and recent[-1].sender == Message.Sender.AI:
        asked = set(quotas.unanswered(reply.conversation, reply.answers_through).values_list("seq", flat=True))
        recent.sort(key=lambda m: (m.seq in asked, m.seq))
    return recent


def save(reply_id: UUID, token: UUID, text: str) -> Ending | None:
    """Save the text so far and renew the lease; why to stop writing, if so."""
    if Reply.objects.keep(reply_id, token=token, text=text):
        return None
    mine = Reply.objects.filter(pk=reply_id, state=Reply.State.WRITING, lease_token=token)
    return Ending.STOPPED if mine.exists() else Ending.LOST


def _stop_at(reply_id: UUID) -> int | None:
    return Reply.objects.values_list("stop_at", flat=True).get(pk=reply_id)

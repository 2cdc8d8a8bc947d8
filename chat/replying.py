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
from contextvars import Context
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db.models import (
    Case,
    DurationField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Now

from chat import caring, frames, quotas, settling
from chat.llm import Finished, ModelError, Request, Text, Withdrawn, close_llm, get_llm, text_of
from chat.models import Message, Reply
from chat.prompts import build_request
from chat.realtime import Announcer
from chat.settling import LEAST_SECONDS, Written, end, end_over
from chat.spoken import Spoken, after_a_cut
from config.lib import bells
from config.lib.database import DatabaseThreads
from config.lib.prepared import select
from config.lib.text import at_sentence_end, is_blank, utf16_cut, utf16_length
from safety import helplines
from safety.classifying import Kind
from safety.counting import count
from safety.farewell import says_goodbye, tactics
from safety.models import Count

log = structlog.get_logger(__name__)

PUSH_SECONDS = 0.05  # words go to the browser at most that often,
PUSH_SECONDS_EACH = 0.008  # less often with each reply that is written beside,
PUSH_SECONDS_MOST = 0.25  # but at least that often
LOOK_SECONDS = 1.0  # so often the desk looks whether to go on, and says all that is written so far
SAVES_IN_A_LEASE = 3  # which saves that and renews the lease: the database may be away for a moment


@select
def _to_write(pk: UUID) -> QuerySet[Reply]:
    shown = (
        *(
            "conversation__user_id",
            "conversation__deleted_at",
            "conversation__held_at",
            "conversation__care_level",
            "conversation__care_at",
            "conversation__user__country",
            "conversation__user__is_active",
            "conversation__user__restricted",
            "conversation__user__name",
        ),
        *(f"conversation__girl__{field}" for field in ("name", "persona_prompt", "example_dialogue")),
        *("answers_through", "replaces", "charged_as", "state", "stop_at", "attempts", "text"),
    )
    age = ExpressionWrapper(Now() - F("created_at"), DurationField())
    replaced = Message.objects.filter(conversation=OuterRef("conversation"), seq=OuterRef("replaces"))
    rows = Reply.objects.select_related("conversation__girl", "conversation__user").only(*shown)
    return rows.filter(pk=pk).annotate(age=age, now=Now(), replaces_id=Subquery(replaced.values("id")[:1]))


@select
def _said(conversation: UUID, before: int, *, turns: int) -> QuerySet[Message, tuple[int, str, str]]:
    said = Message.objects.filter(conversation=conversation, deleted_at=None).exclude(sender=Message.Sender.SITE)
    said = said.filter(Q(sender=Message.Sender.AI) | Q(seq__lte=before))
    return said.order_by("-seq").values_list("seq", "sender", "text")[:turns]


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
    country: str = ""  # where the member is, as far as they said,
    numbers: frozenset[str] = frozenset()  # and which numbers she may name there
    care: int = 0  # how grave it is what they say of harm to themselves: see `caring`


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
    spoken: Spoken = field(init=False)
    stop_at: int = 0  # how much of it the member had seen when they stopped it, in UTF-16
    begun: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    writing: "asyncio.Task[None] | None" = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.hear()

    def hear(self) -> None:
        """Listen to her from the beginning."""
        self.spoken = Spoken(self.job.numbers, careful=self.job.care > 0)

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
                            shown = self.spoken.feed(text)
                            self.add(shown, last)
                            if self.spoken.finding:
                                return  # nobody needs to hear the rest
                            if shown and not last:  # of what waits to be shown, the next word says more
                                await asyncio.sleep(pace(self.crowd()))
                        case Withdrawn():
                            self.withdraw()
                        case Finished():
                            self.finished = piece
                            self.add(self.spoken.close(), last=True)

    def add(self, text: str, last: bool = False) -> None:
        """Take a few more words, and push them; the last ones come with the message."""
        if self.first_token_at is None and not is_blank(text):
            self.first_token_at = time.monotonic()
        if text and not last:
            reply = self.job.reply
            delta = frames.delta_frame(reply.conversation_id, reply.pk, self.units, text)
            self.announcer.announce(self.job.user_id, delta)
        self.text += text
        self.units += utf16_length(text)

    def withdraw(self) -> None:
        """Take back all of it, on the screens too: it was not said."""
        self.text, self.units, self.first_token_at = "", 0, None
        self.hear()
        self.push_whole()

    def push_whole(self) -> None:
        """Send the reply with all its text so far: tabs that missed a delta, or just opened, are whole again."""
        reply = self.job.reply
        reply.text = self.text
        self.announcer.announce(self.job.user_id, frames.reply_frame(reply))

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
            tokens_cached=finished.tokens_cached if finished else None,
            tokens_out=finished.tokens_out if finished else None,
            first_token_ms=round((self.first_token_at - started) * 1000) if self.first_token_at else None,
            total_ms=round((time.monotonic() - started) * 1000),
        )


class Desk:
    """Where one process writes its replies: an event loop in a thread of its own, two threads for the database."""

    def __init__(self) -> None:
        self.loop = _new_event_loop()
        self.db = DatabaseThreads(2, "reply-db", keep=True)
        self.announcer = Announcer()
        self.drafts: dict[UUID, Draft] = {}
        self.looking: asyncio.Task[None] | None = None
        self.stopping = False
        self.thread = threading.Thread(target=self.loop.run_forever, name="replies", daemon=True)
        self.thread.start()

    async def write_reply(self, reply_id: UUID) -> None:
        """Claim, stream, settle."""
        if self.stopping:
            return bells.ring_now(Reply.TASK, str(reply_id))
        job = await self.db(take, reply_id)
        if job is None:
            return None
        draft = self.drafts[reply_id] = Draft(job, self.announcer, crowd=self.drafts.__len__)
        if self.looking is None or self.looking.done():
            self.looking = asyncio.create_task(self._keep_looking())
        try:
            await self._write(draft)
        finally:
            del self.drafts[reply_id]
            draft.settled.set()

    async def _write(self, draft: Draft) -> None:
        job = draft.job
        error = ""
        if job.reply.attempts > 1:
            draft.push_whole()  # what another worker wrote is void
        draft.writing = asyncio.create_task(draft.write())
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
        match draft.ending:
            case Ending.LOST:
                return
            case Ending.HANDED_ON:
                return await self.db(Reply.objects.release, job.reply.pk, token=job.token)
            case Ending.STOPPED:
                text = utf16_cut(draft.text, draft.stop_at).rstrip()
                state = Reply.State.STOPPED
            case _:
                text = draft.text.strip()
                if draft.spoken.finding and not error:
                    text = after_a_cut(text, draft.spoken.finding)
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
        written = draft.written(text)
        await self.db(end, job.reply, state, token=job.token, written=written, error=error)
        if state == Reply.State.DONE:  # on a thread: it may take milliseconds, and this loop has others' words to push
            await self.db(note, job, draft.spoken, written)

    async def _keep_looking(self) -> None:
        """While anything is written here: look once a second whether all of it is still wanted, save it now and then.

        One question and one statement for everything that is written, however much that is.
        """
        looks = 0
        while self.drafts:
            await asyncio.sleep(LOOK_SECONDS)
            looks += 1
            looks_to_a_save = max(1, int(settings.REPLY_LEASE_SECONDS / SAVES_IN_A_LEASE / LOOK_SECONDS))
            drafts = [draft for draft in self.drafts.values() if draft.begun < self.loop.time() - LOOK_SECONDS / 2]
            if not drafts:
                continue
            texts = {draft.job.reply.pk: draft.text for draft in drafts} if looks % looks_to_a_save == 0 else {}
            tokens = [draft.job.token for draft in drafts]
            try:
                mine = await self.db(look, tokens, texts)
            except Exception as error:  # the database is away for a moment: the lease has room for a few tries
                log.warning("look_failed", replies=len(drafts), error=type(error).__name__)
                continue
            for draft in drafts:
                if draft.job.token not in mine:
                    draft.end_early(Ending.LOST)
                elif (stop_at := mine[draft.job.token]) is not None:
                    draft.stop_at = stop_at
                    draft.end_early(Ending.STOPPED)
                elif draft.text and not draft.settled.is_set():
                    draft.push_whole()

    async def hand_on(self, grace: float) -> None:
        """Finish what can be finished in `grace` seconds, cut off the rest and ring for another worker."""
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


def write_reply(reply_id: UUID) -> None:
    """Write one reply; the calling thread waits."""
    here = desk()
    asyncio.run_coroutine_threadsafe(here.write_reply(reply_id), here.loop).result()


def hand_on(grace: float | None = None) -> None:
    """Stop taking replies; finish or hand on those at hand. Waits; the tasks end with it."""
    if _desk is not None:
        seconds = settings.REPLY_HANDOVER_SECONDS if grace is None else grace
        asyncio.run_coroutine_threadsafe(_desk.hand_on(seconds), _desk.loop).result(seconds + 10)


def close() -> None:
    """End the desk's loop. An interpreter that ends around a running loop may crash."""
    if _desk is not None:
        _desk.loop.call_soon_threadsafe(_desk.loop.stop)
        _desk.thread.join(2)


bells.before_stopping(hand_on)
bells.when_done(close)


def take(reply_id: UUID) -> Job | None:
    """Claim a reply and read what it takes to write it. None when there is nothing to write, or no more."""
    token = uuid4()
    if not Reply.objects.claim(reply_id, token=token):
        return None
    started = time.monotonic()
    reply = _to_write.first(reply_id)
    if reply is None:  # deleted since
        return None
    conversation = reply.conversation
    left = settings.REPLY_BUDGET_SECONDS - reply.age.total_seconds()  # type: ignore[attr-defined]
    why = ""
    if left < LEAST_SECONDS:
        why = "overdue"
    elif reply.attempts > settings.REPLY_MAX_ATTEMPTS:
        why = "too many attempts"
    elif conversation.held_at:
        why = "a crisis card stands in its place"
    elif not conversation.user.is_active or conversation.user.restricted or conversation.deleted_at:
        why = "member or conversation gone"
    if why or reply.stop_at is not None:
        end_over(reply, why=why, token=token)
        return None
    girl = conversation.girl
    conversation.now = reply.now  # type: ignore[attr-defined]
    care, country = caring.level(conversation), str(conversation.user.country)
    request = build_request(
        persona=girl.persona_prompt,
        name=girl.name,
        listener=conversation.user.name,
        example_dialogue=girl.example_dialogue,
        history=history(reply),
        max_tokens=settings.LLM_MAX_TOKENS,
        temperature=settings.LLM_TEMPERATURE,
        deadline=started + left,
        care=care,
    )
    return Job(
        reply=reply,
        user_id=conversation.user_id,
        token=token,
        request=request,
        started=started,
        country=country,
        numbers=helplines.numbers(country),
        care=care,
    )


def history(reply: Reply) -> list[tuple[str, str]]:
    """The last turns before this reply as (sender, text), what it answers last.

    A reply that was written while the member went on stands after what they said meanwhile; for the model it comes
    before, so that the last turn is what is to be answered. Another answer for a message sees only what came before it.
    """
    recent = _said(reply.conversation_id, reply.answers_through, turns=settings.CHAT_CONTEXT_TURNS)[::-1]
    if reply.replaces is not None:
        recent = [turn for turn in recent if turn[0] < reply.replaces]
    elif recent and recent[-1][1] == Message.Sender.AI:
        asked = set(quotas.unanswered(reply.conversation, reply.answers_through).values_list("seq", flat=True))
        recent.sort(key=lambda turn: (turn[0] in asked, turn[0]))
    return [(sender, text) for _, sender, text in recent]


def note(job: Job, spoken: Spoken, written: Written) -> None:
    """Count what was wrong with an answer, and say it in the log: what, and which model, but not whom.

    Lines are written outside the context of the reply, which knows the member. Where she encouraged harm, the card is
    put up, whatever the member had said. What an answer to a goodbye holds somebody back with stays as it was read.
    """
    model = {"provider": written.provider, "model": written.model}
    if finding := spoken.finding:
        action = Count.Action.REPLACED if finding.kind == Kind.CLAIMS_HUMAN else Count.Action.CUT
        count(action, finding.kind, level=finding.level, country=job.country)
        Context().run(log.warning, "answer_cut", kind=str(finding.kind), rule=finding.rule, **model)
        if finding.kind == Kind.ENCOURAGEMENT:
            settling.put_up_card(job.reply.conversation_id, country=job.country)
    if spoken.numbers_taken:
        count(Count.Action.NUMBER, "number", country=job.country, n=spoken.numbers_taken)
        Context().run(log.warning, "number_made_up", **model)
    if says_goodbye(text_of(job.request.turns[-1])) and (shown := tactics(written.text)):
        count(Count.Action.FAREWELL, "farewell", country=job.country)
        Context().run(log.info, "farewell_tactic", tactics=shown, **model)


def look(tokens: list[UUID], texts: dict[UUID, str]) -> dict[UUID, int | None]:
    """Which of these leases still hold, and where their members pressed Stop; with texts, save them and renew.

    Whoever is to be stopped is not renewed: if we die before we stop, somebody else does.
    """
    mine = Reply.objects.filter(state=Reply.State.WRITING, lease_token__in=tokens)
    if texts:
        written = (When(pk=pk, then=Value(text)) for pk, text in texts.items())
        so_far = Case(*written, default=F("text"), output_field=TextField())
        mine.filter(stop_at=None).update(text=so_far, due_at=Now() + Reply.lease())
    return dict(mine.values_list("lease_token", "stop_at"))

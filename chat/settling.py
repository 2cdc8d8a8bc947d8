"""How an owed reply ends: done, stopped or failed, once, whoever ends it."""

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, Min, OuterRef, QuerySet

from accounts.models import User
from chat import caring, frames, quotas, realtime
from chat.models import AlreadyEnded, Conversation, Message, Reply
from config.lib.database import tried_again
from config.lib.prepared import select, together
from config.lib.text import is_blank, utf16_cut
from safety.classifying import DISTRESS, Finding, Kind

LEAST_SECONDS = 5  # a reply with less time than that before it is overdue is not worth asking a model for


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote, and what it took. Times in milliseconds from the claim."""

    text: str
    provider: str = ""
    model: str = ""
    tokens_in: int | None = None
    tokens_cached: int | None = None
    tokens_out: int | None = None
    first_token_ms: int | None = None
    total_ms: int | None = None


def end_owed(
    conversation: Conversation,
    reply: Reply,
    state: Reply.State,
    *,
    token: UUID | None = None,
    written: Written | None = None,
    error: str = "",
    silently: bool = False,
) -> None:
    """End a reply under the conversation's lock, inside the caller's transaction; owe the next one if messages wait.

    Done and stopped leave her message behind, or another answer in its place (if anything was written); failed gives
    back what it had cost, and keeps the words that were read already beside the offer to try again. Of members who were
    deactivated and of conversations that were deleted meanwhile every reply fails, and what was read of it is paid for.
    The next one has waited since the oldest of its messages was sent, and fails at once when there is no time left;
    `silently` owes none.
    With a token, only the worker that holds the lease may. Raises AlreadyEnded.
    """
    was_read = not is_blank(reply.text) or (written is not None and written.first_token_ms is not None)
    gone = "" if conversation.user.is_active and not conversation.user.restricted else "member gone"
    gone = gone or ("conversation deleted" if conversation.deleted_at else "")
    if gone:  # nobody is told anything more
        state, error = Reply.State.FAILED, error or gone
        written = replace(written or Written(""), text="")
    fields: dict[str, Any] = {"error": error[:300], **(asdict(written) if written else {})}
    leaves_words = written is not None and state != Reply.State.FAILED and not is_blank(written.text)
    # While a crisis card stands in place of her reply, nothing more is owed: see `sending.go_on`.
    is_silent = conversation.held_at is not None or silently
    waiting = None if is_silent else _asked_after(conversation, reply.answers_through)
    message: Message | None = None
    with together():
        Reply.objects.end(reply.pk, state, token=token, **fields)
        if written is not None and leaves_words and reply.replaces is None:
            message = conversation.write(Message.Sender.AI, written.text, reply=reply)
    reply.state = state
    if written is not None:
        reply.text = written.text
    if written is not None and leaves_words and reply.replaces is not None:
        message = conversation.replace(reply.replaces, written.text, reply=reply)
    if message is None:
        if state == Reply.State.FAILED:
            (quotas.keep if gone and was_read else quotas.give_back)(conversation, reply)
        conversation.bump()
    reply.message_id = message.pk if message else None
    following = conversation.owe_reply(through=waiting.newest, created_at=waiting.since) if waiting else None
    if not conversation.deleted_at:
        news: list[frames.ServerFrame] = [
            *([frames.message_frame(message)] if message else []),
            frames.reply_frame(reply),
            *([frames.reply_frame(following)] if following else []),
        ]
        realtime.tell(conversation, *news, typing=following is not None)
    if following is not None and not _is_worth_asking(conversation, following):
        end_owed(conversation, following, Reply.State.FAILED, error="overdue")


@tried_again
def put_up_card(conversation_id: UUID, *, country: str) -> None:
    """Show where people are who help, as after clear distress: what she was about to say was harmful."""
    with suppress(Conversation.DoesNotExist), transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(conversation_id)
        harm = Finding(Kind.SUICIDE, DISTRESS, "her-words")
        if card := caring.care(conversation, harm, country=country):
            owed = Reply.objects.owed().filter(conversation=conversation).exists()
            realtime.tell(conversation, frames.message_frame(card), typing=owed)


def silence(conversation: Conversation) -> None:
    """Stop what she is about to say, under the conversation's lock: what was read stays, what was not costs nothing."""
    for reply in Reply.objects.owed().filter(conversation=conversation):
        if is_blank(reply.text):
            quotas.give_back(conversation, reply)
        end_owed(conversation, reply, Reply.State.STOPPED, written=Written(reply.text.rstrip()), silently=True)


def _is_worth_asking(conversation: Conversation, reply: Reply) -> bool:
    left = timedelta(seconds=settings.REPLY_BUDGET_SECONDS) - (conversation.now - reply.created_at)
    return left.total_seconds() >= LEAST_SECONDS


class _Waiting(NamedTuple):
    """The member's messages that another reply has to answer."""

    newest: int  # seq
    since: datetime  # when the oldest was sent


def _asked_after(conversation: Conversation, seq: int) -> _Waiting | None:
    """What the member said after this seq, if anything."""
    if conversation.last_seq <= seq:
        return None
    asked = conversation.messages.filter(sender=Message.Sender.USER, seq__gt=seq, deleted_at=None)
    found = asked.aggregate(newest=Max("seq"), since=Min("created_at"))
    return _Waiting(**found) if found["newest"] else None


@tried_again
def end(
    reply: Reply,
    state: Reply.State,
    *,
    token: UUID | None = None,
    written: Written | None = None,
    error: str = "",
) -> None:
    """`end_owed` in a transaction of its own.

    Nothing happens when the reply has ended already, or its conversation is gone with its member.
    """
    with suppress(AlreadyEnded, Conversation.DoesNotExist), transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(reply.conversation_id, deleted=True)
        if token is None:  # what a reply that waits is to answer may have grown since it was read
            reply = Reply.objects.get(pk=reply.pk)
        end_owed(conversation, reply, state, token=token, written=written, error=error)


def looked_at(user: User, conversation_id: UUID) -> Conversation | None:
    """This person's conversation, none of whose replies is overdue: whoever looks at one that is sees it fail.

    So everybody gets an answer, even with every worker gone. None for a foreign one as for an absent one.
    """
    budget = settings.REPLY_BUDGET_SECONDS
    found: Any = _visible.first(user.pk, conversation_id, budget=budget)
    if found is None or not found.is_over:
        return found
    for reply in Reply.objects.over(budget).filter(conversation=found):
        end_over(reply, why="overdue")
    return _visible.first(user.pk, conversation_id, budget=budget)


@select
def _visible(user: int, pk: UUID, *, budget: int) -> QuerySet[Conversation]:
    over = Reply.objects.over(budget).filter(conversation=OuterRef("pk"))
    rows = Conversation.objects.of(user).select_related("girl", "user")
    return rows.filter(pk=pk).annotate(is_over=Exists(over))


def end_over(reply: Reply, *, why: str, token: UUID | None = None) -> None:
    """End a reply that nobody may write any more: stopped where its member said so, failed otherwise."""
    if reply.stop_at is not None:
        text = utf16_cut(reply.text, reply.stop_at)
        end(reply, Reply.State.STOPPED, token=token, written=Written(text.rstrip()))
    else:
        end(reply, Reply.State.FAILED, token=token, error=why)

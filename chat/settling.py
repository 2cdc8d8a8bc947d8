"""How an owed reply ends: done, stopped or failed, once, whoever ends it."""

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from accounts.models import User
from chat import frames, quotas, realtime
from chat.models import AlreadyEnded, Conversation, Message, Reply
from chat.rendering import is_blank, utf16_cut
from config.lib.database import tried_again
from config.lib.prepared import select, together


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote, and what it took. Times in milliseconds from the claim."""

    text: str
    provider: str = ""
    model: str = ""
    tokens_in: int | None = None
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
) -> None:
    """End a reply under the conversation's lock, inside the caller's transaction; owe the next one if messages wait.

    Done and stopped leave her message behind, or another answer in its place (if anything was written); failed gives
    back what it had cost, and keeps the words that were read already beside the offer to try again. For a member who
    was deactivated meanwhile every reply fails.
    With a token, only the worker that holds the lease may. Raises AlreadyEnded.
    """
    if not conversation.user.is_active:  # whoever is gone is told nothing more
        state, error = Reply.State.FAILED, error or "member gone"
        written = replace(written or Written(""), text="")
    fields: dict[str, Any] = {"error": error[:300], **(asdict(written) if written else {})}
    leaves_words = written is not None and state != Reply.State.FAILED and not is_blank(written.text)
    newest = _asked_after(conversation, reply.answers_through)
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
            quotas.give_back(conversation, reply)
        conversation.bump()
    reply.message_id = message.pk if message else None
    following = conversation.owe_reply(through=newest) if newest else None
    news: list[frames.ServerFrame] = [
        *([frames.message_frame(message)] if message else []),
        frames.reply_frame(reply),
        *([frames.reply_frame(following)] if following else []),
    ]
    realtime.tell(conversation, *news, typing=following is not None)


def _asked_after(conversation: Conversation, seq: int) -> int | None:
    """The seq of the newest message of the member's after this one, if there is any."""
    if conversation.last_seq <= seq:
        return None
    asked = conversation.messages.filter(sender=Message.Sender.USER, seq__gt=seq, deleted_at=None)
    newest: int | None = asked.aggregate(seq=Max("seq"))["seq"]
    return newest


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

    Nothing happens when the reply has ended already, or the conversation was deleted meanwhile.
    """
    with suppress(AlreadyEnded, Conversation.DoesNotExist), transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(reply.conversation_id)
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

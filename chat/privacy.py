"""A member's conversations: to take away, and their end."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import transaction
from django.template.loader import render_to_string

from accounts.models import User
from chat import settling
from chat.models import Alternative, Conversation, Message, Reply
from chat.rendering import to_html
from config.lib.database import tried_again
from config.lib.privacy import Document, Fate, delete

MESSAGES = 500  # in memory at once

TABLES = {
    "chat.Conversation": Fate("conversations"),
    "chat.Message": Fate("conversations"),
    "chat.Alternative": Fate("conversations"),
    "chat.Reply": Fate(why="How an answer was made, not what it says: that is the message."),
    "chat.Erasure": Fate(why="When the words of a deleted conversation go."),
}


def export(user: User) -> Iterator[Document]:
    """Each conversation twice: for a machine, and to be read in a browser, also without a line to anywhere."""
    theirs = Conversation.objects.filter(user=user, deleted_at=None).select_related("girl", "user")
    for conversation in theirs.order_by("created_at"):  # those with whom they blocked, too
        name = f"conversations/{conversation.girl.slug}"
        yield Document(f"{name}.html", _page(conversation))
        yield Document(f"{name}.json", _json(conversation))


def rest(user: User) -> None:
    """End what is being written for this person, and what waits to be: they asked to leave."""
    owed = Reply.objects.owed().filter(conversation__user=user)
    while replies := list(owed.all()):  # where more was said meanwhile, the next is owed then
        for reply in replies:
            settling.end(reply, Reply.State.STOPPED, written=settling.Written(reply.text.rstrip()))


def erase(user: User) -> Iterator[None]:
    """All that was said. Whoever still writes in one finds it gone."""
    for pk in list(Conversation.objects.filter(user=user).values_list("pk", flat=True)):
        for rows in (Alternative.objects, Message.objects, Reply.objects):
            yield from delete(rows.filter(conversation=pk))
        _end(pk)
        yield


@tried_again  # whoever begins a conversation anew at this moment holds it, and may wait for what this deletes
def _end(pk: UUID) -> None:
    with transaction.atomic(durable=True):
        if Conversation.objects.select_for_update().filter(pk=pk).exists():
            Conversation.objects.filter(pk=pk).delete()


def _batches(conversation: Conversation) -> Iterator[list[Message]]:
    """What was said, in order."""
    seq = 0
    there = conversation.messages.filter(deleted_at=None).order_by("seq")
    while batch := list(there.filter(seq__gt=seq)[:MESSAGES]):
        yield batch
        seq = batch[-1].seq


def _json(conversation: Conversation) -> Iterator[str]:
    free = {kind: getattr(conversation, f"free_{kind}") for kind in ("text", "media", "audio")}
    head = {
        "character": {"name": conversation.girl.name, "is_ai": True},
        "started_at": conversation.created_at.isoformat(),
        "free_remaining": free,
    }
    yield f"{json.dumps(head, ensure_ascii=False, indent=2)[:-2]},\n"
    yield '  "messages": ['
    comma = ""
    for batch in _batches(conversation):
        others = _alternatives(conversation, batch)
        for message in batch:
            said = {**_shape(message), **({"all_answers": others[message.seq]} if message.seq in others else {})}
            yield f"{comma}\n    {json.dumps(said, ensure_ascii=False)}"
            comma = ","
    yield "\n  ]\n}\n"


def _shape(message: Message) -> dict[str, Any]:
    who = {Message.Sender.USER: "you", Message.Sender.AI: "character"}.get(Message.Sender(message.sender), "site")
    return {
        "number": message.seq,
        "from": who,
        "is_ai": message.sender == Message.Sender.AI,
        "kind": message.kind,
        "text": message.text,
        "sent_at": message.created_at.isoformat(),
        "edited_at": message.edited_at and message.edited_at.isoformat(),
    }


def _alternatives(conversation: Conversation, batch: list[Message]) -> dict[int, list[str]]:
    """Of the messages that have more than one answer, all of them."""
    found: dict[int, list[str]] = {}
    seqs = [message.seq for message in batch if message.alternatives > 1]
    if seqs:
        answers = Alternative.objects.filter(conversation=conversation, seq__in=seqs).order_by("seq", "n")
        for seq, text in answers.values_list("seq", "text"):
            found.setdefault(seq, []).append(text)
    return found


def _page(conversation: Conversation) -> Iterator[str]:
    """One page that needs nothing else."""
    about = {"conversation": conversation, "girl": conversation.girl}
    yield render_to_string("chat/export/_head.html", about)
    for batch in _batches(conversation):
        for message in batch:
            message.html = to_html(message.text, by_member=message.sender == Message.Sender.USER)  # type: ignore[attr-defined]
        yield render_to_string("chat/export/_messages.html", {**about, "batch": batch})
    yield render_to_string("chat/export/_foot.html", about)

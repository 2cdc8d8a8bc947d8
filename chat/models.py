"""Conversations and the replies owed in them. No vendor, no socket."""

import uuid
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from chat.rendering import preview
from config.lib.prepared import Insert, Param, Select, Update
from girls.models import Girl


def default_free_text() -> int:
    """Free messages in a new conversation."""
    return settings.FREE_TEXT


def default_free_media() -> int:
    """Free photos in a new conversation."""
    return settings.FREE_MEDIA


def default_free_audio() -> int:
    """Free voice notes in a new conversation."""
    return settings.FREE_AUDIO


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """The only ways to find a conversation."""

    def visible_to(self, user: Any) -> "ConversationQuerySet":
        """This person's conversations. A foreign one is simply not there."""
        return self.filter(user_id=user.pk, deleted_at=None).select_related("girl", "user")

    def unread(self) -> "ConversationQuerySet":
        """Those in which she said something that was not read yet."""
        return self.filter(last_seq__gt=models.F("last_read_seq"))


class ConversationManager(models.Manager["Conversation"].from_queryset(ConversationQuerySet)):  # type: ignore[misc]
    """Finds conversations, and locks one."""

    def locked(self, pk: uuid.UUID, *, of: Any = None) -> "Conversation":
        """The row under its lock, whoever's it is or `of` this person: the first lock of every deed in it.

        With what headers show of its girl and its user; the rest of those two is read when asked for.
        Raises Conversation.DoesNotExist, also when it was deleted meanwhile. Call inside a transaction.
        """
        found = _LOCKED(pk=pk) if of is None else _LOCKED_OF(pk=pk, user=of.pk)
        if not found:
            raise Conversation.DoesNotExist
        return found[0]


class Conversation(models.Model):
    """One person and one character: what was said, what is free, and how far both have read."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Here and below an index that begins with the key makes one of its own superfluous, and would tempt the planner
    # to sort a whole conversation for its last page.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="conversations"
    )
    girl = models.ForeignKey(Girl, on_delete=models.PROTECT, related_name="conversations")
    free_text = models.PositiveIntegerField(default=default_free_text)
    free_media = models.PositiveIntegerField(default=default_free_media)
    free_audio = models.PositiveIntegerField(default=default_free_audio)
    last_message_at = models.DateTimeField(default=timezone.now)
    last_message_preview = models.CharField(max_length=200, blank=True)
    last_message_sender = models.CharField(max_length=4, blank=True)
    last_read_seq = models.PositiveBigIntegerField(default=0)
    last_seq = models.PositiveBigIntegerField(default=0)
    version = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="The words are gone; the row stays, so free messages do not come back."
    )

    objects = ConversationManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "girl"], name="one_conversation_with_each_girl"),
            models.CheckConstraint(condition=Q(free_text__gte=0), name="free_text_is_never_negative"),
            models.CheckConstraint(condition=Q(free_media__gte=0), name="free_media_is_never_negative"),
            models.CheckConstraint(condition=Q(free_audio__gte=0), name="free_audio_is_never_negative"),
        ]
        indexes = [models.Index(fields=["user", "-last_message_at", "id"], name="conversation_newest_first")]

    def __str__(self) -> str:
        return f"conversation {self.pk}"

    @property
    def unread(self) -> bool:
        """Whether she said something that was not read yet."""
        return self.last_seq > self.last_read_seq

    def write(self, sender: str, text: str, **fields: Any) -> "Message | None":
        """Append a message under the lock: next seq, next version, preview. `fields` are more of the message's.

        None when there is one with its client id: then nothing was changed.
        """
        message = Message(
            conversation=self, seq=self.last_seq + 1, version=self.version + 1, sender=sender, text=text, **fields
        )
        if not _SAY(message):
            return None
        self.last_seq, self.version = message.seq, message.version
        self.last_message_at = message.created_at
        self.last_message_preview = preview(text)
        self.last_message_sender = sender
        if sender == Message.Sender.USER:
            self.last_read_seq = self.last_seq  # who answers has read
        _SAID(pk=self.pk, **{field: getattr(self, field) for field in WITH_EACH_MESSAGE})
        return message

    def owe_reply(self, *, through: int) -> "Reply":
        """Owe an answer to what the member said up to a seq: a new reply, or the one that still waits.

        While she writes, it is that reply which is owed: when it ends, the next one answers what is newer.
        The caller holds the lock.
        """
        reply = Reply(conversation=self, answers_through=through)
        if _OWE(reply):  # she owes one at a time: the constraint decides
            return reply
        (owed,) = _OWED(conversation=self.pk)  # and so it stays: only who holds the lock owes or ends one
        # Workers claim and hand on without the lock: the row count says whether it still waits.
        if Reply.objects.filter(pk=owed.pk, state=Reply.State.QUEUED).update(answers_through=through):
            owed.state, owed.answers_through = Reply.State.QUEUED, through
        elif owed.state == Reply.State.QUEUED:
            owed.refresh_from_db()
        return owed

    def bump(self) -> int:
        """Take the next version for a change that is not a new message. The caller holds the lock."""
        self.version += 1
        self.save(update_fields=["version"])
        return self.version


class Message(models.Model):
    """Something that was said. Ordered by seq; `version` says when it last changed."""

    class Sender(models.TextChoices):
        USER = "user", "Member"
        AI = "ai", "Character"

    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        IMAGE = "image", "Photo"
        VIDEO = "video", "Video"
        AUDIO = "audio", "Voice note"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, db_index=False, related_name="messages")
    seq = models.PositiveBigIntegerField()
    version = models.PositiveBigIntegerField()
    sender = models.CharField(max_length=4, choices=Sender.choices)
    kind = models.CharField(max_length=5, choices=Kind.choices, default=Kind.TEXT)
    text = models.TextField()
    client_id = models.UUIDField(null=True, blank=True)
    charged = models.BooleanField(default=False, help_text="Whether it used up a free message.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="one_message_for_each_seq"),
            models.UniqueConstraint(fields=["conversation", "client_id"], name="one_message_for_each_client_id"),
        ]
        indexes = [models.Index(fields=["conversation", "version"], name="message_changed_since")]

    def __str__(self) -> str:
        return f"message {self.seq} of {self.conversation_id}"  # never its text: this ends up in logs


class ReplyQuerySet(models.QuerySet["Reply"]):
    """Replies by what is to be done about them."""

    def owed(self) -> "ReplyQuerySet":
        """Replies that somebody still has to write: few, and in an index of their own."""
        return self.filter(state__in=Reply.OWED)


class ReplyManager(models.Manager["Reply"].from_queryset(ReplyQuerySet)):  # type: ignore[misc]
    """Claiming and settling: a conditional UPDATE whose row count decides who got it."""

    def claim(self, pk: uuid.UUID, *, token: uuid.UUID) -> bool:
        """Take this reply to write it, if it waits or its worker is gone. The token fences off any earlier worker.

        The lease runs on the database's clock.
        """
        return bool(_CLAIM(pk=pk, token=token))

    def keep(self, pk: uuid.UUID, *, token: uuid.UUID, text: str) -> bool:
        """Save the text so far and renew the lease; False when it is no longer this worker's, or is to be stopped."""
        return bool(_KEEP(pk=pk, token=token, text=text))

    def release(self, pk: uuid.UUID, *, token: uuid.UUID) -> bool:
        """Hand a reply on, unwritten: the next worker starts it afresh."""
        mine = self.filter(pk=pk, state=Reply.State.WRITING, lease_token=token)
        return bool(mine.update(state=Reply.State.QUEUED, lease_token=None, lease_until=None))

    def settle(self, pk: uuid.UUID, state: "Reply.State", *, token: uuid.UUID | None = None, **fields: object) -> bool:
        """End an owed reply, once: True for the one caller that did. With a token, only its holder may."""
        if token is None:
            return bool(_settle_any(tuple(fields))(pk=pk, state=state, **fields))
        return bool(_settle_mine(tuple(fields))(pk=pk, token=token, state=state, **fields))


def lease_end() -> Any:
    """The end of a lease that starts now, on the database's clock."""
    return Now() + timedelta(seconds=settings.REPLY_LEASE_SECONDS)


class Reply(models.Model):
    """A reply owed: the obligation to answer, as a row. Celery only rings for it."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        WRITING = "writing", "Writing"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        STOPPED = "stopped", "Stopped"

    OWED = (State.QUEUED, State.WRITING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Its own index stays: taking it away, Django would take the constraint below along, which is an index on the same.
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="replies")
    answers_through = models.PositiveBigIntegerField(help_text="The last seq of the member's that it answers.")
    state = models.CharField(max_length=7, choices=State.choices, default=State.QUEUED)
    lease_token = models.UUIDField(null=True, blank=True, help_text="Fences off a worker that lost the reply.")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    stop_at = models.PositiveIntegerField(
        null=True, blank=True, help_text="The member pressed Stop having seen so much (UTF-16 units)."
    )
    text = models.TextField(blank=True, help_text="Written so far; saved each second.")
    message = models.OneToOneField(Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="reply")
    provider = models.CharField(max_length=32, blank=True)
    model = models.CharField(max_length=120, blank=True)
    tokens_in = models.PositiveIntegerField(null=True, blank=True)
    tokens_out = models.PositiveIntegerField(null=True, blank=True)
    first_token_ms = models.PositiveIntegerField(null=True, blank=True, help_text="From claim to first visible text.")
    total_ms = models.PositiveIntegerField(null=True, blank=True, help_text="From claim to the end.")
    error = models.CharField(max_length=300, blank=True, help_text="Why it failed; never a prompt, text or key.")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ReplyManager()

    class Meta:
        verbose_name_plural = "replies"
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(state__in=["queued", "writing"]),
                name="she_owes_one_reply_at_a_time",
            )
        ]
        indexes = [
            models.Index(fields=["conversation", "-created_at"], name="reply_latest"),
            models.Index(fields=["created_at"], condition=Q(state__in=["queued", "writing"]), name="reply_owed"),
            models.Index(fields=["finished_at"], name="reply_finished"),
        ]

    def __str__(self) -> str:
        return f"reply {self.pk}, {self.state}"

    @property
    def is_owed(self) -> bool:
        """Whether somebody still has to write it."""
        return self.state in self.OWED

    @property
    def due_at(self) -> datetime:
        """When it must be done or visibly failed."""
        return self.created_at + timedelta(seconds=settings.REPLY_BUDGET_SECONDS)


# --- What every message needs, built once -----------------------------------------------------------------

HEADER = (
    *(field.attname for field in Conversation._meta.concrete_fields),
    *(f"girl__{field}" for field in ("name", "slug", "avatar", "avatar_square", "demo_art")),
    *("user__is_active", "user__premium_until"),
)
WITH_EACH_MESSAGE = (
    *("last_seq", "last_read_seq", "version"),
    *("last_message_at", "last_message_preview", "last_message_sender"),
)


def _header() -> models.QuerySet[Conversation]:
    rows = Conversation.objects.select_related("girl", "user").only(*HEADER).select_for_update(of=("self",))
    return rows.filter(pk=Param("pk"), deleted_at=None)


def _to_claim() -> models.QuerySet[Reply]:
    due = Q(state=Reply.State.QUEUED) | Q(state=Reply.State.WRITING, lease_until__lt=Now())
    return Reply.objects.filter(due, pk=Param("pk"), attempts__lt=settings.REPLY_MAX_ATTEMPTS)


def _mine() -> models.QuerySet[Reply]:
    return Reply.objects.filter(pk=Param("pk"), state=Reply.State.WRITING, lease_token=Param("token"))


@cache
def _settle_any(fields: tuple[str, ...]) -> Update:
    return Update(lambda: Reply.objects.owed().filter(pk=Param("pk")), **_ended(fields))


@cache
def _settle_mine(fields: tuple[str, ...]) -> Update:
    return Update(_mine, **_ended(fields))


def _ended(fields: tuple[str, ...]) -> dict[str, Any]:
    given = {field: Param(field) for field in ("state", *fields)}
    return {**given, "lease_token": None, "lease_until": None, "finished_at": Now()}


_LOCKED = Select(_header)
_LOCKED_OF = Select(lambda: _header().filter(user=Param("user")))
_SAY = Insert(lambda: Message)
_OWE = Insert(lambda: Reply)
_SAID = Update(
    lambda: Conversation.objects.filter(pk=Param("pk")), **{field: Param(field) for field in WITH_EACH_MESSAGE}
)
_OWED = Select(lambda: Reply.objects.owed().filter(conversation=Param("conversation")))
_CLAIM = Update(
    _to_claim,
    state=Reply.State.WRITING,
    lease_token=Param("token"),
    lease_until=lease_end(),
    attempts=models.F("attempts") + 1,
    text="",
)
_KEEP = Update(lambda: _mine().filter(stop_at=None), text=Param("text"), lease_until=lease_end())

"""Conversations and the replies owed in them. No vendor, no socket."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import cached_property

from chat.rendering import preview
from config.lib.bells import ring
from config.lib.indexes import BlockRangeIndex
from config.lib.owed import Owed, OwedQuerySet
from config.lib.prepared import Change, insert, select, update
from girls.models import Girl
from safety.classifying import DISTRESS

NEAR = timedelta(minutes=30)  # so long after a crisis card was put up, or was due again, nothing is sold or refused


def default_free_text() -> int:
    """Free messages in a new conversation."""
    return settings.FREE_TEXT


def default_free_media() -> int:
    """Free photos in a new conversation."""
    return settings.FREE_MEDIA


def default_free_audio() -> int:
    """Free voice notes in a new conversation."""
    return settings.FREE_AUDIO


class AlreadyWritten(Exception):
    """There is a message with this client id."""


class AlreadyEnded(Exception):
    """The reply has ended, or is another worker's."""


class Charge(models.TextChoices):
    """What free units are of."""

    TEXT = "text", "A message"
    MEDIA = "media", "A photo"
    AUDIO = "audio", "A voice note"


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """The only ways to find a conversation."""

    def visible_to(self, user: Any) -> "ConversationQuerySet":
        """This person's conversations. A foreign one is simply not there."""
        return self.of(user.pk).select_related("girl", "user")

    def of(self, user_id: int) -> "ConversationQuerySet":
        """The same, for who needs the rows alone."""
        return self.filter(user=user_id, deleted_at=None, blocked_at=None)

    def unread(self) -> "ConversationQuerySet":
        """Those in which she said something that was not read yet."""
        return self.filter(last_seq__gt=models.F("last_read_seq"))


class ConversationManager(models.Manager["Conversation"].from_queryset(ConversationQuerySet)):  # type: ignore[misc]
    """Finds conversations, and locks one."""

    def locked(self, pk: uuid.UUID, *, of: Any = None, deleted: bool = False) -> "Conversation":
        """The row under its lock, whoever's it is or `of` this person: the first lock of every deed in it.

        With what headers show of its girl and its user; the rest of those two is read when asked for. Raises
        Conversation.DoesNotExist, also when it was deleted, unless `deleted` ones are wanted too, and to its person
        when they blocked her. Call inside a transaction.
        """
        found: Any = _locked.first(pk) if of is None else _locked_of.first(pk, of.pk)
        if found is None or (found.deleted_at and not deleted) or (found.blocked_at and of is not None):
            raise Conversation.DoesNotExist
        return found


class Conversation(models.Model):
    """One person and one character: what was said, what is free, and how far both have read."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Here and below an index that begins with the key makes one of its own superfluous, and would tempt the planner
    # to sort a whole conversation for its last page.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="conversations", verbose_name="member"
    )
    girl = models.ForeignKey(Girl, models.PROTECT, related_name="conversations", verbose_name="character")
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
        null=True, blank=True, help_text="Nobody sees it any more; the row stays, so free messages do not come back."
    )
    cleared_version = models.PositiveBigIntegerField(
        default=0, db_default=0, help_text="Whoever knows an older version than this starts afresh: rows are gone."
    )
    blocked_at = models.DateTimeField(
        null=True, blank=True, help_text="Its member blocked the character: it is not there until they take that back."
    )
    held_at = models.DateTimeField(
        null=True, blank=True, help_text="A crisis card stands there: she says nothing until the member goes on."
    )
    care_level = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How grave it was what the member said last of such things."
    )
    care_at = models.DateTimeField(null=True, blank=True, help_text="When that was.")

    objects = ConversationManager()

    class Meta:
        permissions = [
            ("read_conversation", "Can read what was said, with a reason that is written down"),
            ("reset_quotas", "Can reset free quotas"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user", "girl"], name="one_conversation_with_each_girl"),
            models.CheckConstraint(condition=Q(free_text__gte=0), name="free_text_is_never_negative"),
            models.CheckConstraint(condition=Q(free_media__gte=0), name="free_media_is_never_negative"),
            models.CheckConstraint(condition=Q(free_audio__gte=0), name="free_audio_is_never_negative"),
        ]
        indexes = [
            models.Index(fields=["user", "-last_message_at", "id"], name="conversation_newest_first"),
            models.Index(fields=["-last_message_at", "-id"], name="conversation_latest"),  # for the team's list
        ]

    def __str__(self) -> str:
        return f"conversation {self.pk}"

    @cached_property
    def now(self) -> datetime:
        """The time at the database, which dates all that is written down here: no clock of a process does.

        It came along with the lock; whoever has none asks for it.
        """
        moment: datetime = Conversation.objects.values_list(Now(), flat=True).get(pk=self.pk)
        return moment

    @property
    def care(self) -> str:
        """`held` while a crisis card stands in place of her reply, `near` for a while after one, else nothing."""
        if self.held_at is not None:
            return "held"
        if self.care_at is None or self.care_level < DISTRESS:
            return ""
        return "near" if timezone.now() - self.care_at < NEAR else ""

    @property
    def unread(self) -> bool:
        """Whether she said something that was not read yet."""
        return self.last_seq > self.last_read_seq

    def write(self, sender: str, text: str, *, charged_as: str = "", **fields: Any) -> "Message":
        """Append a message under the lock: next seq, next version, preview; a free unit of `charged_as` goes with it.

        `fields` are more of the message's. Raises AlreadyWritten when there is one with its client id.
        """
        fields |= {"sender": sender, "text": text, "charged_as": charged_as, "created_at": self.now}
        message = Message(conversation=self, seq=self.last_seq + 1, version=self.version + 1, **fields)
        self.last_seq, self.version = message.seq, message.version
        self.last_message_at = message.created_at
        self.last_message_preview = preview(text, by_member=sender == Message.Sender.USER)
        self.last_message_sender = sender
        if sender == Message.Sender.USER:
            self.last_read_seq = self.last_seq  # who answers has read
        if charged_as:
            free = f"free_{charged_as}"
            setattr(self, free, getattr(self, free) - 1)
        _add_message.must(AlreadyWritten(), message)
        header = (self.last_seq, self.last_read_seq, self.version, self.last_message_at)
        shown = (self.last_message_preview, self.last_message_sender)
        _header_after.must(Conversation.DoesNotExist(), self.pk, *header, *shown, charged_as=charged_as)
        return message

    def note(self, notice: "Message.Notice", text: str, *, country: str = "") -> "Message":
        """Append a line of the site itself under the lock: the thread list shows what was said before it.

        Who had read all that was said has read it as well, or sees it now.
        """
        fields = {"sender": Message.Sender.SITE, "kind": Message.Kind.NOTICE, "notice": notice, "country": country}
        message = Message(
            conversation=self, seq=self.last_seq + 1, version=self.version + 1, text=text, created_at=self.now, **fields
        )
        if not self.unread:
            self.last_read_seq = message.seq
        self.last_seq, self.version = message.seq, message.version
        _add_message.must(AlreadyWritten(), message)
        header = (self.last_seq, self.last_read_seq, self.version)
        _header_noted.must(Conversation.DoesNotExist(), self.pk, *header)
        return message

    def owe_reply(self, *, through: int, **fields: Any) -> "Reply":
        """Owe an answer to what the member said up to a seq, and ring for it; unless one is owed: see `owed_reply`.

        `fields` are more of the reply's. The caller holds the lock.
        """
        fields = {"created_at": self.now, **fields}
        reply = Reply(conversation=self, answers_through=through, version=self.version, **fields)
        _add_reply.may(reply)  # she owes one at a time: the constraint decides
        ring(Reply.TASK, reply.pk)
        return reply

    def owed_reply(self, reply: "Reply") -> "Reply":
        """The reply that is owed now: this one, or the one that was owed already.

        If that still waits, it answers what this one was to answer as well. While she writes, it is that reply which is
        owed: when it ends, the next one answers what is newer.
        """
        if not reply._state.adding:
            return reply
        owed: Any = _owed.first(self.pk)  # and so it stays: only who holds the lock owes or ends one
        # Workers claim and hand on without the lock: the row count says whether it still waits.
        waits = Reply.objects.filter(pk=owed.pk, state=Reply.State.QUEUED)
        if waits.update(answers_through=reply.answers_through):
            owed.state, owed.answers_through = Reply.State.QUEUED, reply.answers_through
        elif owed.state == Reply.State.QUEUED:
            owed.refresh_from_db()
        return owed

    def bump(self) -> int:
        """Take the next version for a change that is not a new message. The caller holds the lock."""
        self.version += 1
        self.save(update_fields=["version"])
        return self.version

    def erase(self, message: "Message") -> None:
        """Delete one message: its words go, its place stays, so that every tab learns of it. The caller holds the lock.

        What the thread list shows of it goes too.
        """
        message.version = self.bump()
        message.deleted_at, message.text, message.alternatives, message.chosen = self.now, "", 1, 1
        message.save(update_fields=["version", "deleted_at", "text", "alternatives", "chosen"])
        Alternative.objects.filter(conversation=self, seq=message.seq).delete()
        said = self.messages.filter(deleted_at=None).exclude(sender=Message.Sender.SITE)
        left = said.order_by("-seq").first()
        self.last_message_preview = preview(left.text, by_member=left.sender == Message.Sender.USER) if left else ""
        self.last_message_sender = left.sender if left else ""
        hers = self.messages.filter(deleted_at=None, seq__gt=self.last_read_seq).exclude(sender=Message.Sender.USER)
        if not hers.exists():
            self.last_read_seq = self.last_seq
        self.save(update_fields=["last_message_preview", "last_message_sender", "last_read_seq"])

    def replace(self, seq: int, text: str, *, reply: "Reply") -> "Message | None":
        """Put another answer in the place of one of hers; the earlier ones are kept. The caller holds the lock.

        None when the message was deleted meanwhile.
        """
        message = self.messages.filter(seq=seq, deleted_at=None).first()
        if message is None:
            return None
        answers = Alternative.objects.filter(conversation=self, seq=seq)
        if message.alternatives == 1:
            answers.create(conversation=self, seq=seq, n=1, text=message.text)
        message.alternatives = message.chosen = message.alternatives + 1
        answers.create(conversation=self, seq=seq, n=message.chosen, text=text)
        message.text, message.reply, message.version = text, reply, self.bump()
        message.save(update_fields=["text", "reply", "version", "alternatives", "chosen"])
        if seq == self.last_seq:
            self.last_message_preview = preview(text)
            self.save(update_fields=["last_message_preview"])
        return message


class Erasure(Owed):
    """The words of a deleted conversation are to be erased, when the time to bring it back is over."""

    TASK: ClassVar[str] = "chat.tasks.erase"

    conversation = models.OneToOneField(Conversation, on_delete=models.CASCADE, primary_key=True, related_name="+")

    objects = OwedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="erasure_due")]

    def __str__(self) -> str:
        return f"erasure of {self.conversation_id}"


class Message(models.Model):
    """Something that was said. Ordered by seq; `version` says when it last changed.

    New tables point at (conversation, seq), never at its id, and every read of messages stays inside one conversation.
    """

    class Sender(models.TextChoices):
        USER = "user", "Member"
        AI = "ai", "Character"
        SITE = "site", "The site itself"

    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        IMAGE = "image", "Photo"
        VIDEO = "video", "Video"
        AUDIO = "audio", "Voice note"
        NOTICE = "notice", "Notice"

    class Notice(models.TextChoices):
        """Which line of the site it is."""

        AI = "ai", "An AI, not a person"
        HELP = "help", "People who help, above her reply"
        HELD = "held", "People who help, in place of her reply"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, db_index=False, related_name="messages")
    seq = models.PositiveBigIntegerField()
    version = models.PositiveBigIntegerField()
    sender = models.CharField(max_length=4, choices=Sender.choices)
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.TEXT)
    notice = models.CharField(max_length=4, choices=Notice.choices, blank=True, default="", db_default="")
    country = models.CharField(
        max_length=2, blank=True, default="", db_default="", help_text="Of a crisis card: whose helplines it shows."
    )
    text = models.TextField()
    reply = models.ForeignKey(
        "Reply",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="messages",
        help_text="The reply that made what stands here now.",
    )
    client_id = models.UUIDField(null=True, blank=True)
    charged_as = models.CharField(
        max_length=5, choices=Charge.choices, blank=True, default="", db_default="", help_text="What it used up."
    )
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="The words are gone, the place stays.")
    alternatives = models.PositiveSmallIntegerField(default=1, db_default=1, help_text="How many answers there are.")
    chosen = models.PositiveSmallIntegerField(default=1, db_default=1, help_text="Which of them stands here.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="one_message_for_each_seq"),
            models.UniqueConstraint(fields=["conversation", "client_id"], name="one_message_for_each_client_id"),
        ]
        indexes = [
            models.Index(fields=["conversation", "version"], name="message_changed_since"),
            BlockRangeIndex(fields=["created_at"], name="message_by_time"),  # for the team's figures of a day
            models.Index(fields=["reply"], condition=Q(reply__isnull=False), name="message_of_a_reply"),
        ]

    def __str__(self) -> str:
        return f"message {self.seq} of {self.conversation_id}"  # never its text: this ends up in logs


class Alternative(models.Model):
    """One of several answers in the same place. The message itself holds the chosen one."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, db_index=False, related_name="+")
    seq = models.PositiveBigIntegerField()
    n = models.PositiveSmallIntegerField()
    text = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "seq", "n"], name="one_alternative_for_each_n")]

    def __str__(self) -> str:
        return f"answer {self.n} at {self.seq} of {self.conversation_id}"


class ReplyQuerySet(OwedQuerySet):
    """Replies by what is to be done about them."""

    def owed(self) -> "ReplyQuerySet":
        """Replies that somebody still has to write: few, and in an index of their own.

        By their state: a process from before `due_at` ends replies without it.
        """
        return self.filter(state__in=Reply.OWED)

    def over(self, budget: int) -> "ReplyQuerySet":
        """Replies owed for longer than so many seconds and a few: to be failed by whoever looks."""
        return self.owed().filter(created_at__lt=Now() - timedelta(seconds=budget + 5))

    def newest_in(self, conversation: uuid.UUID) -> "ReplyQuerySet":
        """The reply that a conversation shows, the last one owed, with the ids of the messages it is about."""
        said = Message.objects.filter(conversation=conversation)
        return (
            self.filter(conversation=conversation)
            .annotate(
                message_id=models.Subquery(said.filter(reply=models.OuterRef("pk")).values("id")[:1]),
                replaces_id=models.Subquery(said.filter(seq=models.OuterRef("replaces")).values("id")[:1]),
            )
            .order_by("-version", "-created_at")[:1]
        )


class ReplyManager(models.Manager["Reply"].from_queryset(ReplyQuerySet)):  # type: ignore[misc]
    """Claiming and settling, with statements built once."""

    def claim(self, pk: uuid.UUID, *, token: uuid.UUID) -> bool:
        """Take this reply to write it, if it waits or its worker is gone. The token fences off any earlier worker."""
        return bool(_claim(pk, token, lease=Reply.lease()))

    def release(self, pk: uuid.UUID, *, token: uuid.UUID) -> None:
        """Hand a reply on, unwritten, and ring for it: the next worker starts it afresh."""
        if self.postpone(pk, token=token, by=timedelta(0), state=Reply.State.QUEUED):
            ring(Reply.TASK, pk)

    def end(self, pk: uuid.UUID, state: "Reply.State", *, token: uuid.UUID | None, **fields: Any) -> None:
        """End an owed reply, once. With a token, only its holder may. Raises AlreadyEnded for whoever may not."""
        names = tuple(fields)
        if token is None:
            _end_any.must(AlreadyEnded(), pk, state, *fields.values(), fields=names)
        else:
            _end_mine.must(AlreadyEnded(), pk, state, *fields.values(), token, fields=names)


class Reply(Owed):
    """A reply owed: the obligation to answer, as a row. Celery only rings for it."""

    TASK: ClassVar[str] = "chat.tasks.write_reply"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        WRITING = "writing", "Writing"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        STOPPED = "stopped", "Stopped"

    class Purpose(models.TextChoices):
        ANSWER = "answer", "An answer"
        REGENERATE = "regenerate", "Another answer"

    OWED = (State.QUEUED, State.WRITING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Its own index stays: taking it away, Django would take the constraint below along, which is an index on the same.
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="replies")
    version = models.PositiveBigIntegerField(
        default=0, db_default=0, help_text="The conversation's when it was owed: the latest reply has the highest."
    )
    purpose = models.CharField(
        max_length=10, choices=Purpose.choices, default=Purpose.ANSWER, db_default=Purpose.ANSWER.value
    )
    replaces = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="The seq of the message it is another answer for."
    )
    answers_through = models.PositiveBigIntegerField(help_text="The last seq of the member's that it answers.")
    charged_as = models.CharField(
        max_length=5, choices=Charge.choices, blank=True, default="", db_default="", help_text="What it used up itself."
    )
    state = models.CharField(max_length=7, choices=State.choices, default=State.QUEUED)
    stop_at = models.PositiveIntegerField(
        null=True, blank=True, help_text="The member pressed Stop having seen so much (UTF-16 units)."
    )
    text = models.TextField(blank=True, help_text="Written so far; saved every few seconds.")
    provider = models.CharField(max_length=32, blank=True)
    model = models.CharField(max_length=120, blank=True)
    tokens_in = models.PositiveIntegerField(null=True, blank=True)
    tokens_cached = models.PositiveIntegerField(
        null=True, blank=True, help_text="Of those in: what the host had read before."
    )
    tokens_out = models.PositiveIntegerField(null=True, blank=True)
    first_token_ms = models.PositiveIntegerField(null=True, blank=True, help_text="From claim to first visible text.")
    total_ms = models.PositiveIntegerField(null=True, blank=True, help_text="From claim to the end.")
    error = models.CharField(max_length=300, blank=True, help_text="Why it failed; never a prompt, text or key.")
    # Since when somebody waits for it, by the clock that decides when it is overdue: when it was owed, or before that,
    # when the oldest message was sent that had to wait for the reply before.
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ReplyManager()

    # The ids of messages, which rows know by seq or not at all; see `with_messages`.
    message_id: uuid.UUID | None = None  # of the message that it became
    replaces_id: uuid.UUID | None = None  # of the message that it is another answer for

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
            models.Index(fields=["conversation", "-version", "-created_at"], name="reply_latest_first"),
            models.Index(fields=["created_at"], condition=Q(state__in=["queued", "writing"]), name="reply_owed"),
            models.Index(fields=["finished_at"], name="reply_finished"),
        ]

    def __str__(self) -> str:
        return f"reply {self.pk}, {self.state}"

    @classmethod
    def lease(cls) -> timedelta:
        """How long a worker may be silent before it has lost the reply."""
        return timedelta(seconds=settings.REPLY_LEASE_SECONDS)

    @property
    def is_owed(self) -> bool:
        """Whether somebody still has to write it."""
        return self.state in self.OWED


class QuotaReset(Owed):
    """A reset of free messages that concerns many: what is to be reset, and how far it has come.

    Conversations are taken in the order of their keys; how far that is, is written down with what was changed.
    """

    TASK: ClassVar[str] = "chat.tasks.reset_quotas"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    period = models.CharField(
        max_length=20, blank=True, help_text="The day or month whose reset it is, if the calendar asked."
    )
    kinds = models.CharField(max_length=20, help_text="Of text, media and audio.")
    to = models.PositiveIntegerField(null=True, help_text="Empty: up to what a new conversation has.")
    only_exhausted = models.BooleanField(default=False)
    girl = models.PositiveBigIntegerField(null=True, help_text="The key of a character: only conversations with her.")
    idle_since = models.DateTimeField(null=True, help_text="Only conversations without a message since then.")
    began_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Newer conversations are left alone.")
    through = models.UUIDField(null=True, help_text="Conversations up to this one are done.")
    changed = models.PositiveIntegerField(default=0, help_text="So many of them had to change.")
    finished_at = models.DateTimeField(null=True, help_text="Empty and nothing owed: it was interrupted.")

    objects = OwedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["period"], condition=~Q(period=""), name="one_quota_reset_for_each_period")
        ]
        indexes = [models.Index(fields=["due_at"], name="quota_reset_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"quota reset {self.period or self.pk}"


# --- What every message needs, built once -----------------------------------------------------------------

HEADER = (
    *(field.attname for field in Conversation._meta.concrete_fields),
    *(f"girl__{field}" for field in ("name", "slug", "avatar", "avatar_square", "demo_art", "retired_at")),
    *("user__is_active", "user__restricted", "user__premium_until", "user__country"),
    *("user__told_at", "user__in_use_since", "user__used_at"),
)


@select
def _locked(pk: uuid.UUID) -> models.QuerySet[Conversation]:
    rows = Conversation.objects.select_related("girl", "user").only(*HEADER).select_for_update(of=("self",))
    return rows.filter(pk=pk).annotate(now=Now())


@select
def _locked_of(pk: uuid.UUID, user: int) -> models.QuerySet[Conversation]:
    rows = Conversation.objects.select_related("girl", "user").only(*HEADER).select_for_update(of=("self",))
    return rows.filter(pk=pk, user=user).annotate(now=Now())


@update
def _header_after(
    pk: uuid.UUID,
    last_seq: int,
    last_read_seq: int,
    version: int,
    last_message_at: datetime,
    preview: str,
    sender: str,
    *,
    charged_as: str,
) -> Change:
    changes = {
        "last_seq": last_seq,
        "last_read_seq": last_read_seq,
        "version": version,
        "last_message_at": last_message_at,
        "last_message_preview": preview,
        "last_message_sender": sender,
    }
    if charged_as:  # whoever lets it go below zero is stopped by a constraint
        changes[f"free_{charged_as}"] = models.F(f"free_{charged_as}") - 1
    return Conversation.objects.filter(pk=pk), changes


@update
def _header_noted(pk: uuid.UUID, last_seq: int, last_read_seq: int, version: int) -> Change:
    changes = {"last_seq": last_seq, "last_read_seq": last_read_seq, "version": version}
    return Conversation.objects.filter(pk=pk), changes


_add_message = insert(lambda: Message)
_add_reply = insert(lambda: Reply)


@select
def _owed(conversation: uuid.UUID) -> models.QuerySet[Reply]:
    return Reply.objects.owed().filter(conversation=conversation)


@update
def _claim(pk: uuid.UUID, token: uuid.UUID, *, lease: timedelta) -> Change:
    return Reply.objects.due().filter(pk=pk), {
        "state": Reply.State.WRITING,
        "lease_token": token,
        "due_at": Now() + lease,
        "attempts": models.F("attempts") + 1,
        "text": "",
    }


@update
def _end_any(pk: uuid.UUID, state: str, *values: Any, fields: tuple[str, ...]) -> Change:
    return Reply.objects.owed().filter(pk=pk), _ended(state, values, fields)


@update
def _end_mine(pk: uuid.UUID, state: str, *values: Any, fields: tuple[str, ...]) -> Change:
    return Reply.objects.owed().filter(pk=pk, lease_token=values[-1]), _ended(state, values[:-1], fields)


def _ended(state: str, values: Any, fields: tuple[str, ...]) -> dict[str, Any]:
    given = dict(zip(fields, values, strict=True))
    return {"state": state, "lease_token": None, "due_at": None, "finished_at": Now(), **given}

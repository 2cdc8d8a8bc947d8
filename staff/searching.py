"""The search across people, characters and money: whole keys and beginnings, each by an index, and only what is theirs.

It finds by what support is told: an e-mail address or its beginning, a username, a number or UUID, an order as on a
receipt, an id of the processor, the beginning of a character's name. Who may not view a table learns nothing of it.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse

from accounts import spelling
from accounts.models import User
from chat.models import Conversation, Reply
from config.lib.text import fold
from girls.models import Girl
from payments.models import Purchase, StripeEvent

MOST = 8  # of each kind
LONGEST = 255  # of what can be looked for
SHORTEST_BEGINNING = 2
_ORDER = re.compile(r"(?:DSK-)?([0-9A-F]{6})", re.I)
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.I)


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found: where it leads, and two lines about it."""

    name: str
    about: str
    url: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one kind."""

    kind: str
    icon: str
    hits: list[Hit] = field(default_factory=list)


def search(asker: User, q: str) -> list[Found]:
    """What this member of staff may view and what fits; kinds of which nothing does are left out."""
    q = q.strip()[:LONGEST]
    if not q or "\0" in q:
        return []
    found = (
        Found(kind, icon, hits)
        for kind, icon, table, find in KINDS
        if _may_view(asker, table) and (hits := list(find(q)))
    )
    return list(found)


def kinds(asker: User) -> list[str]:
    """What this member of staff can find at all."""
    return [kind for kind, _, table, _ in KINDS if _may_view(asker, table)]


def _may_view(asker: User, table: str) -> bool:
    app, model = table.split(".")
    return any(asker.has_perm(f"{app}.{what}_{model}") for what in ("view", "change"))


def _people(q: str) -> Iterable[Hit]:
    q = spelling.address(q)
    fits = Q(lower=spelling.username(q).lower())
    if len(q) >= SHORTEST_BEGINNING:
        fits |= Q(email__startswith=q)
    if q.isascii() and q.isdigit() and len(q) < 19:
        fits |= Q(pk=int(q))
    for user in User.objects.alias(lower=Lower("username")).filter(fits).order_by("pk")[:MOST]:
        yield Hit(user.username, user.email, reverse("admin:person", args=[user.pk]))


def _characters(q: str) -> Iterable[Hit]:
    """By the beginning of her name, accents or not. There are some hundreds at most, so no index is needed."""
    fits = Q(search_text__startswith=fold(q)) | Q(slug__startswith=q.lower())
    found = Girl.objects.filter(fits).only("name", "slug", "tagline", "is_active", "position", "created_at")
    for girl in found.order_by("name", "pk")[:MOST]:
        yield Hit(girl.name, girl.tagline, reverse("admin:girls_girl_change", args=[girl.pk]))


def _purchases(q: str) -> Iterable[Hit]:
    """By its key, its order number, or the processor's ids; and those of whoever has exactly this e-mail address."""
    if "@" in q:
        fits = Q(user__email=spelling.address(q))
    elif key := _uuid(q):
        fits = Q(pk=key)
    elif order := _ORDER.fullmatch(q):  # the first digits of the key: a stretch of its index
        digits = order[1].lower()
        fits = Q(pk__gte=UUID(digits + "0" * 26), pk__lte=UUID(digits + "f" * 26))
    elif "_" in q:
        fits = Q(session_id=q) | Q(payment_intent_id=q)
    else:
        return
    for purchase in Purchase.objects.filter(fits).select_related("user").order_by("-created_at")[:MOST]:
        who = purchase.user.username if purchase.user else "somebody who was erased"
        about = f"{purchase.price}, {purchase.status_label}, {who}"
        yield Hit(purchase.order, about, reverse("admin:payments_purchase_change", args=[purchase.pk]))


def _events(q: str) -> Iterable[Hit]:
    if q.startswith("evt_"):
        for event in StripeEvent.objects.filter(pk=q):
            yield Hit(event.pk, event.type, reverse("admin:payments_stripeevent_change", args=[event.pk]))


def _conversations(q: str) -> Iterable[Hit]:
    if key := _uuid(q):
        for talk in Conversation.objects.filter(pk=key).select_related("user", "girl"):
            about = f"{talk.user.username} and {talk.girl.name}"
            yield Hit(str(talk.pk), about, reverse("admin:chat_conversation_change", args=[talk.pk]))


def _replies(q: str) -> Iterable[Hit]:
    if key := _uuid(q):
        for reply in Reply.objects.filter(pk=key).only("state", "created_at"):
            yield Hit(str(reply.pk), reply.get_state_display(), reverse("admin:chat_reply_change", args=[reply.pk]))


def _uuid(q: str) -> UUID | None:
    return UUID(q) if _UUID.fullmatch(q) else None


KINDS: tuple[tuple[str, str, str, Callable[[str], Iterable[Hit]]], ...] = (
    ("People", "user", "accounts.user", _people),
    ("Characters", "users", "girls.girl", _characters),
    ("Payments", "receipt", "payments.purchase", _purchases),
    ("Events", "bell", "payments.stripeevent", _events),
    ("Conversations", "message-circle", "chat.conversation", _conversations),
    ("Replies", "bot", "chat.reply", _replies),
)

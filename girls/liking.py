"""Liking: one person and one item, once. A form says how it should be, so pressing twice is pressing once."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from girls.models import Like, Media, MediaQuerySet


def likeable_by(user: Any) -> MediaQuerySet:
    """What this person may like: what they see whole, where likes are welcome."""
    return Media.objects.visible_to(user).filter(can_be_liked=True)


@transaction.atomic
def set_liked(user: Any, pk: int, liked: bool) -> Media:
    """Like an item, or take that back. Answers it with its number of likes. Raises Media.DoesNotExist."""
    media = likeable_by(user).select_for_update(of=("self",), no_key=True).get(pk=pk)
    if liked:
        Like.objects.get_or_create(user=user, media=media)
    else:
        Like.objects.filter(user=user, media=media).delete()
    recount([pk])
    media.refresh_from_db(fields=["like_count"])
    return media


def lock(pks: Iterable[int]) -> None:
    """Hold these items: whoever changes their likes counts them in the end."""
    list(Media.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk").values_list("pk"))


def recount(pks: Iterable[int]) -> None:
    """Count the likes of items whose lock is held. Counted, not added: so the number heals by itself."""
    likes = Like.objects.filter(media=OuterRef("pk")).order_by().values("media").annotate(n=Count("pk")).values("n")
    Media.objects.filter(pk__in=pks).update(like_count=Coalesce(Subquery(likes), 0))

"""What one person sees of the pictures of characters: galleries, posts, and the feed, a page at a time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from math import ceil
from typing import Any, NamedTuple, Self

from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.urls import reverse
from django.utils.safestring import mark_safe

from girls.models import Girl, Like, Media, MediaQuerySet
from media.models import Kind

PAGE = 20  # tiles: whole rows of five on a desktop, and of two on a phone
POSTS_PAGE = 10
FIRST_ROW = 5  # tiles that are there at once on a desktop; the others are fetched when they come into sight
MOST_AT_ONCE = 25  # pages of a gallery, where it is drawn again as far as it was
SEEN = (  # of an item
    *("girl", "kind", "text", "location", "like_count", "can_be_liked", "premium_only", "published_at"),
    *("file__blur", "file__width", "file__height", "file__ai_generated"),
)
SEEN_OF_HER = tuple(
    f"girl__{name}" for name in ("name", "slug", "avatar", "avatar_square", "demo_art")
)  # beside a post
MARKS = {  # what the lightbox has to know of a picture
    (text, ai, video): mark_safe(" data-caption" * text + " data-ai" * ai + " data-video" * video)  # noqa: S308
    for text, ai, video in product((False, True), repeat=3)
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Tile(NamedTuple):
    """A place in a gallery, counted from 1: an item that this person sees whole, or the blur of one that is locked.

    Of what is locked nothing else is known here, so that no page can tell it.
    """

    place: int
    media: Media | None
    blur: str


@dataclass(frozen=True)
class Gallery:
    """Some pages of a gallery that follow each other; the last one is `number`, of `pages`."""

    girl: Girl
    tiles: list[Tile]
    first: int
    number: int
    pages: int

    @property
    def next(self) -> str:
        """Where the page after these is; empty when there is none."""
        return f"?page={self.number + 1}" if self.number < self.pages else ""

    def drawn(self) -> list[dict[str, Any]]:
        """The tiles as the template reads them, in plain words: dotted names and numbers cost as much as all else."""
        door = reverse("girls:like", args=[self.girl.slug, 0]).rpartition("0")
        return [
            _words(tile.media, tile.place, door) if tile.media else {"is_locked": True, "blur": tile.blur}
            for tile in self.tiles
        ]

    @property
    def has_premium_items(self) -> bool:
        """Whether what is seen here changes when this person's premium begins or ends."""
        return any(tile.media is None or tile.media.premium_only for tile in self.tiles)


def gallery_of(girl: Girl, user: Any, number: str = "", upto: str = "") -> Gallery:
    """One page of her gallery, as this person sees it; with `upto`, everything from the first page to that one.

    A number that is none, or none of ours, gives the nearest that is.
    """
    pages = max(1, ceil(girl.gallery_count / PAGE))
    last = min(_number(upto or number), pages)
    first = max(1, last - MOST_AT_ONCE + 1) if upto else last
    start = (first - 1) * PAGE
    return Gallery(girl, tiles_of(girl, user, start, last * PAGE), start + 1, last, pages)


def tiles_of(girl: Girl, user: Any, start: int, stop: int) -> list[Tile]:
    """Some of her gallery, in its order, as this person sees it."""
    shown = girl.media.shown().filter(surface=Media.Surface.GALLERY).order_by("position", "-created_at", "-pk")
    sees_all = user.is_authenticated and user.premium_active
    return [
        Tile(place, None if media.premium_only and not sees_all else media, media.file.blur)
        for place, media in enumerate(_seen(shown, user)[start:stop], start + 1)
    ]


def _words(media: Media, place: int, door: tuple[str, str, str]) -> dict[str, Any]:
    file, pk = media.file, str(media.pk)
    return {
        "pk": pk,
        "full_url": file.full_url,
        "card_url": file.card_url,
        "width": str(file.width),
        "height": str(file.height),
        "alt": media.alt,
        "is_video": media.kind == Kind.VIDEO,
        "marks": MARKS[bool(media.text), file.ai_generated, media.kind == Kind.VIDEO],
        "is_late": place > FIRST_ROW,
        "can_be_liked": media.can_be_liked,
        "like_url": f"{door[0]}{pk}{door[2]}",
        "is_liked": media.is_liked,  # type: ignore[attr-defined]
        "like_count": str(media.like_count),
    }


def _number(said: str) -> int:
    return max(1, int(said)) if said.isascii() and said.isdecimal() and len(said) < 7 else 1


def _seen(media: MediaQuerySet, user: Any, *more: str) -> MediaQuerySet:
    """With what pages show of the files, and whether this person likes each, as `is_liked`."""
    liked = Exists(Like.objects.filter(media=OuterRef("pk"), user=user)) if user.is_authenticated else Value(False)
    return media.select_related("file").only(*SEEN, *more).annotate(is_liked=liked)


# --- Posts -----------------------------------------------------------------------------------------------


class NoCursor(ValueError):
    """Not a place in a list of posts."""


class Cursor(NamedTuple):
    """A place in a list of posts, newest first: after this one. What is put up meanwhile shifts nothing.

    `is_near`: it is among the posts that come before all others, those of characters whom the person talks with.
    """

    published_at: datetime
    pk: int
    is_near: bool = False

    @classmethod
    def of(cls, said: str) -> Self:
        """Read it from an address. Raises NoCursor."""
        microseconds, _, rest = said.partition("-")
        pk, _, near = rest.partition("-")
        digits = all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (microseconds, pk))
        if not digits or near not in ("", "near"):
            raise NoCursor(said)
        try:
            return cls(EPOCH + timedelta(microseconds=int(microseconds)), int(pk), bool(near))
        except OverflowError:
            raise NoCursor(said) from None

    def __str__(self) -> str:
        microseconds = (self.published_at - EPOCH) // timedelta(microseconds=1)
        return f"{microseconds}-{self.pk}{'-near' if self.is_near else ''}"


@dataclass(frozen=True)
class Posts:
    """A page of posts, newest first. `next` is where the one after it is, empty at the end."""

    items: list[Media]
    next: str
    is_first: bool


def posts_of(girl: Girl, user: Any, before: Cursor | None = None) -> Posts:
    """Her posts."""
    found = _after(_seen(girl.media.visible_to(user), user), before)
    return _page(found, before, [False] * len(found))


def feed(user: Any, before: Cursor | None = None, near: "QuerySet[Any] | None" = None) -> Posts:
    """The posts of all characters; first those of whom the person is near to, given by their ids."""
    posts = _seen(Media.objects.visible_to(user).select_related("girl"), user, *SEEN_OF_HER)
    hers: list[Media] = []
    if near is None:
        others = _after(posts, before)
    elif before is None or before.is_near:
        hers = _after(posts.filter(girl__in=near), before)
        others = _after(posts.exclude(girl__in=near), None)
    else:
        others = _after(posts.exclude(girl__in=near), before)
    return _page(hers + others, before, [True] * len(hers) + [False] * len(others))


def _after(posts: MediaQuerySet, before: Cursor | None) -> list[Media]:
    posts = posts.filter(surface=Media.Surface.POST).order_by("-published_at", "-pk")
    if before is not None:
        at, pk, _ = before
        posts = posts.filter(Q(published_at__lt=at) | Q(pk__lt=pk), published_at__lte=at)
    return list(posts[: POSTS_PAGE + 1])


def _page(found: list[Media], before: Cursor | None, is_near: list[bool]) -> Posts:
    items = found[:POSTS_PAGE]
    for media in items:
        media.like_url = reverse("girls:like", args=[media.girl.slug, media.pk])  # type: ignore[attr-defined]
    following = ""
    if len(found) > POSTS_PAGE and (last := items[-1]).published_at:
        following = f"?before={Cursor(last.published_at, last.pk, is_near[POSTS_PAGE - 1])}"
    return Posts(items, following, before is None)

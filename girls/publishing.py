"""The editor's verbs: show a character, hide her, give her pictures, take her away."""

from datetime import timedelta
from itertools import count
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from girls.models import Girl, GirlQuerySet, Media, MediaQuerySet
from media import files
from media.models import File
from media.purposes import Unwanted

UNDO = timedelta(minutes=10)


def publish(girls: GirlQuerySet) -> list[Girl]:
    """Show these characters to visitors; who had retired is back. Answers those that were hidden until now."""
    return _turn(girls.filter(is_active=False), is_active=True, retired_at=None)


def unpublish(girls: GirlQuerySet) -> list[Girl]:
    """Hide these characters: their pages are gone, conversations with them stay. Answers those that were shown."""
    return _turn(girls.filter(is_active=True), is_active=False)


def retire(girls: GirlQuerySet) -> list[Girl]:
    """End these characters' time here: hidden, and what was said with them can be read but not gone on with.

    Replies that are owed already are still written. Answers those that had not retired until now.
    """
    return _turn(girls.filter(retired_at=None), is_active=False, retired_at=Now())


@transaction.atomic
def _turn(girls: GirlQuerySet, **changes: Any) -> list[Girl]:
    turned = list(girls.order_by("pk").select_for_update(of=("self",), no_key=True))
    Girl.objects.filter(pk__in=[girl.pk for girl in turned]).update(**changes, updated_at=timezone.now())
    return turned


COPIED = (
    *("age", "tagline", "bio", "tags", "work", "lives_in", "speaks", "greeting", "starters", "example_dialogue"),
    *("persona_prompt", "voice_id", "position"),
)
COPY = " (copy)"


def duplicate(girl: Girl, *, by: Any) -> Girl:
    """A hidden character with the same words and persona, an address of her own and no pictures."""
    room = Girl._meta.get_field("name").max_length or 0
    name = girl.name.removesuffix(COPY)[: room - len(COPY)] + COPY
    words = {field: getattr(girl, field) for field in COPIED}
    copy = Girl(name=name, slug=_free_slug(f"{girl.slug[:50]}-copy"), created_by=by, **words)
    copy.changed_by(by, f"Copied from {girl.name}.")
    copy.save()
    return copy


def _free_slug(wanted: str) -> str:
    taken = set(Girl.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    return next(slug for n in count(1) if (slug := wanted if n == 1 else f"{wanted}-{n}") not in taken)


def give_portrait(girl_id: int, file: File | None) -> None:
    """Make this the character's portrait, or none: the placeholder, or the drawing of the demo. The former is gone."""
    square = file.key_of("square", "webp") if file else ""
    _give(girl_id, "portrait", file, avatar=file.key if file else "", avatar_square=square)


def give_cover(girl_id: int, file: File | None) -> None:
    """Put this wide picture behind her profile, or none. The former is gone."""
    _give(girl_id, "cover", file, background=file.key if file else "")


@transaction.atomic
def _give(girl_id: int, field: str, file: File | None, **keys: str) -> None:
    girl = _locked(girl_id)
    former = getattr(girl, f"{field}_id")
    Girl.objects.filter(pk=girl_id).update(**{field: file}, **keys, updated_at=timezone.now())
    files.forget([former] if former else [])


@transaction.atomic
def add(girl_id: int, file: File, surface: str, *, publish: bool = False, **fields: Any) -> Media:
    """Put a file on one of her surfaces, with these fields of Media. Raises Unwanted when the same is there already."""
    girl = _locked(girl_id)
    if there(girl_id, surface, file.digest):
        raise Unwanted(f"This is in {Media.Surface(surface).label} already.")
    fields.setdefault("can_be_liked", surface != Media.Surface.ASSET)
    if publish:
        fields = {"published_at": Now(), **fields, "published": True}
    media = Media.objects.create(girl=girl, file=file, kind=file.kind, surface=surface, **fields)
    recount(girl_id)
    return media


def there(girl_id: int, surface: str, digest: str) -> bool:
    """Whether one of her surfaces has this very file, by its SHA-256."""
    same = Media.objects.kept().filter(girl=girl_id, surface=surface, file__digest=digest)
    return digest != "" and same.exists()


def show(media: MediaQuerySet) -> int:
    """Publish these items. Answers how many were not."""
    return _change(media.filter(published=False), published=True, published_at=Coalesce("published_at", Now()))


def hide(media: MediaQuerySet) -> int:
    """Take these items off her pages; they stay in the console."""
    return _change(media.filter(published=True), published=False)


def take_down(media: MediaQuerySet) -> int:
    """Delete these items; for a while they can be put back."""
    return _change(media.kept(), removed_at=Now())


def put_back(media: MediaQuerySet) -> int:
    """Undo the deletion of these items, where it has not come to its end."""
    return _change(media.exclude(removed_at=None), removed_at=None)


def revise(media: MediaQuerySet, **changes: Any) -> int:
    """Write these fields of items. Answers how many are still there."""
    if changes.get("published"):
        changes["published_at"] = Coalesce("published_at", Now())
    return _change(media.kept(), **changes)


@transaction.atomic
def arrange(girl_id: int, surface: str, pks: list[int]) -> list[int]:
    """Put the items of a surface in this order. Answers the order that they have now.

    What the editor did not know of, because somebody else has just put it up, stays, behind what they ordered; what is
    gone meanwhile is left out. Of two editors the last one wins. Raises Unwanted when the character is gone.
    """
    there = {media.pk: media for media in in_order(_locked(girl_id).media.kept().filter(surface=surface))}
    first = [pk for pk in dict.fromkeys(pks) if pk in there]
    order = [*first, *(pk for pk in there if pk not in set(first))]
    moved = [there[pk] for position, pk in enumerate(order, 1) if there[pk].position != position]
    for position, pk in enumerate(order, 1):
        there[pk].position = position
    Media.objects.bulk_update(moved, ["position"], batch_size=500)
    return order


def in_order(media: Any) -> Any:
    """Items as a gallery shows them: as they were arranged, before them those that are new."""
    return media.order_by("position", "-created_at", "-pk")


@transaction.atomic
def _change(media: MediaQuerySet, **changes: Any) -> int:
    theirs = sorted(set(media.order_by().values_list("girl", flat=True)))
    for girl_id in theirs:
        _locked(girl_id)
    changed = media.update(**changes)
    for girl_id in theirs:
        recount(girl_id)
    return changed


def recount(girl_id: int) -> None:
    """Keep the numbers on her page exact. Call it with her row locked."""
    counts = dict(
        Media.objects.kept()
        .filter(girl=girl_id, published=True)
        .order_by()
        .values_list("surface")
        .annotate(Count("pk"))
    )
    Girl.objects.filter(pk=girl_id).update(
        gallery_count=counts.get(Media.Surface.GALLERY, 0),
        post_count=counts.get(Media.Surface.POST, 0),
        asset_count=counts.get(Media.Surface.ASSET, 0),
    )


def _locked(girl_id: int) -> Girl:
    """Her row, so that her pictures change one after the other. Raises Unwanted when she is gone."""
    girl = Girl.objects.select_for_update(of=("self",), no_key=True).filter(pk=girl_id).first()
    if girl is None:
        raise Unwanted("The character is gone.")
    return girl


def delete(girl: Girl) -> None:
    """Take a character away with her pictures; their objects go later.

    Raises ProtectedError while members have conversations with her: hide her instead.
    """
    with transaction.atomic():
        theirs = [girl.portrait_id, girl.cover_id, *girl.media.values_list("file", flat=True)]
        girl.delete()
        files.forget(filter(None, theirs))


def finish_removals() -> None:
    """Delete for good what was deleted long enough ago."""
    over = Media.objects.filter(removed_at__lt=Now() - UNDO)
    for pk, file_id in over.values_list("pk", "file"):
        with transaction.atomic():
            if Media.objects.filter(pk=pk, removed_at__lt=Now() - UNDO).delete()[0]:
                files.forget([file_id])

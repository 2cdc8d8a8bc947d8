"""The editor's desk: what staff see of a character's pictures, and what may be written on those of each surface."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Count, F

from girls import publishing
from girls.models import Girl, Media, MediaQuerySet

LOW = 6  # fewer published items of reply media than this, and she soon repeats herself


@dataclass(frozen=True)
class Tab:
    """One surface as a page of the console."""

    slug: str
    surface: Media.Surface
    heading: str
    empty: str
    fields: tuple[str, ...]
    sortable: bool = False


TABS = (
    Tab(
        *("gallery", Media.Surface.GALLERY, "In the gallery", "Nothing is in her gallery yet."),
        ("text", "premium_only", "can_be_liked", "published"),
        sortable=True,
    ),
    Tab(
        *("posts", Media.Surface.POST, "Posts, newest first", "She has posted nothing yet."),
        ("text", "location", "can_be_liked", "published"),
    ),
    Tab(
        *("reply-media", Media.Surface.ASSET, "What she can send", "She has nothing to send yet."),
        ("text", "mature", "published"),
    ),
)


def form_for(tab: Tab) -> type[Any]:
    """What may be written on an item of this surface."""
    sent = tab.surface == Media.Surface.ASSET
    caption = "What it shows, in a sentence: she chooses by it." if sent else "Read below it, and heard instead of it."
    return forms.modelform_factory(
        Media,
        fields=tab.fields,
        labels={
            "text": "What it shows" if sent else "Caption",
            "premium_only": "Only for premium members",
            "mature": "Mature",
            "can_be_liked": "Can be liked",
            "published": "Published",
        },
        help_texts={
            "text": caption,
            "location": "As it stands above a post: Lisbon.",
            "mature": "",
            "premium_only": "",
        },
        widgets={"text": forms.Textarea(attrs={"rows": 3})},
    )


def items(girl_id: int, tab: Tab) -> MediaQuerySet:
    """What is on this surface, drafts too, in the order of the page."""
    there = Media.objects.kept().filter(girl=girl_id, surface=tab.surface)
    if tab.surface == Media.Surface.POST:
        there = there.order_by(F("published_at").desc(nulls_first=True), "-pk")
    else:
        there = publishing.in_order(there)
    return there.select_related("file")


def of_files(girl_id: int, tab: Tab, files: list[UUID]) -> MediaQuerySet:
    """Those that were made of these files; an upload and its file have the same id."""
    return items(girl_id, tab).filter(file__in=files)


def counts(girl_id: int) -> dict[str, int]:
    """How many items are on each surface, drafts too, by the slug of its tab."""
    found = dict(Media.objects.kept().filter(girl=girl_id).order_by().values_list("surface").annotate(Count("pk")))
    return {tab.slug: found.get(tab.surface, 0) for tab in TABS}


def written(item: Media, tab: Tab) -> str:
    """What is written on an item, as JSON, for the form that changes it."""
    return json.dumps({name: getattr(item, name) for name in tab.fields})


def pictures(girl: Girl) -> list[dict[str, Any]]:
    """Her portrait and her cover, as the page about them shows them."""
    return [
        {
            "name": "portrait",
            "label": "Portrait",
            "help": "Upright, 720 by 960 or more. Her face belongs in the upper half.",
            "purpose": "girl_profile",
            "url": girl.portrait_url,
            "given": girl.portrait_id is not None,
        },
        {
            "name": "cover",
            "label": "Cover",
            "help": "Wide, 1600 by 560 or more. It lies behind the head of her page.",
            "purpose": "girl_background",
            "url": girl.cover_url,
            "given": girl.cover_id is not None,
        },
    ]

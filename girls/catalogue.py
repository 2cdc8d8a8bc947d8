"""What a visitor may see of the characters: searched, filtered, in order, a page at a time."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.utils import timezone

from config.lib.text import fold
from girls.models import NEW_DAYS, Girl, GirlQuerySet, tag_key

PAGE_SIZE = 24
QUERY_CHARACTERS = 100  # of a search; what is longer is cut
QUERY_WORDS = 8
NEW = "new"  # in the place of a tag: joined in the last two weeks
MOODS = ("Calm", "Playful", "Witty", "Adventurous", "Deep talks")  # the chips, in this order
MOOD_KEYS = {tag_key(mood): mood for mood in MOODS}
SORTS = {"": "Our order", "new": "Newest first", "name": "By name"}
ORDERS = {
    "": ("position", "-created_at", "-pk"),
    "new": ("-created_at", "-pk"),
    "name": ("search_text", "pk"),  # it begins with her name, without accents and case
}


@dataclass(frozen=True)
class Wish:
    """What a visitor asked to see, made sane: unknown sorts, empty tags and overlong words are gone."""

    q: str = ""
    tags: tuple[str, ...] = ()
    sort: str = ""

    @classmethod
    def of(cls, query: QueryDict) -> "Wish":
        """Read it from an address."""
        keys = (tag_key(tag[:60]) for tag in query.getlist("tag")[:4])
        sort = query.get("sort", "")
        return cls(
            q=" ".join(query.get("q", "").replace("\x00", "").split())[:QUERY_CHARACTERS],
            tags=tuple(dict.fromkeys(key for key in keys if key)),
            sort=sort if sort in ORDERS else "",
        )

    @property
    def mood(self) -> str:
        """The chip that is pressed: a mood, `new`, or none."""
        return next((tag for tag in self.tags if tag == NEW or tag in MOOD_KEYS), "")

    @property
    def interest(self) -> str:
        """The interest that is chosen, if any."""
        return next((tag for tag in self.tags if tag != NEW and tag not in MOOD_KEYS), "")

    @property
    def words(self) -> str:
        """What was asked, as a person would say it; empty when nobody can be left out."""
        named = [MOOD_KEYS.get(tag, tag.replace("-", " ")) for tag in self.tags]
        return ", ".join(filter(None, [self.q, *named]))


def find(user: Any, wish: Wish) -> GirlQuerySet:
    """The characters this person may meet that fit the wish. Every word must be found in her, and every tag."""
    girls = Girl.objects.visible_to(user)
    for word in fold(wish.q).split()[:QUERY_WORDS]:
        girls = girls.filter(search_text__contains=word)
    for tag in wish.tags:
        if tag == NEW:
            girls = girls.filter(created_at__gt=timezone.now() - timedelta(days=NEW_DAYS))
        else:
            girls = girls.filter(tag_keys__contains=f"|{tag}|")
    return girls.without_persona().defer("bio", "search_text").order_by(*ORDERS[wish.sort])


def page(girls: GirlQuerySet, number: str | None) -> "Page[Girl]":
    """One page of them; a number that is none, or none of ours, gives the nearest that is."""
    return Paginator(girls, PAGE_SIZE).get_page(number)


def interests(user: Any) -> list[tuple[str, str]]:
    """Tags in use that are no chips, as (key, words), the common ones first."""
    tags_of_each = Girl.objects.visible_to(user).order_by().values_list("tags", flat=True)
    used = Counter(tag for tags in tags_of_each for tag in tags)
    names = {tag_key(tag): tag for tag in sorted(used, key=lambda tag: (-used[tag], tag))}
    return [(key, tag) for key, tag in names.items() if key not in MOOD_KEYS]

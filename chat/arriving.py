"""What a visitor pressed before signing up, kept in their browser until they come back as a member."""

from dataclasses import dataclass
from typing import Self

from django.http import HttpRequest, HttpResponse

from config.lib import wishes
from girls.models import Girl

COOKIE = "wish"


@dataclass(frozen=True)
class Wish:
    """To talk with a character; perhaps to begin with one of her starters, by its number, or about an item of hers."""

    girl_id: int
    starter: int | None = None
    about: int | None = None

    @classmethod
    def of(cls, girl: Girl, words: str = "", about: str = "") -> Self:
        """What somebody pressed: a starter by its words, "Ask about this" by the item, or only "Message"."""
        return cls(girl.pk, girl.starters.index(words) if words in girl.starters else None, _number(about))

    @classmethod
    def remembered(cls, request: HttpRequest, girl: Girl) -> Self | None:
        """What this browser pressed at this character a while ago, if it did."""
        girl_id, _, rest = wishes.remembered(request, COOKIE).partition(":")
        starter, _, about = rest.partition(":")
        return cls(girl.pk, _number(starter), _number(about)) if girl_id == str(girl.pk) else None

    def remember(self, response: HttpResponse) -> None:
        """Put it into the browser."""
        numbers = (self.girl_id, self.starter, self.about)
        wishes.remember(response, COOKIE, ":".join("" if number is None else str(number) for number in numbers))


def forget(response: HttpResponse) -> None:
    """It is done."""
    wishes.forget(response, COOKIE)


def _number(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else None

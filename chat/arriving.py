"""What a visitor pressed before signing up, kept in their browser until they come back as a member."""

from dataclasses import dataclass
from typing import Self

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from girls.models import Girl

COOKIE = "wish"
SALT = "chat.arriving"
KEPT_SECONDS = 3600


@dataclass(frozen=True)
class Wish:
    """To talk with a character, and to begin with one of her starters, by its number."""

    girl_id: int
    starter: int | None

    @classmethod
    def of(cls, girl: Girl, words: str) -> Self:
        """What somebody pressed: a starter by its words, or only "Message"."""
        return cls(girl.pk, girl.starters.index(words) if words in girl.starters else None)

    @classmethod
    def remembered(cls, request: HttpRequest, girl: Girl) -> Self | None:
        """What this browser pressed at this character a while ago, if it did. Signed, so only the server writes it."""
        said = request.get_signed_cookie(COOKIE, "", salt=SALT, max_age=KEPT_SECONDS) or ""
        girl_id, _, starter = said.partition(":")
        return cls(girl.pk, int(starter) if starter else None) if girl_id == str(girl.pk) else None

    def remember(self, response: HttpResponse) -> None:
        """Put it into the browser."""
        said = f"{self.girl_id}:{'' if self.starter is None else self.starter}"
        response.set_signed_cookie(
            COOKIE,
            said,
            salt=SALT,
            max_age=KEPT_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def forget(response: HttpResponse) -> None:
    """It is done."""
    response.delete_cookie(COOKIE, samesite="Lax")

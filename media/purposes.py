"""What files are for. The app that knows a purpose says who may put up, what becomes of it, and who may see it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings

from media.images import Variant
from media.models import Kind

if TYPE_CHECKING:
    from media.models import File, Upload

MB = 1024 * 1024


class NotAllowed(Exception):
    """This person may not put up anything there; or there is no such place, which is answered the same way."""


class Unwanted(Exception):
    """What was put up has no place any more: what it was for is gone, or is full. The words are for the person."""


@dataclass(frozen=True)
class Purpose:
    """One use of files.

    `allow` gets the person and what they want to put it on, as their browser said it, and answers the folder of the
    storage and what the app has to know later. Raises NotAllowed.
    `claim` makes a row of the app point at the new file, within the transaction that makes it. Raises Unwanted.
    `may_see` are asked whether a person may see a variant of a file now; one yes is enough.
    """

    name: str
    limits: dict[Kind, str]  # the kinds that it takes, each with the setting that says how many MB one may have
    variants: tuple[Variant, ...]
    allow: Callable[[Any, dict[str, Any]], tuple[str, dict[str, Any]]]
    claim: Callable[["Upload", "File"], None]
    may_see: list[Callable[[Any, "File", str], bool]] = field(default_factory=list)
    ai_generated: bool = True
    personal: bool = False  # whoever put it up shows themself: it is theirs to take away, and goes with them

    def max_bytes(self, kind: Kind) -> int:
        """The most that one file may have."""
        return int(getattr(settings, self.limits[kind])) * MB


_purposes: dict[str, Purpose] = {}


def register(purpose: Purpose) -> Purpose:
    """Make a purpose known. Apps do it when they are ready."""
    _purposes[purpose.name] = purpose
    return purpose


def named(name: str) -> Purpose:
    """The purpose of this name. Raises NotAllowed when there is none."""
    if name not in _purposes:
        raise NotAllowed(name)
    return _purposes[name]


def personal() -> list[str]:
    """The names of those whose files belong to whoever put them up."""
    return [purpose.name for purpose in _purposes.values() if purpose.personal]


def may_see(user: Any, file: "File", variant: str) -> bool:
    """Whether anybody who knows says that this person may see this now."""
    known = _purposes.get(file.purpose)
    return known is not None and any(asked(user, file, variant) for asked in known.may_see)

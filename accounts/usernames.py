"""Names that members go by: which are kept from them, which are taken, and which is free instead."""

import re
import secrets
from collections.abc import Iterable

from django.db.models.functions import Lower

from accounts.models import User
from config.lib.text import fold

SHORTEST, LONGEST = 3, 30

# Names that could pass for the house. Compared without dots, underscores and case: `Ad.min` is `admin`.
RESERVED_USERNAMES = frozenset(
    """
    about abuse account accounts admin administrator age ai anonymous api billing bot chat contact dusk editor feed
    girls healthz help info legal login logout mail media metrics moderator noreply official owner payment payments
    plans postmaster premium privacy readyz register root safety security service settings signin signup staff
    static status superuser support system team terms webhooks webmaster www
    """.split()  # noqa: SIM905 - a page of words reads better without quotes
)


def is_reserved(username: str) -> bool:
    """Whether a name is kept from members."""
    return username.lower().replace(".", "").replace("_", "") in RESERVED_USERNAMES


def is_taken(username: str, *, but: User | None = None) -> bool:
    """Whether somebody has it, in any case; `but` is who may have it."""
    return username.lower() in _taken([username], but)


def taken(wanted: str, *, name: str = "") -> str:
    """What to tell somebody who wants a name that another has: "That one’s taken. Try robin_hale." """
    return f"That one’s taken. Try {suggestion(wanted, name=name)}."


def reserved(wanted: str, *, name: str = "") -> str:
    """What to tell somebody who wants a name of the house."""
    return f"That one’s reserved. Try {suggestion(wanted, name=name)}."


def suggestion(wanted: str, *, name: str = "") -> str:
    """A name that is free at this moment and close to the wanted one; `name` is what the person is called."""
    base = _allowed(wanted) or "member"
    numbers = [str(secrets.randbelow(9 * 10**n) + 10**n) for n in (1, 1, 1, 3, 5)]
    candidates = [_allowed(name).lower(), *(f"{base[: LONGEST - 7]}_{number}" for number in numbers)]
    candidates = [each for each in candidates if len(each) >= SHORTEST and not is_reserved(each)]
    gone = _taken(candidates, None) | {wanted.lower()}
    return next((each for each in candidates if each.lower() not in gone), f"member_{secrets.token_hex(6)}")


def _allowed(words: str) -> str:
    """What may stand in a username of some words: `Zoë van Dijk` is `zoe_van_dijk`."""
    plain = words if words.isascii() else fold(words)
    return re.sub(r"[^A-Za-z0-9_.]+", "_", plain).strip("_.")[:LONGEST].rstrip("_.")


def _taken(usernames: Iterable[str], but: User | None) -> set[str]:
    """Those that somebody has, in lower case."""
    wanted = [each.lower() for each in usernames]
    found = User.objects.annotate(lower=Lower("username")).filter(lower__in=wanted)  # by the index of the constraint
    return set((found.exclude(pk=but.pk) if but else found).values_list("lower", flat=True))

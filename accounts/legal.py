"""The terms and the privacy notice: which version is shown, how a new one is published, and who has to agree to it.

The texts that come with the site (`legal_texts/`) are the floor: shown until the operator publishes one of their own,
and never again after that. What was published is never changed.

What is current is remembered in each process for MINUTE: the one that publishes knows at once, the others within that
time. Whoever is asked by one of them, and agrees, is asked by none: a version that a process has not heard of is newer
than all that it knows.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Consent, LegalVersion, User

TITLES = dict(LegalVersion.Document.choices)
ADULT = ("adult", "2026-11-21")  # what the box of sign-up says beside the documents; it has no page
MINUTE = 60.0
_FILES = Path(__file__).parent / "legal_texts"


class NotPublished(Exception):
    """It was published before, or it was written on since it was looked at; `reason` says which."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Version:
    """A text that is, or was, shown. `pk` is None for one that came with the site."""

    document: str
    version: str
    text: str
    summary: str = ""
    is_material: bool = False
    published_at: datetime | None = None
    pk: int | None = None

    @property
    def title(self) -> str:
        """What the page is called."""
        return TITLES[self.document]

    @property
    def day(self) -> date:
        """The day it is from."""
        return date.fromisoformat(self.version[:10])


@dataclass(frozen=True, slots=True)
class Standing:
    """What is shown. `outdated`: of documents that have to be agreed to anew, the versions that are not enough."""

    history: dict[str, list[Version]]  # of each document, the newest first
    outdated: dict[str, frozenset[str]]
    stamp: str  # which versions have to be agreed to, in short; empty: none has

    @property
    def current(self) -> dict[str, Version]:
        """The version of each document that counts."""
        return {document: versions[0] for document, versions in self.history.items()}


_remembered: tuple[float, Standing] | None = None


def standing() -> Standing:
    """What is current, as this process remembers it; it asks the database once a minute."""
    global _remembered
    if _remembered is None or time.monotonic() - _remembered[0] > MINUTE:
        _remembered = (time.monotonic(), look())
    return _remembered[1]


def may_be_asked(user: User) -> bool:
    """Whether `is_asked` has to be asked: what is remembered, and the row of this person, may settle it."""
    if _remembered is None or time.monotonic() - _remembered[0] > MINUTE:
        return True
    stamp = _remembered[1].stamp
    return bool(stamp) and user.agreed_to != stamp


def forget() -> None:
    """Have the next one who asks look again."""
    global _remembered
    _remembered = None


def look() -> Standing:
    """What is current, as the database says now."""
    return of_rows(LegalVersion.objects.published())


def of_rows(rows: Iterable[LegalVersion]) -> Standing:
    """What is current when these were published, the oldest first."""
    theirs: dict[str, list[Version]] = {document: [] for document in TITLES}
    for row in rows:
        theirs[row.document].append(of_row(row))
    history, outdated, wanted = {}, {}, []
    for document, found in theirs.items():
        floor = [version for version in shipped(document) if not found or version.version < found[0].version]
        shown = [*floor, *found]
        history[document] = shown[::-1]
        asking = [n for n, version in enumerate(shown) if version.is_material]
        if asking:
            outdated[document] = frozenset(version.version for version in shown[: asking[-1]])
            wanted.append(f"{document}:{shown[asking[-1]].version}")
    return Standing(history, outdated, " ".join(wanted))


@cache
def shipped(document: str) -> tuple[Version, ...]:
    """What came with the site, the oldest first."""
    files = sorted(_FILES.glob(f"{document}-*.md"))
    return tuple(
        Version(document, file.stem.removeprefix(f"{document}-"), file.read_text(encoding="utf-8")) for file in files
    )


def of_row(row: LegalVersion) -> Version:
    """The same of what the operator wrote."""
    return Version(row.document, row.version, row.text, row.summary, row.material, row.published_at, row.pk)


def find(document: str, version: str) -> Version | None:
    """A version that is or was shown; what this process has not heard of is looked for."""
    for history in (standing().history, look().history):
        for found in history.get(document, []):
            if found.version == version:
                return found
    return None


# --- To agree ---------------------------------------------------------------------------------------------------


def shown() -> dict[str, str]:
    """What a form that is shown now stands for: document and version."""
    return dict([*((name, found.version) for name, found in standing().current.items()), ADULT])


def spelled(versions: dict[str, str]) -> str:
    """The same, to be carried by a form."""
    return " ".join(f"{document}:{version}" for document, version in versions.items())


def read(said: str) -> dict[str, str]:
    """What a form was shown for, as it says itself; what never was is left out."""
    pairs = [pair.partition(":")[::2] for pair in said[:500].split()]
    return {name: version for name, version in pairs if (name, version) == ADULT or _was_shown(name, version)}


def _was_shown(document: str, version: str) -> bool:
    return find(document, version) is not None


def missing(user: User, now: Standing) -> list[str]:
    """The documents that this person has not agreed to as they have to be by now."""
    if not now.outdated:
        return []
    given = user.consents.filter(document__in=now.outdated).values_list("document", "version")
    enough = {document for document, version in given if version not in now.outdated[document]}
    return [document for document in now.outdated if document not in enough]


def is_asked(user: User) -> bool:
    """Whether this person has to agree before going on.

    Costs nothing while nothing has to be agreed to, and for whoever was found to have agreed.
    """
    now = standing()
    if not now.stamp or user.agreed_to == now.stamp:
        return False
    if missing(user, now):
        return True
    User.objects.filter(pk=user.pk).update(agreed_to=now.stamp)
    return False


def agree(user: User, versions: dict[str, str]) -> None:
    """Write down that this person agreed to what they were shown. Doing it twice is doing it once."""
    Consent.objects.bulk_create(
        (Consent(user=user, document=document, version=version) for document, version in versions.items()),
        ignore_conflicts=True,
    )


# --- To publish -------------------------------------------------------------------------------------------------


def how_many_are_asked() -> int:
    """How many people a version that matters would be asked of."""
    return User.objects.filter(is_active=True, erase_at=None).count()


def publish(pk: int, *, by: Any, seen: str) -> LegalVersion:
    """Make a draft the current version, dated today. `seen` is `LegalVersion.stamp` of what its publisher looked at.

    Raises NotPublished, LegalVersion.DoesNotExist.
    """
    try:
        with transaction.atomic():
            draft = LegalVersion.objects.select_for_update().get(pk=pk)
            if draft.is_published:
                raise NotPublished("It is published already.")
            if draft.stamp != seen:
                raise NotPublished("Somebody wrote on it meanwhile. Look at it once more.")
            taken = {version.version for version in [*look().history[draft.document], *shipped(draft.document)]}
            changes = {"version": _next(taken), "published_at": timezone.now(), "published_by": by}
            LegalVersion.objects.filter(pk=pk, published_at=None).update(**changes)
            transaction.on_commit(forget)
    except IntegrityError as error:  # another draft of the document was, in this moment
        raise NotPublished("Another version was published in this moment. Try again.") from error
    return LegalVersion.objects.get(pk=pk)


def _next(taken: Iterable[str]) -> str:
    """Today; what is published on the same day is numbered."""
    today, n = timezone.localdate().isoformat(), 2
    version = today
    while version in taken:
        version, n = f"{today}.{n}", n + 1
    return version

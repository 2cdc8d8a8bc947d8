"""The versions of a character's words: which there are, how two of them differ, and one brought back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.text import capfirst

from girls.models import VERSIONED, Girl

PAGE = 50
KEPT = ("slug",)  # her address stays when a version is brought back: links lead to it


class Part(NamedTuple):
    """A piece of a text: `same`, `gone` or `new`."""

    kind: str
    text: str


@dataclass(frozen=True)
class Difference:
    """How one field differs between two versions."""

    name: str
    label: str
    parts: list[Part]


@dataclass(frozen=True)
class Version:
    """One of them, with the names of the fields that it changed."""

    row: Any
    before: Any  # the row of the version before it
    changed: list[str]
    is_first: bool


def latest(girl_id: int, before: int | None = None) -> tuple[list[Version], bool]:
    """The newest first, from the one before this number; and whether there are older ones."""
    rows = Girl.history.filter(id=girl_id).select_related("history_user").order_by("-history_id")
    found = list(rows.filter(history_id__lt=before)[: PAGE + 1] if before else rows[: PAGE + 1])
    has_more = len(found) > PAGE
    pairs = zip(found, [*found[1:], None], strict=True)
    versions = [
        Version(new, old, [label(name) for name in changed(old, new)] if old else [], old is None) for new, old in pairs
    ]
    return versions[:PAGE], has_more


def label(name: str) -> str:
    """What a field is called."""
    field: Any = Girl._meta.get_field(name)
    return str(capfirst(field.verbose_name))


def changed(old: Any, new: Any) -> list[str]:
    """The names of the fields in which two versions differ; either may be the character herself."""
    return [name for name in VERSIONED if getattr(old, name) != getattr(new, name)]


def differences(old: Any, new: Any) -> list[Difference]:
    """The same, with their words."""
    return [
        Difference(name, label(name), compare(as_text(getattr(old, name)), as_text(getattr(new, name))))
        for name in changed(old, new)
    ]


def as_text(value: Any) -> str:
    """What stands in a field, to be read: of a list each entry on a line."""
    return "\n".join(value) if isinstance(value, list) else str(value)


def compare(old: str, new: str) -> list[Part]:
    """What of a text went and what came: lines first, and words within the lines that differ."""
    parts: list[Part] = []
    for kind, before, after in _blocks(old.splitlines(keepends=True), new.splitlines(keepends=True)):
        if kind != "replace":
            parts += _parts(kind, before, after)
            continue
        for inner, words_before, words_after in _blocks(_words(before), _words(after)):
            parts += _parts(inner, words_before, words_after)
    return parts


def _blocks(old: list[str], new: list[str]) -> Iterator[tuple[str, str, str]]:
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        yield kind, "".join(old[a:b]), "".join(new[c:d])


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|[\w’'-]+|.", text)


def _parts(kind: str, before: str, after: str) -> list[Part]:
    if kind == "equal":
        return [Part("same", after)]
    return [part for part in (Part("gone", before), Part("new", after)) if part.text]


@transaction.atomic
def restore(girl_id: int, version: int, *, by: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Bring her words back as they were in a version, as a new one. Answers the values before and after, if any differ.

    Her pictures, numbers, her address and whether she is shown stay. Raises Girl.DoesNotExist, for the version, too.
    """
    girl = Girl.objects.select_for_update(of=("self",), no_key=True).get(pk=girl_id)
    row = Girl.history.filter(id=girl_id, history_id=version).first()
    if row is None:
        raise Girl.DoesNotExist
    names = [name for name in changed(girl, row) if name not in KEPT]
    before = {name: getattr(girl, name) for name in names}
    after = {name: getattr(row, name) for name in names}
    if names:
        for name, value in after.items():
            setattr(girl, name, value)
        girl.changed_by(by, f"Brought back version {version}.")
        girl.save(update_fields=[*names, "updated_at"])
    return before, after

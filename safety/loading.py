"""Bringing the helplines of a release into the database, without touching what staff made of theirs."""

import functools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from safety.models import SHIPPED, Helpline

FILE = Path(__file__).parent / "helplines.toml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading did, as names of rows."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    withdrawn: tuple[str, ...]
    conflicts: tuple[str, ...]  # the release changed what staff had changed too: staff's stays

    def lines(self) -> Iterable[str]:
        """What to tell whoever runs it; nothing when nothing changed."""
        if self.added:
            yield f"{len(self.added)} added, to be checked before launch"
        yield from (f"changed: {name}" for name in self.changed)
        yield from (f"withdrawn: {name}" for name in self.withdrawn)
        yield from (f"yours kept, this release says otherwise: {name}" for name in self.conflicts)


@functools.cache
def shipped() -> tuple[Helpline, ...]:
    """The rows of the file, unsaved and in its order: what there is without a database."""
    rows = tomllib.loads(FILE.read_text())["helpline"]
    return tuple(_row(position, row) for position, row in enumerate(rows))


def _row(position: int, row: dict[str, Any]) -> Helpline:
    helpline = Helpline(**row | {"source": "\n".join(row["source"]), "position": position})
    helpline.shipped = helpline.said
    return helpline


@transaction.atomic
def load(rows: Iterable[Helpline] | None = None, *, using: str = "default") -> Loaded:
    """Add what is new, change what staff left alone, and say where both changed. Done again, it changes nothing."""
    there = {row.seed: row for row in Helpline.objects.using(using).exclude(seed=None).select_for_update()}
    added, changed, conflicts = [], [], []
    for new in shipped() if rows is None else rows:
        old = there.pop(new.seed, None)
        if old is None:
            if not _theirs(new, using):
                added.append(new)
        elif old.shipped != new.shipped:
            if old.edited and old.said != new.shipped:
                conflicts.append(str(old))
            elif not old.edited:
                for name in (*SHIPPED, "position", "verified_at", "verified_by", "status"):
                    setattr(old, name, getattr(new, name))
                changed.append(str(old))
            old.shipped = new.shipped
            old.save(using=using)
    fields = [field.attname for field in Helpline._meta.concrete_fields if not field.primary_key]
    copies = [Helpline(**{name: getattr(row, name) for name in fields}) for row in added]
    Helpline.objects.using(using).bulk_create(copies)
    gone = [row for row in there.values() if not row.edited and row.status != Helpline.Status.CHECKED]
    for row in gone:
        row.delete(using=using)
    names = tuple(str(row) for row in gone)
    return Loaded(tuple(map(str, copies)), tuple(changed), names, tuple(conflicts))


def _theirs(new: Helpline, using: str) -> bool:
    """Whether staff wrote down the same line by hand."""
    same = {name: getattr(new, name) for name in ("country", "kind", "tel", "sms", "chat_url")}
    return Helpline.objects.using(using).filter(**same).exists()

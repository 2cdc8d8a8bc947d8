"""What becomes of all that we know of a person. Each app says it of its own tables, in a module `privacy`:

    TABLES: dict[str, Fate]      its tables with a person in them, and what becomes of those rows
    export(user)                 what is theirs to take away, document by document
    erase(user)                  the end of it, step by step; doing it twice is doing it once

`staff` puts them together. A test fails when a table of the project, or of what it is built on, is in nobody's TABLES.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from django.db import models

ALL = ("*",)  # none of the words and names in such a table is a person's
ROWS = 1000  # in one transaction: a statement may take ten seconds, and nobody shall wait for it so long


@dataclass(frozen=True)
class Fate:
    """What becomes of the rows of a person in one table.

    `exported` is where in the export they stand; empty: nowhere. When the person is erased, the rows go; or, where
    `keeps` names columns, they stay without the person: what can hold one is emptied in `blanks`, and is nobody's in
    `keeps`. Whatever is neither exported nor erased has a reason, `why`.
    """

    exported: str = ""
    why: str = ""
    blanks: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()

    @property
    def stays(self) -> bool:
        """Whether rows are left, of somebody or nobody, when the person is gone."""
        return bool(self.blanks or self.keeps)


class Document(NamedTuple):
    """A file of an export: its path in there, and what is in it, piece by piece."""

    path: str
    pieces: Iterable[str | bytes]


class Part(Protocol):
    """An app's module `privacy`."""

    TABLES: dict[str, Fate]

    def export(self, user: Any) -> Iterator[Document]:
        """What is this person's, and nobody else's. Read as it is written: never all at once."""

    def erase(self, user: Any) -> Iterator[None]:
        """Erase it, yielding between steps that are each a transaction. Whoever was stopped begins again.

        May raise what a storage that is away raises: then it is tried again later.
        """


def delete(rows: models.QuerySet[Any]) -> Iterator[None]:
    """Delete rows, and what hangs on them, so many at a time."""
    while keys := list(rows.order_by().values_list("pk", flat=True)[:ROWS]):
        rows.model._base_manager.filter(pk__in=keys).delete()
        yield

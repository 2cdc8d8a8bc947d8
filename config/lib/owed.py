"""Obligations: rows that say what has to be done, by somebody, even if everybody dies now.

Each is of one form. `due_at` is when somebody must look: at once for a new one; while somebody has it, the end of
their lease; empty when nothing is owed any more. `lease_token` fences off whoever lost it. All times are the
database's, so that no two clocks disagree. A conditional UPDATE decides who gets it and who may end it.

    class Reply(Owed):
        TASK = "chat.tasks.write_reply"

    owe:      save the row, ring(Reply.TASK, pk)
    claim:    Reply.objects.claim(pk, token=...) before the work: due later, by a lease
    settle:   Reply.objects.settle(pk, token=...) in the transaction that holds the result: due no more
    kept():   renews the lease of work that may take longer than one
    sweep():  rings again for all that is due, of every kind. Beat calls it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar, Self
from uuid import UUID

import structlog
from django.apps import apps
from django.db import DatabaseError, connection, models
from django.db.models import F
from django.db.models.functions import Now

from config.lib.bells import ring_now

log = structlog.get_logger(__name__)

UNHEARD = timedelta(seconds=2)  # what is due for longer than that was not heard
BATCH = 1000
MAX_SECONDS = 15 * 60  # for one piece of work whose lease is renewed


class Lost(Exception):
    """Somebody else has this obligation now, or it is none any more."""


class OwedQuerySet(models.QuerySet[Any]):
    """Obligations by what is to be done about them."""

    def owed(self) -> Self:
        """Those that somebody still has to see to, now or later."""
        return self.filter(due_at__isnull=False)

    def due(self, since: timedelta = timedelta(0)) -> Self:
        """Those that somebody should look at, for so long already: nobody has them, or who had them is gone."""
        return self.owed().filter(due_at__lte=Now() - since if since else Now())

    def claim(self, pk: Any, *, token: UUID, **changes: Any) -> bool:
        """Take one to do it, if it is due; whoever had it before is fenced off."""
        lease = self.model.lease()
        taken = {"due_at": Now() + lease, "lease_token": token, "attempts": F("attempts") + 1}
        return bool(self.due().filter(pk=pk).update(**taken, **changes))

    def postpone(self, pk: Any, *, token: UUID | None, by: timedelta, **changes: Any) -> bool:
        """Give it back undone, to be looked at again after a while."""
        mine = self.owed().filter(pk=pk, lease_token=token)
        # SQLite compares times as texts: with even nothing added, this one is later than itself for a millisecond.
        return bool(mine.update(due_at=Now() + by if by else Now(), lease_token=None, **changes))

    def settle(self, pk: Any, *, token: UUID | None, **changes: Any) -> bool:
        """End it, once: True for the one that has it and did."""
        mine = self.owed().filter(pk=pk, lease_token=token)
        return bool(mine.update(due_at=None, lease_token=None, **changes))


class Owed(models.Model):
    """The columns of an obligation."""

    TASK: ClassVar[str]  # what is rung for each row that is due, with its key

    due_at = models.DateTimeField(
        null=True,
        blank=True,
        db_default=Now(),
        editable=False,
        help_text="When somebody must look: at the end of a lease while somebody has it. Empty: nothing is owed.",
    )
    lease_token = models.UUIDField(null=True, blank=True, editable=False, help_text="Fences off whoever lost it.")
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        abstract = True

    @classmethod
    def lease(cls) -> timedelta:
        """How long whoever claims one has it before others may. Longer than the work takes, or renewed meanwhile."""
        return timedelta(seconds=60)


@contextmanager
def kept(row: Owed, token: UUID, *, seconds: float = MAX_SECONDS) -> Iterator[Callable[[], None]]:
    """Renew the lease of a claimed row while the work goes on: a film may take longer than a lease to come and go.

    Gives what raises Lost when it is another's by now. Not for ever: what hangs is somebody else's after a while.
    """
    ended, lost = threading.Event(), threading.Event()
    rows: Any = type(row)._default_manager
    mine = rows.filter(pk=row.pk, lease_token=token)

    def renew() -> None:
        until = time.monotonic() + seconds
        while not ended.wait(row.lease().total_seconds() / 3) and time.monotonic() < until:
            try:
                if not mine.update(due_at=Now() + row.lease()):
                    return lost.set()
            except DatabaseError as error:  # the next time, perhaps; else another has it
                log.warning("lease_not_renewed", row=f"{row._meta.label} {row.pk}", error=repr(error))
            finally:
                connection.close()

    def check() -> None:
        if lost.is_set() or not mine.exists():
            raise Lost

    renewing = threading.Thread(target=renew, name="lease", daemon=True)
    renewing.start()
    try:
        yield check
    finally:
        ended.set()
        renewing.join()


def sweep() -> None:
    """Ring again for everything that is due and was not heard, the longest due first."""
    for model in apps.get_models():
        if issubclass(model, Owed):
            rows: Any = model._default_manager
            for pk in rows.due(UNHEARD).order_by("due_at").values_list("pk", flat=True)[:BATCH]:
                ring_now(model.TASK, str(pk))

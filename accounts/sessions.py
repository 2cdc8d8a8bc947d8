"""Django's sessions in the database, which every request of a member reads first: with a statement built once."""

from datetime import datetime, timedelta

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from config.lib.prepared import select


@select
def _live(key: str) -> QuerySet[Session]:
    return Session.objects.filter(session_key=key, expire_date__gt=Now())


A_DAY = timedelta(days=1)
AT_ONCE = 5000  # rows: a statement may take ten seconds


class SessionStore(db.SessionStore):
    """The same rows, read a little faster, which last as long as they are used."""

    ends: datetime | None = None  # as the row says that was read

    def _get_session_from_db(self) -> Session | None:
        key = self.session_key
        found = _live.first(key) if key and key.isalnum() else None  # PostgreSQL keeps no NUL
        if found is None:
            self._session_key = None
        else:
            self.ends = found.expire_date
        return found

    def prolong(self) -> bool:
        """Let it last from now on as long as it did at first: at most once a day, and by one request of many.

        Nothing else of it is written: who signs out meanwhile is signed out.
        """
        lasts = timedelta(seconds=self.get_expiry_age())
        if self.ends is None or self.ends - timezone.now() > lasts - A_DAY or self.get_expire_at_browser_close():
            return False
        row = Session.objects.filter(session_key=self.session_key, expire_date=self.ends)
        return row.update(expire_date=Now() + lasts) == 1


def sweep() -> int:
    """Delete sessions that are over; how many."""
    over, deleted = Session.objects.filter(expire_date__lt=Now()), 0
    while keys := list(over.values_list("pk", flat=True)[:AT_ONCE]):
        deleted += Session.objects.filter(pk__in=keys).delete()[0]
    return deleted

"""Django's sessions in the database, which every request of a member reads first: with a statement built once."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.db.models.functions import Now

from config.lib.prepared import select


@select
def _live(key: str) -> QuerySet[Session]:
    return Session.objects.filter(session_key=key, expire_date__gt=Now())


class SessionStore(db.SessionStore):
    """The same rows, read a little faster."""

    def _get_session_from_db(self) -> Session | None:
        key = self.session_key
        found = _live.first(key) if key and key.isalnum() else None  # PostgreSQL keeps no NUL
        if found is None:
            self._session_key = None
        return found

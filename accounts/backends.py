"""Signing in by e-mail, and knowing on each request who somebody is."""

from allauth.account.auth_backends import AuthenticationBackend
from django.db.models import QuerySet

from accounts.models import User
from config.lib.prepared import select


@select
def _user(pk: int) -> QuerySet[User]:
    return User.objects.filter(pk=pk)


class EmailBackend(AuthenticationBackend):
    """allauth's, with the statement that every request of a member asks built once."""

    def get_user(self, user_id: int) -> User | None:
        """The person of a session; None when they are gone or no longer active."""
        user = _user.first(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None

"""Signing in by e-mail, and knowing on each request who somebody is."""

from allauth.account.auth_backends import AuthenticationBackend

from accounts.models import User
from config.lib.prepared import Param, Select

_USER = Select(lambda: User.objects.filter(pk=Param("pk")))


class EmailBackend(AuthenticationBackend):
    """allauth's, with the statement that every request of a member asks built once."""

    def get_user(self, user_id: int) -> User | None:
        """The person of a session; None when they are gone or no longer active."""
        user = _USER.first(pk=user_id)
        return user if user is not None and self.user_can_authenticate(user) else None

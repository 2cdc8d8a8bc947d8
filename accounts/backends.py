"""Signing in by e-mail, and knowing on each request who somebody is."""

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.hashers import make_password
from django.db.models import QuerySet

from accounts import spelling
from accounts.models import User
from config.lib.prepared import select


@select
def _user(pk: int) -> QuerySet[User]:
    return User.objects.filter(pk=pk)


class EmailBackend(AuthenticationBackend):
    """allauth's, which asks only who has this address now; with the statement of every member's request built once."""

    def get_user(self, user_id: int) -> User | None:
        """The person of a session; None when they are gone or no longer active."""
        user = _user.first(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        return self._check_password(User.objects.filter(email=email).first(), password)

    def _mitigate_timing_attack(self, password: str) -> None:
        for form in spelling.passwords(password):  # as often as for somebody who is there
            make_password(form)

"""What members say of themselves and how they like the site: changing it."""

from django.db import IntegrityError, transaction

from accounts import ratelimits
from accounts.models import User

# What each of them may change by themselves: a form that grew, or a request that was made up, changes nothing else.
DETAILS = ("username", "name", "country")
PREFERENCES = ("enter_sends", "show_mature", "email_notices", "theme")


class UsernameTaken(Exception):
    """Somebody else got this username a moment before."""


class TooManyUsernames(Exception):
    """They had as many other usernames today as anybody may have in a day."""


def change(user: User, **details: str) -> None:
    """Write down who they are: all of it, or nothing.

    Raises UsernameTaken when somebody else has the name, TooManyUsernames when that would be one too many for a day.
    The same name in another case is theirs.
    """
    changed = {name: value for name, value in details.items() if name in DETAILS and getattr(user, name) != value}
    if not changed:
        return
    if changed.get("username", user.username).lower() != user.username.lower():
        try:
            ratelimits.may_change_username(user)
        except ratelimits.TooManyRequests as error:
            raise TooManyUsernames from error
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(**changed)
    except IntegrityError as error:
        raise UsernameTaken(changed.get("username")) from error


def prefer(user: User, **chosen: bool | str) -> None:
    """Write down what they like; what is not named stays."""
    wanted = {name: value for name, value in chosen.items() if name in PREFERENCES}
    if wanted:
        User.objects.filter(pk=user.pk).update(**wanted)

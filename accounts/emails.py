"""Mails are owed here, where what they tell of is written. A worker sends them (`accounts/posting.py`)."""

from datetime import timedelta
from typing import Any

from django.db.models.functions import Now
from django.utils import timezone

from accounts import letters
from accounts.models import Mail, MailQuerySet, User
from config.lib.bells import ring


def owe(
    template: str,
    context: dict[str, Any],
    *,
    user: User | None = None,
    address: str = "",
    good_for: timedelta | None = None,
) -> Mail:
    """Promise a mail, inside the transaction of what it tells of. `template` is one that `letters.write` knows.

    It goes to the person, wherever they are reached by then, or to an `address` that stays the same: one that is to be
    proven, or was somebody's until now. After `good_for` it is of no use (a code), and is not sent any more.
    """
    letter = letters.write(template, {"user": user, **context})
    mail = Mail.objects.create(
        user=user,
        address=address,
        template=template,
        subject=letter.subject,
        body=letter.text,
        html=letter.html,
        good_until=timezone.now() + good_for if good_for else None,
    )
    ring(Mail.TASK, mail.pk)
    return mail


def send_again(mails: MailQuerySet) -> list[Mail]:
    """Owe those anew that were not sent, or of which nobody knows; which ones. What is of no use any more stays."""
    again = []
    for mail in mails.can_go_again():
        changes = {"due_at": Now(), "attempts": 0, "handed_at": None, "error": ""}
        if Mail.objects.can_go_again().filter(pk=mail.pk).update(**changes):
            ring(Mail.TASK, mail.pk)
            again.append(mail)
    return again

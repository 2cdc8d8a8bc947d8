"""What was said, shown to a moderator: after a reason that is written down first, and not for long."""

import time
from datetime import timedelta

from django import forms
from django.http import HttpRequest

from chat.models import Conversation, Message

MAY_READ = "chat.read_conversation"
LASTS = timedelta(minutes=15)
MIN_REASON = 10
AT_ONCE = 50  # messages on a page
_OPEN = "revealed"  # in the session of whoever reads: conversation, and when it closes


class RevealForm(forms.Form):
    """Why somebody reads what was said to a character alone."""

    reason = forms.CharField(
        label="Reason",
        min_length=MIN_REASON,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=f"At least {MIN_REASON} characters, kept in the audit: the ticket, and what you look for.",
    )


def open_for(request: HttpRequest, conversation: Conversation) -> None:
    """From now on this session may read it, for a while. Whoever calls has written down why."""
    now = time.time()
    still = {key: until for key, until in _opened(request).items() if until > now}
    request.session[_OPEN] = {**still, str(conversation.pk): now + LASTS.total_seconds()}


def closes_in(request: HttpRequest, conversation: Conversation) -> timedelta | None:
    """For how long this session may still read it; None when it may not."""
    left = _opened(request).get(str(conversation.pk), 0) - time.time()
    return timedelta(seconds=left) if left > 0 else None


def _opened(request: HttpRequest) -> dict[str, float]:
    opened = request.session.get(_OPEN)
    return opened if isinstance(opened, dict) else {}


def page(conversation: Conversation, before: int | None) -> tuple[list[Message], int | None]:
    """What was said last, or before a seq, in order; and the seq before which there is more, if there is.

    Of deleted ones only the place is left; of several answers the one that was chosen.
    """
    said = conversation.messages.order_by("-seq")
    if before is not None:
        said = said.filter(seq__lt=before)
    newest_first = list(said[: AT_ONCE + 1])
    shown = newest_first[:AT_ONCE][::-1]
    return shown, shown[0].seq if len(newest_first) > AT_ONCE else None

"""Mails that are owed are sent here, on the worker's side: each once, or visibly not.

Just before a mail is handed over, that is written down. Whoever finds it so later, because the process was killed,
hands it over again where that makes no second mail (`accounts/transports.py`), and else says that it may have been
sent.
"""

import threading
from datetime import timedelta
from email.utils import formatdate
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from accounts import transports
from accounts.models import Mail
from accounts.transports import NotSent, Unclear
from config.lib.database import give_back_connection

log = structlog.get_logger(__name__)

MAX_TRIES = 12  # with the waits below, about a day
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=4)
CUT_SHORT = "the process ended while it was handed over"
TOO_LATE = "It was of no use any more before it could be sent."


# A mail server that hangs has so many of a process's threads, and no more: the others write replies.
AT_ONCE = 16
_places = threading.BoundedSemaphore(AT_ONCE)


class Overtaken(Exception):
    """Somebody else has this mail by now."""


def send(mail_id: UUID) -> None:
    """Send a mail that is owed; whoever claims it sends it. While too many are under way here, it waits for a sweep."""
    if not _places.acquire(blocking=False):
        return
    try:
        _send(mail_id)
    finally:
        _places.release()


def _send(mail_id: UUID) -> None:
    token = uuid4()
    if not Mail.objects.claim(mail_id, token=token):
        return
    mail = Mail.objects.select_related("user").annotate(now=Now()).get(pk=mail_id)
    end = partial(_end, mail, token)
    if mail.good_until and mail.good_until <= mail.now:
        end(TOO_LATE)
    elif mail.handed_at and mail.now - mail.handed_at >= transports.repeats():
        end(f"It may have been sent: {mail.error or CUT_SHORT}")
    else:
        message = _in_its_envelope(mail)
        give_back_connection()
        try:
            transports.deliver(message, mail.pk, partial(_mark, mail, token))
        except Overtaken:
            pass
        except NotSent as refused:
            if refused.for_good or mail.attempts >= MAX_TRIES:
                end(str(refused), handed_at=None)
            else:
                _put_off(mail, token, str(refused), handed_at=None)
        except Unclear as unclear:
            if transports.repeats() and mail.attempts < MAX_TRIES:
                _put_off(mail, token, str(unclear))
            else:
                end(f"It may have been sent: {unclear}")
        except Exception as error:  # any library's: who knows how far it came
            log.exception("mail_unclear", mail=str(mail.pk))
            end(f"It may have been sent: {type(error).__name__}")
        else:
            Mail.objects.settle(mail.pk, token=token, sent_at=Now(), error="", **_nothing_to_read(mail))


def sweep() -> None:
    """Forget what codes there were once they are good for nothing, and mails that are over for so many days."""
    over = Mail.objects.filter(due_at=None)
    over.filter(good_until__lte=Now()).exclude(body="").update(subject="", body="", html="")
    over.filter(created_at__lt=Now() - timedelta(days=settings.MAIL_DAYS)).delete()


def _in_its_envelope(mail: Mail) -> EmailMultiAlternatives:
    headers = {
        "Message-ID": f"<{mail.pk}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>",
        "Date": formatdate(mail.created_at.timestamp(), localtime=False),
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    message = EmailMultiAlternatives(mail.subject, mail.body, None, [mail.to], headers=headers)
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    return message


def _mark(mail: Mail, token: UUID) -> None:
    """Write down that it is handed over now. Raises Overtaken when that is somebody else's to do by now."""
    mine = Mail.objects.owed().filter(pk=mail.pk, lease_token=token)
    if not mine.update(handed_at=Coalesce(F("handed_at"), Now()), due_at=Now() + Mail.lease(), error=""):
        raise Overtaken
    give_back_connection()


def _put_off(mail: Mail, token: UUID, why: str, **changes: Any) -> None:
    wait = min(FIRST_WAIT * 2 ** (mail.attempts - 1), LONGEST_WAIT)
    log.warning("mail_waits", mail=str(mail.pk), attempts=mail.attempts)
    Mail.objects.postpone(mail.pk, token=token, by=wait, error=why[:300], **changes)


def _end(mail: Any, token: UUID, why: str, **changes: Any) -> None:
    """End it unsent. What it says is kept while it can be sent again."""
    log.error("mail_not_sent", mail=str(mail.pk), template=mail.template)
    words = _nothing_to_read(mail) if mail.good_until and mail.good_until <= mail.now else {}
    Mail.objects.settle(mail.pk, token=token, error=why[:300], **words, **changes)


def _nothing_to_read(mail: Mail) -> dict[str, str]:
    """Whom it was for has it; nobody else has any use for it. A subject may bear a code."""
    return {"body": "", "html": "", **({"subject": ""} if mail.good_until else {})}

"""Mails of our own: owed where what they tell of is written, sent afterwards. Those of signing in are allauth's."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models.functions import Now
from django.template.loader import render_to_string

from accounts.models import Mail, User
from config.lib.bells import ring

log = structlog.get_logger(__name__)

MAX_TRIES = 12  # with the waits below, about a day


def owe(user: User, template: str, context: dict[str, Any]) -> Mail:
    """Promise a mail, inside the transaction of what it tells of: `templates/emails/<template>.{subject,body}.txt`."""
    context = {"user": user, "site_name": settings.SITE_NAME, "site_url": settings.SITE_URL, **context}
    subject = render_to_string(f"emails/{template}.subject.txt", context).strip()
    body = render_to_string(f"emails/{template}.body.txt", context)
    mail = Mail.objects.create(user=user, template=template, subject=subject, body=body)
    ring(Mail.TASK, mail.pk)
    return mail


def send(mail_id: UUID) -> None:
    """Send a mail that is owed; whoever claims it sends it.

    It counts as sent only after it was: killed in between, it is sent again rather than never.
    """
    token = uuid4()
    if not Mail.objects.claim(mail_id, token=token):
        return
    mail = Mail.objects.select_related("user").get(pk=mail_id)
    try:
        send_mail(mail.subject, mail.body, None, [mail.user.email])
    except Exception as error:  # any vendor's
        log.warning("mail_waits", mail=str(mail_id), error=type(error).__name__)
        why = {"error": f"{type(error).__name__}: {error}"[:300]}
        if mail.attempts >= MAX_TRIES:
            Mail.objects.settle(mail_id, token=token, **why)
        else:
            wait = min(timedelta(seconds=30) * 2 ** (mail.attempts - 1), timedelta(hours=4))
            Mail.objects.postpone(mail_id, token=token, by=wait, **why)
    else:
        Mail.objects.settle(mail_id, token=token, sent_at=Now(), error="")

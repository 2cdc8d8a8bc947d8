"""A mail that was promised is sent, whatever happens in between; one that cannot be is seen."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from accounts import emails
from accounts.models import Mail

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


class Undone(Exception):
    pass


class Refuses:
    """A mail server that is away."""

    def __init__(self, *args, **kwargs):
        pass

    def send_messages(self, messages):
        raise ConnectionRefusedError("nobody listens")

    def open(self):
        pass

    def close(self):
        pass


@pytest.fixture
def promised(alice):
    purchase = {"title": "30 days premium", "price": "$29.99", "order": "DSK-1"}
    with transaction.atomic():
        return emails.owe(alice, "premium_on", {"purchase": purchase})


def sooner(by):
    owed = Mail.objects.get()
    Mail.objects.update(due_at=owed.due_at - by)


def test_it_is_rung_for_and_sent_once(alice, heard, request):
    request.getfixturevalue("promised")
    (sent,) = mail.outbox
    assert sent.to == [alice.email]
    assert "30 days premium, $29.99, order DSK-1" in sent.body
    assert sent.body.startswith(f"Hello {alice.get_short_name()},\n\nYour payment has arrived")
    row = Mail.objects.get()
    assert row.sent_at
    assert (row.due_at, row.error) == (None, "")
    emails.send(row.pk)
    assert len(mail.outbox) == 1


def test_what_is_undone_promises_nothing(alice, heard):
    def undone():
        with transaction.atomic():
            emails.owe(alice, "premium_on", {"purchase": {}})
            raise Undone

    with pytest.raises(Undone):
        undone()
    assert not Mail.objects.exists()
    assert mail.outbox == []


def test_a_worker_killed_before_it_sends_loses_no_mail(promised, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*args):
        raise Killed

    monkeypatch.setattr(emails, "send_mail", killed)
    with pytest.raises(Killed):
        emails.send(promised.pk)
    monkeypatch.undo()
    emails.send(promised.pk)
    assert mail.outbox == []  # the lease still runs
    sooner(Mail.lease())
    emails.send(promised.pk)
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_away_is_asked_again_later_and_staff_see_why(promised, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Refuses"
    emails.send(promised.pk)
    row = Mail.objects.get()
    assert "ConnectionRefusedError" in row.error
    assert timedelta(seconds=20) < row.due_at - timezone.now() <= timedelta(seconds=31)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sooner(timedelta(seconds=31))
    emails.send(promised.pk)
    assert len(mail.outbox) == 1
    assert Mail.objects.get().error == ""


def test_in_the_end_it_is_given_up_visibly(promised, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Refuses"
    for _ in range(emails.MAX_TRIES):
        emails.send(promised.pk)
        Mail.objects.filter(due_at__isnull=False).update(due_at=timezone.now() - timedelta(seconds=1))
    row = Mail.objects.get()
    assert (row.due_at, row.sent_at, row.attempts) == (None, None, emails.MAX_TRIES)
    assert row.error

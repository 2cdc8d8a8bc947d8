"""What is owed is done by one at a time, again if they die, and once in the end; one sweep hears for all."""

import uuid
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import transaction
from django.utils import timezone

from accounts.models import Mail
from config.lib import owed
from config.lib.owed import Owed
from tests.factories import UserFactory
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]
LATER = timedelta(seconds=90)


def a_mail(**fields):
    return Mail.objects.create(user=UserFactory(), template="test", subject="Hello", body="Words", **fields)


def let_pass(row, by=LATER):
    """Let time go by for this row."""
    row.refresh_from_db()
    Mail.objects.filter(pk=row.pk).update(due_at=row.due_at - by)


def claim(row):
    token = uuid.uuid4()
    return token if Mail.objects.claim(row.pk, token=token) else None


def test_what_is_owed_is_due_at_once_and_with_one_at_a_time():
    mail = a_mail()
    assert Mail.objects.due().get() == mail
    assert claim(mail)
    assert not Mail.objects.due().exists()
    assert claim(mail) is None
    mail.refresh_from_db()
    assert mail.attempts == 1


def test_who_dies_loses_it_to_another_and_may_not_end_it_any_more():
    mail = a_mail()
    dead = claim(mail)
    let_pass(mail)
    alive = claim(mail)
    assert alive
    assert not Mail.objects.settle(mail.pk, token=dead, error="from the grave")
    assert not Mail.objects.postpone(mail.pk, token=dead, by=LATER)
    assert Mail.objects.settle(mail.pk, token=alive, sent_at=timezone.now())
    assert not Mail.objects.settle(mail.pk, token=alive)
    mail.refresh_from_db()
    assert (mail.due_at, mail.lease_token, mail.attempts, mail.error) == (None, None, 2, "")
    assert not Mail.objects.owed().exists()
    assert claim(mail) is None


def test_what_is_postponed_is_owed_but_not_due():
    mail = a_mail()
    assert Mail.objects.postpone(mail.pk, token=claim(mail), by=timedelta(minutes=1), error="later")
    assert claim(mail) is None
    assert Mail.objects.owed().get().error == "later"
    let_pass(mail)
    assert claim(mail)


def test_what_is_given_back_at_once_is_due_in_the_very_same_moment():
    mail = a_mail()
    for _ in range(50):
        token = claim(mail)
        with transaction.atomic():
            assert Mail.objects.postpone(mail.pk, token=token, by=timedelta(0))
            assert Mail.objects.due().filter(pk=mail.pk).exists()


@needs_postgres
def test_of_twelve_one_gets_it():
    mail = a_mail()
    assert sum(taken is not None for taken in race(lambda _: claim(mail), 12)) == 1


def test_one_sweep_rings_for_all_kinds_that_were_not_heard(rung, monkeypatch):
    monkeypatch.setattr(owed, "UNHEARD", timedelta(minutes=1))  # what is fresh stays so in a slow moment
    mail, fresh, held = a_mail(), a_mail(), a_mail()
    claim(held)
    let_pass(mail)
    rung.clear()
    owed.sweep()
    assert (Mail.TASK, str(mail.pk)) in rung
    assert {fresh.pk, held.pk}.isdisjoint(uuid.UUID(pk) for name, pk in rung if name == Mail.TASK)


def test_everything_that_is_owed_has_a_task():
    from config.celery import app

    kinds = [model for model in apps.get_models() if issubclass(model, Owed)]
    assert len(kinds) >= 5
    app.loader.import_default_modules()
    for model in kinds:
        assert model.TASK in app.tasks, model

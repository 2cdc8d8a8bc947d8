"""Mails while workers die: each arrives once, or it is said that it may have."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now

from accounts import emails
from accounts.models import Mail
from tests.config.processes import until
from tests.factories import UserFactory
from tests.fakes.resend import resend_server
from tests.fakes.smtp import smtp_server
from tests.servers import DEADLINE

SEED = 20261127
MAILS = 40
State = Mail.State


@pytest.fixture
def smtp():
    with smtp_server() as fake:
        yield fake


@pytest.fixture
def resend():
    with resend_server() as fake:
        yield fake


@pytest.fixture
def by(request, ask):
    """Whoever carries the mails; every process that starts knows."""
    fake = request.getfixturevalue(request.param)
    ask.update({"EMAIL_URL": fake.url} if request.param == "smtp" else fake.environment())
    return fake


def carried(*names):
    return pytest.mark.parametrize("by", names, indirect=True)


def promise():
    """A mail that nobody rang for: beat has to find it."""
    user = UserFactory()
    return emails.owe("account/email/password_changed", {}, user=user)


def leases_end():
    """As if so much time had gone by."""
    Mail.objects.owed().update(due_at=F("due_at") - Mail.lease() - timedelta(seconds=1))


def no_mail_waits():
    """Whether each has its end; what was put off, after so many tries for minutes, is due at once."""
    Mail.objects.owed().filter(lease_token=None, due_at__gt=Now()).update(due_at=Now())
    return not Mail.objects.owed().exists()


def ends(mail):
    """What became of it in the end."""

    def state():
        mail.refresh_from_db()
        return mail.state != State.WAITING and mail.state

    return until(state, what="an end of the mail")


def kill_and_follow(production, by):
    assert by.reached.wait(DEADLINE)
    production.kill("worker")
    by.go_on.set()
    by.answers = {}
    by.is_silent = False
    leases_end()
    production.start("worker")


@carried("smtp")
@pytest.mark.parametrize("verb", ["HELLO", "EHLO", "RCPT", "DATA"])
def test_killed_before_it_handed_over(by, production, verb):
    by.answers = {verb: "silence"}
    mail = promise()
    production.start("redis", "worker", "beat")
    kill_and_follow(production, by)
    assert ends(mail) == State.SENT
    assert len(by.taken) == 1


@carried("smtp")
@pytest.mark.parametrize("verb", [".", "QUIT"], ids=["before the answer", "before it is written down"])
def test_killed_after_it_handed_over_to_a_mail_server(by, production, verb):
    by.answers = {verb: "silence"}
    mail = promise()
    production.start("redis", "worker", "beat")
    kill_and_follow(production, by)
    assert ends(mail) == State.UNCLEAR
    assert "the process ended" in mail.error
    assert len(by.taken) == 1


@carried("resend")
def test_killed_after_it_handed_over_to_resend(by, production):
    by.is_silent = True
    mail = promise()
    production.start("redis", "worker", "beat")
    kill_and_follow(production, by)
    assert ends(mail) == State.SENT
    assert by.keys == [str(mail.pk)] * 2
    assert len(by.taken) == 1


@carried("smtp", "resend")
def test_killed_at_random(by, production):
    chance = random.Random(SEED)
    mails = [promise() for _ in range(MAILS)]
    production.start("redis", "beat")
    for part in range(1, 4):
        goal = part * MAILS // 5 + chance.randint(0, 3)
        production.start("worker")
        until(lambda goal=goal: len(by.taken) >= goal, what=f"{goal} mails taken")
        production.kill("worker")
        leases_end()
    production.start("worker")
    until(no_mail_waits, what="an end of each mail")
    states = Counter(ends(mail) for mail in mails)
    assert set(states) <= {State.SENT, State.UNCLEAR}
    arrived = Counter(taken.to[0] if hasattr(taken, "to") else taken["to"][0] for taken in by.taken)
    assert set(arrived.values()) == {1}
    sent = {mail.user.email for mail in mails if mail.state == State.SENT}
    assert sent <= set(arrived)
    if by.url.startswith("http"):
        assert states == {State.SENT: MAILS}


@carried("smtp")
def test_a_bell_that_is_lost_with_redis_is_heard_by_the_sweep(by, production):
    production.start("redis", "worker", "beat")
    production.kill("redis")
    mail = promise()
    production.start("redis")
    assert ends(mail) == State.SENT
    assert len(by.taken) == 1
    assert not Mail.objects.filter(due_at__lte=Now()).exists()

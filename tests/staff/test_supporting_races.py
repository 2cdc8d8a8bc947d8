"""Two of the team at once, and a member who writes meanwhile: each deed is done once, and nothing is torn."""

import uuid

import pytest
from django.test import Client

from accounts import premium
from accounts.models import User
from chat.models import Conversation, Reply
from staff.models import Audit
from tests.chat.conftest import Hands, work
from tests.factories import ConversationFactory, PermitFactory
from tests.racing import needs_postgres, race
from tests.staff.console import SUPPORT, deed_page, team

pytestmark = [pytest.mark.django_db(transaction=True), needs_postgres]

WHY = "Ticket 4711"


def press(browser, name, person, **form):
    return browser.post(deed_page(name, person), {"reason": WHY, **form}).status_code


def test_a_form_that_is_pressed_twice_gives_once(alice):
    support, key = team(*SUPPORT), uuid.uuid4()
    again = Client()
    again.cookies = support.cookies
    answers = race(lambda number: press((support, again)[number], "give_premium", alice, days=30, key=key), 2)
    assert answers == [302, 302]
    assert alice.premium_grants.get().days == 30
    assert Audit.objects.count() == 1
    alice.refresh_from_db()
    assert alice.premium_until == premium.fold(alice.premium_grants.all())


def test_two_who_take_the_same_days_back_take_them_once(alice):
    premium.grant(alice, 30, "stripe:cs_1")
    premium.grant(alice, 7, "staff:x")
    grant = alice.premium_grants.get(days=7)
    sam, sue = team(*SUPPORT), team(*SUPPORT, username="sue")
    answers = race(lambda number: press((sam, sue)[number], "take_premium_back", alice, of=grant.pk), 2)
    assert sorted(answers) == [302, 409]
    assert Audit.objects.count() == 1
    alice.refresh_from_db()
    assert alice.premium_until == premium.fold(alice.premium_grants.filter(revoked_at=None))


def test_who_is_deactivated_while_they_write_is_owed_nothing(alice, mara, settings):
    settings.DEBUG = True
    settings.TURNSTILE_SITE_KEY = settings.TURNSTILE_SECRET_KEY = ""
    settings.LLM_SCRIPTED_PACE, settings.LLM_PROVIDERS = 0, []
    member = Client()
    member.force_login(alice)
    member.post(f"/girls/{mara.slug}/chat/")
    talk = Conversation.objects.get(user=alice)
    hands = Hands(member, talk, PermitFactory(user=alice, uses_left=1000))
    support = team(*SUPPORT)

    def act(number):
        return press(support, "deactivate", alice) if number == 0 else hands.send(f"Message {number}").status_code

    answers = race(act, 5)
    assert answers[0] == 302
    assert set(answers[1:]) <= {201, 401}, answers
    work()
    talk.refresh_from_db()
    assert not User.objects.get(pk=alice.pk).is_active
    assert not Reply.objects.owed().exists()
    assert not talk.messages.filter(sender="ai", seq__gt=1).exclude(reply=None).exists()
    sent = talk.messages.filter(sender="user").count()
    assert sent == answers[1:].count(201)
    assert settings.FREE_TEXT - talk.free_text == talk.messages.exclude(charged_as="").count()
    assert hands.send("After").status_code == 401


def test_two_who_reset_while_somebody_else_does_write_down_one_change(alice):
    talk = ConversationFactory(user=alice, free_text=0)
    sam, sue = team(*SUPPORT), team(*SUPPORT, username="sue")
    form = {"girl": "", "kinds": ["text"]}
    answers = race(lambda number: press((sam, sue)[number], "reset_quotas", alice, **form), 2)
    assert sorted(answers) == [302, 409]
    line = Audit.objects.get()
    assert line.before == {talk.girl.slug: {"text": 0}}


def test_two_who_deactivate_do_it_once(alice):
    sam, sue = team(*SUPPORT), team(*SUPPORT, username="sue")
    assert sorted(race(lambda number: press((sam, sue)[number], "deactivate", alice), 2)) == [302, 409]
    assert Audit.objects.get().did == "Deactivated"

"""Staff reset free messages of chosen conversations: those who may, with a reason, and each leaves its line."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from chat import admin as chat_admin
from chat.models import Conversation
from staff.models import Audit
from tests.factories import ConversationFactory, UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]
LIST = reverse("admin:chat_conversation_changelist")
WHY = "Ticket 4711: the photos did not come."


def staff_who_may(*codenames):
    user = UserFactory(staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="chat", codename__in=codenames))
    browser = Client()
    browser.force_login(user)
    browser.user = user
    return browser


@pytest.fixture
def support():
    return staff_who_may("view_conversation", "reset_quotas")


@pytest.fixture
def out():
    return ConversationFactory(free_text=0, free_media=1, free_audio=3)


def press(browser, *chosen, **fields):
    """Choose the action; with `kinds` also answer what the page asks."""
    data = {"action": "reset_quotas", "_selected_action": [str(each.pk) for each in chosen], **fields}
    if "kinds" in fields:
        data["confirmed"] = "yes"
    return browser.post(LIST, data)


def left(conversation):
    row = Conversation.objects.get(pk=conversation.pk)
    return row.free_text, row.free_media, row.free_audio


def test_it_asks_first_and_does_nothing_yet(support, out):
    page = press(support, out)
    assert page.status_code == 200
    assert "1 conversation." in page.content.decode()
    assert (left(out), Audit.objects.count()) == ((0, 1, 3), 0)


def test_with_a_reason_it_is_done_and_written_down(support, out):
    full = ConversationFactory()
    answer = press(support, out, full, kinds=["text", "media"], reason=WHY)
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    assert left(out) == (10, 2, 3)
    line = Audit.objects.get()
    assert (line.actor, line.person, line.reason, line.did) == (support.user, out.user_id, WHY, "Reset free messages")
    assert (line.before["free_text"], line.after["free_text"]) == (0, 10)
    assert "1 of 2 were reset." in support.get(LIST).content.decode()


def test_nobody_fills_up_their_own(support, out):
    own = ConversationFactory(user=support.user, free_text=0)
    press(support, own, kinds=["text"], reason=WHY)
    assert "for somebody else on the team" in support.get(LIST).content.decode()
    press(support, own, out, kinds=["text"], reason=WHY)
    assert (left(own)[0], left(out)[0], Audit.objects.count()) == (0, 10, 1)


def test_to_a_number_and_only_what_is_used_up(support, out):
    press(support, out, kinds=["text", "media", "audio"], to="5", only_exhausted="on", reason=WHY)
    assert left(out) == (5, 1, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"reason": "short"},
        {"to": "-1"},
        {"to": "1000001"},
        {"to": "x"},
        {"kinds": []},
        {"kinds": ["video"]},
    ],
)
def test_what_makes_no_sense_is_asked_again(support, out, wrong):
    page = press(support, out, **{"kinds": ["text"], "reason": WHY, **wrong})
    assert page.status_code == 200
    assert (left(out), Audit.objects.count()) == ((0, 1, 3), 0)


def test_who_may_not_does_not(out):
    for browser in (staff_who_may("view_conversation"), staff_who_may("reset_quotas"), staff_who_may()):
        assert "Reset free messages" not in browser.get(LIST).content.decode()
        press(browser, out, kinds=["text"], reason=WHY)
    member = Client()
    member.force_login(UserFactory())
    press(member, out, kinds=["text"], reason=WHY)
    assert (left(out), Audit.objects.count()) == ((0, 1, 3), 0)


def test_very_many_are_for_the_command(support, out, monkeypatch):
    monkeypatch.setattr(chat_admin, "MOST_AT_ONCE", 1)
    press(support, out, ConversationFactory(free_text=0), kinds=["text"], reason=WHY)
    assert "Use manage.py reset_quotas" in support.get(LIST).content.decode()
    assert left(out)[0] == 0

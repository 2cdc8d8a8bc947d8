"""What was said is hidden from the team. A moderator reads it after a reason that is written down first."""

import time

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from structlog.testing import capture_logs

from chat import revealing
from chat.models import Alternative, Conversation
from staff.models import Audit
from tests.factories import ConversationFactory, GirlFactory, MessageFactory, ReplyFactory
from tests.staff.console import SUPPORT, team

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

MODERATOR = ("accounts.view_user", "chat.view_conversation", "chat.view_reply", "chat.read_conversation")
WHY = "Report 12: threats"


@pytest.fixture
def talk(alice):
    talk = ConversationFactory(user=alice, girl=GirlFactory(name="Mara"))
    MessageFactory(conversation=talk, text="SECRET <b>of</b> mine\nin two lines & more")
    MessageFactory(conversation=talk, text="SECRET of hers", hers=True)
    return talk


@pytest.fixture
def moderator(db):
    return team(*MODERATOR, username="mo")


def at(talk, page):
    return f"/admin/chat/conversation/{talk.pk}/{page}/"


def reveal(browser, talk, reason=WHY):
    return browser.post(at(talk, "reveal"), {"reason": reason})


def test_a_moderator_says_why_and_reads(moderator, talk):
    assert "SECRET" not in moderator.get(at(talk, "reveal")).content.decode()
    assert not Audit.objects.exists()
    answer = reveal(moderator, talk)
    assert (answer.status_code, answer["Location"]) == (302, at(talk, "words"))
    line = Audit.objects.get()
    assert (line.actor, line.did) == (moderator.user, "Read a conversation: with Mara, 2 messages")
    assert (line.reason, line.person, line.key) == (WHY, talk.user_id, str(talk.pk))
    page = moderator.get(at(talk, "words"))
    assert "SECRET &lt;b&gt;of&lt;/b&gt; mine\nin two lines &amp; more" in page.content.decode()
    assert "SECRET of hers" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert "SECRET" not in str(list(Audit.objects.values())) + str(list(LogEntry.objects.values()))
    moderator.get(at(talk, "words"))
    assert Audit.objects.count() == 1


@pytest.mark.parametrize("reason", ["", "too short", " " * 20, "x" * 501])
def test_without_a_reason_nothing_is_shown(moderator, talk, reason):
    answer = reveal(moderator, talk, reason)
    assert answer.status_code == 200
    assert "reason" in answer.context["form"].errors
    assert not Audit.objects.exists()
    assert moderator.get(at(talk, "words"))["Location"] == at(talk, "reveal")


def test_others_of_the_team_do_not_read_it(talk, moderator, alice):
    support = team(*SUPPORT)
    editor = team("girls.change_girl", username="ed")
    only_reads = team("chat.read_conversation", username="ro")  # but may not see conversations
    reveal(moderator, talk)  # open to the moderator alone
    for browser in (support, editor, only_reads):
        for page in ("reveal", "words"):
            assert browser.get(at(talk, page)).status_code == 403
        assert reveal(browser, talk).status_code == 403
    member = Client()
    member.force_login(alice)
    assert member.get(at(talk, "words")).status_code == 302
    assert Audit.objects.count() == 1
    assert moderator.post(at(talk, "words")).status_code == 405


def test_it_is_open_to_one_who_said_why_for_this_conversation_and_not_for_long(moderator, talk, alice, monkeypatch):
    other = ConversationFactory(user=alice)
    reveal(moderator, talk)
    assert moderator.get(at(other, "words"))["Location"] == at(other, "reveal")
    colleague = team(*MODERATOR, username="mia")
    assert colleague.get(at(talk, "words"))["Location"] == at(talk, "reveal")
    later = time.time() + revealing.LASTS.total_seconds() + 1
    monkeypatch.setattr("chat.revealing.time.time", lambda: later)
    closed = moderator.get(at(talk, "words"))
    assert (closed.status_code, closed["Location"]) == (302, at(talk, "reveal"))


def test_who_may_no_more_sees_it_no_more(moderator, talk):
    reveal(moderator, talk)
    moderator.user.user_permissions.clear()
    assert moderator.get(at(talk, "words")).status_code == 403


def test_a_forged_opening_opens_nothing(moderator, talk):
    for forged in ({str(talk.pk): 0}, [str(talk.pk)], "x", None):
        session = moderator.session
        session["revealed"] = forged
        session.save()
        assert moderator.get(at(talk, "words"))["Location"] == at(talk, "reveal")


def test_what_was_deleted_stays_deleted(moderator, talk):
    gone, kept = talk.messages.order_by("seq")
    Alternative.objects.create(conversation=talk, seq=kept.seq, n=2, text="SECRET other answer")
    talk = Conversation.objects.get(pk=talk.pk)
    talk.erase(gone)
    reveal(moderator, talk)
    page = moderator.get(at(talk, "words")).content.decode()
    assert "Deleted" in page
    assert "of mine" not in page
    assert "other answer" not in page
    Conversation.objects.update(deleted_at=timezone.now())
    assert "SECRET" not in moderator.get(at(talk, "words"), follow=True).content.decode()
    assert (
        "Nobody reads it any more" in moderator.post(at(talk, "reveal"), {"reason": WHY}, follow=True).content.decode()
    )
    assert Audit.objects.count() == 1


def test_earlier_words_are_a_page_further(moderator, talk):
    for number in range(revealing.AT_ONCE):
        MessageFactory(conversation=talk, text=f"Line {number}.")
    reveal(moderator, talk)
    newest = moderator.get(at(talk, "words"))
    assert [message.text for message in newest.context["said"]] == [f"Line {n}." for n in range(revealing.AT_ONCE)]
    earlier = moderator.get(at(talk, "words"), {"before": newest.context["earlier"]})
    assert [message.seq for message in earlier.context["said"]] == [1, 2]
    assert earlier.context["earlier"] is None
    for odd in ("x", "-1", "9" * 30, "1", "0", "٣"):
        assert moderator.get(at(talk, "words"), {"before": odd}).status_code == 200
    assert Audit.objects.count() == 1


def test_the_page_of_a_conversation_tells_facts_and_no_word(moderator, talk):
    ReplyFactory(conversation=talk, done=True, text="SECRET", provider="primary", first_token_ms=340, total_ms=2100)
    page = moderator.get(at(talk, "change")).content.decode()
    assert "340 ms" in page
    assert "SECRET" not in page
    assert at(talk, "reveal") in page
    other = team("chat.view_conversation").get(at(talk, "change")).content.decode()
    assert "340 ms" not in other
    assert at(talk, "reveal") not in other


def test_a_conversation_that_is_not_there_is_not_found(moderator):
    absent = Conversation()
    assert moderator.get(at(absent, "reveal")).status_code == 404
    assert moderator.get(at(absent, "words")).status_code == 404
    assert moderator.get(at(absent, "change"), follow=True).status_code == 200  # Django leads back, and says so


def test_no_log_has_a_word_of_it(moderator, talk):
    with capture_logs() as heard:
        reveal(moderator, talk)
        moderator.get(at(talk, "words"))
    assert heard
    assert "SECRET" not in str(heard)
    assert WHY not in str(heard)

"""What is wrong, with what she said, a picture or a character, is kept with its evidence until it is decided."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from chat.models import Message
from safety import reporting
from safety.models import Report
from tests.chat.conftest import Hands
from tests.factories import ConversationFactory, GirlFactory, MediaFactory, MessageFactory, PermitFactory, UserFactory
from tests.limits import until_refused
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

SENT = {"reason": "hate", "words": "Look at this."}


@pytest.fixture
def member(alice):
    browser = Client()
    browser.force_login(alice)
    return browser


@pytest.fixture
def photo(mara):
    return MediaFactory(girl=mara, text="A bowl")


@pytest.fixture
def talk(alice, mara):
    """Ten messages, every second one hers."""
    conversation = ConversationFactory(user=alice, girl=mara)
    for number in range(1, 11):
        MessageFactory(conversation=conversation, text=f"Number {number}", hers=number % 2 == 0)
    return conversation


def of_message(talk, text="Number 6"):
    return f"/chat/{talk.pk}/messages/{talk.messages.get(text=text).pk}/report/"


def test_a_message_is_kept_with_three_on_either_side(member, talk, alice, mara):
    page = member.get(of_message(talk))
    assert "claims to be a person" in page.content.decode()
    answer = member.post(of_message(talk), SENT, follow=True)
    assert answer.redirect_chain == [("/account/reports/", 302)]
    (report,) = Report.objects.all()
    assert (report.by, report.girl, report.reason, report.words) == (alice, mara, "hate", "Look at this.")
    assert report.target == f"message:{talk.pk}:6"
    assert [each["text"] for each in report.evidence] == [f"Number {n}" for n in range(3, 10)]
    assert [each["text"] for each in report.evidence if each["reported"]] == ["Number 6"]
    assert "A message of Mara" in answer.content.decode()
    assert "Number 6" not in answer.content.decode()


def test_what_is_deleted_afterwards_stays_with_the_report(member, talk):
    member.post(of_message(talk), SENT)
    Message.objects.filter(conversation=talk).delete()
    assert len(Report.objects.get().evidence) == 7


def test_ones_own_words_others_and_what_is_gone_cannot_be_reported(member, talk):
    stranger = Client()
    stranger.force_login(UserFactory())
    address = of_message(talk)
    assert stranger.get(address).status_code == 404
    assert member.get(of_message(talk, "Number 5")).status_code == 404
    talk.messages.filter(text="Number 6").update(deleted_at=timezone.now())
    assert member.get(address).status_code == 404
    assert Client().get(address)["Location"].startswith("/accounts/login/?next=/chat/")


def test_a_picture_and_a_character_are_reported(member, photo, mara):
    member.post(f"/report/media/{photo.pk}/", {"reason": "intimate", "words": "That is me: x@example.com"})
    member.post(f"/report/character/{mara.slug}/", {"reason": "sexual-minor"})
    picture, character = Report.objects.order_by("created_at")
    assert (picture.media, picture.girl, picture.what) == (photo, mara, "photo")
    assert (picture.due_at - picture.created_at) == timedelta(hours=48)
    assert "A bowl" in picture.evidence[0]["text"]
    assert (character.what, character.due_at - character.created_at) == ("character", timedelta(hours=24))
    assert mara.bio in character.evidence[0]["text"]


def test_what_one_may_not_see_cannot_be_reported(member, mara):
    locked = MediaFactory(girl=mara, premium_only=True)
    hidden = MediaFactory(girl=mara, published=False)
    away = GirlFactory(slug="away", is_active=False)
    for address in (
        *(f"/report/media/{pk}/" for pk in (locked.pk, hidden.pk, 10**9)),
        f"/report/character/{away.slug}/",
    ):
        assert member.get(address).status_code == 404, address


def test_pressing_twice_is_one_report_until_it_is_decided(member, photo):
    for _ in range(2):
        assert member.post(f"/report/media/{photo.pk}/", SENT).status_code == 302
    assert Report.objects.count() == 1
    with transaction.atomic():
        reporting.close(Report.objects.get().pk, outcome=Report.Outcome.NOTHING, statement="It is a bowl.", by=None)
    member.post(f"/report/media/{photo.pk}/", SENT)
    assert Report.objects.count() == 2


@needs_postgres
def test_two_tabs_at_once_are_one_report(member, photo):
    assert race(lambda _: member.post(f"/report/media/{photo.pk}/", SENT).status_code, 4) == [302] * 4
    assert Report.objects.count() == 1


@pytest.mark.parametrize(
    "form",
    [{}, {"reason": ""}, {"reason": "mood"}, {"reason": "claims-human"}, {"reason": "hate", "words": "x" * 1001}],
)
def test_what_says_nothing_is_asked_again(member, photo, form):
    page = member.post(f"/report/media/{photo.pk}/", form)
    assert page.status_code == 200
    assert page.context["form"].errors
    assert not Report.objects.exists()


def test_what_was_decided_stands_there_with_its_reasons(member, photo):
    assert "Nothing yet" in member.get("/account/reports/").content.decode()
    member.post(f"/report/media/{photo.pk}/", SENT)
    assert "We decide by" in member.get("/account/reports/").content.decode()
    with transaction.atomic():
        said = "It broke rule 3, and is gone."
        reporting.close(Report.objects.get().pk, outcome=Report.Outcome.REMOVED, statement=said, by=None)
    page = member.get("/account/reports/").content.decode()
    assert "Taken down" in page
    assert "It broke rule 3, and is gone." in page
    other = Client()
    other.force_login(UserFactory())
    assert "rule 3" not in other.get("/account/reports/").content.decode()


def test_nobody_reports_the_whole_site(member, photo):
    *sent, refused = until_refused(lambda: member.post(f"/report/media/{photo.pk}/", SENT), 20)
    assert {answer.status_code for answer in sent} == {302}
    assert "Wait a moment" in refused.content.decode()


def test_the_page_of_a_conversation_leads_there(member, talk, alice, mara):
    page = member.get(f"/chat/{talk.pk}/").content.decode()
    assert f"/report/character/{mara.slug}/" in page
    assert Hands(member, talk, PermitFactory(user=alice)).state()

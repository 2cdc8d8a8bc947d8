"""A character retires: what was said with her can be read, nothing new begins, and what she owes still comes."""

import uuid

import pytest
from django.db import IntegrityError, transaction

from chat.models import Message, Reply
from girls import publishing
from girls.models import Girl
from tests.chat.conftest import Hands, work
from tests.factories import ConversationFactory, MediaFactory, PermitFactory, UserFactory
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.DEBUG = True
    settings.TURNSTILE_SITE_KEY = settings.TURNSTILE_SECRET_KEY = ""
    settings.LLM_SCRIPTED_PACE = 0
    settings.LLM_PROVIDERS = []


@pytest.fixture
def hands(client, alice, mara):
    """Alice talks with Mara, and would send more."""
    client.force_login(alice)
    client.post(f"/girls/{mara.slug}/chat/")
    return Hands(client, alice.conversations.get(), PermitFactory(user=alice, uses_left=1000))


def retire(girl):
    return publishing.retire(Girl.objects.filter(pk=girl.pk))


def test_her_pages_are_gone_and_nobody_new_begins(client, charlie, mara):
    item = MediaFactory(girl=mara)
    retire(mara)
    client.force_login(charlie)
    for page in ("", "gallery/", "posts/", "chat/"):
        assert client.get(f"/girls/mara/{page}").status_code == 404, page
    assert client.post("/girls/mara/chat/").status_code == 404
    assert client.post(f"/girls/mara/media/{item.pk}/like/", {"liked": "1"}).status_code == 404
    assert mara.name not in client.get("/").content.decode()
    assert not charlie.conversations.exists()


def test_what_was_said_is_read_and_nothing_is_added(hands, alice):
    first = hands.send("Before").json()["message"]
    work()
    mara = hands.conversation.girl
    free = hands.free()
    retire(mara)
    said = hands.send("After")
    assert (said.status_code, said.json()["error"]["code"]) == (410, "character_retired")
    assert hands.free() == free
    assert not Message.objects.filter(text="After").exists()
    assert first["id"] in {message["id"] for message in hands.state()["messages"]}
    page = hands.client.get(hands.url).content.decode()
    assert "data-retired" in page
    assert "has retired." in page
    assert "Before" in page


def test_a_repeat_of_what_was_sent_before_is_answered_as_before(hands):
    client_id = uuid.uuid4()
    sent = hands.send("Before", client_id)
    retire(hands.conversation.girl)
    again = hands.send("Before", client_id)
    assert (sent.status_code, again.status_code) == (201, 200)
    assert again.json()["message"] == sent.json()["message"]


def test_a_reply_that_was_owed_is_still_written(hands):
    hands.send("Are you there?")
    retire(hands.conversation.girl)
    work()
    assert Reply.objects.get().state == Reply.State.DONE
    assert hands.state()["messages"][-1]["sender"] == "ai"


def test_a_reply_that_failed_is_not_asked_for_again(hands):
    hands.send("Are you there?")
    Reply.objects.update(created_at="2026-01-01T00:00:00Z")
    assert hands.state()["reply"]["state"] == "failed"
    retire(hands.conversation.girl)
    said = hands.post("retry")
    assert (said.status_code, said.json()["error"]["code"]) == (410, "character_retired")
    assert Reply.objects.count() == 1


def test_a_hidden_character_goes_on_with_those_who_know_her(hands):
    publishing.unpublish(Girl.objects.all())
    assert hands.send().status_code == 201


def test_who_is_shown_again_has_not_retired(hands):
    mara = hands.conversation.girl
    assert retire(mara) == [mara]
    assert retire(mara) == []
    publishing.publish(Girl.objects.filter(pk=mara.pk))
    mara.refresh_from_db()
    assert (mara.status, mara.retired_at) == ("live", None)
    assert hands.send().status_code == 201
    assert hands.client.get("/girls/mara/").status_code == 200


def test_the_form_brings_her_back_too(client, mara):
    client.force_login(UserFactory(administrator=True))
    retire(mara)
    address = f"/admin/girls/girl/{mara.pk}/change/"
    form = client.get(address).context["adminform"].form
    values = {name: form[name].value() for name in form.fields} | {"is_active": "on"}
    assert client.post(address, values).status_code == 302
    mara.refresh_from_db()
    assert (mara.status, mara.retired_at) == ("live", None)


def test_nobody_is_live_and_retired(mara):
    retire(mara)
    with pytest.raises(IntegrityError, match="girl_who_retired_is_hidden"), transaction.atomic():
        Girl.objects.filter(pk=mara.pk).update(is_active=True)


@needs_postgres
def test_of_sends_at_the_moment_she_retires_each_is_taken_whole_or_refused(hands, mara):
    others = [ConversationFactory(girl=mara) for _ in range(7)]
    permits = {talk.pk: PermitFactory(user=talk.user) for talk in others}
    browsers = []
    for talk in others:
        browser = type(hands.client)()
        browser.force_login(talk.user)
        browsers.append(Hands(browser, talk, permits[talk.pk]))

    def deed(number):
        return retire(mara) if number == 3 else browsers[number - (number > 3)].send(f"Number {number}").status_code

    answers = race(deed, 8)
    codes = [answer for answer in answers if isinstance(answer, int)]
    assert len(codes) == 7
    assert set(codes) <= {201, 410}
    assert Message.objects.filter(sender="user").count() == codes.count(201) == Reply.objects.owed().count()
    assert all(browser.send("Late").status_code == 410 for browser in browsers)
    work()
    assert set(Reply.objects.values_list("state", flat=True)) <= {Reply.State.DONE}

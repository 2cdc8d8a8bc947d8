"""What a visitor pressed is carried out when they are a member: by signing up, or by signing in."""

import pytest

from accounts.models import User
from chat.models import Conversation
from girls.models import Girl
from tests.factories import PASSWORD, GirlFactory, MediaFactory
from tests.people import sign_up

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

STARTER = "What are you making today?"
HERE = "/girls/mara/chat/"


@pytest.fixture(autouse=True)
def _as_on_a_laptop(settings):
    settings.DEBUG = True
    settings.AGE_GATE = False
    settings.TURNSTILE_SITE_KEY = settings.TURNSTILE_SECRET_KEY = ""


def sign_in(client, user, where):
    words = {"login": user.email, "password": PASSWORD, "cf-turnstile-response": "local", "next": where}
    return client.post("/accounts/login/", words)


def state_of(client, url):
    return client.get(url).context["state_json"]


def test_a_starter_survives_sign_up(client, mara):
    asked = client.post(HERE, {"starter": STARTER})
    assert asked["Location"] == f"/accounts/signup/?next={HERE}"
    assert f'name="next" value="{HERE}"' in client.get(asked["Location"]).content.decode()
    assert sign_up(client, next=HERE)["Location"] == HERE
    begun = client.get(HERE)["Location"]
    conversation = Conversation.objects.get(user=User.objects.get(), girl=mara)
    assert begun == f"/chat/{conversation.pk}/?starter=0"
    assert state_of(client, begun)["starter"] == STARTER


def test_the_way_from_sign_up_to_sign_in_keeps_it(client, alice, mara):
    page = client.get(client.post(HERE, {"starter": STARTER})["Location"]).content.decode()
    assert f"/accounts/login/?next={HERE}" in page.replace("%2F", "/")
    assert sign_in(client, alice, HERE)["Location"] == HERE
    assert client.get(HERE)["Location"].endswith("?starter=0")


def test_message_mara_survives_without_words(client, alice, mara):
    client.post(HERE, {"starter": "Words of somebody else"})
    sign_in(client, alice, HERE)
    begun = client.get(HERE)["Location"]
    assert begun == f"/chat/{Conversation.objects.get().pk}/"
    assert state_of(client, begun)["starter"] == ""


@pytest.fixture
def photo(mara):
    return MediaFactory(girl=mara, text="Clay from this hill.")


def draft_of(client, address):
    return client.get(address, follow=True).context["state_json"]["draft"]


def test_asking_about_a_photo_begins_a_message_and_sends_none(client, alice, photo):
    client.force_login(alice)
    begun = client.post(HERE, {"about": photo.pk})["Location"]
    assert begun == f"/chat/{Conversation.objects.get().pk}/?about={photo.pk}"
    assert draft_of(client, begun) == "About your photo “Clay from this hill.”: "
    assert not Conversation.objects.get().messages.filter(sender="user").exists()


def test_asking_about_a_photo_survives_sign_in(client, alice, photo):
    client.post(HERE, {"about": photo.pk})
    sign_in(client, alice, HERE)
    assert draft_of(client, HERE) == "About your photo “Clay from this hill.”: "


@pytest.mark.parametrize(
    ("fields", "draft"),
    [
        ({"text": ""}, "About your photo: "),
        ({"post": True, "video": True, "text": "Waves."}, "About your video “Waves.”: "),
        ({"locked": True}, ""),
        ({"unpublished": True}, ""),
        ({"asset": True}, ""),
        ({"girl__slug": "another"}, ""),
    ],
    ids=["no caption", "film", "locked", "unpublished", "reply media", "of another"],
)
def test_one_asks_only_about_what_one_sees_of_her(client, alice, mara, fields, draft):
    media = MediaFactory(**{"girl": mara} if "girl__slug" not in fields else {}, **fields)
    client.force_login(alice)
    assert draft_of(client, client.post(HERE, {"about": media.pk})["Location"]) == draft


@pytest.mark.parametrize("about", ["0", "-1", "x", "²", "9" * 30, ""])
def test_about_nothing_is_only_to_write_to_her(client, alice, mara, about):
    client.force_login(alice)
    assert draft_of(client, client.post(HERE, {"about": about})["Location"]) == ""


def test_it_is_carried_out_once(client, alice, mara):
    client.post(HERE, {"starter": STARTER})
    sign_in(client, alice, HERE)
    client.get(HERE)
    assert client.get(HERE)["Location"] == "/girls/mara/"


def test_an_address_alone_starts_nothing(client, alice, mara):
    assert client.get(HERE)["Location"] == "/girls/mara/"
    client.force_login(alice)
    assert client.get(HERE)["Location"] == "/girls/mara/"
    assert not Conversation.objects.exists()


def test_what_was_pressed_at_one_starts_nothing_with_another(client, alice, mara):
    GirlFactory(name="Noor", slug="noor")
    client.post(HERE, {"starter": STARTER})
    client.force_login(alice)
    assert client.get("/girls/noor/chat/")["Location"] == "/girls/noor/"
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("forged", ["", "1:0", "1:0:x:y", "\0", "é"])
def test_only_the_server_writes_it(client, alice, mara, forged):
    client.force_login(alice)
    client.cookies["wish"] = forged
    assert client.get(HERE)["Location"] == "/girls/mara/"


def test_a_starter_that_staff_took_away_meanwhile_only_opens_the_conversation(client, alice, mara):
    client.post(HERE, {"starter": STARTER})
    Girl.objects.update(starters=[])
    client.force_login(alice)
    assert state_of(client, client.get(HERE)["Location"])["starter"] == ""

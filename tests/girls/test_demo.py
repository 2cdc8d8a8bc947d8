"""`manage.py demo`, as an operator types it."""

from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from accounts.models import User
from girls.models import Girl
from tests.factories import ConversationFactory, GirlFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
EIGHT = ["Mara", "Inês", "Yuna", "Noor", "Sanne", "Amara", "Lucía", "Vera"]


@pytest.fixture(autouse=True)
def _on_a_laptop(settings):
    settings.DEBUG = True
    settings.AGE_GATE = False


def demo(*arguments):
    """Without photos, which take ten seconds; those have a file of their own."""
    out = StringIO()
    call_command("demo", *arguments, without_photos=True, stdout=out)
    return out.getvalue()


def rows():
    girls = [{k: v for k, v in girl.items() if k != "id"} for girl in Girl.objects.values()]
    return girls, list(User.objects.order_by("email").values("email", "password", "premium_until", "is_superuser"))


def test_it_makes_eight_characters_who_are_worth_talking_to():
    demo()
    girls = list(Girl.objects.all())
    assert [girl.name for girl in girls] == EIGHT
    for girl in girls:
        assert 24 <= girl.age <= 41
        assert 250 <= len(girl.persona_prompt.split()) <= 450
        assert "never claim to be human" in girl.persona_prompt
        assert 3 <= len(girl.starters) <= 4
        assert girl.greeting
        assert girl.in_short == f"{girl.age}, {girl.work} in {girl.lives_in}"
        assert girl.example_dialogue.count("Member:") >= 2
        girl.full_clean()
        for picture in (f"{girl.demo_art}.svg", f"{girl.demo_art}-sq.svg", f"{girl.demo_art}-cover.svg"):
            assert (django_settings.BASE_DIR / "static" / "demo" / picture).is_file()


def test_twice_is_once():
    demo()
    before = rows()
    assert "left as they are" in demo()
    assert rows() == before


@pytest.mark.parametrize("email", ["member@example.com", "premium@example.com", "admin@example.com"])
def test_its_accounts_sign_in(client, email):
    demo()
    form = {"login": email, "password": "demo-password", "cf-turnstile-response": "local"}
    client.post("/accounts/login/", form, headers={"host": "localhost:8000"})
    user = User.objects.get(pk=client.session["_auth_user_id"])
    assert user.email == email
    assert user.premium_active == (email == "premium@example.com")
    assert user.is_superuser == (email == "admin@example.com")


@pytest.mark.parametrize(
    "how",
    [
        {"headers": {"host": "192.168.1.5:8000"}},
        {"headers": {"host": "evil.example:8000"}},  # a page that makes its own name mean this machine
        {"headers": {"host": "localhost.evil.example"}},
        {"headers": {"host": "localhost:8000"}, "REMOTE_ADDR": "192.168.1.7"},
        {"headers": {"host": "localhost:8000"}, "REMOTE_ADDR": "2001:db8::7"},
        {"headers": {"host": "localhost:8000", "x-forwarded-for": "127.0.0.1"}},  # a tunnel that hides the name
        {"headers": {"host": "localhost:8000", "forwarded": "for=127.0.0.1"}},
    ],
)
def test_their_password_is_taken_on_this_machine_only(client, settings, how):
    settings.ALLOWED_HOSTS = ["*"]
    demo()
    form = {"login": "admin@example.com", "password": "demo-password", "cf-turnstile-response": "local"}
    answer = client.post("/accounts/login/", form, **how)
    assert "_auth_user_id" not in client.session
    assert "on the machine that Dusk runs on" in answer.content.decode()


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:8000", "LOCALHOST", "dusk.localhost"])
def test_this_machine_has_several_names(client, settings, host):
    settings.ALLOWED_HOSTS = ["*"]
    demo()
    form = {"login": "admin@example.com", "password": "demo-password", "cf-turnstile-response": "local"}
    assert client.post("/accounts/login/", form, headers={"host": host}, REMOTE_ADDR="::1").status_code == 302


def test_what_an_editor_changed_stays_changed():
    demo()
    Girl.objects.filter(slug="mara").update(tagline="Edited")
    demo()
    assert Girl.objects.get(slug="mara").tagline == "Edited"


def test_removing_takes_what_it_made_and_nothing_else():
    mine = GirlFactory(slug="vera", name="My own Vera")
    alice = UserFactory(username="alice")
    demo()
    ConversationFactory(user=User.objects.get(email="member@example.com"), girl=Girl.objects.get(slug="noor"))
    demo("--remove")
    assert list(Girl.objects.all()) == [mine]
    assert list(User.objects.all()) == [alice]


def test_a_character_whom_members_know_is_hidden_instead():
    demo()
    talk = ConversationFactory(girl=Girl.objects.get(slug="noor"))
    assert "Hidden, not removed, because members talk with them: Noor." in demo("--remove")
    talk.refresh_from_db()
    assert [(girl.name, girl.is_active) for girl in Girl.objects.all()] == [("Noor", False)]


def test_it_is_refused_outside_debug_but_may_always_be_removed(settings):
    demo()
    settings.DEBUG = False
    with pytest.raises(CommandError, match="only loaded while DEBUG is on"):
        demo()
    demo("--remove")
    assert not User.objects.exists()

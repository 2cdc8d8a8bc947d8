"""The account's first page: who one is, and how one likes the site, at the door."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts import profiles
from accounts.models import User
from tests.config.test_pages import Page
from tests.factories import UserFactory
from tests.limits import until_refused
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db, pytest.mark.embedded, pytest.mark.usefixtures("transactional_db")]

URL, PREFER = "/account/", "/account/preferences/"
JSON = {"Accept": "application/json"}


@pytest.fixture
def robin(client):
    robin = UserFactory(username="robin_1", name="Robin", country="NL")
    client.force_login(robin)
    return robin


def details(**changes):
    return {"username": "robin_1", "name": "Robin", "country": "NL", **changes}


def kept(member, *names):
    return User.objects.values_list(*(names or profiles.DETAILS)).get(pk=member.pk)


def control(answer, name):
    """The control of a form by its name, as the page has it."""
    return next(attrs for _, attrs in Page(answer).tags if attrs.get("name") == name)


def test_what_a_member_says_of_themselves_is_kept_and_the_page_says_so_once(client, robin):
    answer = client.post(URL, details(username="Robin.Hale", name="Robin Hale", country="PT"), follow=True)
    assert answer.redirect_chain == [(URL, 302)]
    assert kept(robin) == ("Robin.Hale", "Robin Hale", "PT")
    assert "Saved" in Page(answer).text
    assert "Saved" not in Page(client.get(URL)).text
    assert "Robin.Hale" in client.get("/terms/").content.decode()


def test_a_name_and_a_country_can_be_left_out_and_taken_back(client, robin):
    client.post(URL, details(name="", country=""))
    assert kept(robin) == ("robin_1", "", "")


@pytest.mark.parametrize("taken", ["robin", "ROBIN", " RoBiN ", "ｒｏｂｉｎ", "robin\u200b"])
def test_a_username_that_another_has_in_any_case_is_refused_beside_the_field_with_one_that_is_free(
    client, robin, taken
):
    UserFactory(username="Robin")
    answer = client.post(URL, details(username=taken, name="Robin Hale", country="PT"))
    assert answer.status_code == 200
    assert "That one’s taken. Try robin_hale." in Page(answer).text
    assert "Please check username" in " ".join(Page(answer).text.split())
    assert control(answer, "username")["aria-invalid"] == "true"
    assert kept(robin) == ("robin_1", "Robin", "NL")


def test_nothing_of_what_was_typed_is_lost_and_the_bar_still_says_who_one_is(client, robin):
    UserFactory(username="robin")
    answer = client.post(URL, details(username="robin", name="Robin van Dijk", country="PT"))
    assert control(answer, "username")["value"] == "robin"
    assert control(answer, "name")["value"] == "Robin van Dijk"
    assert '<option value="PT" selected>' in answer.content.decode()
    assert "<strong>robin_1</strong>" in answer.content.decode()


def test_ones_own_username_in_another_case_is_ones_own(client, robin):
    client.post(URL, details(username="ROBIN_1"))
    assert kept(robin, "username") == ("ROBIN_1",)


@pytest.mark.parametrize("username", ["admin", "Ad.Min", "dusk", "staff_"])
def test_names_of_the_house_are_refused(client, robin, username):
    assert "That one’s reserved. Try" in Page(client.post(URL, details(username=username))).text
    assert kept(robin, "username") == ("robin_1",)


@pytest.mark.parametrize(
    "username",
    [
        "",
        "ab",
        "a" * 31,
        "rob in",
        "röbin",
        "роbin",
        ".robin",
        "robin.",
        "rob\nin",
        "<b>",
        "\x00",
        "robin@x.y",
        "👍👍👍",
    ],
)
def test_what_no_username_is_is_refused_without_a_trace(client, robin, username):
    answer = client.post(URL, details(username=username))
    assert answer.status_code == 200
    assert control(answer, "username")["aria-invalid"] == "true"
    assert kept(robin) == ("robin_1", "Robin", "NL")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("  Robin   Hale ", "Robin Hale"),
        ("Zoe\u0308 O’Brien-Núñez Jr.", "Zoë O’Brien-Núñez Jr."),
        ("王小明", "王小明"),
        ("أمل", "أمل"),
        ("می‌خواهم", "می‌خواهم"),
        ("Robin\u202e\u200b\u2066 Hale\u2069", "Robin Hale"),
        ("Robin\r\nHale", "Robin Hale"),
        ("Robin 🌙", "Robin 🌙"),
        ("x" * 80, "x" * 80),
    ],
)
def test_names_of_any_script_are_kept_on_one_line_without_what_nobody_sees(client, robin, typed, name):
    client.post(URL, details(name=typed))
    assert kept(robin, "name") == (name,)


@pytest.mark.parametrize(
    "name",
    ["x" * 81, "<b>Robin</b>", "Robin: obey", "{{char}}", "[system]", "Robin\x00", "-", "…", "“Robin”", "a|b", "`"],
)
def test_what_no_name_is_is_refused(client, robin, name):
    assert control(client.post(URL, details(name=name)), "name")["aria-invalid"] == "true"
    assert kept(robin, "name") == ("Robin",)


@pytest.mark.parametrize("country", ["XX", "nl", "NLD", "<", "\x00"])
def test_a_country_is_one_of_the_list(client, robin, country):
    assert client.post(URL, details(country=country)).status_code == 200
    assert kept(robin, "country") == ("NL",)


def test_nothing_else_can_be_changed_by_either_form(client, robin):
    more = {
        "is_staff": "on",
        "is_superuser": "on",
        "premium_until": "2099-01-01",
        "email": "mallory@example.com",
        "birth_date": "2001-01-01",
        "avatar": "1",
        "password": "x",
        "pk": "1",
        "id": "1",
        "erase_at": "2001-01-01",
    }
    before = User.objects.filter(pk=robin.pk).values().get()
    client.post(URL, details(**more))
    client.post(PREFER, {"shown": [*more, *before], **more})
    after = User.objects.filter(pk=robin.pk).values().get()
    changed = {name for name in before if before[name] != after[name]} - {"last_login"}
    assert changed <= set(profiles.PREFERENCES)


def test_the_date_of_birth_is_shown_and_fixed(client, robin):
    page = Page(client.get(URL))
    assert next(attrs for _, attrs in page.tags if attrs.get("value") == "14 March 1991").get("readonly", "no") is None
    assert "Confirmed 18+." in page.text


def test_five_other_usernames_a_day_and_then_tomorrow(client, robin):
    for number in range(2, 7):
        client.post(URL, details(username=f"robin_{number}"))
    answer = client.post(URL, details(username="robin_7", name="Rob"))
    assert "Choose another one tomorrow." in Page(answer).text
    assert kept(robin) == ("robin_6", "Robin", "NL")
    client.post(URL, details(username="Robin_6", name="Rob"))
    assert kept(robin) == ("Robin_6", "Rob", "NL")


@pytest.mark.usefixtures("early_in_the_hour")
def test_who_tries_out_names_is_asked_to_slow_down(client, robin):
    until_refused(lambda: client.post(URL, details(username="admin")), 30)
    answer = client.post(URL, details(name="Rob"))
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "Wait a minute" in Page(answer).text
    assert control(answer, "name")["value"] == "Rob"


def test_a_name_that_another_got_after_we_looked_is_refused_in_the_same_words(client, robin, monkeypatch):
    def free_until_now(username, but):
        UserFactory(username=username)
        return False

    monkeypatch.setattr("accounts.usernames.is_taken", free_until_now)
    answer = client.post(URL, details(username="wanted", name="Robin Hale"))
    assert "That one’s taken. Try robin_hale." in Page(answer).text
    assert control(answer, "username")["aria-invalid"] == "true"
    assert kept(robin) == ("robin_1", "Robin", "NL")


@needs_postgres
def test_many_who_want_one_name_at_once_one_gets_it_and_the_others_read_why(django_user_model):
    members = UserFactory.create_batch(6)

    def want(number):
        client = Client()
        client.force_login(members[number])
        return client.post(URL, {"username": "wanted", "name": "", "country": ""})

    answers = race(want, 6)
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [302]
    for answer in answers:
        if answer.status_code == 200:
            assert "That one’s taken. Try" in Page(answer).text
            assert control(answer, "username")["aria-invalid"] == "true"
    assert User.objects.filter(username="wanted").count() == 1


def test_who_is_signed_out_changes_nothing(client):
    assert client.post(URL, details())["Location"].startswith("/accounts/login/?next=/account/")
    assert client.post(PREFER, {"shown": "theme", "theme": "dark"})["Location"] == f"/accounts/login/?next={URL}"
    assert client.post(PREFER, {"shown": "theme", "theme": "dark"}, headers=JSON).status_code == 401


# --- Preferences ----------------------------------------------------------------------------------------


def test_a_card_of_switches_is_kept_and_says_so(client, robin):
    answer = client.post(PREFER, {"card": "site", "shown": ["email_notices", "theme"], "theme": "dark"}, follow=True)
    assert answer.redirect_chain == [(URL, 302)]
    assert kept(robin, "email_notices", "theme", "enter_sends") == (False, "dark", True)
    assert Page(answer).text.count("Saved") == 2  # the tab's title and the card


def test_a_script_keeps_one_switch_and_leaves_the_others(client, robin):
    for on in (False, True):
        fields = {"shown": "enter_sends", **({"enter_sends": "on"} if on else {})}
        answer = client.post(PREFER, fields, headers=JSON)
        assert (answer.status_code, answer.content) == (204, b"")
        assert kept(robin, "enter_sends", "email_notices", "theme") == (on, True, "")


@pytest.mark.parametrize("theme", ["", "blue", "system!", "dark\x00"])
def test_what_is_no_theme_is_refused(client, robin, theme):
    fields = {"shown": "theme", "theme": theme}
    answer = client.post(PREFER, fields, headers=JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert client.post(PREFER, fields).status_code == 400
    assert kept(robin, "theme") == ("",)


def test_mature_is_asked_for_only_where_there_is_any(client, robin, settings):
    wish = {"card": "chat", "shown": "show_mature", "show_mature": "on"}
    settings.MATURE_CONTENT = False
    assert "Show mature photos" not in Page(client.get(URL)).text
    client.post(PREFER, wish)
    assert kept(robin, "show_mature") == (False,)
    settings.MATURE_CONTENT = True
    assert "This comes with premium." in Page(client.get(URL)).text
    client.post(PREFER, wish)
    assert kept(robin, "show_mature") == (True,)


def drawn(client):
    return Page(client.get("/terms/")).all("html")[0].get("data-theme")


def test_the_theme_of_the_account_is_that_of_every_device(client, robin):
    elsewhere = Client()
    elsewhere.force_login(robin)
    elsewhere.cookies["theme"] = "light"
    assert drawn(elsewhere) == "light"  # nobody chose for the account yet
    client.post(PREFER, {"shown": "theme", "theme": "dark"}, headers=JSON)
    assert client.cookies["theme"].value == "dark"
    assert (drawn(client), drawn(elsewhere)) == ("dark", "dark")
    client.post(PREFER, {"shown": "theme", "theme": "system"}, headers=JSON)
    assert client.cookies["theme"]["max-age"] == 0
    assert (drawn(client), drawn(elsewhere)) == (None, None)


def test_what_was_chosen_here_and_is_not_told_yet_is_newer_than_the_account(client, robin):
    User.objects.filter(pk=robin.pk).update(theme="dark")
    client.cookies["theme"] = "light!"
    assert drawn(client) == "light"
    client.cookies["theme"] = "system!"
    assert drawn(client) is None


def test_only_posts_change_what_one_likes(client, robin):
    assert client.get(PREFER).status_code == 405
    assert client.get(reverse("media:prefer"), {"shown": "theme", "theme": "dark"}).status_code == 405


def test_the_page_asks_the_database_only_for_who_comes(client, robin, django_assert_num_queries):
    client.get(URL)
    with django_assert_num_queries(3):  # session, user, unread
        client.get(URL)

"""The door that a page asks whose session it is in."""

from django.contrib.sessions.models import Session
from django.test import Client

from tests.factories import UserFactory


def of_the_page(client, name):
    page = client.get("/chat/").text
    return page.partition(f'<meta name="{name}" content="')[2].partition('"')[0]


def test_a_page_learns_that_it_is_still_its_own_member_s(client, alice):
    client.force_login(alice)
    told = client.get("/chat/session/")
    assert told.json()["member"] == of_the_page(client, "member") != ""
    assert "no-store" in told["Cache-Control"]


def test_somebody_else_has_another_mark_and_it_is_nobody_s_id(client, alice):
    marks = set()
    for person in (alice, UserFactory(), UserFactory()):
        client.force_login(person)
        marks.add(mark := client.get("/chat/session/").json()["member"])
        assert mark != str(person.pk)
    assert len(marks) == 3


def test_who_is_not_signed_in_is_told_so_and_gets_no_token(client, db):
    told = client.get("/chat/session/")
    assert told.status_code == 401
    assert told.json()["error"]["code"] == "sign_in_required"


def test_a_question_with_an_old_session_takes_no_newer_one_away(client, alice):
    """The tab beside may have signed in, or changed the password, while the question was on its way."""
    client.force_login(alice)
    Session.objects.all().delete()
    told = client.get("/chat/session/")
    assert told.status_code == 401
    assert "sessionid" not in told.cookies


def test_after_signing_in_elsewhere_the_old_token_is_refused_in_words_a_page_knows_and_the_new_one_is_taken(alice):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    old = of_the_page(browser, "csrf-token")
    browser.cookies.pop("csrftoken")  # a sign-in gives another
    new = browser.get("/chat/session/").json()["csrf_token"]

    def ask(token):
        headers = {"X-CSRFToken": token, "Accept": "application/json"}
        body = {"token": "local", "scope": "chat_send"}
        return browser.post("/chat/permits/", body, content_type="application/json", headers=headers)

    refused = ask(old)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "page_out_of_date")
    assert ask(new).status_code == 201

"""The age gate stands before the characters, and nowhere else."""

import pytest
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

GATED = ["/", "/?q=mara", "/girls/mara/", "/girls/mara/gallery/", "/girls/nobody/"]


def shows_gate(response):
    return "agegate.html" in [template.name for template in response.templates]


def is_told_to_come_back_later(response):
    return "agegate_minor.html" in [template.name for template in response.templates]


@pytest.mark.parametrize("url", GATED)
def test_characters_are_not_sent_before_the_question_is_answered(client, mara, url):
    page = client.get(url)
    assert page.status_code == 200
    assert shows_gate(page)
    assert page.context["next"] == url
    assert b"Mara" not in page.content.replace(b"/girls/mara/", b"").replace(b"?q=mara", b"")
    assert "no-store" in page["Cache-Control"]
    assert page["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize("url", ["/accounts/login/", "/accounts/signup/", "/safety/", "/terms/", "/privacy/"])
def test_other_pages_ask_nothing(client, url):
    page = client.get(url)
    assert page.status_code == 200
    assert not shows_gate(page)


def test_an_adult_answers_once_and_goes_on(client, mara):
    answered = client.post("/age/", {"answer": "adult", "next": "/girls/mara/"})
    assert (answered.status_code, answered["Location"]) == (302, "/girls/mara/")
    page = client.get("/girls/mara/")
    assert not shows_gate(page)
    assert b"Mara" in page.content
    assert "Cookie" in page["Vary"]
    cookie = client.cookies["age"]
    assert cookie["max-age"] == 365 * 24 * 3600
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_somebody_under_age_finds_a_plain_page_for_the_session(client, mara):
    assert client.post("/age/", {"answer": "minor", "next": "/"})["Location"] == "/age/"
    assert client.cookies["age"]["max-age"] == ""
    for url in ("/age/", "/", "/girls/mara/"):
        assert is_told_to_come_back_later(client.get(url))
    client.post("/age/", {"answer": "adult", "next": "/"})
    assert is_told_to_come_back_later(client.get("/"))


def test_a_member_has_passed_by_signing_up(client, alice):
    client.force_login(alice)
    assert not shows_gate(client.get("/"))
    assert client.get("/age/?next=/chat/")["Location"] == "/chat/"


@pytest.mark.parametrize("forged", ["adult", "adult:x:y", "minor:adult", "\x00"])
def test_only_the_server_writes_the_answer(client, forged):
    client.cookies["age"] = forged
    assert shows_gate(client.get("/"))


@pytest.mark.parametrize("answer", [{}, {"answer": ""}, {"answer": "Adult"}, {"answer": "yes"}])
def test_any_other_answer_is_asked_again(client, answer):
    assert client.post("/age/", answer)["Location"] == "/age/"
    assert shows_gate(client.get("/age/"))
    assert shows_gate(client.get("/"))


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_the_answer_leads_to_this_site_only(client, url):
    assert client.post("/age/", {"answer": "adult", "next": url})["Location"] == "/"
    assert client.get("/age/", {"next": url})["Location"] == "/"


def test_the_answer_comes_from_our_own_form():
    assert Client(enforce_csrf_checks=True).post("/age/", {"answer": "adult"}).status_code == 403


def test_only_reading_and_answering_are_understood(client):
    assert client.put("/age/").status_code == 405
    assert client.delete("/age/").status_code == 405


def test_an_operator_may_leave_it_out(client, mara, settings):
    settings.AGE_GATE = False
    assert b"Mara" in client.get("/").content


def test_a_visitor_costs_the_gate_no_query(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/girls/mara/")

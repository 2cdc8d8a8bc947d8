"""Legal pages: what is shown, what is agreed to, who is asked again, and that what was published never changes."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import legal, legal_text
from accounts.models import Consent, LegalVersion, User
from tests.factories import ConversationFactory, UserFactory
from tests.people import CODE, SIGN_UP, code_for, details
from tests.racing import race

AGREE = "/account/agree/"
JSON = {"Accept": "application/json"}
FLOOR = "2026-11-21"


@pytest.fixture(autouse=True)
def _as_on_a_laptop(settings):
    settings.DEBUG = True
    settings.AGE_GATE = False
    settings.TURNSTILE_SITE_KEY = settings.TURNSTILE_SECRET_KEY = ""


def draft(document="terms", **fields):
    given = {"text": "Be kind.\n\n## Be brief\n\nPlease.", "summary": "We ask you to be kind.", "material": True}
    return LegalVersion.objects.create(document=document, **{**given, **fields})


def publish(document="terms", **fields):
    row = draft(document, **fields)
    published = legal.publish(row.pk, by=None, seen=row.stamp)
    legal.forget()  # a test's transaction never commits
    return published


def signed_in(user):
    browser = Client()
    browser.force_login(user)
    return browser


def words(response):
    return re.sub(r"\s+", " ", response.content.decode())


def agree(browser, **more):
    shown = re.search(r'name="shown" value="([^"]*)"', browser.get(AGREE).content.decode())[1]
    return browser.post(AGREE, {"shown": shown, **more})


@pytest.fixture
def alice(db):
    alice = UserFactory(username="alice")
    Consent.objects.create(user=alice, document="terms", version=FLOOR)
    Consent.objects.create(user=alice, document="privacy", version=FLOOR)
    return alice


# --- To be read -------------------------------------------------------------------------------------------------


def test_a_fresh_site_shows_what_came_with_it(db):
    for path, sentence in (("/terms/", "Who may use it"), ("/privacy/", "What we keep")):
        page = words(Client().get(path))
        assert sentence in page
        assert "21 November 2026" in page
        assert "All versions" not in page
        assert "{{" not in page
        assert Client().get(f"{path}{FLOOR}/").status_code == 200
        assert Client().get(f"{path}2026-01-01/").status_code == 404


def test_what_was_published_is_shown_and_earlier_versions_stay(db):
    published = publish()
    page = words(Client().get("/terms/"))
    assert '<h2 id="s-be-brief">Be brief</h2>' in page
    assert f"/terms/{FLOOR}/" in page
    assert "This is an earlier version" in words(Client().get(f"/terms/{FLOOR}/"))
    assert "This is an earlier version" not in words(Client().get(f"/terms/{published.version}/"))
    assert "What we keep" in words(Client().get("/privacy/"))


def test_a_draft_is_nobodys_to_read(db):
    draft(text="SECRET PLANS")
    assert "SECRET" not in words(Client().get("/terms/"))


def test_two_on_one_day_are_numbered(db):
    first, second = publish(), publish()
    assert second.version == f"{first.version}.2"
    assert legal.look().current["terms"].version == second.version
    assert Client().get(f"/terms/{second.version}/").status_code == 200


def test_names_are_filled_in(db, settings):
    settings.OPERATOR_NAME, settings.OPERATOR_EMAIL = "Dusk Ltd", "legal@dusk.example"
    publish(text="{{ operator }} runs {{site}}: {{ email }}, {{ unheard_of }}")
    assert "Dusk Ltd runs Dusk: legal@dusk.example, {{ unheard_of }}" in words(Client().get("/terms/"))
    assert legal_text.unknown_names("{{ site }} {{ unheard_of }}") == ["unheard_of"]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](java&#x73;cript:alert(1))",
        "[a](data:text/html,<script>alert(1)</script>)",
        "[a](//evil.example)",
        "[a](/\\evil.example)",
        "[a](vbscript:x)",
        "![a](https://evil.example/x.png)",
        "<javascript:alert(1)>",
        '[a](https://a.example "x\\" onmouseover=alert(1)")',
        "# <b onclick=x>hello</b>",
        "| a | b |\n|---|---|\n| <script>x</script> | <a href='javascript:x'>y</a> |",
        "[a]: javascript:alert(1)\n\n[a]",
    ],
)
def test_no_markdown_becomes_a_script(text):
    html = legal_text.to_html(text)
    allowed = re.sub(r"</?(?:p|h2|a|div|table|thead|tbody|tr|th|td|em|strong)(?: [^<>]*)?>", "", html)
    assert "<" not in allowed
    for address in re.findall(r'href="([^"]*)"', html):
        assert re.match(r"https://(a|evil)\.example|/%5C", address)
    tags = "".join(re.findall(r"<[^>]*>", html))
    assert " onmouseover=" not in re.sub(r'"[^"]*"', "", tags)
    assert " onclick=" not in tags


def test_markdown_has_tables_lists_and_anchors():
    html = legal_text.to_html(
        "# One\n\n## One\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n[us](https://a.example)"
    )
    assert '<h2 id="s-one">' in html
    assert '<h2 id="s-one-2">' in html
    assert "<h1" not in html
    assert "<li>a</li>" in html
    assert "<td>1</td>" in html
    assert 'rel="noopener noreferrer"' in html


# --- Never changed ----------------------------------------------------------------------------------------------


def test_what_was_published_is_never_changed(db):
    row = publish()
    row.text = "Something else"
    rows = LegalVersion.objects.filter(pk=row.pk)
    for deed in (row.save, row.delete, rows.delete, lambda: rows.update(text="Something else")):
        with pytest.raises(LegalVersion.AlreadyPublished):
            deed()
    with pytest.raises(legal.NotPublished):
        legal.publish(row.pk, by=None, seen=row.stamp)
    assert LegalVersion.objects.get().text.startswith("Be kind.")


def test_what_nobody_looked_at_is_not_published(db):
    row = draft()
    with pytest.raises(legal.NotPublished):
        legal.publish(row.pk, by=None, seen="2020-01-01T00:00:00+00:00")
    assert not LegalVersion.objects.published().exists()


# --- To agree ---------------------------------------------------------------------------------------------------


def test_sign_up_agrees_to_what_the_form_was_shown_for(db):
    browser = Client()
    form = browser.get(SIGN_UP).content.decode()
    shown = re.search(r'name="shown"[^>]* value="([^"]*)"', form)[1]
    published = publish()
    browser.post(SIGN_UP, details(shown=shown))
    browser.post(CODE, {"code": code_for("Robin@mail.com")})
    user = User.objects.get()
    assert dict(user.consents.values_list("document", "version")) == {"terms": FLOOR, "privacy": FLOOR, "adult": FLOOR}
    assert browser.get("/")["Location"].startswith(AGREE)
    assert agree(browser)["Location"] == "/"
    assert user.consents.filter(document="terms", version=published.version).exists()


def test_what_never_was_is_not_agreed_to(db):
    assert legal.read(f"terms:{FLOOR} privacy:1999-01-01 nonsense adult:{FLOOR} x:y terms") == {
        "terms": FLOOR,
        "adult": FLOOR,
    }
    assert legal.read("terms:\0 privacy:" + "9" * 900) == {}


def test_who_signs_up_afterwards_is_not_asked(db):
    published = publish()
    browser = Client()
    shown = re.search(r'name="shown"[^>]* value="([^"]*)"', browser.get(SIGN_UP).content.decode())[1]
    browser.post(SIGN_UP, details(shown=shown))
    browser.post(CODE, {"code": code_for("Robin@mail.com")})
    assert User.objects.get().consents.get(document="terms").version == published.version
    assert browser.get("/account/").status_code == 200


def test_a_member_is_asked_once_and_goes_on_to_where_they_were(alice):
    browser = signed_in(alice)
    assert browser.get("/account/").status_code == 200
    published = publish()
    asked = browser.get("/account/?x=1")
    assert (asked.status_code, asked["Location"]) == (302, f"{AGREE}?next=%2Faccount%2F%3Fx%3D1")
    assert "no-store" in asked["Cache-Control"]
    page = words(browser.get(asked["Location"]))
    for said in ("We ask you to be kind.", f"/terms/{published.version}/", f"/privacy/{FLOOR}/", "I agree", "Sign out"):
        assert said in page
    assert agree(browser, next="/account/?x=1")["Location"] == "/account/?x=1"
    assert browser.get("/account/").status_code == 200
    assert signed_in(alice).get("/account/").status_code == 200
    assert alice.consents.filter(document="terms").count() == 2
    assert browser.get(AGREE)["Location"] == "/"


def test_agreeing_leads_nowhere_else(alice):
    publish()
    assert agree(signed_in(alice), next="https://evil.example/")["Location"] == "/"


def test_agreeing_twice_in_two_tabs_is_agreeing_once(alice):
    publish()
    one, other = signed_in(alice), signed_in(alice)
    shown = legal.spelled({name: found.version for name, found in legal.look().current.items()})
    for tab in (one, other):
        assert tab.post(AGREE, {"shown": shown}).status_code == 302
    assert alice.consents.filter(document="terms").count() == 2


def test_what_changed_again_meanwhile_is_asked_again(alice):
    browser = signed_in(alice)
    publish()
    shown = re.search(r'name="shown" value="([^"]*)"', browser.get(AGREE).content.decode())[1]
    publish(summary="And once more.")
    page = words(browser.post(AGREE, {"shown": shown}))
    assert "They have changed once more" in page
    assert "And once more." in page


def test_a_version_that_does_not_matter_asks_nobody(alice):
    publish(material=False)
    assert signed_in(alice).get("/account/").status_code == 200
    assert Consent.objects.filter(user=alice).count() == 2


def test_a_version_before_one_that_does_not_matter_is_still_asked_for(alice):
    publish()
    publish(material=False)
    assert signed_in(alice).get("/account/").status_code == 302


def test_scripts_are_told_in_their_own_form(alice):
    conversation = ConversationFactory(user=alice)
    publish()
    browser = signed_in(alice)
    body = {"text": "Hello", "client_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "permit": None}
    for answer in (
        browser.get("/chat/threads/", headers=JSON),
        browser.post(f"/chat/{conversation.pk}/messages/", body, content_type="application/json", headers=JSON),
        browser.get("/", headers={"HX-Request": "true"}),
    ):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["url"]) == (403, "consent_required", AGREE)
        assert error["message"]
        assert answer["HX-Redirect"] == AGREE
    assert not conversation.messages.exists()


def test_help_and_the_way_out_are_never_closed(alice):
    publish()
    browser = signed_in(alice)
    for path in ("/safety/", "/terms/", "/privacy/", f"/terms/{FLOOR}/", "/account/data/", AGREE):
        assert browser.get(path).status_code == 200, path
    assert browser.post("/account/data/export/")["Location"] == "/account/data/"
    assert browser.get("/account/data/erase/")["Location"].startswith("/accounts/reauthenticate/")
    assert browser.get("/accounts/reauthenticate/?next=/account/data/erase/").status_code == 200
    assert browser.post("/accounts/logout/").status_code == 302
    assert "_auth_user_id" not in browser.session


def test_visitors_are_not_asked(db):
    publish()
    assert Client().get("/").status_code == 200


def test_who_never_agreed_to_anything_is_asked_when_it_matters(db):
    made_by_hand = UserFactory()
    assert signed_in(made_by_hand).get("/account/").status_code == 200
    publish()
    browser = signed_in(made_by_hand)
    assert browser.get("/account/").status_code == 302
    agree(browser)
    assert browser.get("/account/").status_code == 200


def test_who_has_agreed_costs_no_query(alice, django_assert_num_queries):
    published = publish()
    Consent.objects.create(user=alice, document="terms", version=published.version)
    legal.standing()
    alice.refresh_from_db()
    with django_assert_num_queries(2):  # consents, and that they need not be read again
        assert not legal.is_asked(alice)
    alice.refresh_from_db()
    with django_assert_num_queries(0):
        assert not legal.is_asked(alice)


def test_another_process_hears_within_a_minute(alice, monkeypatch):
    known = legal.standing()
    published = publish()
    monkeypatch.setattr(legal, "_remembered", (legal.time.monotonic(), known))
    assert not legal.is_asked(alice)
    monkeypatch.setattr(legal, "_remembered", (legal.time.monotonic() - legal.MINUTE - 1, known))
    assert legal.is_asked(alice)
    legal.agree(alice, {"terms": published.version})
    assert not legal.is_asked(alice)


def test_a_process_that_knows_less_asks_nobody_who_agreed_to_more(alice):
    publish()
    old = legal.look()
    newest = publish()
    legal.agree(alice, {"terms": newest.version})
    assert legal.missing(alice, old) == []
    assert legal.missing(alice, legal.look()) == []


@pytest.mark.django_db(transaction=True)
def test_of_two_who_publish_one_does():
    row = draft()

    def once(_):
        try:
            return legal.publish(row.pk, by=None, seen=row.stamp).version
        except legal.NotPublished as error:
            return error.reason

    answers = race(once, times=4)
    versions = [answer for answer in answers if re.match(r"\d{4}-", str(answer))]
    assert len(versions) == 1
    assert LegalVersion.objects.get().version == versions[0]
    assert legal.standing().current["terms"].version == versions[0]  # on commit, at once


def test_the_day_of_a_version_is_todays(db):
    assert publish().version in {str(timezone.localdate()), str(timezone.localdate() - timedelta(days=1))}

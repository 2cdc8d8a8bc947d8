"""Role by role: what each page of the console answers, which actions each list offers. New pages say whose they are.

The tables are in `roles_table.py`.
"""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, reverse
from django.utils import timezone

from accounts.models import AgeRefusal, LegalVersion, Mail, User
from accounts.team import ROLES
from girls.models import Girl, Media
from media.models import Upload
from payments.models import CatalogCache, Purchase, StripeEvent
from safety.models import Helpline, Report
from staff import audit, roles
from staff.models import Erasure, Export
from tests.factories import (
    ConversationFactory,
    GirlFactory,
    MediaFactory,
    PremiumGrantFactory,
    ReplyFactory,
    UserFactory,
)
from tests.staff.roles_table import ACTIONS, PAGES

pytestmark = pytest.mark.django_db

WHO = (*ROLES, "staff")
LETTERS = {200: "2", 201: "1", 302: "3", 301: "3", 403: "f", 404: "4", 405: "5", 400: "b", 409: "c"}


def routes(patterns, prefix=""):
    """Every address of the console, as it is written in the code."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def every_route():
    return list(dict.fromkeys(routes(admin.site.get_urls())))


@pytest.fixture
def rows(db):
    """A row of every kind that pages are about, by its table."""
    alice = UserFactory(username="alice")
    mara = GirlFactory(name="Mara")
    talk = ConversationFactory(user=alice, girl=mara)
    purchase = Purchase.objects.create(
        user=alice, click="0" * 32, product_id="p", price_id="p", name="30 days", duration_days=30, amount=100,
        currency="usd", expires_at="2030-01-01T00:00:00Z",
    )  # fmt: skip
    people = UserFactory(role="editor").groups.get()
    return {
        "accounts/user": alice.pk,
        "accounts/premiumgrant": PremiumGrantFactory(user=alice).pk,
        "accounts/mail": Mail.objects.create(address="a@example.com", template="erasure_kept", due_at=None).pk,
        "accounts/agerefusal": AgeRefusal.objects.create(email_hash="x", until="2030-01-01").pk,
        "accounts/legalversion": LegalVersion.objects.create(document="terms", text="Be kind.").pk,
        "auth/group": people.pk,
        "chat/conversation": talk.pk,
        "chat/reply": ReplyFactory(conversation=talk).pk,
        "girls/girl": mara.pk,
        "girls/media": MediaFactory(girl=mara).pk,
        "media/upload": Upload.objects.create(owner=alice, purpose="avatar", kind="image", max_bytes=1).pk,
        "payments/purchase": purchase.pk,
        "payments/stripeevent": StripeEvent.objects.create(id="evt_1", type="x", livemode=False).pk,
        "payments/catalogcache": CatalogCache.objects.get_or_create(pk=1)[0].pk,
        "safety/helpline": Helpline.objects.create(name="SOS", kind="line", display="454545", tel="454545").pk,
        "safety/report": Report.objects.create(
            what="member", target="member:1", reason="minor", due_at=timezone.now(), evidence=[{"text": "Hello"}]
        ).pk,
        "staff/audit": audit.record(None, alice, "Said hello").pk,
        "staff/export": Export.objects.create(user=alice).pk,
        "staff/erasure": Erasure.objects.create(person=alice.pk, joined_at=alice.date_joined, by="support").pk,
    }


def address(route, rows):
    """A route with the keys of rows in it."""
    about = "/".join(route.split("/")[:2])
    girl_type = ContentType.objects.get_for_model(Girl).pk
    fills = {
        "<path:object_id>": rows.get(about, rows["girls/girl"]), "<int:pk>": rows.get(about), "<id>": rows.get(about),
        "<uuid:pk>": rows.get(about), "<int:media_pk>": rows["girls/media"],
        "<int:version>": Girl.history.get().pk, "<path:content_type_id>": girl_type,
        "<int:content_type_id>": girl_type, "(?P<url>.*)$": "no/such/page/",
    }  # fmt: skip
    for hole, value in fills.items():
        route = route.replace(hole, str(value))
    if route.startswith("^(?P<app_label>"):
        route = "accounts/"
    assert not set("<>()^$?") & set(route), f"tell the test what to fill into {route}"
    return f"{reverse('admin:index')}{route}"


def browser_of(role):
    browser = Client()
    browser.user = UserFactory(staff=True) if role == "staff" else UserFactory(role=role)
    browser.force_login(browser.user)
    return browser


# What a POST needs before anybody asks who it is from; of nothing these would only say that it is nothing.
BODIES = {
    "several/": {"verb": "hide", "ids": [1]},
    "order/": {"ids": []},
    "pictures/remove/": {"name": "cover"},
}


def ask(browser, method, route, rows):
    """The answer; whatever was done is undone."""
    with transaction.atomic():
        if method == "get":
            said = browser.get(address(route, rows))
        else:
            body = next((body for end, body in BODIES.items() if route.endswith(end)), None)
            sent = {"data": body, "content_type": "application/json"} if body else {}
            said = browser.post(address(route, rows), **sent)
        transaction.set_rollback(True)
    if route == "logout/":
        browser.force_login(browser.user)
    return LETTERS.get(said.status_code, str(said.status_code))


def test_every_address_of_the_console_is_in_the_table_and_no_other():
    new, gone = set(every_route()) - set(PAGES), set(PAGES) - set(every_route())
    assert not new, "say in roles_table.py what each role gets there"
    assert not gone


@pytest.mark.timeout(400)  # a hundred and sixty pages
@pytest.mark.parametrize("role", WHO)
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_each_page_answers_to_a_role(rows, role, method):
    browser, at = browser_of(role), WHO.index(role)
    expected = {route: words.split()[method == "post"][at] for route, words in PAGES.items()}
    assert {route: ask(browser, method, route, rows) for route in PAGES} == expected


@pytest.mark.parametrize("role", WHO)
def test_which_actions_a_role_is_offered(rf, role):
    request = rf.get("/")
    request.user = browser_of(role).user
    offered = {
        (model._meta.label_lower, action)
        for model, page in admin.site._registry.items()
        if page.has_view_or_change_permission(request)
        for action in page.get_actions(request)
    }
    letter = "EMSA-"[WHO.index(role)]
    assert offered == {key for key, who in ACTIONS.items() if letter in who}


def test_an_action_that_is_not_offered_is_not_done(rows):
    """By whoever sends its name all the same."""
    moderator, media = browser_of("moderator"), Media.objects.get()
    before = media.published
    for action in ("hide", "show", "delete_selected"):
        sent = {"action": action, "_selected_action": [media.pk], "post": "yes"}
        moderator.post(reverse("admin:girls_media_changelist"), sent)
    assert Media.objects.kept().get().published == before


def test_no_role_sees_a_character_without_being_an_editor_of_her():
    """The persona is on her page; so whoever may view her may change her."""
    for role in ROLES:
        may = roles.permissions(role)
        assert ("girls.view_girl" in may) == ("girls.change_girl" in may), role


# --- Those outside ----------------------------------------------------------------------------------------------


def test_visitors_are_led_to_the_sign_in_whatever_they_ask_for(rows):
    for route in PAGES:
        for method in ("get", "post"):
            path = address(route, rows)
            said = getattr(Client(), method)(path)
            assert said.status_code == 302, route
            if route not in ("login/", "logout/"):
                where = urlsplit(said["Location"])
                assert (where.path, parse_qs(where.query)) == ("/admin/login/", {"next": [path]}), route


def test_members_get_one_answer_everywhere_that_names_nothing(rows, alice_in):
    answers = set()
    for route in PAGES:
        if route == "logout/":
            continue
        said = alice_in.get(address(route, rows), follow=True)
        words = re.sub(r'(csrf|nonce|member)[^>]*?(value|content)="[^"]*"|nonce="[^"]*"', "", said.text)
        answers.add((said.status_code, words))
    assert len(answers) == 1
    status, words = answers.pop()
    assert status == 403
    shown = re.sub(r"<[^>]*>", " ", words.split("<main")[1])
    names = {name for model in admin.site._registry for name in (model._meta.verbose_name, model._meta.model_name)}
    assert [name for name in names if name != "character" and re.search(rf"\b{name}\b", shown, re.IGNORECASE)] == []


@pytest.fixture
def alice_in(rows):
    """A member, signed in."""
    member = Client()
    member.force_login(User.objects.get(username="alice"))
    return member

"""One page tells support all about a person that they may know, and nothing of what others may."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import emails, premium
from accounts.models import Consent, Mail, Restriction, User
from girls.models import Like
from payments.models import Purchase
from staff import audit, erasing, exporting, persons
from staff.models import Export
from tests.factories import (
    APP_SECRET,
    ConversationFactory,
    FactorFactory,
    GirlFactory,
    MediaFactory,
    MessageFactory,
    UserFactory,
)
from tests.staff.conftest import sign_in
from tests.staff.console import SUPPORT, deed_page, person_page, team

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile/15E148 Safari/604.1"
)


def words(answer):
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(text.split())


def bought(user, **fields):
    terms = {
        "click": "0" * 32,
        "product_id": "p",
        "price_id": "p",
        "name": "30 days",
        "duration_days": 30,
        "amount": 2999,
        "currency": "usd",
        "expires_at": timezone.now(),
        "status": Purchase.Status.PAID,
        "paid_at": timezone.now(),
        "amount_total": 2999,
    }
    return Purchase.objects.create(user=user, **{**terms, **fields})


@pytest.fixture
def somebody(alice):
    """Alice left something everywhere."""
    sign_in(alice)
    premium.grant(alice, 30, "stripe:cs_1")
    mara, noor = GirlFactory(name="Mara"), GirlFactory(name="Noor")
    talk = ConversationFactory(user=alice, girl=mara, free_text=3, free_media=2, free_audio=0)
    MessageFactory(conversation=talk, text="SECRET-WORD")
    ConversationFactory(user=alice, girl=noor, deleted_at=timezone.now())
    bought(alice)
    bought(alice, click="1" * 32, currency="eur", amount=999, amount_total=999, amount_refunded=500)
    bought(alice, click="2" * 32, status=Purchase.Status.OPEN, amount_total=None, paid_at=None)
    Consent.objects.create(user=alice, document="terms", version="2026-10")
    Restriction.objects.create(user=alice, kind="pause", reason="other", words="Lifted", lifted_at=timezone.now())
    FactorFactory(user=alice)
    Like.objects.create(user=alice, media=MediaFactory(girl=mara))
    emails.owe("factors_removed", {}, user=alice)
    Mail.objects.update(due_at=None, error="Mailbox full")
    Export.objects.create(user=alice, state=Export.State.FAILED, error=exporting.BROKEN)
    audit.record(None, alice, "Erased nothing", reason="A test of it")
    return alice


def test_support_sees_all_of_a_person_on_one_page(somebody):
    page = team(*SUPPORT).get(person_page(somebody))
    assert page.status_code == 200
    said = words(page)
    until = timezone.localtime(somebody.premium_until)
    assert f"Premium until {until:%-d}" in said
    for told in (
        "alice@example.com",
        "30 days",
        "Mara 3 left 7 used 2 left 0 used 0 left 3 used 1",
        "Noor Deleted 10 left 0 used",
        "$29.99, €4.99 spent",
        "€5.00 refunded",
        "Not paid",
        "Not sent",
        "Mailbox full",
        "Terms 2026-10",
        "Authenticator app",
        "Likes 1",
        "Failed, asked",
        "Erasure Not asked for",
        "used ",
    ):
        assert told in said, told
    assert "SECRET-WORD" not in said
    assert APP_SECRET not in page.content.decode()
    assert Authenticator.objects.get(user=somebody).data["secret"] not in page.content.decode()
    assert somebody.password not in page.content.decode()
    assert "no-store" in page["Cache-Control"]


# What each panel shows of her, and who sees it.
PANELS = {
    "accounts.view_premiumgrant": "Premium On until",
    "chat.view_conversation": "Free messages",
    "accounts.end_sessions": "Sessions",
    "payments.view_purchase": "$29.99",
    "accounts.view_mail": "Mailbox full",
    "accounts.view_consent": "Terms 2026-10",
    "accounts.view_restriction": "Restrictions Pause , Another reason",
    "girls.view_like": "Likes 1",
    "staff.view_export": "Copy of their data",
    "staff.view_erasure": "Erasure Not asked for",
    "staff.view_audit": "Erased nothing",
}


def test_each_panel_is_for_who_may_see_its_data(somebody):
    assert {needs for needs, _ in persons.PANELS.values()} == set(PANELS)
    bare = words(team("accounts.view_user", username="sam_bare").get(person_page(somebody)))
    for number, (permission, told) in enumerate(PANELS.items()):
        assert told not in bare, permission
        with_it = team("accounts.view_user", permission, username=f"sam_{number}").get(person_page(somebody))
        assert told in words(with_it), permission


def test_it_is_for_the_team_and_those_who_may_see_people(alice, charlie):
    page = person_page(alice)
    member = Client()
    member.force_login(charlie)
    assert member.get(page).status_code == 302
    assert Client().get(page)["Location"].startswith("/admin/login/")
    assert team("girls.view_girl").get(page).status_code == 403
    support = team("accounts.view_user", username="sue")
    assert support.get(page).status_code == 200
    assert support.post(page).status_code == 405
    for number in (alice.pk + 1000, 2**70):
        assert support.get(f"/admin/accounts/user/{number}/").status_code == 404


def test_without_anything_it_says_so(alice):
    said = words(team(*SUPPORT).get(person_page(alice)))
    for told in (
        "Never had any.",
        "They have not talked with anybody yet.",
        "Nowhere.",
        "Nothing spent",
        "Never signed",
    ):
        assert told.replace("Never signed", "Last signed in Never") in said, told


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, ["Active"]),
        ({"premium": True}, ["Active", "Premium until"]),
        ({"inactive": True}, ["Inactive"]),
        ({"staff": True}, ["Active", "Staff"]),
        ({"administrator": True}, ["Active", "Operator"]),
        ({"proven": False}, ["Active", "Unproven"]),
        ({"erase_at": timezone.now() + timedelta(days=14)}, ["Active", "Leaves on"]),
    ],
)
def test_the_badges_say_how_an_account_stands(fields, shown):
    page = team("accounts.view_user").get(person_page(UserFactory(**fields)))
    badges = re.findall(
        r'<span class="badge \w*">([^<]*)</span>', page.content.decode().split("person-marks")[1].split("</p>")[0]
    )
    assert len(badges) == len(shown)
    assert all(badge.startswith(start) for badge, start in zip(badges, shown, strict=True)), badges


def test_the_page_asks_the_same_however_much_there_is(somebody):
    support = team(*SUPPORT)
    page = person_page(somebody)
    support.get(page)
    with CaptureQueriesContext(connection) as few:
        support.get(page)
    for number in range(30):
        ConversationFactory(user=somebody)
        bought(somebody, click=f"{number + 10:032x}")
        premium.grant(somebody, 1, f"staff:{number}")
        emails.owe("factors_removed", {}, user=somebody)
    with CaptureQueriesContext(connection) as many:
        support.get(page)
    assert len(many) == len(few) <= 21, [query["sql"][:90] for query in many]


def test_sessions_are_those_that_let_in(alice):
    for agent in (PHONE, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"):
        browser = Client(headers={"User-Agent": agent})
        browser.post(
            "/accounts/login/", {"login": alice.email, "password": "a long quiet evening", "cf-turnstile-response": "x"}
        )
    support = team("accounts.view_user", "accounts.end_sessions")
    said = words(support.get(person_page(alice)))
    assert "Safari on iPhone" in said
    assert "Firefox on Linux" in said
    changed = User.objects.get(pk=alice.pk)
    changed.set_password("another quiet evening")
    changed.save()
    assert "Nowhere." in words(support.get(person_page(alice)))


def test_a_button_is_there_for_who_may_press_it(somebody):
    deeds = {
        "give_premium": "accounts.add_premiumgrant",
        "take_premium_back": "accounts.change_premiumgrant",
        "reset_quotas": "chat.reset_quotas",
        "end_sessions": "accounts.end_sessions",
        "deactivate": "accounts.deactivate_user",
        "erase": "accounts.erase_user",
    }
    seeing = ("accounts.view_user", "accounts.view_premiumgrant", "chat.view_conversation")
    without = team(*seeing, username="sam_bare").get(person_page(somebody)).content.decode()
    for number, (name, permission) in enumerate(deeds.items()):
        address = deed_page(name, somebody)
        assert address not in without
        having = team(*seeing, permission, username=f"sam_{number}")
        assert address in having.get(person_page(somebody)).content.decode(), name
    assert deed_page("reactivate", somebody) not in team(*SUPPORT).get(person_page(somebody)).content.decode()


def test_nobody_on_the_team_is_offered_a_colleague_or_themselves(somebody):
    support = team(*SUPPORT)
    for other in (support.user, UserFactory(staff=True), UserFactory(administrator=True)):
        page = support.get(person_page(other))
        assert page.context["deeds"] == {}
        assert "own account" in words(page) or "is on the team" in words(page)


def test_an_account_that_rests_can_be_kept(somebody):
    at = erasing.ask(somebody, by="member")
    page = team(*SUPPORT).get(person_page(somebody))
    assert f"Leaves on {timezone.localtime(at):%-d %B %Y}" in words(page)
    assert "asked by member" in words(page)
    assert deed_page("keep", somebody) in page.content.decode()
    assert deed_page("erase", somebody) not in page.content.decode()
    assert settings.ERASURE_DAYS == 14

"""Another e-mail address: proven at the new one, told at the old one, which is good until then; nobody else's, ever."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import Mail, User
from tests.accounts.test_second_factor import confirm
from tests.accounts.test_signin import is_signed_in, sign_in
from tests.mails import delivered
from tests.people import code_for

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

PAGE = "/accounts/email/"
CODE = "/accounts/confirm-email/"
NEW = "alice.new@example.com"


@pytest.fixture
def member(alice):
    sign_in(member := Client())
    return member


def ask(member, email=NEW):
    confirm(member)
    return member.post(PAGE, {"email": email})


def addresses(user):
    """What allauth knows of somebody: it is what we know, or it is wrong."""
    rows = EmailAddress.objects.filter(user=user)
    user.refresh_from_db()
    assert {row.email for row in rows if row.primary or row.verified} <= {user.email}
    return [(row.email, row.verified, row.primary) for row in rows]


def test_the_new_one_counts_when_its_code_is_typed_and_not_before(member, alice):
    assert ask(member)["Location"] == CODE
    assert addresses(alice) == [("alice@example.com", True, True)]
    assert sign_in(Client()).status_code == 302
    assert sign_in(Client(), NEW).status_code == 200
    assert member.post(CODE, {"code": code_for(NEW)})["Location"] == "/account/security/"
    assert addresses(alice) == [(NEW, True, True)]
    assert is_signed_in(member)
    assert sign_in(Client(), NEW).status_code == 302
    assert sign_in(Client()).status_code == 200


def test_the_old_one_is_told(member, alice):
    ask(member)
    member.post(CODE, {"code": code_for(NEW)})
    last = delivered()[-1]
    assert last.to == ["alice@example.com"]
    assert "another e-mail address" in last.body
    assert NEW not in last.body  # who reads the old one's mail need not know the new


def test_it_asks_who_one_is(member, alice):
    (found := Client()).force_login(alice)
    assert found.get(PAGE)["Location"].startswith("/accounts/reauthenticate/")
    assert found.post(PAGE, {"email": NEW})["Location"].startswith("/accounts/reauthenticate/")
    assert not Mail.objects.exists()


def test_a_wrong_code_changes_nothing_and_three_are_enough(member, alice):
    ask(member)
    right = code_for(NEW)
    wrong = "000000" if right.replace(" ", "") != "000000" else "111111"
    for _ in range(3):
        member.post(CODE, {"code": wrong})
    member.post(CODE, {"code": right})
    assert addresses(alice) == [("alice@example.com", True, True)]


def test_an_address_that_somebody_has_looks_the_same_and_its_mail_says_so(member, alice, charlie):
    taken = ask(member, "charlie@example.com")
    page = member.get(CODE)
    (told,) = delivered()
    assert told.to == ["charlie@example.com"]
    assert not re.search(r"\b\d{6}\b", told.body)
    sign_in(other := Client())
    free = ask(other)
    assert (taken.status_code, taken["Location"]) == (free.status_code, free["Location"])
    assert page.text.replace("charlie@example.com", NEW).count(NEW) == other.get(CODE).text.count(NEW)
    for guess in ("123456", "000000"):
        member.post(CODE, {"code": guess})
    assert addresses(alice) == [("alice@example.com", True, True)]
    assert addresses(charlie) == [("charlie@example.com", True, True)]


def test_who_is_second_keeps_the_former_one(member, alice, charlie):
    ask(member)
    typed = code_for(NEW)
    charlie.email = NEW
    charlie.save()
    assert member.post(CODE, {"code": typed}).status_code in (200, 302)
    assert addresses(alice) == [("alice@example.com", True, True)]
    assert User.objects.get(email=NEW) == charlie


@pytest.mark.parametrize(
    "email", ["", "alice@example.com", "ALICE@example.com ", "no address", "a@b", f"{'x' * 300}@x.com"]
)
def test_what_is_no_other_address_is_refused_beside_the_field(member, email):
    assert ask(member, email).context["form"].errors["email"]


def test_the_code_counts_in_the_browser_that_asked_only(member, alice):
    ask(member)
    typed = code_for(NEW)
    sign_in(other := Client())
    other.post(CODE, {"code": typed})
    assert addresses(alice) == [("alice@example.com", True, True)]


@pytest.mark.parametrize("way", ["save", "update", "bulk_update"])
def test_whoever_writes_another_address_leaves_no_proof_of_the_former(alice, charlie, way):
    sign_in(Client())
    alice.email = NEW
    match way:
        case "save":
            alice.save()
        case "update":
            User.objects.filter(pk=alice.pk).update(email=NEW)
        case "bulk_update":
            User.objects.bulk_update([alice], ["email"])
    assert addresses(alice) == [(NEW, False, True)]
    assert User.objects.filter(pk__in=[alice.pk, charlie.pk]).update(name="x") == 2


def test_signing_in_with_a_corrected_address_asks_for_its_code(alice):
    User.objects.filter(pk=alice.pk).update(email=NEW)
    sign_in(browser := Client(), NEW)
    assert not is_signed_in(browser)
    browser.post(CODE, {"code": code_for(NEW)})
    assert is_signed_in(browser)
    assert addresses(alice) == [(NEW, True, True)]

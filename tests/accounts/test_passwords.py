"""A password is what somebody typed, however their system writes it down."""

import unicodedata

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client

from tests.accounts.test_admin import page
from tests.accounts.test_signin import Counted, is_signed_in, sign_in
from tests.factories import UserFactory
from tests.people import signed_up

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

TYPED = "Crème brûlée ﬁn"  # with a ligature, as some keyboards have it
FORMS = ("NFC", "NFD", "NFKC", "NFKD")


def as_typed(form):
    return unicodedata.normalize(form, TYPED)


@pytest.mark.parametrize("there", FORMS)
@pytest.mark.parametrize("here", FORMS)
def test_what_was_typed_on_one_system_is_known_on_another(here, there):
    signed_up(password1=as_typed(there))
    sign_in(browser := Client(), "robin@mail.com", as_typed(here))
    assert is_signed_in(browser)


@pytest.mark.parametrize("there", FORMS)
@pytest.mark.parametrize("here", FORMS)
def test_a_hash_from_before_still_lets_in_and_is_made_anew(alice, here, there):
    before, now = (unicodedata.normalize(form, "Crème brûlée") for form in (there, here))
    alice.password = make_password(before)
    alice.save()
    sign_in(browser := Client(), password=now)
    assert is_signed_in(browser)
    alice.refresh_from_db()
    assert check_password(unicodedata.normalize("NFKC", before), alice.password)
    assert is_signed_in(browser)  # its session is of the new hash


@pytest.mark.parametrize("form", FORMS)
def test_a_hash_from_before_lets_in_whoever_types_the_very_same(alice, form):
    alice.password = make_password(as_typed(form))
    alice.save()
    sign_in(browser := Client(), password=as_typed(form))
    assert is_signed_in(browser)


@pytest.mark.parametrize("wrong", ["Creme brulee fin", "CRÈME BRÛLÉE FIN", "Crème brûlée fin ", " Crème brûlée fin"])
def test_another_password_is_another_one(alice, wrong):
    alice.set_password(TYPED)
    alice.save()
    sign_in(browser := Client(), password=wrong)
    assert not is_signed_in(browser)


def test_every_door_that_sets_one_writes_it_the_same_way(alice):
    new = as_typed("NFD")
    boss = Client()
    boss.force_login(UserFactory(administrator=True))
    boss.post(f"{page(alice).removesuffix('change/')}password/", {"password1": new, "password2": new})
    alice.refresh_from_db()
    assert check_password(as_typed("NFKC"), alice.password)
    sign_in(browser := Client(), password=as_typed("NFC"))
    changed = {"oldpassword": as_typed("NFC"), "password1": new + " été", "password2": new + " été"}
    assert browser.post("/accounts/password/change/", changed).status_code == 302
    alice.refresh_from_db()
    assert check_password(as_typed("NFKC") + " été", alice.password)


def test_a_plain_password_costs_one_hash_and_nobody_s_costs_as_much_as_somebody_s(alice, settings):
    settings.PASSWORD_HASHERS = [f"{Counted.__module__}.Counted"]
    alice.set_password("a long quiet evening")
    alice.save()
    for password, times in (("no", 1), (TYPED, 4)):
        paid = []
        for email in ("alice@example.com", "nobody@example.com"):
            before = Counted.times
            sign_in(Client(), email, password)
            paid.append(Counted.times - before)
        assert paid == [times, times]

"""What the console refuses whoever asks: who is talked with stays, media are in one place, no guessing.

Others of this kind: no second factor (accounts/test_staff_second_factor), outsiders (test_roles), raising oneself
(test_rights), a log that is not edited (test_audit).
"""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from girls.models import Girl, Media
from staff.models import Audit
from tests.factories import ConversationFactory, GirlFactory, MediaFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["editor", "administrator", "superuser"])
def browser(request):
    browser = Client()
    is_root = request.param == "superuser"
    browser.force_login(UserFactory(administrator=True) if is_root else UserFactory(role=request.param))
    return browser


@pytest.mark.parametrize("way", ["page", "action"])
def test_a_character_with_whom_somebody_talks_is_not_deleted(browser, way):
    mara, ines = GirlFactory(name="Mara"), GirlFactory(name="Inês")
    talk = ConversationFactory(girl=mara)
    for girl in (mara, ines):
        if way == "page":
            browser.post(reverse("admin:girls_girl_delete", args=[girl.pk]), {"post": "yes"})
        else:
            chosen = {"action": "delete_selected", "_selected_action": [girl.pk], "post": "yes"}
            browser.post(reverse("admin:girls_girl_changelist"), chosen)
    assert list(Girl.objects.all()) == [mara]
    talk.refresh_from_db()
    assert [line.name for line in Audit.objects.filter(did="Deleted", table="girls.Girl")] == ["Inês"]


def test_an_item_is_in_exactly_one_place():
    item = MediaFactory()
    for place in Media.Surface.values:
        Media.objects.filter(pk=item.pk).update(surface=place, premium_only=False, can_be_liked=False, location="")
    for nowhere in ("", "both", None):
        with pytest.raises(IntegrityError), transaction.atomic():
            Media.objects.filter(pk=item.pk).update(surface=nowhere)


def test_the_console_has_no_password_form_to_guess_at():
    """Its sign-in is the site's, where guesses are counted (accounts/test_ratelimits)."""
    boss = UserFactory(role="administrator")
    for _ in range(30):
        said = Client().post(reverse("admin:login"), {"username": boss.email, "password": "wrong"})
        assert said["Location"].startswith("/accounts/login/?next=")

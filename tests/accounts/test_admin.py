"""People in the staff console: what support may do, and what only superusers may."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts import signup
from accounts.models import AgeRefusal, User
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

LIST = "admin:accounts_user_changelist"


def page(user):
    return reverse("admin:accounts_user_change", args=[user.pk])


@pytest.fixture
def support(client):
    """A member of staff who may see and change people; signed in."""
    user = UserFactory(username="sam", role="support")
    client.force_login(user)
    return user


def form_of(user, **changes):
    return {"email": user.email, "username": user.username, "theme": "system", "is_active": "on", **changes}


def test_support_corrects_a_person_but_makes_nobody_staff(client, support, alice):
    group = Group.objects.create(name="Editors")
    more = {"is_staff": "on", "is_superuser": "on", "groups": [group.pk], "premium_until_0": "2090-01-01"}
    response = client.post(
        page(alice), form_of(alice, name="Alice A.", birth_date="1990-01-01", email="A@B.com", **more)
    )
    assert response.status_code == 302
    alice.refresh_from_db()
    assert (alice.name, str(alice.birth_date), alice.email) == ("Alice A.", "1990-01-01", "a@b.com")
    assert (alice.is_staff, alice.is_superuser, alice.groups.count(), alice.premium_until) == (False, False, 0, None)


def test_support_cannot_touch_staff_superusers_or_themselves(client, support):
    boss, colleague = UserFactory(administrator=True), UserFactory(staff=True)
    for user in (boss, colleague, support):
        assert client.post(page(user), form_of(user, name="Changed", is_superuser="on")).status_code == 403
        password = reverse("admin:auth_user_password_change", args=[user.pk])
        changed = client.post(password, {"password1": "a new quiet evening", "password2": "a new quiet evening"})
        assert changed.status_code == 403
        user.refresh_from_db()
        assert user.name == ""
        assert user.check_password(PASSWORD)
    response = client.post(reverse(LIST), {"action": "delete_selected", "_selected_action": [boss.pk], "post": "yes"})
    assert response.status_code in (200, 302)
    assert User.objects.filter(pk=boss.pk).exists()


def test_nobody_is_deleted_past_their_erasure(client, alice):
    client.force_login(UserFactory(administrator=True))
    assert client.post(reverse("admin:accounts_user_delete", args=[alice.pk]), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [alice.pk], "post": "yes"}
    client.post(reverse(LIST), chosen)
    assert User.objects.filter(pk=alice.pk).exists()


def test_a_superuser_makes_people_and_staff(client, alice):
    client.force_login(UserFactory(administrator=True))
    assert client.post(page(alice), form_of(alice, is_staff="on")).status_code == 302
    alice.refresh_from_db()
    assert alice.is_staff
    new = {"email": "New@Mail.com", "username": "newcomer", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post(reverse("admin:accounts_user_add"), {**new, "usable_password": "true"}).status_code == 302
    assert User.objects.get(username="newcomer").email == "new@mail.com"


def test_names_that_collide_in_another_case_are_a_form_error(client, alice, charlie):
    client.force_login(UserFactory(administrator=True))
    response = client.post(page(charlie), form_of(charlie, username="ALICE"))
    assert response.status_code == 200
    assert b"That username is taken." in response.content


def test_the_console_has_no_sign_in_form_of_its_own(alice):
    login = reverse("admin:login")
    response = Client().post(login, {"username": "alice@example.com", "password": PASSWORD})
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_members_see_nothing_of_it(client, alice):
    client.force_login(alice)
    response = client.get(reverse(LIST))
    assert response.status_code in (302, 403, 404)
    assert b"member" not in response.content.lower()


def test_an_adult_who_mistyped_a_year_can_be_let_in(client, support):
    signup.refuse("robin@mail.com", signup.timezone.localdate())
    url = reverse("admin:accounts_agerefusal_changelist")
    assert client.get(url, {"q": "other@mail.com"}).context["cl"].result_count == 0
    assert client.get(url, {"q": " ROBIN@mail.com"}).context["cl"].result_count == 1
    refusal = AgeRefusal.objects.get()
    client.post(reverse("admin:accounts_agerefusal_delete", args=[refusal.pk]), {"post": "yes"})
    assert not signup.was_refused("robin@mail.com")

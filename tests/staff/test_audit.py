"""Every deed of the team is written down: who, when, from where, to what, before and after. Nobody takes it back."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from staff import audit
from staff.models import Audit
from tests.factories import GirlFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    return UserFactory(administrator=True, username="boss")


@pytest.fixture
def console(boss):
    browser = Client(REMOTE_ADDR="203.0.113.7", headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})
    browser.force_login(boss)
    return browser


def form_of(page):
    """What a browser would send of the form as it stands there."""
    form = page.context["adminform"].form
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    values = {name: form.fields[name].prepare_value(value) for name, value in values.items()}
    return {name: value for name, value in values.items() if value is not None and value is not False}


def test_a_form_leaves_who_from_where_and_both_values(console, boss):
    mara = GirlFactory(name="Mara", tagline="Quiet.")
    address = reverse("admin:girls_girl_change", args=[mara.pk])
    said = console.post(address, form_of(console.get(address)) | {"tagline": "Loud."})
    assert said.status_code == 302
    (line,) = Audit.objects.all()
    assert (line.actor, line.actor_name, line.address, line.device) == (boss, "boss", "203.0.113.7", "Firefox on Linux")
    assert (line.did, line.table, line.key, line.name) == ("Changed Tagline.", "girls.Girl", str(mara.pk), "Mara")
    assert (line.before, line.after, line.person) == ({"tagline": "Quiet."}, {"tagline": "Loud."}, None)


def test_a_form_that_is_refused_leaves_nothing(console):
    mara = GirlFactory()
    address = reverse("admin:girls_girl_change", args=[mara.pk])
    assert console.post(address, form_of(console.get(address)) | {"age": "17"}).status_code == 200
    assert not Audit.objects.exists()


def test_what_is_added_and_what_is_deleted_is_written_down_with_its_values(console):
    console.post(reverse("admin:auth_group_add"), {"name": "Night shift"})
    group = Group.objects.get(name="Night shift")
    console.post(reverse("admin:auth_group_delete", args=[group.pk]), {"post": "yes"})
    deleted, added = Audit.objects.all()
    assert (added.did, added.after["name"], added.before) == ("Added.", "Night shift", None)
    assert (deleted.did, deleted.before["name"], deleted.after) == ("Deleted", "Night shift", None)


def test_actions_of_a_list_are_written_down_row_by_row(console):
    girls = [GirlFactory(is_active=False) for _ in range(2)]
    console.post(
        reverse("admin:girls_girl_changelist"), {"action": "publish", "_selected_action": [girl.pk for girl in girls]}
    )
    assert {(line.did, line.key) for line in Audit.objects.all()} == {("Published.", str(girl.pk)) for girl in girls}


def test_a_new_password_is_written_down_but_not_which(console, alice):
    address = reverse("admin:auth_user_password_change", args=[alice.pk])
    words = "a new and quiet evening"
    console.post(address, {"password1": words, "password2": words, "usable_password": "true"})
    (line,) = Audit.objects.all()
    assert (line.person, line.before, line.after) == (alice.pk, None, None)
    assert "password" in line.did.lower()


@pytest.mark.parametrize("method", ["add", "change", "delete"])
def test_not_even_an_administrator_touches_it(console, boss, refusals, method):
    line = audit.record(boss, boss, "Said hello")
    args = [] if method == "add" else [line.pk]
    said = console.post(reverse(f"admin:staff_audit_{method}", args=args), {"post": "yes", "did": "Nothing"})
    assert said.status_code == 403
    console.post(
        reverse("admin:staff_audit_changelist"),
        {"action": "delete_selected", "_selected_action": line.pk, "post": "yes"},
    )
    assert Audit.objects.get(pk=line.pk).did == "Said hello"
    refused = Audit.objects.exclude(pk=line.pk).values_list("did", flat=True)
    assert list(refused) == [f"Was refused: POST admin:staff_audit_{method}"]


def test_a_command_is_the_shells(alice):
    line = audit.record(None, alice, "Erased")
    assert (line.actor, line.actor_name, line.address, line.person) == (None, "shell", None, alice.pk)

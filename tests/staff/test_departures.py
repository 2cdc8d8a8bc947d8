"""Copies and erasures in the console: how they stand, and once more where something was torn. Nobody opens a copy."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from staff import erasing, exporting
from staff.models import Audit, Erasure, Export
from tests.factories import UserFactory
from tests.staff.console import team

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

COPIES, ENDS = "/admin/staff/export/", "/admin/staff/erasure/"


def press(browser, page, action, *rows):
    said = browser.post(page, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)
    return [str(message) for message in said.context["messages"]] if said.context else []


def test_a_copy_that_failed_is_made_again(alice, charlie, rung):
    support = team("staff.view_export", "staff.change_export")
    failed = Export.objects.create(user=alice, state=Export.State.FAILED, error=exporting.NO_ROOM)
    ready = Export.objects.create(user=charlie, state=Export.State.READY, size=2_000_000)
    page = support.get(COPIES).content.decode()
    assert exporting.NO_ROOM in page
    assert "1.9" in page
    assert press(support, COPIES, "make_again", failed, ready) == [
        "1 copy is made again. 1 were left: they did not fail."
    ]
    new = Export.objects.get(user=alice, state=Export.State.ASKED)
    assert ("staff.tasks.see_to_export", str(new.pk)) in rung
    assert Export.objects.filter(user=charlie).count() == 1
    assert Audit.objects.get().did == "Made again."


def test_nobody_opens_a_copy_here(alice):
    support = team("staff.view_export", "staff.change_export", "accounts.view_user")
    copy = Export.objects.create(user=alice, state=Export.State.READY, size=1)
    page = support.get(reverse("admin:staff_export_change", args=[copy.pk])).content.decode()
    assert copy.key not in page
    assert "/media/" not in page
    assert support.get(reverse("staff:download", args=[copy.pk])).status_code == 404


def test_an_erasure_that_was_torn_goes_on_and_a_pause_is_not_cut_short(alice, charlie, rung):
    support = team("staff.view_erasure", "staff.change_erasure")
    for person in (alice, charlie):
        erasing.ask(person, by="member")
    later = timezone.now() + timedelta(hours=5)
    torn = Erasure.objects.get(person=alice.pk)
    Erasure.objects.filter(pk=torn.pk).update(state=Erasure.State.BEGUN, due_at=later, attempts=4)
    waits = Erasure.objects.get(person=charlie.pk)
    rung.clear()
    said = press(support, ENDS, "go_on", torn, waits)
    assert said == ["1 erasure will go on now. 1 were left: they wait or are done."]
    assert rung == [("staff.tasks.see_to_erasure", str(torn.pk))]
    assert list(Erasure.objects.due()) == [torn]
    assert (Audit.objects.get().did, Audit.objects.get().key) == ("Went on.", str(torn.pk))


def test_who_may_only_look_presses_nothing(alice):
    support = team("staff.view_export", "staff.view_erasure")
    copy = Export.objects.create(user=alice, state=Export.State.FAILED)
    erasing.ask(alice, by="member")
    end = Erasure.objects.get()
    Erasure.objects.update(state=Erasure.State.BEGUN)
    press(support, COPIES, "make_again", copy)
    press(support, ENDS, "go_on", end)
    assert Export.objects.count() == 1
    assert not Audit.objects.exists()
    for name, row in (("export", copy), ("erasure", end)):
        assert support.post(reverse(f"admin:staff_{name}_change", args=[row.pk]), {"state": "done"}).status_code == 403
        assert support.post(reverse(f"admin:staff_{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        assert support.get(reverse(f"admin:staff_{name}_add")).status_code == 403


def test_it_is_for_who_may_see_them():
    other = team("accounts.view_user")
    assert other.get(COPIES).status_code == other.get(ENDS).status_code == 403
    assert UserFactory().exports.count() == 0


def test_a_search_is_by_whole_names_and_numbers(alice):
    support = team("staff.view_export", "staff.view_erasure")
    Export.objects.create(user=alice)
    erasing.ask(alice, by="member")

    def count(page, typed):
        return support.get(page, {"q": typed}).context["cl"].result_count

    assert [count(COPIES, typed) for typed in ("alice", "ALICE@example.com", "ali", "x")] == [1, 1, 0, 0]
    assert [count(ENDS, typed) for typed in (str(alice.pk), "alice", "9" * 30)] == [1, 0, 0]

"""The audit as a page: found by who, to whom, what and when; values side by side; each row has its history."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from staff import audit
from tests.factories import GirlFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/staff/audit/"


def browser_of(role, **more):
    browser = Client()
    browser.user = UserFactory(role=role, **more)
    browser.force_login(browser.user)
    return browser


@pytest.fixture
def boss():
    return browser_of("administrator", username="boss")


@pytest.fixture
def lines(boss, alice, charlie):
    """Three deeds of three, to three."""
    sam = UserFactory(role="support", username="sam")
    mara = GirlFactory(name="Mara")
    return {
        "sam": audit.record(sam, alice, "Gave premium: 30 days", reason="She wrote in."),
        "boss": audit.record(
            boss.user, mara, "Changed Tagline.", before={"tagline": "Quiet."}, after={"tagline": "Loud."}
        ),
        "shell": audit.record(None, charlie, "Took every second step away"),
    }


def found(browser, lines, **query):
    page = browser.get(LIST, query)
    assert page.status_code == 200, query
    rows = {row.pk for row in page.context["cl"].result_list}
    return {name for name, line in lines.items() if line.pk in rows}


def test_the_newest_come_first_with_who_when_from_where_and_what(boss, lines):
    page = boss.get(LIST)
    assert [row.pk for row in page.context["cl"].result_list] == sorted(
        (line.pk for line in lines.values()), reverse=True
    )
    for words in ("sam", "Gave premium: 30 days", "She wrote in.", "Mara", "Changed Tagline.", "Character"):
        assert words in page.text
    assert reverse("admin:accounts_user_change", args=[lines["sam"].key]) in page.text


def test_it_is_searched_by_whole_words_for_who_did_it_and_to_whom(boss, lines, alice):
    assert found(boss, lines, q="sam") == {"sam"}
    assert found(boss, lines, q="ALICE") == {"sam"}
    assert found(boss, lines, q=alice.email) == {"sam"}
    assert "sam" in found(boss, lines, q=str(alice.pk))
    assert "boss" in found(boss, lines, q=lines["boss"].key)
    assert found(boss, lines, q="charlie") == {"shell"}
    for nothing in ("ali", "premium", "Quiet", "\x00", "nobody@example.com"):
        assert found(boss, lines, q=nothing) == (set(lines) if nothing == "\x00" else set()), nothing


def test_it_is_narrowed_down_by_who_kind_and_date(boss, lines):
    sam = lines["sam"].actor_id
    assert found(boss, lines, who=sam) == {"sam"}
    assert found(boss, lines, who="shell") == {"shell"}
    assert found(boss, lines, who="x") == set()
    assert found(boss, lines, kind="girls.Girl") == {"boss"}
    assert found(boss, lines, kind="accounts.User") == {"sam", "shell"}
    tomorrow = timezone.now() + timedelta(days=1)
    assert found(boss, lines, at__gte=tomorrow.isoformat()) == set()
    assert found(boss, lines, at__lt=tomorrow.isoformat()) == set(lines)


def test_the_list_asks_for_little(boss, lines, django_assert_max_num_queries):
    with django_assert_max_num_queries(
        9
    ):  # session, user, factor, permissions, open reports, lines and their number, the team
        boss.get(LIST)


def test_a_line_shows_values_side_by_side_and_long_texts_as_what_went_and_came(boss):
    mara = GirlFactory(name="Mara")
    long = "She sails at night and mends nets by day, and she tells of both. "
    line = audit.record(
        boss.user,
        mara,
        "Changed.",
        before={"tagline": "Quiet.", "bio": f"{long}Slowly.", "is_active": False},
        after={"tagline": "Loud.", "bio": f"{long}Quickly.", "is_active": True, "tags": ["Warm", "Witty"]},
        reason="Asked for.",
    )
    page = boss.get(reverse("admin:staff_audit_change", args=[line.pk])).text
    table = page[page.index('<table class="audit-changes">') : page.index("</table>")]
    for words in (
        "Tagline",
        "Quiet.",
        "Loud.",
        "Warm, Witty",
        "No</td>",
        "Yes</td>",
        "Nothing",
        "[taken out: </span>Slowly",
    ):
        assert words in table
    assert "Asked for." in page
    assert reverse("admin:girls_girl_change", args=[mara.pk]) in page


def test_what_was_written_is_shown_as_it_is_and_never_run(boss):
    mara = GirlFactory(name="<script>alert(1)</script>")
    line = audit.record(
        boss.user, mara, "Changed <b>", before={"tagline": "<i>"}, after={"tagline": "<script>x</script>"}
    )
    for path in (LIST, reverse("admin:staff_audit_change", args=[line.pk]), f"/admin/girls/girl/{mara.pk}/history/"):
        page = boss.get(path).text
        assert "<script>alert" not in page
        assert "<script>x" not in page


def test_a_persona_is_for_who_may_edit_her_in_the_audit_too(boss):
    mara = GirlFactory(name="Mara")
    line = audit.record(
        boss.user, mara, "Changed Persona.", before={"persona_prompt": "SECRET"}, after={"persona_prompt": "S2"}
    )
    assert "SECRET" in boss.get(reverse("admin:staff_audit_change", args=[line.pk])).text
    auditor = UserFactory(staff=True)
    auditor.user_permissions.add(Permission.objects.get(codename="view_audit"))
    browser = Client()
    browser.force_login(auditor)
    page = browser.get(reverse("admin:staff_audit_change", args=[line.pk])).text
    assert "SECRET" not in page
    assert "For editors only" in page


def test_a_row_tells_its_history_to_whom_may_see_it_and_its_values_to_whom_may_change_it(lines, alice, boss):
    audit.record(boss.user, alice, "Changed Name.", before={"name": "A-BEFORE"}, after={"name": "A-AFTER"})
    LogEntry.objects.log_actions(boss.user.pk, [alice], CHANGE, "Changed Name.", single_object=True)
    path = reverse("admin:accounts_user_history", args=[alice.pk])
    seen = {role: browser_of(role).get(path).text for role in ("support", "moderator")}
    for page in seen.values():
        assert "Gave premium: 30 days" in page
        assert "Recent actions" in page
        assert "Took every second step" not in page
    assert "A-BEFORE" in seen["support"]
    assert "A-BEFORE" not in seen["moderator"]
    assert "line in the audit" not in seen["support"]
    assert "line in the audit" in boss.get(path).text
    assert browser_of("editor").get(path).status_code == 403


def test_every_form_leads_to_the_history_of_its_row(boss):
    mara = GirlFactory()
    assert reverse("admin:girls_girl_history", args=[mara.pk]) in boss.get(f"/admin/girls/girl/{mara.pk}/change/").text

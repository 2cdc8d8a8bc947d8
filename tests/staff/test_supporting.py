"""What support does to an account: asked once more, with a reason, done once, and written down before and after."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import premium, sessions
from accounts.models import PremiumGrant, User
from chat.models import Reply
from staff import erasing
from staff.models import Audit, Erasure
from tests.factories import PASSWORD, ConversationFactory, GirlFactory, MessageFactory, ReplyFactory, UserFactory
from tests.people import come_in
from tests.staff.conftest import days_go_by, mails, sign_in
from tests.staff.console import SUPPORT, deed_page, person_page, team

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

WHY = "Ticket 4711"
NEEDS = {
    "give_premium": "accounts.add_premiumgrant",
    "take_premium_back": "accounts.change_premiumgrant",
    "reset_quotas": "chat.reset_quotas",
    "end_sessions": "accounts.end_sessions",
    "restrict": "accounts.restrict_user",
    "let_in": "accounts.restrict_user",
    "deactivate": "accounts.deactivate_user",
    "reactivate": "accounts.deactivate_user",
    "erase": "accounts.erase_user",
    "keep": "accounts.erase_user",
}
FORMS = {
    "give_premium": {"days": "30", "key": "6b1f6f8e-0000-4000-8000-000000000001"},
    "reset_quotas": {"girl": "", "kinds": ["text", "media", "audio"]},
    "erase": {"username": "alice"},
    "restrict": {
        "kind": "pause",
        "why": "abuse",
        "words": "You wrote to us in a way that breaks our rules.",
        "days": "3",
    },
}


@pytest.fixture
def support(db):
    return team(*SUPPORT)


def do(browser, name, person, **form):
    return browser.post(deed_page(name, person), {**FORMS.get(name, {}), "reason": WHY, **form})


def told(page):
    """What the page says to whoever pressed."""
    return [str(message) for message in page.context["messages"]]


def the_line():
    (line,) = Audit.objects.all()
    return line


@pytest.fixture
def frames(monkeypatch):
    """What open tabs are told: (whose, the frame's type)."""
    heard = []
    monkeypatch.setattr(
        "chat.realtime._publish", lambda group, event: heard.append((group, event["type"], event.get("frames", [])))
    )
    monkeypatch.setattr("chat.realtime.announce_headers", lambda changed: heard.append(("headers", "headers", changed)))
    return heard


# --- Premium -----------------------------------------------------------------------------------------------------


def test_days_are_given_once_and_with_a_reason(support, alice, frames):
    form = support.get(deed_page("give_premium", alice)).context["form"]
    key = str(form["key"].value())
    answer = support.post(deed_page("give_premium", alice), {"days": "30", "key": key, "reason": WHY}, follow=True)
    assert answer.redirect_chain == [(person_page(alice), 302)]
    alice.refresh_from_db()
    grant = alice.premium_grants.get()
    assert (grant.days, grant.reason) == (30, f"staff:{key}")
    assert "30 days more of premium" in told(answer)[0]
    line = the_line()
    assert (line.actor, line.did, line.person, line.reason) == (support.user, "Gave premium: 30 days", alice.pk, WHY)
    assert line.before == {"premium_until": None}
    assert line.after["premium_until"][:19] == alice.premium_until.isoformat()[:19]
    assert (line.address, line.device) == ("203.0.113.7", "Firefox on Linux")
    assert LogEntry.objects.get(user=support.user).object_id == str(alice.pk)
    assert any("premium_active" in str(frame) for _, kind, news in frames for frame in news if kind == "frames")
    again = support.post(deed_page("give_premium", alice), {"days": "60", "key": key, "reason": WHY}, follow=True)
    assert "sent before" in told(again)[0]
    assert alice.premium_grants.count() == Audit.objects.count() == 1


def test_each_form_has_a_key_of_its_own(support, alice):
    keys = {str(support.get(deed_page("give_premium", alice)).context["form"]["key"].value()) for _ in range(3)}
    assert len(keys) == 3


def test_a_key_that_gave_to_somebody_else_gives_nothing(support, alice, charlie):
    do(support, "give_premium", alice)
    answer = do(support, "give_premium", charlie)
    assert answer.status_code == 409
    assert "used for somebody else" in answer.content.decode()
    assert not charlie.premium_grants.exists()
    assert Audit.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"days": "0"}, "days"),
        ({"days": "-1"}, "days"),
        ({"days": "99999999999999999999"}, "days"),
        ({"days": "many"}, "days"),
        ({"days": ""}, "days"),
        ({"key": "x"}, "key"),
        ({"key": ""}, "key"),
        ({"reason": ""}, "reason"),
        ({"reason": "  \n "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "a\x00b c"}, "reason"),
    ],
)
def test_what_is_not_said_properly_gives_nothing(support, alice, changes, field):
    answer = do(support, "give_premium", alice, **changes)
    assert answer.status_code == 200
    assert field in answer.context["form"].errors
    assert not PremiumGrant.objects.exists()
    assert not Audit.objects.exists()


def test_exactly_one_grant_is_taken_back(support, alice):
    premium.grant(alice, 30, "stripe:cs_1")
    premium.grant(alice, 7, "staff:x")
    grant = alice.premium_grants.get(days=7)
    asked = support.get(deed_page("take_premium_back", alice), {"of": grant.pk})
    assert "7 days, given on" in asked.content.decode()
    answer = support.post(deed_page("take_premium_back", alice), {"of": grant.pk, "reason": WHY}, follow=True)
    assert "7 days were taken back" in told(answer)[0]
    alice.refresh_from_db()
    assert alice.premium_until == alice.premium_grants.get(days=30).granted_at + timedelta(days=30)
    line = the_line()
    assert (line.did, line.reason) == ("Took premium back: 7 days", WHY)
    assert line.before["premium_until"] > line.after["premium_until"]
    again = do(support, "take_premium_back", alice, of=grant.pk)
    assert again.status_code == 409
    assert Audit.objects.count() == 1


def test_a_grant_of_somebody_else_is_none_of_theirs(support, alice, charlie):
    premium.grant(charlie, 7, "staff:x")
    foreign = charlie.premium_grants.get().pk
    for of in (foreign, foreign + 1000, 2**70, "x", ""):
        answer = do(support, "take_premium_back", alice, of=of)
        assert answer.status_code == 200
        assert answer.context["form"].errors
        assert support.get(deed_page("take_premium_back", alice), {"of": of}).status_code == 200
    assert charlie.premium_grants.get().revoked_at is None


# --- Free messages ---------------------------------------------------------------------------------------------------


def spent_all(user, name):
    return ConversationFactory(user=user, girl=GirlFactory(name=name), free_text=0, free_media=0, free_audio=0)


def left(talk):
    talk.refresh_from_db()
    return talk.free_text, talk.free_media, talk.free_audio


FULL = (settings.FREE_TEXT, settings.FREE_MEDIA, settings.FREE_AUDIO)


def test_what_is_free_starts_anew_with_one_character(support, alice, charlie, frames):
    mara, noor, others = spent_all(alice, "Mara"), spent_all(alice, "Noor"), spent_all(charlie, "Vera")
    version = mara.version
    answer = support.post(
        deed_page("reset_quotas", alice), {"girl": mara.girl_id, "kinds": ["text", "audio"], "reason": WHY}, follow=True
    )
    assert "Mara" in told(answer)[0]
    assert left(mara) == (settings.FREE_TEXT, 0, settings.FREE_AUDIO)
    assert left(noor) == left(others) == (0, 0, 0)
    assert mara.version == version + 1
    assert ("headers", "headers", [(mara.pk, alice.pk)]) in frames
    line = the_line()
    assert line.reason == WHY
    assert line.before == {mara.girl.slug: {"text": 0, "audio": 0}}
    assert line.after == {mara.girl.slug: {"text": settings.FREE_TEXT, "audio": settings.FREE_AUDIO}}


def test_with_every_character_and_premium_is_not_touched(support, alice):
    premium.grant(alice, 30, "staff:x")
    until = User.objects.get(pk=alice.pk).premium_until
    talks = [spent_all(alice, name) for name in ("Mara", "Noor")]
    assert do(support, "reset_quotas", alice).status_code == 302
    assert [left(talk) for talk in talks] == [FULL, FULL]
    assert User.objects.get(pk=alice.pk).premium_until == until


def test_a_character_they_never_met_and_nothing_at_all_are_refused(support, alice):
    stranger = GirlFactory()
    assert do(support, "reset_quotas", alice).status_code == 409  # there is nothing yet
    talk = spent_all(alice, "Mara")
    for form in ({"girl": stranger.pk}, {"girl": "x"}, {"kinds": []}, {"kinds": ["premium"]}):
        answer = do(support, "reset_quotas", alice, **form)
        assert answer.status_code == 200
        assert answer.context["form"].errors
    assert left(talk) == (0, 0, 0)
    assert not Audit.objects.exists()


# --- Being let in ----------------------------------------------------------------------------------------------------


def is_in(browser):
    return browser.get("/account/").status_code == 200


def test_one_session_ends_or_all_of_them(support, alice, charlie):
    here, there, other = sign_in(alice), sign_in(alice), sign_in(charlie)
    place = sessions.signed_in(alice)[0]
    assert do(support, "end_sessions", alice, of=place.pk).status_code == 302
    assert sorted([is_in(here), is_in(there)]) == [False, True]
    assert do(support, "end_sessions", alice, of=place.pk).status_code == 409  # over already
    answer = support.post(deed_page("end_sessions", alice), {"of": "", "reason": WHY}, follow=True)
    assert "signed out everywhere" in told(answer)[0]
    assert not is_in(here)
    assert not is_in(there)
    assert is_in(other)
    assert [(line.did, line.reason) for line in Audit.objects.all()] == [("Ended 1 session", WHY)] * 2


def test_a_foreign_session_is_none_of_theirs(support, alice, charlie):
    other = sign_in(charlie)
    for of in (sessions.signed_in(charlie)[0].pk, "x", 2**70):
        assert do(support, "end_sessions", alice, of=of).status_code in (200, 409)
    assert is_in(other)
    assert not Audit.objects.exists()


def test_who_is_deactivated_is_out_until_they_are_reactivated(support, alice, frames):
    member = sign_in(alice)
    talk = ConversationFactory(user=alice)
    MessageFactory(conversation=talk)
    reply = ReplyFactory(conversation=talk, state=Reply.State.WRITING)
    assert do(support, "deactivate", alice).status_code == 302
    assert not is_in(member)
    assert (f"user.{alice.pk}", "end") in [(group, kind) for group, kind, _ in frames]
    assert come_in(Client(), alice.email, PASSWORD)["Location"] == "/accounts/inactive/"
    assert Reply.objects.get(pk=reply.pk).state == Reply.State.FAILED
    line = the_line()
    assert (line.did, line.before, line.after, line.reason) == (
        *("Deactivated", {"is_active": True}, {"is_active": False}),
        WHY,
    )
    assert do(support, "deactivate", alice).status_code == 409
    assert do(support, "reactivate", alice).status_code == 302
    assert come_in(Client(), alice.email, PASSWORD)["Location"] == "/"
    assert do(support, "reactivate", alice).status_code == 409
    assert [line.did for line in Audit.objects.all()] == ["Reactivated", "Deactivated"]


def test_who_is_being_erased_is_not_reactivated(support, alice):
    erasing.ask(alice, by="member")
    Erasure.objects.update(state=Erasure.State.BEGUN)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    for deed in ("reactivate", "keep"):
        answer = do(support, deed, alice)
        assert answer.status_code == 409
        assert "cannot be stopped" in answer.content.decode()
    assert not User.objects.get(pk=alice.pk).is_active


# --- Restrictions --------------------------------------------------------------------------------------------------


def test_who_is_paused_is_out_at_once_and_is_told_why(support, alice, frames):
    member = sign_in(alice)
    talk = ConversationFactory(user=alice)
    MessageFactory(conversation=talk)
    reply = ReplyFactory(conversation=talk, state=Reply.State.WRITING)
    assert do(support, "restrict", alice).status_code == 302
    assert not is_in(member)
    assert (f"user.{alice.pk}", "end") in [(group, kind) for group, kind, _ in frames]
    assert Reply.objects.get(pk=reply.pk).state == Reply.State.FAILED
    line = the_line()
    assert (line.did, line.before, line.after) == (
        *("Paused: Abuse of the service", {"restricted": ""}, {"restricted": "pause"}),
    )
    page = support.get(person_page(alice)).content.decode()
    assert "Paused" in page
    assert "You wrote to us in a way that breaks our rules." in page
    assert do(support, "restrict", alice).status_code == 409, "paused for that already"
    assert do(support, "restrict", alice, kind="ban", days="").status_code == 302
    assert User.objects.get(pk=alice.pk).restricted == "ban"
    come_in(member, alice.email, PASSWORD)
    assert "Your account is closed" in member.get("/chat/", follow=True).content.decode()


def test_who_is_let_in_again_is_in(support, alice):
    do(support, "restrict", alice, kind="ban", days="")
    assert do(support, "let_in", alice).status_code == 302
    assert do(support, "let_in", alice).status_code == 409
    assert is_in(sign_in(alice))
    assert [line.did for line in Audit.objects.all()] == ["Let in again", "Banned: Abuse of the service"]
    lifted = alice.restrictions.get()
    assert (lifted.by, lifted.lifted_by) == (support.user, support.user)


def test_a_restriction_without_words_for_the_member_is_none(support, alice):
    for form in ({"words": ""}, {"words": "No."}, {"kind": "jail"}, {"why": "mood"}, {"days": "0"}, {"days": "x"}):
        assert do(support, "restrict", alice, **form).context["form"].errors
    assert not alice.restrictions.exists()


# --- The end of an account -----------------------------------------------------------------------------------------


def test_an_erasure_is_begun_with_the_username_and_taken_back(support, alice):
    member = sign_in(alice)
    for wrong in ("", "charlie", "alice@example.com", "alic", "alice\x00"):
        assert "username" in do(support, "erase", alice, username=wrong).context["form"].errors
    assert User.objects.get(pk=alice.pk).erase_at is None
    assert do(support, "erase", alice, username=" @ALICE ").status_code == 302
    alice.refresh_from_db()
    erasure = Erasure.objects.get(person=alice.pk)
    assert (erasure.by, erasure.state) == (f"staff {support.user.pk}", Erasure.State.ASKED)
    assert (alice.erase_at - timezone.now()).days in (settings.ERASURE_DAYS - 1, settings.ERASURE_DAYS)
    assert not is_in(member)
    assert mails() == ["erasure_asked"]
    assert do(support, "erase", alice).status_code == 409
    assert do(support, "keep", alice).status_code == 302
    alice.refresh_from_db()
    assert alice.erase_at is None
    assert not Erasure.objects.exists()
    assert mails() == ["erasure_asked", "erasure_kept"]
    assert do(support, "keep", alice).status_code == 409
    kept, asked = Audit.objects.all()
    assert (asked.did, asked.reason, asked.before) == ("Asked for the erasure", WHY, {"erase_at": None})
    assert (kept.did, kept.after) == ("Took the erasure back", {"erase_at": None})


def test_an_erasure_that_support_began_is_carried_out_and_the_audit_names_nobody(support, alice):
    number = alice.pk
    do(support, "erase", alice, reason="alice asked by phone")
    days_go_by(settings.ERASURE_DAYS + 1)
    for pk in Erasure.objects.due().values_list("pk", flat=True):
        erasing.see_to(pk)
    assert not User.objects.filter(pk=number).exists()
    line = the_line()
    assert (line.did, line.person, line.reason) == ("Asked for the erasure", number, "")
    assert "alice" not in str(line.__dict__)


# --- Who may -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NEEDS)
def test_each_deed_is_for_who_may_do_it_and_only_by_post(name, alice):
    address = deed_page(name, alice)
    others = [permission for permission in SUPPORT if permission != NEEDS[name]]
    without = team(*others)
    blind = team(NEEDS[name], username="blind")  # may do it, but may not see people
    member = sign_in(alice)
    for browser, status in ((without, 403), (blind, 403), (member, 302), (Client(), 302)):
        assert browser.get(address).status_code == status
        assert browser.post(address, {**FORMS.get(name, {}), "reason": WHY}).status_code == status
    support = team(*SUPPORT, username="sue")
    assert support.get(address).status_code == 200
    assert support.put(address).status_code == 405
    assert support.get(deed_page(name, User(pk=alice.pk + 1000))).status_code == 404
    assert not Audit.objects.exists()
    alice.refresh_from_db()
    assert (alice.is_active, alice.erase_at, alice.premium_until) == (True, None, None)
    assert alice.restricted == ""


@pytest.mark.parametrize("name", NEEDS)
def test_nobody_does_it_to_the_team_or_to_themselves(name, support):
    boss, colleague = UserFactory(administrator=True), UserFactory(staff=True)
    for other in (boss, colleague, support.user):
        assert support.get(deed_page(name, other)).status_code == 403
        assert do(support, name, other, username=other.username).status_code == 403
    operator = Client()
    operator.force_login(boss)
    assert do(operator, name, boss, username=boss.username).status_code == 403
    assert not Audit.objects.exists()


def test_a_form_of_another_site_does_nothing(alice):
    strict = Client(enforce_csrf_checks=True)
    boss = UserFactory(administrator=True)
    strict.force_login(boss)
    assert do(strict, "deactivate", alice).status_code == 403
    assert User.objects.get(pk=alice.pk).is_active


def test_a_deed_that_fails_leaves_no_line(support, alice, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("accounts.sessions.end", broken)
    with pytest.raises(RuntimeError):
        do(support, "deactivate", alice)
    assert User.objects.get(pk=alice.pk).is_active
    assert not Audit.objects.exists()


# --- Nobody is anybody else ----------------------------------------------------------------------------------------


def test_nobody_can_be_impersonated(alice):
    """No address of the console signs anybody in, and none of ours is called so."""
    from django.urls import get_resolver

    names = {str(name) for name in _every_name(get_resolver())}
    assert {"person", "person_deactivate"} <= names
    wrong = ("impersonat", "hijack", "masquerade", "login_as", "sudo", "become")
    assert not [name for name in names if any(word in name for word in wrong)]
    boss = UserFactory(administrator=True)
    operator = Client()
    operator.force_login(boss)
    for address in (person_page(alice), reverse("admin:accounts_user_change", args=[alice.pk])):
        operator.get(address)
        assert int(operator.session["_auth_user_id"]) == boss.pk
    assert sessions.signed_in(alice) == []


def _every_name(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _every_name(pattern)
        elif pattern.name:
            yield pattern.name

"""Nobody raises their own rights, nobody reaches upwards; an administrator gives the other roles, a superuser all."""

import threading

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from accounts import team
from accounts.models import User
from staff.models import Audit
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

# Who sends the form, and whose account they may touch. In the order of `people`.
REACH = {
    "superuser": {"member", "editor", "moderator", "support", "staff", "administrator", "superuser", "odd", "own"},
    "administrator": {"member", "editor", "moderator", "support", "staff"},
    "support": {"member"},
    "moderator": set(),
    "editor": set(),
    "staff": set(),
}


def page(user):
    return reverse("admin:accounts_user_change", args=[user.pk])


def browser_of(user):
    browser = Client()
    browser.force_login(user)
    return browser


def somebody(kind):
    match kind:
        case "member":
            return UserFactory()
        case "staff":
            return UserFactory(staff=True)
        case "superuser":
            return UserFactory(administrator=True)
        case "odd":  # with a right beside the roles
            user = UserFactory(staff=True)
            user.user_permissions.add(Permission.objects.get(codename="view_mail"))
            return user
    return UserFactory(role=kind)


def form_of(user, **changes):
    """What the form sends that stands there; whoever may say more adds it."""
    inlines = {
        f"{prefix}-{name}": "0"
        for prefix in ("premium_grants", "consents")
        for name in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
    return {"email": user.email, "username": user.username, "is_active": "on", **inlines, **changes}


def group(name):
    return Group.objects.get(name=name).pk


def rights(user):
    user = User.objects.get(pk=user.pk)
    return user.is_staff, user.is_superuser, {g.name for g in user.groups.all()}, user.user_permissions.count()


@pytest.mark.parametrize("actor", REACH)
def test_whose_account_somebody_may_touch(actor):
    me = somebody(actor)
    browser = browser_of(me)
    people = {kind: somebody(kind) for kind in REACH["superuser"] - {"own"}} | {"own": me}
    reached = set()
    for kind, user in people.items():
        said = browser.post(page(user), form_of(user, name="Touched"))
        changed = User.objects.get(pk=user.pk).name == "Touched"
        assert said.status_code == (302 if changed else 403), kind
        if changed:
            reached.add(kind)
    assert reached == REACH[actor]


@pytest.mark.parametrize("actor", REACH)
def test_nobody_raises_themselves(actor):
    me = somebody(actor)
    before = rights(me)
    everything = {
        "is_staff": "on",
        "is_superuser": "on",
        "groups": [g.pk for g in Group.objects.all()],
        "user_permissions": [p.pk for p in Permission.objects.all()[:9]],
    }
    browser_of(me).post(page(me), form_of(me, **everything))
    assert rights(me) == before


@pytest.mark.parametrize("actor", ["support", "moderator", "editor", "staff"])
@pytest.mark.parametrize("kind", ["member", "editor"])
def test_who_hands_out_no_roles_gives_none(actor, kind):
    browser, user = browser_of(somebody(actor)), somebody(kind)
    before = rights(user)
    more = {"is_staff": "on", "is_superuser": "on", "groups": [group("support")], "user_permissions": ["1"]}
    browser.post(page(user), form_of(user, **more))
    assert rights(user) == before


def test_an_administrator_gives_and_takes_roles():
    boss, user = browser_of(somebody("administrator")), somebody("member")
    shown = boss.get(page(user)).content.decode()
    assert all(team.SENTENCES[name] in shown for name in team.LOWER)
    assert team.SENTENCES["administrator"] not in shown
    assert "user_permissions" not in shown
    given = boss.post(page(user), form_of(user, groups=[group("editor"), group("support")]))
    assert given.status_code == 302
    assert rights(user) == (True, False, {"editor", "support"}, 0)
    assert Audit.objects.latest("pk").after["groups"] == ["editor", "support"]
    boss.post(page(user), form_of(user))
    assert rights(user) == (False, False, set(), 0)
    assert not User.objects.get(pk=user.pk).has_perm("girls.change_girl")


def test_an_administrator_makes_no_administrator_and_no_superuser():
    boss, user = browser_of(somebody("administrator")), somebody("member")
    own = Group.objects.create(name="Own")
    for name in (group("administrator"), own.pk):
        refused = boss.post(page(user), form_of(user, groups=[name]))
        assert "is not one of the available choices" in refused.content.decode()
    boss.post(page(user), form_of(user, is_superuser="on", is_staff="on", user_permissions=["1"]))
    assert rights(user) == (False, False, set(), 0)


def test_an_administrator_writes_no_group():
    boss = browser_of(somebody("administrator"))
    Group.objects.create(name="Own")
    assert (
        boss.get(reverse("admin:auth_group_change", args=[group("Own")])).status_code == 302
    )  # as if it were not there
    assert boss.post(reverse("admin:auth_group_add"), {"name": "Mine"}).status_code == 403
    support = reverse("admin:auth_group_change", args=[group("support")])
    assert team.SENTENCES["support"] in boss.get(support).content.decode()
    assert boss.post(support, {"name": "support", "permissions": ["1"]}).status_code == 403
    delete = {"action": "delete_selected", "_selected_action": [group("support")], "post": "yes"}
    boss.post(reverse("admin:auth_group_changelist"), delete)
    assert boss.post(reverse("admin:auth_group_delete", args=[group("support")]), {"post": "yes"}).status_code == 403
    assert Group.objects.filter(name="support").exists()


def test_not_even_a_superuser_writes_a_role_by_hand():
    root = browser_of(somebody("superuser"))
    support = Group.objects.get(name="support")
    before = support.permissions.count()
    for verb in ("change", "delete"):
        said = root.post(reverse(f"admin:auth_group_{verb}", args=[support.pk]), {"name": "support", "post": "yes"})
        assert said.status_code == 403
    delete = {"action": "delete_selected", "_selected_action": [support.pk], "post": "yes"}
    root.post(reverse("admin:auth_group_changelist"), delete)
    assert Group.objects.get(name="support").permissions.count() == before


def test_a_superuser_makes_an_administrator_and_takes_it_back():
    root, user = browser_of(somebody("superuser")), somebody("member")
    root.post(page(user), form_of(user, groups=[group("administrator")]))
    assert rights(user) == (True, False, {"administrator"}, 0)
    torn = root.post(page(user), form_of(user, groups=[group("administrator")]))  # "staff" unticked, the role kept
    assert "Take the roles" in torn.content.decode()
    root.post(page(user), form_of(user))
    assert rights(user) == (False, False, set(), 0)


def test_passwords_of_others_are_set_by_superusers_and_ones_own_on_the_site():
    new = {"password1": "a new quiet evening", "password2": "a new quiet evening", "usable_password": "true"}
    user = somebody("member")

    def at(whom, key=None):
        return reverse("admin:auth_user_password_change", args=[key or whom.pk])

    for kind in ("administrator", "support", "moderator", "editor", "staff"):
        me = somebody(kind)
        for whom in (user, me):
            for method in ("get", "post"):
                assert getattr(browser_of(me), method)(at(whom), new).status_code == 403, kind
    me = somebody("superuser")
    root = browser_of(me)
    for key in (me.pk, f"0{me.pk}"):
        assert root.post(at(me, key), new)["Location"] == "/accounts/password/change/"
    assert User.objects.get(pk=me.pk).check_password(PASSWORD)
    root.post(at(user), new)
    assert User.objects.get(pk=user.pk).check_password("a new quiet evening")


def test_staff_without_a_role_see_no_page():
    browser = browser_of(somebody("staff"))
    assert browser.get("/admin/").status_code == 200
    assert [page["name"] for part in browser.get("/admin/").context["menu"] for page in part["pages"]] == ["Overview"]
    assert browser.get(reverse("admin:accounts_user_changelist")).status_code == 403


def test_who_may_not_deactivate_does_not():
    clerk = UserFactory(staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    user = somebody("member")
    fields = form_of(user)
    del fields["is_active"]
    deactivate, why = reverse("admin:person_deactivate", args=[user.pk]), {"reason": "Ticket 4711"}
    support = somebody("support")
    for browser in (browser_of(clerk), browser_of(support)):  # the form says nothing of it: it asks for no reason
        assert browser.post(page(user), fields).status_code == 302
        assert User.objects.get(pk=user.pk).is_active
    assert browser_of(clerk).post(deactivate, why).status_code == 403
    assert User.objects.get(pk=user.pk).is_active
    browser_of(support).post(deactivate, why)
    assert not User.objects.get(pk=user.pk).is_active


def test_nobody_locks_themselves_out():
    me = somebody("superuser")
    fields = form_of(me)
    del fields["is_active"]
    browser_of(me).post(page(me), fields)
    now = User.objects.get(pk=me.pk)
    assert (now.is_active, now.is_staff, now.is_superuser) == (True, True, True)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="one writer at a time")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("promoted", [True, False])
def test_the_row_is_looked_at_again_under_its_lock(promoted):
    """The form was checked while they were an editor; what others write meanwhile is not lost."""
    boss, user, said = browser_of(somebody("administrator")), somebody("editor"), []
    editor = group("editor")

    def post():
        said.append(boss.post(page(user), form_of(user, name="Touched", groups=[editor])))
        connection.close()

    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        posting = threading.Thread(target=post)
        posting.start()
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        is_waiting = False
        with connection.cursor() as cursor:
            while posting.is_alive() and not is_waiting:
                cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute(waits)
                is_waiting = cursor.fetchone()[0] > 0
        assert is_waiting
        if promoted:
            user.groups.add(group("administrator"))
        User.objects.filter(pk=user.pk).update(theme="dark")
    posting.join()
    user = User.objects.get(pk=user.pk)
    assert said[0].status_code == (403 if promoted else 302)
    assert (user.name, user.theme) == ("" if promoted else "Touched", "dark")
    assert rights(user)[2] == ({"administrator", "editor"} if promoted else {"editor"})

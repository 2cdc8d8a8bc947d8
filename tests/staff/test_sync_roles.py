"""Roles are as the code says: made by `migrate`, kept by `sync_roles`, whatever somebody changes by hand."""

import io

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db.models.signals import post_migrate

from accounts import team
from staff import roles
from staff.models import Audit
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture(autouse=True)
def _all_there(db):
    roles.sync()


def run(*options):
    said = io.StringIO()
    call_command("sync_roles", *options, stdout=said)
    return said.getvalue()


def held(role):
    rows = Permission.objects.filter(group__name=role).select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def test_every_role_has_what_the_table_says_and_a_sentence():
    assert set(Group.objects.values_list("name", flat=True)) == set(team.ROLES) == set(team.SENTENCES)
    for role in team.LOWER:
        assert held(role) == roles.permissions(role) != set()


def test_an_administrator_has_all_that_is_ours_and_nothing_of_the_machinery():
    has = held("administrator")
    assert all(roles.permissions(role) <= has for role in team.LOWER)
    assert {name.partition(".")[0] for name in has} == {*roles.OURS, "auth"}
    assert {name for name in has if name.startswith("auth.")} == {"auth.view_group"}
    for name in ("accounts.assign_roles", "staff.view_audit", "payments.export_purchase", "payments.change_purchase"):
        assert name in has
        assert not any(name in held(role) for role in team.LOWER), name


def test_only_a_moderator_reads_and_only_an_editor_tries_personas():
    who = {
        "chat.read_conversation": {"moderator"},
        "girls.try_persona": {"editor"},
        "chat.reset_quotas": {"support"},
        "accounts.change_user": {"support"},
        "accounts.end_sessions": {"support"},
        "accounts.deactivate_user": {"support"},
        "accounts.restrict_user": {"moderator"},
        "safety.review_report": {"moderator"},
        "safety.read_evidence": {"moderator"},
        "accounts.erase_user": {"support"},
        "accounts.add_premiumgrant": {"support"},
        "payments.view_purchase": {"support"},
        "staff.view_overview": {"editor", "moderator", "support"},
    }
    for name, expected in who.items():
        assert {role for role in team.LOWER if name in roles.permissions(role)} == expected, name


def test_again_changes_nothing():
    assert run() == "All roles are as they should be.\n"
    assert not Audit.objects.exists()


def test_what_was_changed_by_hand_is_put_right_and_written_down():
    editor = Group.objects.get(name="editor")
    editor.permissions.remove(Permission.objects.get(codename="try_persona"))
    editor.permissions.add(Permission.objects.get(codename="view_mail"))
    Group.objects.get(name="moderator").delete()
    before = held("editor")
    said = run("--dry-run")
    assert "editor:\n  + girls.try_persona\n  - accounts.view_mail\n" in said
    assert "moderator: new." in said
    assert "2 of 4 roles would change." in said
    assert (held("editor"), Audit.objects.count()) == (before, 0)
    assert "2 of 4 roles changed." in run()
    assert held("editor") == roles.permissions("editor")
    assert held("moderator") == roles.permissions("moderator")
    line = Audit.objects.get(name="editor")
    assert (line.actor_name, line.did) == ("shell", "Synced the role")
    assert (line.before, line.after) == ({"taken": ["accounts.view_mail"]}, {"given": ["girls.try_persona"]})


def test_people_keep_their_roles_and_other_groups_are_left_alone():
    user = UserFactory(role="editor")
    own = Group.objects.create(name="Night shift")
    own.permissions.add(Permission.objects.get(codename="view_mail"))
    Group.objects.get(name="editor").permissions.clear()
    run()
    assert user.groups.get().name == "editor"
    assert own.permissions.count() == 1


def test_a_permission_that_does_not_exist_is_a_clear_error(monkeypatch):
    monkeypatch.setitem(roles.TABLE, "editor", ("girls.girl v", "girls.fly", "girls.girll c"))
    with pytest.raises(CommandError) as refused:
        run()
    missing = "editor: there is no permission girls.change_girll, girls.fly."
    assert str(refused.value) == f"{missing} Run manage.py migrate, or correct staff/roles.py."
    assert "girls.add_girl" in held("editor")


def test_migrating_keeps_them(capsys):
    """As Django does after `manage.py migrate`, whether there was one to apply or not."""
    Group.objects.all().delete()
    config = apps.get_app_config("staff")
    post_migrate.send(
        sender=config, app_config=config, using="default", apps=apps, verbosity=1, interactive=False, plan=[]
    )
    assert held("editor") == roles.permissions("editor")
    assert "Role editor: 10 permissions given, 0 taken" in capsys.readouterr().out

"""Staff see which mails were sent and which were not, and can send those again; never what they say."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from accounts import emails
from accounts.models import Mail
from tests.factories import UserFactory
from tests.mails import delivered

pytestmark = pytest.mark.django_db

LIST = reverse("admin:accounts_mail_changelist")


@pytest.fixture
def sam(client):
    """A member of staff who may see mails, and send them again; signed in."""
    sam = UserFactory(username="sam", staff=True)
    sam.user_permissions.set(Permission.objects.filter(codename__in=["view_mail", "change_mail"]))
    client.force_login(sam)
    return sam


def failed(user, **fields):
    mail = emails.owe("account/email/login_code", {"code": "7QK2"}, user=user)
    Mail.objects.filter(pk=mail.pk).update(**{"due_at": None, "error": "Nobody of that name"} | fields)
    return mail


def again(client, *mails):
    chosen = {"action": "send_again", "_selected_action": [str(mail.pk) for mail in mails]}
    return client.post(LIST, chosen, follow=True).content.decode()


def test_staff_see_what_became_of_each_and_not_what_it_says(client, sam, alice):
    waiting = emails.owe("account/email/login_code", {"code": "7QK2"}, user=alice)
    failed(alice)
    failed(alice, handed_at=timezone.now())
    failed(alice, sent_at=timezone.now(), error="")
    for page in (client.get(LIST), client.get(reverse("admin:accounts_mail_change", args=[waiting.pk]))):
        html = page.content.decode()
        assert "Your code" in html
        assert "7QK2" not in html
        assert alice.email in html
    listed = client.get(LIST).content.decode()
    for words in ("Waiting", "Not sent", "May have been sent", "Nobody of that name"):
        assert f">{words}<" in listed
    for state in Mail.State.values:
        assert "1 mail" in client.get(LIST, {"state": state}).content.decode()
    assert "4 mails" in client.get(LIST, {"q": alice.email}).content.decode()
    assert "0 mails" in client.get(LIST, {"q": "7QK2"}).content.decode()


def test_what_was_not_sent_is_sent_again_and_nothing_else_is(client, sam, alice):
    not_sent, perhaps = failed(alice), failed(alice, handed_at=timezone.now())
    sent = failed(alice, sent_at=timezone.now())
    too_late = failed(alice, good_until=timezone.now() - timedelta(seconds=1))
    assert "2 mails are sent again. 2 were left" in again(client, not_sent, perhaps, sent, too_late)
    assert len(delivered()) == 2
    assert {row.state for row in Mail.objects.filter(pk__in=[not_sent.pk, perhaps.pk])} == {Mail.State.SENT}


def test_nobody_without_the_permission_sends_or_sees(client, alice):
    mail = failed(alice)
    looker = UserFactory(username="lou", staff=True)
    client.force_login(looker)
    assert client.get(LIST).status_code == 403
    looker.user_permissions.set(Permission.objects.filter(codename="view_mail"))
    assert client.get(LIST).status_code == 200
    again(client, mail)
    assert delivered() == []


def test_nobody_writes_changes_or_deletes_a_mail(client, sam, alice):
    mail = failed(alice)
    page = reverse("admin:accounts_mail_change", args=[mail.pk])
    assert client.post(page, {"error": ""}).status_code == 403
    assert client.post(reverse("admin:accounts_mail_add"), {}).status_code == 403
    assert client.post(reverse("admin:accounts_mail_delete", args=[mail.pk]), {"post": "yes"}).status_code == 403

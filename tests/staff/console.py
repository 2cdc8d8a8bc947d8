"""The team as tests meet it: somebody who may do these things, in the console."""

from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from tests.factories import UserFactory

SUPPORT = (
    "accounts.view_user",
    "accounts.change_user",
    "accounts.view_premiumgrant",
    "accounts.add_premiumgrant",
    "accounts.change_premiumgrant",
    "accounts.view_mail",
    "accounts.view_consent",
    "accounts.end_sessions",
    "accounts.deactivate_user",
    "accounts.erase_user",
    "accounts.restrict_user",
    "accounts.view_restriction",
    "chat.view_conversation",
    "chat.reset_quotas",
    "payments.view_purchase",
    "girls.view_like",
    "staff.view_export",
    "staff.view_erasure",
)


def team(*permissions, username="sam"):
    """A browser of somebody of the staff who may do these things, named `app.codename`; `browser.user` is who."""
    user = UserFactory(username=username, staff=True)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    browser = Client(REMOTE_ADDR="203.0.113.7", headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})
    browser.force_login(user)
    browser.user = user
    return browser


def person_page(person):
    return reverse("admin:person", args=[person.pk])


def deed_page(name, person):
    return reverse(f"admin:person_{name}", args=[person.pk])

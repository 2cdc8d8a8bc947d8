"""No page of an account is in a stock look, and no door of allauth's is open that is not one of ours."""

from pathlib import Path

import allauth
import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.config.test_pages import Page
from tests.factories import PASSWORD, UserFactory
from tests.servers import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

THEIRS, OURS = Path(allauth.__file__).parent / "templates", ROOT / "templates"
INSTALLED = ("account", "allauth", "mfa", "socialaccount", "usersessions")

# Templates of allauth that are not overridden, because nobody sees them.
ONLY_LEADS_TO_OUR_LAYOUT = {
    "account/base_confirm_code.html", "account/base_entrance.html", "account/base_manage.html",
    "account/base_manage_email.html", "account/base_manage_password.html", "account/base_manage_phone.html",
    "mfa/base_entrance.html", "mfa/recovery_codes/base.html", "mfa/totp/base.html", "mfa/webauthn/base.html",
    "socialaccount/base_entrance.html", "socialaccount/base_manage.html", "usersessions/base_manage.html",
}  # fmt: skip
OF_CLOSED_DOORS = {
    "account/confirm_login_code.html", "account/confirm_phone_verification_code.html", "account/email.html",
    "account/email_confirm.html", "account/messages/login_code_sent.txt",
    "account/messages/phone_verification_sent.txt", "account/messages/phone_verified.txt",
    "account/password_reset_done.html", "account/phone_change.html", "account/request_login_code.html",
    "account/signup_by_passkey.html", "account/verification_sent.html", "mfa/index.html", "mfa/trust.html",
    "mfa/webauthn/authenticator_list.html", "mfa/webauthn/signup_form.html", "socialaccount/connections.html",
    "socialaccount/login_redirect.html", "usersessions/usersession_list.html",
    "account/email/account_already_exists_message.txt", "account/email/account_already_exists_subject.txt",
    "account/email/password_reset_key_message.txt", "account/email/password_reset_key_subject.txt",
}  # fmt: skip
PARTS_OF_THOSE = ("account/snippets/", "allauth/elements/", "mfa/webauthn/snippets/", "socialaccount/snippets/")


def templates():
    names = {str(path.relative_to(THEIRS)) for path in THEIRS.rglob("*.*")}
    return sorted(name for name in names if name.startswith(tuple(f"{app}/" for app in INSTALLED)))


@pytest.mark.parametrize("name", [name for name in templates() if not name.startswith(PARTS_OF_THOSE)])
def test_every_template_is_ours_or_nobody_sees_it(name):
    assert (OURS / name).exists() or name in ONLY_LEADS_TO_OUR_LAYOUT | OF_CLOSED_DOORS


def doors(resolver=None, prefix=""):
    """Every address under /accounts/ and /account/ that takes no argument, and its name."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from doors(entry, route)
        elif isinstance(entry, URLPattern) and route.startswith(("accounts/", "account/")) and "<" not in route:
            yield f"/{route}"


def look(client, path):
    """What somebody sees there is ours, or it is not there."""
    for answer in (client.get(path), client.post(path, {})):
        assert answer.status_code < 500, path
        for template in answer.templates or []:
            origin = Path(getattr(template.origin, "name", ""))
            stock = origin.is_relative_to(THEIRS) and template.name not in ONLY_LEADS_TO_OUR_LAYOUT
            assert not stock, f"{path} shows {template.name}"
        if answer.headers.get("Content-Type", "").startswith("text/html") and answer.status_code not in (301, 302):
            assert answer.content == b"" or Page(answer).is_ours(), path


def test_whatever_a_visitor_opens_is_ours():
    for path in sorted(set(doors())):
        look(Client(), path)


def test_whatever_a_member_opens_is_ours_and_in_the_frame():
    for path in sorted(set(doors())):
        alice = Client()
        alice.force_login(UserFactory())
        alice.post("/accounts/reauthenticate/", {"password": PASSWORD})
        look(alice, path)
        answer = alice.get(path)
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            shown = {template.name for template in answer.templates}
            assert shown & {"account_shell.html", "allauth/layouts/entrance.html"}, path


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/login/code/", "/accounts/login/code/confirm/", "/accounts/phone/verify/", "/accounts/phone/change/",
        "/accounts/signup/passkey/", "/accounts/2fa/webauthn/signup/", "/accounts/2fa/trust/",
        "/accounts/google/login/token/", "/accounts/social/signup/", "/accounts/social/connections/",
        "/accounts/email/confirm/x/",
    ],
)  # fmt: skip
def test_doors_that_are_not_ours_are_closed(client, alice, path):
    assert client.get(path).status_code == 404
    client.force_login(alice)
    assert client.get(path).status_code == 404
    assert client.post(path, {}).status_code == 404

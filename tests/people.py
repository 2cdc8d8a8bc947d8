"""People as tests meet them: at the doors, with the code that came by mail."""

import re

from django.core import mail
from django.test import Client

from accounts import mailbox, spelling
from accounts.models import Mail, User
from tests.factories import PASSWORD

SIGN_UP, CODE = "/accounts/signup/", "/accounts/signup/code/"
SIGN_IN, PROVE = "/accounts/login/", "/accounts/confirm-email/"
RESET, RESET_CODE, NEW_PASSWORD = (f"/accounts/password/reset/{step}" for step in ("", "confirm/", "complete/"))


def details(**changes):
    """The form of signing up, filled in."""
    return {
        "email": "Robin@Mail.com",
        "username": "Robin_1",
        "password1": PASSWORD,
        "birth_day": "14",
        "birth_month": "03",
        "birth_year": "1991",
        "consent": "on",
        "cf-turnstile-response": "local",
        **changes,
    }


def code_for(email):
    """The code in the newest mail to this address, sent or not; None when there is none in it."""
    newest = Mail.objects.filter(address=email).order_by("-created_at").first()
    found = newest and re.search(r"^\d{6}$", newest.body or _as_it_arrived(newest), re.MULTILINE)
    return found[0] if found else None


def _as_it_arrived(newest):
    """Once a mail is sent, only its reader has its words."""
    for message in getattr(mail, "outbox", []):
        if str(newest.pk) in message.extra_headers["Message-ID"]:
            return message.body
    kept = mailbox.find(newest.pk)
    return kept.text if kept else ""


def sign_up(client=None, **changes):
    """Fill in the form and type the code, as a person does. The answer to the last of it."""
    client = client or Client()
    answer = client.post(SIGN_UP, details(**changes))
    if answer.status_code != 302 or answer["Location"] != CODE:
        return answer
    return client.post(CODE, {"code": code_for(client.session["sign_up"]["email"]) or "000000"})


def signed_up(client=None, **changes):
    """A new member, who signed up at the door."""
    answer = sign_up(client, **changes)
    assert answer.status_code == 302, answer.content.decode()
    return User.objects.get(username=details(**changes)["username"])


def reset_asked(email="alice@example.com", client=None):
    """A browser that asked for a new password, at the page of the code."""
    client = client or Client()
    answer = client.post(RESET, {"email": email, "cf-turnstile-response": "local"})
    assert (answer.status_code, answer["Location"]) == (302, RESET_CODE), answer.content.decode()
    return client


def come_in(client, email, password=PASSWORD, *, code=None):
    """Sign in; with the code of the mail (or another), when the address has to be proven first."""
    answer = client.post(SIGN_IN, {"login": email, "password": password, "cf-turnstile-response": "local"})
    if answer.get("Location") == PROVE:
        answer = client.post(PROVE, {"code": code_for(spelling.address(email)) if code is None else code})
    return answer

"""While nobody carries mails, the machine they are kept on shows them: to who works on it, and to nobody else."""

import os
import stat
from uuid import uuid4

import pytest
from django.test import Client

from accounts import emails, mailbox
from tests.mails import delivered
from tests.people import CODE, RESET, RESET_CODE, SIGN_UP, details

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture(autouse=True)
def _kept(settings, tmp_path):
    settings.EMAIL_BACKEND = "accounts.transports.Disk"
    settings.MAIL_ROOT = tmp_path / "mail"


HERE = {"headers": {"host": "127.0.0.1:8000"}}


@pytest.fixture
def client():
    """A browser on the machine that the site runs on."""
    return Client(**HERE)


@pytest.fixture
def kept(alice):
    row = emails.owe("account/email/login_code", {"code": "7QK2<b>"}, user=alice)
    delivered()
    return row


def test_a_mail_is_kept_and_shown_as_it_looks_and_as_it_reads(client, kept, alice, capsys):
    listed = client.get("/mail/").content.decode()
    assert "Your code is 7QK2&lt;b&gt;" in listed
    assert alice.email in listed
    page = client.get(f"/mail/{kept.pk}/").content.decode()
    assert "7QK2&lt;b&gt;" in page
    assert '<iframe class="mail-look" sandbox=' in page
    look = client.get(f"/mail/{kept.pk}/look/")
    assert "7QK2&lt;b&gt;" in look.content.decode()


def test_links_of_the_site_can_be_followed_and_no_others(client, settings):
    key = uuid4()
    mailbox.keep(key, f"Subject: x\r\n\r\n{settings.SITE_URL}/account/ https://evil.example/".encode())
    page = client.get(f"/mail/{key}/").content.decode()
    assert f'<a href="{settings.SITE_URL}/account/">' in page
    assert 'href="https://evil' not in page


def test_the_frame_may_do_nothing_whatever_the_mail_says(client, kept):
    policy = client.get(f"/mail/{kept.pk}/look/")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox allow-top-navigation-by-user-activation" in policy
    page = client.get(f"/mail/{kept.pk}/")["Content-Security-Policy"]
    assert "frame-src 'self'" in page


@pytest.mark.parametrize("way", ["not in DEBUG", "somebody carries mails", "from elsewhere", "through a proxy"])
def test_there_is_no_such_page_for_anybody_else(client, kept, settings, way):
    urls = ("/mail/", f"/mail/{kept.pk}/", f"/mail/{kept.pk}/look/")
    assert [client.get(url).status_code for url in urls] == [200] * 3
    asks = {}
    match way:
        case "not in DEBUG":
            settings.DEBUG = False
        case "somebody carries mails":
            settings.EMAIL_BACKEND = "accounts.transports.Smtp"
        case "from elsewhere":
            asks = {"REMOTE_ADDR": "192.168.1.7"}
        case "through a proxy":
            asks = {"HTTP_X_FORWARDED_FOR": "192.168.1.7"}
    for url in urls:
        assert Client(**HERE, **asks).get(url).status_code == 404


@pytest.mark.parametrize("url", ["/mail/{}/", "/mail/{}/look/"])
def test_a_mail_that_is_not_kept_is_not_there(client, url):
    assert client.get(url.format(uuid4())).status_code == 404
    assert client.get("/mail/..%2f..%2fetc%2fpasswd/").status_code == 404


def test_whoever_has_to_type_a_code_is_led_there(client, settings):
    line = '<a href="/mail/">Your mails are kept here</a> while DEBUG is on.'
    client.post(RESET, {"email": "alice@example.com", "cf-turnstile-response": "local"})
    client.post(SIGN_UP, details())
    for page in (RESET_CODE, CODE):
        assert line in client.get(page).content.decode()
    settings.EMAIL_BACKEND = "accounts.transports.Smtp"
    for page in (RESET_CODE, CODE):
        assert line not in client.get(page).content.decode()


def test_only_the_newest_are_kept_and_what_is_not_ours_stays(settings):
    settings.MAIL_ROOT.mkdir()
    other = settings.MAIL_ROOT / "notes.eml"
    other.write_text("mine")
    keys = [uuid4() for _ in range(mailbox.KEPT + 3)]
    for age, key in enumerate(reversed(keys)):
        mailbox.keep(key, b"Subject: x\r\n\r\nx")
        os.utime(mailbox.path(key), (10**9 + age, 10**9 + age))
    mailbox.keep(keys[0], b"Subject: again\r\n\r\nx")
    assert [mail.key for mail in mailbox.newest()] == keys[: mailbox.KEPT]
    assert other.read_text() == "mine"
    assert stat.S_IMODE(mailbox.path(keys[0]).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "mail", [b"", b"\xff\xfe", b"Subject: =?nope?q?x?=\r\nContent-Type: text/plain; charset=nope\r\n\r\n\xff"]
)
def test_a_file_that_is_no_mail_breaks_no_page(client, mail):
    key = uuid4()
    mailbox.keep(key, mail)
    for url in ("/mail/", f"/mail/{key}/", f"/mail/{key}/look/"):
        assert client.get(url).status_code == 200


def test_the_console_says_that_there_is_one(alice, settings, capsys):
    Client().post(RESET, {"email": alice.email, "cf-turnstile-response": "local"})
    delivered()
    assert f"--- A mail to {alice.email}: " in capsys.readouterr().out
    settings.DEBUG = False
    emails.owe("account/email/login_code", {"code": "7QK2"}, user=alice)
    delivered()
    assert "Type this code" not in capsys.readouterr().out

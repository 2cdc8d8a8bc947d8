"""A mail that was promised is sent once, whatever happens in between; one that was not, or perhaps was, is seen."""

import ssl
import threading
from datetime import timedelta
from email.utils import formataddr
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from accounts import emails, mailbox, posting, transports
from accounts.models import Mail
from config.lib import mailservers
from tests.config.processes import until
from tests.fakes.resend import KEY, resend_server
from tests.fakes.smtp import smtp_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

State = Mail.State


class Undone(Exception):
    pass


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.MAIL_ROOT = tmp_path / "mail"


def use(settings, url):
    server = mailservers.read(url)
    settings.EMAIL_BACKEND = "accounts.transports.Smtp"
    settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = server.user, server.password
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = server.starttls, server.tls


@pytest.fixture
def smtp(settings):
    with smtp_server() as fake:
        use(settings, fake.url)
        yield fake


@pytest.fixture
def resend(settings):
    with resend_server() as fake:
        settings.EMAIL_BACKEND = "accounts.transports.Resend"
        settings.ANYMAIL = {**settings.ANYMAIL, "RESEND_API_KEY": KEY, "RESEND_API_URL": fake.url}
        yield fake


@pytest.fixture
def disk(settings):
    settings.EMAIL_BACKEND = "accounts.transports.Disk"


@pytest.fixture
def promised(alice):
    purchase = {"title": "30 days premium", "price": "$29.99", "order": "DSK-1"}
    with transaction.atomic():
        return emails.owe("premium_on", {"purchase": purchase}, user=alice)


@pytest.fixture
def code(alice):
    return emails.owe("account/email/login_code", {"code": "7QK2"}, user=alice, good_for=timedelta(minutes=10))


def due():
    """The wait or the lease is over."""
    Mail.objects.owed().update(due_at=timezone.now() - timedelta(seconds=1))


def send(row):
    posting.send(row.pk)
    row.refresh_from_db()
    return row.state


def test_it_is_rung_for_and_sent_once(alice, heard, request):
    request.getfixturevalue("promised")
    (sent,) = mail.outbox
    assert sent.to == [alice.email]
    assert "30 days premium, $29.99, order DSK-1" in sent.body
    assert sent.body.startswith(f"Hello {alice.get_short_name()},\n\nYour payment has arrived")
    row = Mail.objects.get()
    assert row.sent_at
    assert (row.due_at, row.error, row.state) == (None, "", State.SENT)
    posting.send(row.pk)
    assert len(mail.outbox) == 1


def test_what_is_undone_promises_nothing(alice, heard):
    def undone():
        with transaction.atomic():
            emails.owe("premium_on", {"purchase": {}}, user=alice)
            raise Undone

    with pytest.raises(Undone):
        undone()
    assert not Mail.objects.exists()
    assert mail.outbox == []


@pytest.mark.parametrize("by", ["smtp", "resend", "disk"])
def test_what_was_sent_is_nobodys_to_read_any_more(promised, code, by, request):
    request.getfixturevalue(by)
    for row in (promised, code):
        assert send(row) == State.SENT
        assert (row.body, row.html) == ("", "")
    assert code.subject == ""


def test_a_mail_server_gets_it_whole(promised, alice, smtp):
    assert send(promised) == State.SENT
    (taken,) = smtp.taken
    assert taken.to == [alice.email]
    message = taken.message
    assert message["Subject"] == "Premium is on"
    assert message["Message-ID"].startswith(f"<{promised.pk}@")
    assert message["Auto-Submitted"] == "auto-generated"
    assert "won’t renew" in message.get_body(("plain",)).get_content()
    assert "won’t renew" in message.get_body(("html",)).get_content()


def test_a_mail_server_may_ask_who_we_are(promised, smtp, settings):
    use(settings, smtp.url.replace("//", "//dusk:se%2Fcret@"))
    assert send(promised) == State.SENT
    assert any(line.startswith("AUTH") for line in smtp.heard)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for this machine that nobody trusts yet, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = timezone.now()
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = made.add_extension(here, critical=False).sign(key, hashes.SHA256())
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + key.private_bytes(*plain))
    return file


@pytest.mark.parametrize("scheme", ["smtp+tls", "smtp+ssl"])
def test_a_mail_server_is_spoken_to_in_tls_when_it_is_who_it_says(promised, certificate, settings, monkeypatch, scheme):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with smtp_server(scheme, context) as smtp:
        use(settings, smtp.url.replace("//", "//dusk:secret@"))
        assert send(promised) == State.WAITING
        assert "CERTIFICATE_VERIFY_FAILED" in promised.error
        assert not [line for line in smtp.heard if line.startswith("AUTH")]
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        due()
        assert send(promised) == State.SENT
        assert len(smtp.taken) == 1


AWAY = [
    *({verb: answer} for verb in ("HELLO", "EHLO", "MAIL", "RCPT", "DATA") for answer in ("421 later", "hang up")),
    {"MAIL": "550 you may not"},  # the sender: ours to mend
    {"RCPT": "450 full"},
    {".": "452 no room"},
]


@pytest.mark.parametrize("answers", AWAY, ids=str)
def test_while_nothing_was_handed_over_it_is_tried_again(promised, smtp, answers):
    smtp.answers = answers | ({"HELO": answers["EHLO"]} if "EHLO" in answers else {})
    assert send(promised) == State.WAITING
    assert promised.error
    assert promised.handed_at is None
    assert timedelta(seconds=20) < promised.due_at - timezone.now() <= timedelta(seconds=31)
    smtp.answers = {}
    due()
    assert send(promised) == State.SENT
    assert promised.error == ""
    assert len(smtp.taken) == 1


def test_nobody_listens(promised, settings, smtp):
    use(settings, "smtp://127.0.0.1:9")
    assert send(promised) == State.WAITING
    assert "ConnectionRefusedError" in promised.error


@pytest.mark.parametrize(
    "answers", [{"RCPT": "550 nobody of that name"}, {".": "554 we do not want this"}], ids=["address", "mail"]
)
def test_a_refusal_for_good_ends_it_at_once_and_says_why(promised, smtp, answers):
    smtp.answers = answers
    assert send(promised) == State.FAILED
    assert next(iter(answers.values())) in promised.error.replace(":", "")
    assert promised.body
    assert smtp.taken == []


@pytest.mark.parametrize("answer", ["hang up", "silence"])
def test_a_mail_server_that_took_it_and_says_nothing_may_have_it(promised, smtp, settings, answer):
    settings.EMAIL_TIMEOUT = 3  # of which each answer before that one may take as much
    smtp.answers = {".": answer}
    assert send(promised) == State.UNCLEAR
    assert promised.error.startswith("It may have been sent: ")
    due()
    assert send(promised) == State.UNCLEAR
    assert len(smtp.taken) == 1


@pytest.mark.parametrize("verb", ["HELLO", "EHLO", "RCPT", "."])
def test_a_silent_mail_server_holds_neither_rows_nor_connections(promised, smtp, verb):
    smtp.answers = {verb: "silence"}
    sending = threading.Thread(target=lambda: (posting.send(promised.pk), connection.close()))
    sending.start()
    assert smtp.reached.wait(20)
    with transaction.atomic():
        Mail.objects.select_for_update(nowait=connection.vendor == "postgresql").get(pk=promised.pk)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
            )
            assert cursor.fetchone() == (0,)
    smtp.go_on.set()
    sending.join(20)


def test_a_mail_server_that_hangs_has_few_threads_of_a_process(alice, smtp):
    smtp.answers = {"EHLO": "silence"}
    mails = [emails.owe("sessions_ended", {}, user=alice) for _ in range(posting.AT_ONCE + 1)]

    def sending(mail):
        posting.send(mail.pk)
        connection.close()

    threads = [threading.Thread(target=sending, args=[mail]) for mail in mails[1:]]
    for thread in threads:
        thread.start()
    until(lambda: len(smtp.heard) == posting.AT_ONCE, what="that they all wait")
    posting.send(mails[0].pk)  # comes back at once
    mails[0].refresh_from_db()
    assert (mails[0].state, mails[0].attempts) == (State.WAITING, 0)
    smtp.answers = {}
    smtp.go_on.set()
    for thread in threads:
        thread.join(30)
    assert send(mails[0]) == State.SENT


@pytest.mark.parametrize(
    "sender", ["Dusk\nBcc: x@evil.example <hello@dusk.example>", "hello@dusk.example\r\nBcc: x@evil.example"]
)
def test_what_would_be_another_header_is_never_sent(promised, smtp, settings, sender):
    settings.DEFAULT_FROM_EMAIL = sender
    assert send(promised) == State.FAILED
    assert smtp.taken == []


@pytest.mark.parametrize("name", ["Café, Nightfall", 'The "Dusk"', "黄昏", "N" * 300])
def test_the_site_may_be_called_as_it_likes(promised, smtp, settings, name):
    settings.DEFAULT_FROM_EMAIL = formataddr((name, "hello@dusk.example"))
    assert send(promised) == State.SENT
    (taken,) = smtp.taken
    assert taken.message["From"].addresses[0].display_name == name
    assert taken.message["From"].addresses[0].addr_spec == "hello@dusk.example"


def killed_at(monkeypatch, where, name):
    def killed(*args, **kwargs):
        raise Killed

    monkeypatch.setattr(where, name, killed)


def test_a_worker_killed_before_it_hands_over_loses_no_mail(promised, smtp, monkeypatch):
    killed_at(monkeypatch, transports, "deliver")
    with pytest.raises(Killed):
        posting.send(promised.pk)
    monkeypatch.undo()
    assert send(promised) == State.WAITING  # the lease still runs
    assert smtp.taken == []
    due()
    assert send(promised) == State.SENT
    assert len(smtp.taken) == 1


@pytest.mark.parametrize(("by", "state"), [("smtp", State.UNCLEAR), ("resend", State.SENT), ("disk", State.SENT)])
def test_a_worker_killed_after_it_handed_over_sends_no_second_mail(promised, by, state, request, monkeypatch):
    fake = request.getfixturevalue(by)
    settle = Mail.objects.settle
    killed_at(monkeypatch, type(Mail.objects), "settle")
    with pytest.raises(Killed):
        posting.send(promised.pk)
    monkeypatch.undo()
    assert settle
    due()
    assert send(promised) == state
    taken = fake.taken if fake else list(mailbox.newest())
    assert len(taken) == 1
    if state == State.UNCLEAR:
        assert promised.error == "It may have been sent: the process ended while it was handed over"


def test_resend_forgets_a_key_after_a_day_so_then_nothing_is_sent_again(promised, resend, monkeypatch):
    killed_at(monkeypatch, type(Mail.objects), "settle")
    with pytest.raises(Killed):
        posting.send(promised.pk)
    monkeypatch.undo()
    Mail.objects.update(handed_at=timezone.now() - timedelta(hours=24))
    due()
    assert send(promised) == State.UNCLEAR
    assert len(resend.keys) == 1


def test_resend_gets_it_whole_under_its_own_key(promised, alice, resend):
    assert send(promised) == State.SENT
    (taken,) = resend.taken
    assert resend.keys == [str(promised.pk)]
    assert taken["to"] == [alice.email]
    assert taken["subject"] == "Premium is on"
    assert "won’t renew" in taken["text"]
    assert "won’t renew" in taken["html"]
    assert taken["headers"] == {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


@pytest.mark.parametrize("status", [401, 403, 429])
def test_what_resend_refuses_for_now_is_tried_again(promised, resend, status):
    resend.instead = [(status, {"message": "not now"})]
    assert send(promised) == State.WAITING
    assert promised.error == f"Resend answered {status}: not now"
    assert promised.handed_at is None
    due()
    assert send(promised) == State.SENT


@pytest.mark.parametrize("status", [500, 502, 409, None])
def test_what_resend_may_have_taken_goes_again_under_the_same_key(promised, resend, status):
    resend.instead = [(status, {})]
    assert send(promised) == State.WAITING
    assert promised.handed_at
    due()
    assert send(promised) == State.SENT
    assert resend.keys == [str(promised.pk)] * 2
    assert len(resend.taken) == 1


def test_what_resend_refuses_for_good_ends_at_once(promised, resend):
    resend.instead = [(422, {"message": "Invalid `to` field"})]
    assert send(promised) == State.FAILED
    assert promised.error == "Resend answered 422: Invalid `to` field"


def test_nobody_answers_at_resend(promised, settings, resend):
    settings.ANYMAIL = {**settings.ANYMAIL, "RESEND_API_URL": "http://127.0.0.1:9/"}
    assert send(promised) == State.WAITING
    assert promised.handed_at is None


def test_whoever_lost_the_mail_to_another_does_not_hand_it_over(promised, smtp, monkeypatch):
    """It was slow to get there; meanwhile the lease ended."""
    deliver = transports.deliver

    def late(*args):
        due()
        monkeypatch.undo()
        posting.send(promised.pk)
        deliver(*args)

    monkeypatch.setattr(transports, "deliver", late)
    assert send(promised) == State.SENT
    assert len(smtp.taken) == 1


def test_in_the_end_it_is_given_up_visibly(promised, settings):
    use(settings, "smtp://127.0.0.1:9")
    for _ in range(posting.MAX_TRIES):
        posting.send(promised.pk)
        due()
    promised.refresh_from_db()
    assert (promised.state, promised.attempts) == (State.FAILED, posting.MAX_TRIES)
    assert promised.error


def test_a_code_that_came_too_late_is_not_sent_nor_kept(code, smtp):
    Mail.objects.update(good_until=timezone.now())
    assert send(code) == State.FAILED
    assert code.error == posting.TOO_LATE
    assert (code.subject, code.body, code.html) == ("", "", "")
    assert smtp.taken == []
    assert emails.send_again(Mail.objects.all()) == []


def test_a_code_that_was_not_sent_is_forgotten_when_it_is_over(code, smtp):
    smtp.answers = {"RCPT": "550 nobody of that name"}
    assert send(code) == State.FAILED
    posting.sweep()
    code.refresh_from_db()
    assert "7QK2" in code.body
    Mail.objects.update(good_until=timezone.now() - timedelta(seconds=1))
    posting.sweep()
    code.refresh_from_db()
    assert (code.subject, code.body, code.html) == ("", "", "")


def test_what_failed_or_may_have_can_be_sent_again(promised, smtp, heard):
    smtp.answers = {".": "hang up"}
    assert send(promised) == State.UNCLEAR
    smtp.answers = {}
    assert len(emails.send_again(Mail.objects.all())) == 1
    promised.refresh_from_db()
    assert promised.state == State.SENT
    assert emails.send_again(Mail.objects.all()) == []
    assert len(smtp.taken) == 2  # whoever asked for it knew that it might be


def test_mails_that_are_over_are_forgotten_in_the_end(promised, code, smtp, settings):
    send(promised)
    Mail.objects.update(created_at=timezone.now() - timedelta(days=settings.MAIL_DAYS + 1))
    posting.sweep()
    assert [row.pk for row in Mail.objects.all()] == [code.pk]  # it is still owed

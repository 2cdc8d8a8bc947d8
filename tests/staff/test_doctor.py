"""`manage.py doctor`: one line for each thing that Dusk leans on, what is wrong with it, and how to mend it."""

import io
import json
import os
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now

from accounts.models import Mail
from config.lib import localhosts, mailservers
from media import storage
from staff import doctor
from staff.doctor import machines, vendors
from staff.management.commands.doctor import EXAMINATIONS
from staff.models import Day
from tests.config.processes import manage
from tests.fakes import stripe as stripe_fake
from tests.fakes import turnstile as turnstile_fake
from tests.fakes.listening import Server
from tests.fakes.model_host import HANG, ModelHost, http, said
from tests.fakes.resend import KEY as RESEND_KEY
from tests.fakes.resend import resend_server
from tests.fakes.s3 import BUCKET
from tests.fakes.smtp import smtp_server
from tests.racing import needs_postgres
from tests.servers import PgBouncer, find, free_port

pytestmark = [pytest.mark.django_db(transaction=True)]
NOBODY = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _alone(settings, monkeypatch):
    """Nobody outside, and nothing that may run on this machine besides."""
    settings.STRIPE_SECRET_KEY = settings.STRIPE_API_BASE = settings.RESEND_API_KEY = settings.EMAIL_URL = ""
    settings.LLM_PROVIDERS, settings.STRIPE_WEBHOOK_SECRETS = [], []
    settings.SITE_URL = NOBODY
    settings.BELLS = "threads"
    settings.EMAIL_BACKEND = "accounts.transports.Disk"
    monkeypatch.setattr(localhosts, "PLACES", ())
    monkeypatch.setattr(localhosts, "SECONDS", 20.0)  # this machine does other things besides


def found(examination, *, seconds=30.0):
    return [
        (each.verdict, each.about, each.words, each.remedy)
        for each in doctor.examine([("it", examination)], seconds=seconds)
    ]


def only(examination):
    (line,) = found(examination)
    return line


# --- The command ---


def typed(*words):
    out, code = io.StringIO(), 0
    try:
        call_command("doctor", *words, stdout=out, no_color=True)
    except SystemExit as end:
        code = end.code
    return code, out.getvalue()


def test_on_a_laptop_nothing_is_broken():
    code, text = typed()
    assert code == 0, text
    lines = text.splitlines()
    assert all(line[0] in "✓!" and line.endswith(".") for line in lines), text
    for about in (
        "settings",
        "database",
        "migrations",
        "work",
        "disk",
        "clock",
        "files",
        "mail",
        "Stripe",
        "Turnstile",
    ):
        assert any(line.startswith(f"✓ {about}: ") for line in lines), about
    assert f"! site: {NOBODY} does not answer" in text


def test_with_everything_down_it_says_so_and_goes_on(tmp_path):
    done = manage(
        "doctor",
        DATABASE_URL="postgres://nobody:hunter22@127.0.0.1:1/none",
        REDIS_URL="redis://:hunter22@127.0.0.1:1/0",
        LLM_BASE_URL_PRIMARY=NOBODY,
        LLM_MODEL_PRIMARY="a-model",
        STRIPE_SECRET_KEY="sk_test_hunter22",
        STRIPE_API_BASE=NOBODY,
        TURNSTILE_SITE_KEY="0x4AAAAAAA-hunter22",
        TURNSTILE_SECRET_KEY="0x4AAAAAAA-hunter22",
        TURNSTILE_VERIFY_URL=NOBODY,
        EMAIL_URL="smtp://dusk:hunter22@127.0.0.1:1",
        SITE_URL=NOBODY,
        MEDIA_ROOT=str(tmp_path),
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for line in (
        "✗ database: does not answer at 127.0.0.1: ",
        "✗ Redis: does not answer at 127.0.0.1:1: ",
        "! work: not known: the database does not answer.",
        "✗ model host, primary: is not there: ",
        "✗ Stripe: does not answer: ",
        "✗ Turnstile: does not answer: ",
        "✗ mail: 127.0.0.1: ",
        "! site: ",
        "✓ files: this disk was written to, read and cleaned up.",
    ):
        assert line in done.stdout, done.stdout
    assert "Start it, or correct DATABASE_URL." in done.stdout
    assert "hunter22" not in done.stdout + done.stderr


def test_a_database_without_our_tables_is_said(tmp_path):
    done = manage("doctor", "--json", DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3", REDIS_URL="", SITE_URL=NOBODY)
    assert done.returncode == 1
    findings = {each["about"]: each for each in json.loads(done.stdout)}
    assert findings["migrations"]["verdict"] == "bad"
    assert findings["migrations"]["remedy"] == "Run manage.py migrate."
    assert "tables" in findings["work"]["words"]


def test_what_hangs_keeps_nobody_from_the_rest():
    never = threading.Event()

    def hangs():
        yield doctor.Finding("ok", "first", "is fine")
        never.wait(60)

    def fine():
        yield doctor.Finding("ok", "other", "is fine")

    lines = list(doctor.examine([("slow", hangs), ("other", fine)], seconds=2))
    never.set()
    assert [(each.verdict, each.about) for each in lines] == [("ok", "first"), ("bad", "slow"), ("ok", "other")]
    assert "nothing was heard within 2 s" in lines[1].words


def test_what_breaks_is_a_line_that_shows_no_key(settings):
    settings.STRIPE_SECRET_KEY = "sk_test_hunter22"

    def breaks():
        raise ValueError("no such key: sk_test_hunter22")
        yield

    assert only(breaks) == ("bad", "it", "ValueError: no such key: …", "")


def test_each_examination_is_in_the_command():
    made = {
        function
        for module in (machines, vendors)
        for function in vars(module).values()
        if callable(function)
        and getattr(function, "__module__", "") == module.__name__
        and function.__name__[0] != "_"
        and function.__name__ != "judged_clock"
    }
    assert made == {examination for _, examination in EXAMINATIONS}


# --- In the house ---


@needs_postgres
def test_a_pooler_that_nobody_named_is_told(tmp_path):
    if not find("pgbouncer"):
        pytest.skip("needs PgBouncer")
    tmp_path.chmod(0o755)
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    with PgBouncer(tmp_path, database) as bouncer:
        here = {"DATABASE_URL": bouncer.url, "REDIS_URL": "", "SITE_URL": NOBODY}
        unnamed, named = (manage("doctor", **here, **more) for more in ({}, {"DATABASE_POOLER": "transaction"}))
    assert "That is a pooler: set DATABASE_POOLER=transaction." in unnamed.stdout
    assert "✓ pooler: transaction." in named.stdout, named.stdout
    none = manage("doctor", **{**here, "DATABASE_URL": database}, DATABASE_POOLER="transaction")
    assert "! pooler: DATABASE_POOLER is set, and none stands before the database." in none.stdout


def test_what_waits_too_long_says_that_nobody_is_at_work(alice):
    mail = Mail.objects.create(user=alice, template="welcome", subject="x", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    Mail.objects.filter(pk=mail.pk).update(due_at=Now() - timedelta(minutes=2))
    verdict, about, words, remedy = found(machines.workers)[0]
    assert (verdict, about) == ("bad", "work")
    assert words.startswith("1 mails waited")
    assert "Start worker and beat" in remedy
    assert only(machines.mails)[:3] == ("bad", "mails", "1 wait for longer than ten minutes")
    Mail.objects.filter(pk=mail.pk).update(due_at=None)
    assert only(machines.mails)[:3] == ("odd", "mails", "1 were never sent")


def test_no_worker_and_a_silent_beat_are_named(settings):
    if not settings.REDIS_URL:
        pytest.skip("there is no worker without Redis")
    settings.BELLS = "quick"
    assert ("bad", "worker", "none answers", "Start one, as in the Procfile.") in found(machines.workers)
    assert found(machines.workers)[-1][:3] == ("odd", "beat", "no sign of it yet")
    Day.objects.create(day="2026-01-01", counted_at=Now() - timedelta(hours=2))
    verdict, about, words, _ = found(machines.workers)[-1]
    assert (verdict, about, words) == ("bad", "beat", "its last sign was 120 minutes ago")
    Day.objects.update(counted_at=Now())
    assert found(machines.workers)[-1][:3] == ("ok", "beat", "was heard lately")


def test_redis_is_described(settings):
    if not settings.REDIS_URL:
        assert only(machines.redis_serves)[:2] == ("ok", "Redis")
        return
    verdict, _, words, _ = only(machines.redis_serves)
    assert verdict == "ok"
    assert "when full: " in words
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert only(machines.redis_serves)[3] == "Start it, or correct REDIS_URL."


@pytest.mark.parametrize(("off", "verdict"), [(0.5, "ok"), (5.0, "odd"), (60.0, "bad")])
def test_a_clock_that_is_off_is_told(off, verdict):
    assert machines.judged_clock("clock", "another", off).verdict == verdict


@contextmanager
def answering(answer):
    """A server that answers `(status, headers, body)` by method and path."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, body = answer(self.command, self.path)
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_HEAD = _any

        def log_message(self, *args):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("ahead", "verdict"), [(0, "ok"), (120, "bad"), (-120, "bad")])
def test_our_clock_is_held_against_a_vendors(settings, ahead, verdict):
    def answer(method, path):
        return 200, {"Date": format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)}, b""

    with answering(answer) as port:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_x", f"http://127.0.0.1:{port}"
        assert only(vendors.clocks)[0] == verdict
    assert found(vendors.clocks) == [], "that they are away is said elsewhere"


# --- The way to ourselves ---


@pytest.mark.parametrize(
    ("health", "hook", "lines"),
    [
        (200, 400, [("ok", "site"), ("ok", "webhook")]),
        (200, 405, [("ok", "site"), ("bad", "webhook")]),
        (200, 301, [("ok", "site"), ("bad", "webhook")]),
        (502, 400, [("bad", "site")]),
    ],
)
def test_the_site_and_its_webhook_are_tried(settings, health, hook, lines):
    with answering(lambda method, path: (health if path == "/healthz" else hook, {}, b"")) as port:
        settings.SITE_URL = f"http://127.0.0.1:{port}"
        assert [line[:2] for line in found(vendors.ourselves)] == lines


def test_a_site_that_does_not_answer_is_broken_but_on_a_laptop(settings):
    assert only(vendors.ourselves)[0] == "odd"
    settings.DEBUG = False
    assert only(vendors.ourselves)[0] == "bad"


# --- Vendors ---


def test_stripe_is_asked_with_our_key(settings):
    assert only(vendors.stripe)[0] == "ok"
    with stripe_fake.stripe_server() as fake:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = stripe_fake.KEY, fake.url
        settings.STRIPE_WEBHOOK_SECRETS = [stripe_fake.SECRET]
        assert only(vendors.stripe)[:3] == ("odd", "Stripe", "test mode, no product")
        fake.add_product()
        assert only(vendors.stripe)[:3] == ("ok", "Stripe", "test mode, 1 products")
        settings.STRIPE_WEBHOOK_SECRETS = []
        assert found(vendors.stripe)[1][3] == "Set STRIPE_WEBHOOK_SECRET."
        settings.STRIPE_SECRET_KEY = "sk_test_wrong99"
        verdict, _, words, remedy = only(vendors.stripe)
        assert (verdict, "refuses the key" in words, "sk_test_wrong99" in words) == ("bad", True, False)
        assert "STRIPE_SECRET_KEY" in remedy


def test_turnstile_is_asked_for_our_secret(settings):
    with turnstile_fake.turnstile_server() as fake:
        settings.TURNSTILE_VERIFY_URL, settings.TURNSTILE_SECRET_KEY = fake.url, turnstile_fake.SECRET_KEY
        assert only(vendors.turnstile_key)[:3] == ("ok", "Turnstile", "knows the secret")
        settings.TURNSTILE_SECRET_KEY = "0x4AAAAAAAAAnother"
        assert only(vendors.turnstile_key)[3] == "Set TURNSTILE_SECRET_KEY to the secret of TURNSTILE_SITE_KEY."
        fake.hangs = True
        assert only(vendors.turnstile_key)[2].startswith("does not answer")


def test_resend_is_asked_without_a_mail(settings):
    settings.DEFAULT_FROM_EMAIL = "Dusk <hello@dusk.example>"
    settings.EMAIL_BACKEND, settings.RESEND_API_KEY = "accounts.transports.Resend", RESEND_KEY
    with resend_server() as fake:
        settings.RESEND_API_URL = fake.url
        settings.ANYMAIL = {**settings.ANYMAIL, "RESEND_API_KEY": RESEND_KEY, "RESEND_API_URL": fake.url}
        fake.domains = {"dusk.example": "pending"}
        verdict, _, words, remedy = only(vendors.mail)
        assert (verdict, "not verified" in words, "Verify the domain" in remedy) == ("bad", True, True)
        fake.domains = {"dusk.example": "verified"}
        assert only(vendors.mail)[:3] == ("ok", "mail", "Resend takes mails from dusk.example")
        fake.sends_alone = True
        assert only(vendors.mail)[0] == "ok"
        settings.RESEND_API_KEY = "re_wrong_key"
        assert only(vendors.mail) == (
            "bad",
            "mail",
            "Resend: Resend answered 401: API key is invalid",
            "Correct RESEND_API_KEY.",
        )
        assert fake.taken == []
    settings.RESEND_API_URL = NOBODY
    assert only(vendors.mail)[0] == "bad"


def test_a_mail_server_is_entered_and_left(settings):
    with smtp_server() as fake:
        settings.EMAIL_URL = fake.url.replace("//", "//dusk:hunter22@")
        server = mailservers.read(settings.EMAIL_URL)
        settings.EMAIL_BACKEND = "accounts.transports.Smtp"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = server.user, server.password
        settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = server.starttls, server.tls
        assert only(vendors.mail)[:3] == ("ok", "mail", "127.0.0.1 let us in")
        assert any(line.startswith("AUTH") for line in fake.heard)
        assert not any(line.startswith("MAIL") for line in fake.heard)
        fake.answers = {"AUTH": "535 wrong password"}
        verdict, _, words, _ = only(vendors.mail)
        assert (verdict, "535" in words) == ("bad", True)
    assert only(vendors.mail)[3] == "Correct EMAIL_URL, or start the mail server."


def test_a_bucket_is_written_to_read_and_cleaned_up(bucket, settings):
    settings.SITE_URL = "https://dusk.example"
    bucket.origins = [settings.SITE_URL]
    assert only(vendors.bucket)[:3] == ("ok", "files", f"bucket {BUCKET} was written to, read and cleaned up")
    assert bucket.listing() == []
    bucket.origins = []
    assert "CORS" in only(vendors.bucket)[3]
    bucket.origins, settings.AWS_SECRET_ACCESS_KEY = [settings.SITE_URL], "another-secret"
    storage.store.cache_clear()
    verdict, _, words, remedy = only(vendors.bucket)
    assert (verdict, "could not" in words, "docs/media.md" in remedy) == ("bad", True, True)


def test_a_disk_that_cannot_be_written_to_is_said(settings, disk):
    assert only(vendors.bucket)[0] == "ok"
    assert [path for path in disk.rglob("*") if path.is_file()] == []
    settings.MEDIA_ROOT = disk / "file" / "media"
    disk.mkdir(exist_ok=True)
    (disk / "file").write_text("in the way")
    storage.store.cache_clear()
    assert only(vendors.bucket)[0] == "bad"


# --- Model hosts ---


def provider(url, **changes):
    return {
        "name": "primary",
        "base_url": url,
        "api_key": "sk-hunter22",
        "model": "a-model",
        "extra_body": {},
        **changes,
    }


@pytest.mark.parametrize(
    ("answer", "verdict", "expected"),
    [
        (said("Hello."), "ok", "a-model answered in"),
        (http(401), "bad", "Correct LLM_API_KEY_PRIMARY."),
        (http(404), "bad", "Correct LLM_MODEL_PRIMARY."),
        (http(500), "bad", "Its own affair"),
        (http(400), "bad", "Compare LLM_MODEL_PRIMARY"),
    ],
)
def test_a_model_host_writes_a_word(settings, answer, verdict, expected):
    with ModelHost() as host:
        host.play(answer)
        settings.LLM_PROVIDERS = [provider(host.url)]
        line = only(vendors.model_hosts)
    assert line[0] == verdict
    assert expected in " ".join(line)


def test_a_model_host_that_is_away_or_hangs_is_told(settings, monkeypatch):
    settings.LLM_PROVIDERS = [provider(NOBODY), provider(NOBODY, name="fallback")]
    lines = found(vendors.model_hosts)
    assert [line[1] for line in lines] == ["model host, primary", "model host, fallback"]
    assert lines[1][3] == "Start it, or correct LLM_BASE_URL_FALLBACK."
    monkeypatch.setattr(vendors, "LLM_SECONDS", 0.3)
    with ModelHost() as host:
        host.play([HANG])
        settings.LLM_PROVIDERS = [provider(host.url)]
        assert only(vendors.model_hosts)[0] == "bad"


def models(*names, body=None):
    told = json.dumps({"object": "list", "data": [{"id": name} for name in names]}).encode() if body is None else body
    return answering(lambda method, path: (200 if path == "/v1/models" else 404, {}, told))


def test_a_model_host_on_this_machine_is_found_and_its_lines_are_printed(monkeypatch):
    with models("nomic-embed-text", "llama3.2:3b") as port:
        monkeypatch.setattr(localhosts, "PLACES", (("Ollama", port),))
        code, text = typed()
    assert code == 0
    assert (
        f"""! model host: Ollama runs here. To be answered by it, put these into .env and start again:
      LLM_BASE_URL_PRIMARY=http://127.0.0.1:{port}/v1
      LLM_MODEL_PRIMARY=llama3.2:3b
      LLM_API_KEY_PRIMARY=
"""
        in text
    )


def test_one_without_a_model_says_how_to_get_one(monkeypatch):
    with models() as port:
        monkeypatch.setattr(localhosts, "PLACES", (("Ollama", port),))
        assert "ollama pull" in found(vendors.model_hosts)[1][2]


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"data": 1}', b'{"data": [{"id": 7}]}', b'{"data": [{"id": "a\\nb"}]}']
)
def test_what_is_no_model_host_is_left_alone(body):
    with models(body=body) as port:
        assert localhosts.find((("Ollama", port), ("LM Studio", free_port()))) == []


def test_what_hangs_there_holds_nobody_up(monkeypatch):
    monkeypatch.setattr(localhosts, "SECONDS", 0.3)
    over = threading.Event()
    with answering(lambda method, path: over.wait(60) and (200, {}, b'{"data": [{"id": "a"}]}')) as port:
        assert localhosts.find((("Ollama", port),)) == []
        over.set()


def test_our_own_port_is_not_asked():
    with models("a") as port:
        assert [host.port for host in localhosts.find((("Ollama", port),))] == [port]
        assert localhosts.find((("Ollama", port),), but=port) == []

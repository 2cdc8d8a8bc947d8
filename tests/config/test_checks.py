"""Dusk refuses to start what would be unsafe, and says what to do about it."""

import base64
import os
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.db import connection

from config import checks
from tests.config.processes import environment, manage
from tests.racing import needs_postgres
from tests.servers import ROOT, Process, free_port

SAFE = {
    "DEBUG": "0",
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOP",
    "SITE_URL": "https://dusk.example",
    "TRUSTED_PROXY_COUNT": "1",
    "DATABASE_URL": "postgres://dusk@127.0.0.1:1/dusk",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "TURNSTILE_SITE_KEY": "0x4AAAAAAA-site",
    "TURNSTILE_SECRET_KEY": "0x4AAAAAAA-secret",
    "RESEND_API_KEY": "re_key",
    "LLM_BASE_URL_PRIMARY": "https://llm.example",
    "LLM_MODEL_PRIMARY": "a-model",
    "STRIPE_SECRET_KEY": "sk_live_key",
    "STRIPE_PUBLISHABLE_KEY": "pk_live_key",
    "STRIPE_WEBHOOK_SECRET": "whsec_secret",
}
BUCKET = {
    "AWS_S3_BUCKET": "dusk-media",
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKIAKEY",
    "AWS_SECRET_ACCESS_KEY": "secret",
}
PEM = rsa.generate_private_key(65537, 2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
CDN = BUCKET | {
    "CF_DOMAIN": "media.dusk.example",
    "CF_KEY_PAIR_ID": "K2KEY",
    "CF_PRIVATE_KEY": PEM.decode().replace("\n", "\\n"),
}


@pytest.fixture
def tested_database(transactional_db):
    """The DATABASE_URL of the database that these tests run on."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def test_what_is_safe_starts_without_a_word():
    done = manage("check", "--deploy", "--fail-level", "WARNING", **SAFE)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("unsafe", "number", "remedy"),
    [
        ({"SECRET_KEY": ""}, "E001", "token_urlsafe"),
        ({"SECRET_KEY": "short"}, "E001", "token_urlsafe"),
        ({"SECRET_KEY": ""} | {"DEBUG": "1"}, "E001", "token_urlsafe"),
        ({"TURNSTILE_SECRET_KEY": ""}, "E002", "TURNSTILE_SECRET_KEY"),
        ({"TURNSTILE_SITE_KEY": "1x00000000000000000000AA"}, "E003", "TURNSTILE_SITE_KEY"),
        ({"TURNSTILE_SECRET_KEY": "1x0000000000000000000000000000000AA"}, "E003", "TURNSTILE_SECRET_KEY"),
        ({"REDIS_URL": ""}, "E004", "REDIS_URL"),
        ({"DATABASE_URL": "sqlite:///var/dusk.sqlite3"}, "W002", "PostgreSQL"),
        ({"SITE_URL": "http://dusk.example"}, "E006", "https://"),
        ({"ALLOWED_HOSTS": "*"}, "E007", "name the hosts"),
        ({"LLM_BASE_URL_PRIMARY": "", "LLM_MODEL_PRIMARY": ""}, "E008", "LLM_BASE_URL_PRIMARY"),
        ({"LLM_MODEL_PRIMARY": ""}, "E009", "LLM_MODEL_PRIMARY"),
        ({"LLM_BASE_URL_PRIMARY": "http://127.0.0.1:11434/api/chat"}, "E018", "LLM_BASE_URL_PRIMARY"),
        ({"LLM_BASE_URL_PRIMARY": "ftp://127.0.0.1/v1"}, "E018", "LLM_BASE_URL_PRIMARY"),
        ({"RESEND_API_KEY": ""}, "E040", "EMAIL_URL"),
        ({"EMAIL_URL": "smtps://u:p@mail.example"}, "W009", "Unset the one"),
        ({"RESEND_API_URL": "https://resend.example/"}, "E041", "Unset RESEND_API_URL"),
        ({"DEFAULT_FROM_EMAIL": "Dusk"}, "E039", "hello@dusk.example"),
        *(
            ({"RESEND_API_KEY": "", "EMAIL_URL": url}, "E037", "smtp+tls://")
            for url in ("mail.example:587", "http://mail.example", "smtp://", "smtp+tls://u:a#b@mail.example:587")
        ),
        ({"RESEND_API_KEY": "", "EMAIL_URL": "smtp+tls://user@mail.example"}, "E037", "smtp+tls://"),
        ({"RESEND_API_KEY": "", "EMAIL_URL": "smtp://u:p@mail.example"}, "E038", "587"),
        ({"TRUSTED_PROXY_COUNT": "0"}, "W003", "TRUSTED_PROXY_COUNT"),
        ({"STRIPE_SECRET_KEY": ""}, "W004", "STRIPE_SECRET_KEY"),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "E012", "STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_SECRET_KEY": "sk_test_key"}, "E011", "STRIPE_PUBLISHABLE_KEY"),
        ({"STRIPE_SECRET_KEY": "rk_test_key", "STRIPE_PUBLISHABLE_KEY": ""}, "E028", "the live key"),
        ({"GOOGLE_CLIENT_ID": "1"}, "E050", "GOOGLE_CLIENT_SECRET"),
        ({"APPLE_CLIENT_ID": "1", "APPLE_TEAM_ID": "1", "APPLE_KEY_ID": "1"}, "E050", "APPLE_PRIVATE_KEY"),
        ({"GOOGLE_API_BASE": "https://google.example"}, "E051", "Unset GOOGLE_API_BASE"),
        ({"APPLE_API_BASE": "https://apple.example"}, "E051", "Unset APPLE_API_BASE"),
        ({"APPLE_PRIVATE_KEY": "AuthKey_1.p8"}, "E052", ".p8"),
        ({"STRIPE_API_BASE": "https://stripe.example"}, "E013", "STRIPE_API_BASE"),
        ({"DATABASE_POOLER": "statement"}, "E014", "transaction"),
        ({"SITE_URL": "dusk.example:8000", "DEBUG": "1"}, "E024", "on a laptop"),
        ({"ALLOWED_HOSTS": "www.dusk.example, https://dusk.example"}, "E019", "www.dusk.example"),
        ({"DATABASE_URL": "mysql://dusk@127.0.0.1/dusk"}, "E020", "postgres://"),
        ({"REDIS_URL": "sentinel://127.0.0.1:26379/0"}, "E021", "rediss://"),
        ({"TURNSTILE_VERIFY_URL": "https://turnstile.example/"}, "E022", "Unset TURNSTILE_VERIFY_URL"),
        ({"STAFF_SECOND_FACTOR": "0"}, "E042", "Unset STAFF_SECOND_FACTOR"),
        ({"DEBUG": "1"}, "E023", "DEBUG=0"),
        ({"LLM_BASE_URL_PRIMARY": "ftp://llm.example"}, "E018", "LLM_BASE_URL_PRIMARY"),
        ({"ADMIN_PATH": "chat"}, "E025", "admin"),
        ({"TRUSTED_PROXY_COUNT": "-1"}, "E026", "number of proxies"),
        ({"BELLS": "quick", "REDIS_URL": "", "DEBUG": "1", "SITE_URL": ""}, "E027", "REDIS_URL"),
        ({"CURRENCY": "US$"}, "E029", "usd"),
        ({"QUOTA_RESET": "weekly"}, "E060", "daily or monthly"),
        (BUCKET | {"AWS_ACCESS_KEY_ID": ""}, "E030", "AWS_ACCESS_KEY_ID"),
        (BUCKET | {"AWS_REGION": ""} | {"DEBUG": "1", "SITE_URL": ""}, "E030", "auto"),
        (BUCKET | {"AWS_S3_BUCKET": "arn:aws:s3:::dusk"}, "E031", "name alone"),
        (BUCKET | {"AWS_S3_ENDPOINT_URL": "https://host.example/dusk-media"}, "E032", "without the bucket"),
        (BUCKET | {"AWS_S3_ADDRESSING_STYLE": "host"}, "E033", "virtual"),
        (CDN | {"CF_KEY_PAIR_ID": ""}, "E034", "CF_KEY_PAIR_ID"),
        (CDN | {"AWS_S3_BUCKET": ""}, "E034", "AWS_S3_BUCKET"),
        (CDN | {"CF_DOMAIN": "media.dusk.example/files"}, "E035", "name alone"),
        (CDN | {"CF_PRIVATE_KEY": "private_key.pem"}, "E036", "base64"),
    ],
)
def test_each_danger_is_named_with_its_remedy(unsafe, number, remedy):
    done = manage("check", "--fail-level", "WARNING", **SAFE | unsafe)
    assert done.returncode == 1
    assert f"dusk.{number}" in done.stderr
    assert remedy in done.stderr.split(f"dusk.{number}", 1)[1]


def named_for(settings, **values):
    """The numbers of what would be said of these settings."""
    for name, value in values.items():
        setattr(settings, name, value)
    return {message.id.removeprefix("dusk.") for message in checks.safe_to_start()}


@pytest.mark.parametrize(
    "url",
    [
        *("https://dusk.example/chat", "https://dusk.example/?a=1", "https://dusk.example#top", "dusk.example"),
        *(
            "https://me@dusk.example",
            "https://me:secret@dusk.example",
            "ftp://dusk.example",
            "https://",
            "//dusk.example",
        ),
        *(
            "https://dusk.example:99999",
            "https://dusk.example:eighty",
            "http://[::1",
            "http://[::g]",
            "https://du sk.example",
        ),
        *(
            '"https://dusk.example"',
            "'https://dusk.example'",
            "https://dusk_1.example",
            "https://-",
            "https://dusk.example,",
        ),
        "https://dusk.example,https://www.dusk.example",
    ],
)
def test_a_site_s_address_is_scheme_and_host_and_port(settings, url):
    assert "E024" in named_for(settings, SITE_URL=url)


@pytest.mark.parametrize("host", ["https://dusk.example", "dusk.example:443", "dusk.example www.dusk.example", "a/b"])
def test_a_host_that_no_request_names_is_none(settings, host):
    assert "E019" in named_for(settings, ALLOWED_HOSTS=[host])


@pytest.mark.parametrize(
    "url",
    [
        *("unix:///run/redis.sock", "redis+socket:///run/redis.sock", "sentinel://127.0.0.1:26379/0", "redis://"),
        *("redis-cluster://127.0.0.1", "REDIS://127.0.0.1", "127.0.0.1:6379", "redis://127.0.0.1:6379/dusk"),
        *("redis://:pass/word@127.0.0.1:6379/0", " redis://127.0.0.1", "redis://127.0.0.1 ", "http://127.0.0.1:6379"),
        "redis://127.0.0.1:6379/0,redis://127.0.0.1:6380/0",
    ],
)
def test_a_redis_that_half_of_us_would_not_find_is_refused(settings, url):
    assert "E021" in named_for(settings, REDIS_URL=url)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://challenges.cloudflare.com/turnstile/v0/siteverify",
            "https://challenges.cloudflare.com.evil.example/",
        ),
        *(
            "https://challenges.cloudflare.com@evil.example/",
            "https://challenges.cloudflare.com:8443/",
            "",
            "siteverify",
        ),
    ],
)
def test_only_cloudflare_says_who_is_no_robot(settings, url):
    assert "E022" in named_for(settings, DEBUG=False, TURNSTILE_VERIFY_URL=url)


@pytest.mark.parametrize("url", ["llm.example", "localhost:11434", "http://", "http://[::1", "file:///model", "ws://a"])
def test_a_model_host_is_on_the_web(settings, url):
    host = {"name": "primary", "base_url": url, "api_key": "", "model": "a-model", "extra_body": {}}
    assert "E018" in named_for(settings, LLM_PROVIDERS=[host])


@pytest.mark.parametrize("path", ["", "accounts", "girls", "a b", "staff?", "a//b", "."])
def test_the_console_hides_nothing(settings, path):
    assert "E025" in named_for(settings, ADMIN_PATH=path)


@pytest.mark.parametrize("url", ["http://minio.example:9000", "minio:9000", "https://k:s@host.example", "s3://dusk"])
def test_files_are_not_sent_in_the_clear_nor_into_the_blue(settings, url):
    assert "E032" in named_for(settings, DEBUG=False, **BUCKET, AWS_S3_ENDPOINT_URL=url)


@pytest.mark.parametrize("name", ["a", "Dusk", "s3://dusk", "dusk/media", "dusk-media.s3.amazonaws.com/", "-dusk"])
def test_a_bucket_has_a_name(settings, name):
    assert named_for(settings, **BUCKET | {"AWS_S3_BUCKET": name}) & {"E031"}


@pytest.mark.parametrize(
    ("trouble", "number"),
    [
        (lambda settings, bucket: None, None),
        (lambda settings, bucket: setattr(bucket, "fault", "503"), "dusk.W007"),
        (lambda settings, bucket: setattr(settings, "AWS_SECRET_ACCESS_KEY", "another"), "dusk.W007"),
        (lambda settings, bucket: setattr(settings, "AWS_S3_BUCKET", "of-somebody-else"), "dusk.W007"),
        (lambda settings, bucket: setattr(bucket, "origins", ["https://another.example"]), "dusk.W008"),
        (lambda settings, bucket: setattr(settings, "AWS_ACCESS_KEY_ID", ""), None),  # E030 says it, at every start
    ],
)
def test_before_a_deploy_the_bucket_is_asked(settings, bucket, trouble, number):
    trouble(settings, bucket)
    assert [message.id for message in checks.bucket_serves_us()] == ([number] if number else [])


def test_a_proxy_that_is_not_trusted_is_said_to_make_pages_an_endless_redirect():
    done = manage("check", "--deploy", **SAFE | {"TRUSTED_PROXY_COUNT": "0"})
    assert "endless redirect" in done.stderr


@pytest.mark.parametrize(
    "more",
    [
        {"SITE_URL": " https://Dusk.Example.:443/ "},
        {"SITE_URL": "http://[::1]:8000", "TRUSTED_PROXY_COUNT": "0"},
        {"SITE_URL": "http://localhost:8000", "STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_PUBLISHABLE_KEY": "pk_test_x"},
        {"ALLOWED_HOSTS": "dusk.example, WWW.dusk.example ,.dusk.example,10.0.0.7,::1,[2001:db8::1],"},
        {"REDIS_URL": "rediss://dusk:p%2Fw@redis.example:6380/1?ssl_cert_reqs=none"},
        {"DATABASE_URL": "postgres://dusk:p%40ss@[::1]:5432/dusk?sslmode=require"},
        {"TURNSTILE_VERIFY_URL": "http://127.0.0.1:9/siteverify"},
        {"LLM_BASE_URL_PRIMARY": "HTTP://[::1]:11434/v1/"},
        CDN | {"CF_DOMAIN": "https://media.dusk.example/"},
        CDN | {"CF_PRIVATE_KEY": base64.b64encode(PEM).decode()},
        BUCKET | {"AWS_S3_ENDPOINT_URL": "https://a1.r2.cloudflarestorage.com/", "AWS_REGION": "auto"},
        {"AWS_ACCESS_KEY_ID": "of another program's", "AWS_REGION": "eu-west-1"},
        {"ADMIN_PATH": "/back-office/", "CURRENCY": "EUR", "REDIS_URL": "redis://[::1]"},
    ],
)
def test_what_is_written_in_another_way_is_taken(more):
    done = manage("check", "--fail-level", "WARNING", **SAFE | more)
    assert done.returncode == 0, done.stderr


def test_a_database_that_nobody_chose_is_refused():
    safe = {name: value for name, value in SAFE.items() if name != "DATABASE_URL"}
    env = environment(**safe)
    env.pop("DATABASE_URL", None)
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert "dusk.E005" in done.stderr


def test_plain_http_is_allowed_on_this_machine_only():
    assert manage("check", **SAFE | {"SITE_URL": "http://127.0.0.1:8000"}).returncode == 0


COMMANDS = {
    "web": ["config.server"],
    "worker": ["celery", "-A", "config", "worker", "--pool", "threads"],
    "beat": ["celery", "-A", "config", "beat"],
}


def refused(name, **env):
    """What a process said that did not start."""
    command = [sys.executable, "-m", *COMMANDS[name]]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(**env), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "Dusk does not start" in done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_servers_and_workers_refuse_too(name):
    assert "dusk.E002" in refused(name, **SAFE | {"TURNSTILE_SITE_KEY": "", "TURNSTILE_SECRET_KEY": ""})


# --- What only the database itself can say (behind a real pooler: tests/chaos/test_pooler.py) ------------------------


@needs_postgres
@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_database_that_lets_statements_hang_is_refused_with_the_lines_that_cure_it(name, tested_database):
    # Without our start-up options, a PostgreSQL that was not told otherwise has no limit at all.
    said = refused(name, DATABASE_URL=tested_database, DATABASE_POOLER="transaction")
    database = urlsplit(tested_database).path.strip("/")
    assert "dusk.E016" in said
    for line in (
        f"ALTER DATABASE \"{database}\" SET statement_timeout = '10s';",
        f"ALTER DATABASE \"{database}\" SET lock_timeout = '3s';",
        f"ALTER DATABASE \"{database}\" SET idle_in_transaction_session_timeout = '30s';",
    ):
        assert line in said


@needs_postgres
@pytest.mark.parametrize("pooler", ["", "transaction"])
def test_a_database_that_keeps_our_limits_is_taken(pooler, tested_database):
    # libpq's own variable: as if the database had them.
    limits = " ".join(f"-c {name}={limit}" for name, limit in settings.DATABASE_LIMITS.items())
    safe = SAFE | {"DATABASE_URL": tested_database, "DATABASE_POOLER": pooler, "PGOPTIONS": limits}
    done = manage("check", "--deploy", **safe)  # helplines in it that nobody checked are warned of
    assert done.returncode == 0, done.stderr


def test_a_database_that_is_away_is_no_reason_not_to_start(tmp_path):
    port = free_port()
    env = environment(DATABASE_URL="postgres://nobody@127.0.0.1:1/none", DATABASE_POOLER="transaction", REDIS_URL="")
    command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port)]
    with Process("web", command, tmp_path, env) as web:
        web.wait_for(port)
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, timeout=30)
    assert answer.status_code == 503
    assert answer.json()["database"] == "away"


@needs_postgres
def test_a_database_that_says_nothing_is_not_waited_for(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for name, value in (("HOST", "127.0.0.1"), ("PORT", silent.getsockname()[1])):
            monkeypatch.setitem(connection.settings_dict, name, value)
        monkeypatch.setattr(checks, "DATABASE_SECONDS", 0.1)
        assert checks.database_keeps_promises() == []
        silent.settimeout(5)
        silent.accept()[0].close()  # it was asked

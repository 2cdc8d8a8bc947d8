"""Dusk refuses to start what would be unsafe, and says what to do about it."""

import os
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import httpx
import pytest
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
        ({"RESEND_API_KEY": ""}, "W001", "RESEND_API_KEY"),
        ({"TRUSTED_PROXY_COUNT": "0"}, "W003", "TRUSTED_PROXY_COUNT"),
        ({"STRIPE_SECRET_KEY": ""}, "W004", "STRIPE_SECRET_KEY"),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "E012", "STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_SECRET_KEY": "sk_test_key"}, "E011", "STRIPE_PUBLISHABLE_KEY"),
        ({"STRIPE_SECRET_KEY": "rk_test_key", "STRIPE_PUBLISHABLE_KEY": ""}, "W005", "the live key"),
        ({"STRIPE_API_BASE": "https://stripe.example"}, "E013", "STRIPE_API_BASE"),
        ({"DATABASE_POOLER": "statement"}, "E014", "transaction"),
    ],
)
def test_each_danger_is_named_with_its_remedy(unsafe, number, remedy):
    done = manage("check", "--fail-level", "WARNING", **SAFE | unsafe)
    assert done.returncode == 1
    assert f"dusk.{number}" in done.stderr
    assert remedy in done.stderr.split(f"dusk.{number}", 1)[1]


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
    done = manage("check", "--deploy", "--fail-level", "WARNING", **safe)
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

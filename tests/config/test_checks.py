"""Dusk refuses to start what would be unsafe, and says what to do about it."""

import subprocess
import sys

import pytest

from tests.config.processes import environment, manage
from tests.servers import ROOT

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
        ({"REDIS_URL": ""}, "E004", "REDIS_URL"),
        ({"DATABASE_URL": "sqlite:///var/dusk.sqlite3"}, "W002", "PostgreSQL"),
        ({"SITE_URL": "http://dusk.example"}, "E006", "https://"),
        ({"ALLOWED_HOSTS": "*"}, "E007", "name the hosts"),
        ({"LLM_BASE_URL_PRIMARY": "", "LLM_MODEL_PRIMARY": ""}, "E008", "LLM_BASE_URL_PRIMARY"),
        ({"LLM_MODEL_PRIMARY": ""}, "E009", "LLM_MODEL_PRIMARY"),
        ({"RESEND_API_KEY": ""}, "W001", "RESEND_API_KEY"),
        ({"TRUSTED_PROXY_COUNT": "0"}, "W003", "TRUSTED_PROXY_COUNT"),
        ({"STRIPE_SECRET_KEY": ""}, "W004", "STRIPE_SECRET_KEY"),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "E012", "STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_SECRET_KEY": "sk_test_key"}, "E011", "STRIPE_PUBLISHABLE_KEY"),
        ({"STRIPE_SECRET_KEY": "rk_test_key", "STRIPE_PUBLISHABLE_KEY": ""}, "W005", "the live key"),
        ({"STRIPE_API_BASE": "https://stripe.example"}, "E013", "STRIPE_API_BASE"),
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


@pytest.mark.parametrize(
    "command",
    [
        ["uvicorn", "config.asgi:application", "--port", "0"],
        ["celery", "-A", "config", "worker", "--pool", "threads"],
        ["celery", "-A", "config", "beat"],
    ],
    ids=["web", "worker", "beat"],
)
def test_servers_and_workers_refuse_too(command):
    env = environment(**SAFE | {"TURNSTILE_SITE_KEY": "", "TURNSTILE_SECRET_KEY": ""})
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "Dusk does not start" in done.stderr
    assert "dusk.E002" in done.stderr
    assert "Traceback" not in done.stderr

"""The rows that a measurement needs, made at once: characters, members with a session, conversations, permits."""

import compileall
import json
import logging
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()
logging.disable(logging.INFO)  # what is asked in this process is not news

from datetime import timedelta
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.models import Permit, User
from chat.models import Conversation, Message
from chat.sending import PERMIT_SCOPE
from girls.models import Girl

GIRLS, MOST_GIRLS = 24, 1000  # those one can browse; as many as the longest thread list needs
LONG, FULL, SHORT = 10_000, 51, 20  # messages; a page shows 50
MANY, FEW = 1000, 50

Store = import_module(settings.SESSION_ENGINE).SessionStore


def build() -> None:
    """What a build and a release make (bytecode, static files with hashed names, tables), and the characters."""
    for package in ("accounts", "chat", "config", "girls", "media", "payments", "safety", "staff"):
        compileall.compile_dir(settings.BASE_DIR / package, quiet=1)
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False, skip_checks=True)
    for n in range(GIRLS):
        Girl.objects.create(name=f"Character {n}", slug=f"character-{n}", is_active=True, **_plain(n))
    rest = range(GIRLS, MOST_GIRLS)
    Girl.objects.bulk_create(Girl(name=f"Character {n}", slug=f"character-{n}", **_plain(n)) for n in rest)


def _plain(n: int) -> dict[str, Any]:
    return {
        "age": 24 + n % 18,
        "tagline": "Ceramicist with clay on her sleeves",
        "bio": "She throws pots in a small studio above the river. " * 12,
        "tags": ["Warm", "Art", f"Tag {n % 7}"],
        "greeting": "Hi, you found me. The kiln is warming up, so I have time.",
        "starters": ["What are you making today?", "How was your walk?", "Tell me about the river."],
        "persona_prompt": "You are a ceramicist above the river: dry humour, long pauses, curious about people. " * 12,
    }


def members(prefix: str, count: int) -> list[User]:
    """So many members. Nobody signs in with a password here."""
    made = (
        User(email=f"{prefix}{n}@example.com", username=f"{prefix}{n}", password=f"!{n}", birth_date="1991-03-14")
        for n in range(count)
    )
    return User.objects.bulk_create(made)


def cookies(users: list[User]) -> list[dict[str, str]]:
    """A session for each, as signing in leaves it."""
    sessions = []
    for user in users:
        said = {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
            HASH_SESSION_KEY: user.get_session_auth_hash(),
        }
        until = timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)
        key = get_random_string(32, "abcdefghijklmnopqrstuvwxyz0123456789")
        sessions.append(Session(session_key=key, session_data=Store().encode(said), expire_date=until))
    Session.objects.bulk_create(sessions)
    csrf = [get_random_string(32) for _ in users]
    return [
        {"cookie": f"{settings.SESSION_COOKIE_NAME}={s.session_key}; {settings.CSRF_COOKIE_NAME}={c}", "csrf": c}
        for s, c in zip(sessions, csrf, strict=True)
    ]


def tabs(prefix: str, count: int) -> list[dict[str, str]]:
    """So many members, each with one conversation open, a permit and free messages that will do."""
    users = members(prefix, count)
    girls = list(Girl.objects.filter(is_active=True))
    talks = Conversation.objects.bulk_create(
        Conversation(user=user, girl=girls[n % len(girls)], free_text=1_000_000) for n, user in enumerate(users)
    )
    for talk in talks:
        say(talk, 1)
    until = timezone.now() + timedelta(days=1)
    permits = Permit.objects.bulk_create(
        Permit(user=user, scope=PERMIT_SCOPE, uses_left=1_000_000, expires_at=until, token_hash=f"bench-{user.pk}")
        for user in users
    )
    return [
        {**cookie, "conversation": str(talk.pk), "permit": str(permit.pk)}
        for cookie, talk, permit in zip(cookies(users), talks, permits, strict=True)
    ]


def say(talk: Conversation, count: int) -> None:
    """Fill a conversation with so many messages, hers first."""
    text = "The river is slow this evening, and I thought of what you said about the bridge."
    Message.objects.bulk_create(
        (
            Message(conversation=talk, seq=n, version=n, sender="ai" if n % 2 else "user", text=f"{text} {n}")
            for n in range(1, count + 1)
        ),
        batch_size=2000,
    )
    talk.last_seq = talk.version = talk.last_read_seq = count
    talk.last_message_preview, talk.last_message_sender = text, "ai"
    talk.save()


def readers() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Two members to read with, who has few threads and who has many, and the addresses of a short and a long one."""
    few, many = members("reader", 2)
    girls = list(Girl.objects.all())
    for user, count in ((few, FEW), (many, MANY)):
        talks = Conversation.objects.bulk_create(Conversation(user=user, girl=girl) for girl in girls[:count])
        if user == few:
            say(talks[0], SHORT)
            say(talks[1], LONG)
            say(talks[2], FULL)
            paths = {name: f"/chat/{talk.pk}/" for name, talk in zip(("short", "long", "full"), talks, strict=False)}
        else:
            for talk in talks:
                talk.last_seq, talk.last_message_preview, talk.last_message_sender = 3, "The river is slow.", "ai"
            Conversation.objects.bulk_update(
                talks, ["last_seq", "last_message_preview", "last_message_sender"], batch_size=500
            )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return *cookies([few, many]), paths


def queries(tab: dict[str, str], method: str, path: str, **body: Any) -> int:
    """How many questions one request asks the database, BEGIN and COMMIT not counted."""
    client = Client(headers={"host": urlsplit(settings.SITE_URL).netloc})
    client.cookies.load(tab["cookie"])
    with CaptureQueriesContext(connection) as asked:
        response = client.generic(method, path, data=json.dumps(body), content_type="application/json")
    if response.status_code not in (200, 201):
        raise SystemExit(f"{method} {path}: {response.status_code}")
    return sum(not q["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")) for q in asked)


def backends() -> list[int]:
    """The processes that PostgreSQL serves this database with."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        return [pid for (pid,) in cursor.fetchall() if pid != connection.connection.info.backend_pid]

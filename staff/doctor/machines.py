"""What stands in the house: settings, the database, Redis, workers and beat, clocks, disks, and what waits."""

import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from channels.layers import get_channel_layer
from django.apps import apps
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.utils.module_loading import import_string
from redis.exceptions import RedisError

from accounts.models import Mail
from config.lib import database as clock
from config.lib import redis
from config.lib.owed import Owed
from staff.doctor import Finding
from staff.models import Day

UNHEARD = timedelta(minutes=1)  # four sweeps: what is due for longer has nobody
SILENT = timedelta(minutes=15)  # three of beat's countings
LATE_MAIL = timedelta(minutes=10)
FEW_CONNECTIONS = 10
OFF_ODD, OFF_BAD = 2.0, 30.0  # seconds between two clocks: codes of an app are good for 30
LITTLE, VERY_LITTLE = 2_000_000_000, 300_000_000  # bytes free
PING_SECONDS = 2.0


def settings_are_safe() -> Iterator[Finding]:
    """What every process asks itself before it starts."""
    found = checks.run_checks(tags=["dusk"], include_deployment_checks=False)
    for message in found:
        yield Finding("bad" if message.is_serious() else "odd", "settings", message.msg, message.hint or "")
    if not found:
        mode = "DEBUG is on: for a laptop" if settings.DEBUG else f"for {settings.SITE_URL}"
        yield Finding("ok", "settings", f"nothing is unsafe ({mode})")
    if not settings.DEBUG and not (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        yield Finding("bad", "static files", "were not collected", "Run manage.py collectstatic --noinput.")


def database() -> Iterator[Finding]:
    """It answers, has our tables, and has room for us."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        where, why = settings.DATABASES["default"].get("HOST") or "this machine", _why_not(error)
        remedy = "Start it, or correct DATABASE_URL."
        if "startup parameter" in why:
            remedy = "That is a pooler: set DATABASE_POOLER=transaction."
        yield Finding("bad", "database", f"does not answer at {where}: {why}", remedy)
        return
    yield Finding("ok", "database", _version())
    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield Finding("bad", "migrations", f"{len(plan)} are not applied", "Run manage.py migrate.")
    else:
        yield Finding("ok", "migrations", "all are applied")
    if connection.vendor == "postgresql":
        yield _connections_left()
        yield from _pooler()


def _why_not(error: DatabaseError) -> str:
    """What the server itself says; the pool of connections tells only that it has none."""
    if connection.vendor == "postgresql":
        try:
            psycopg.connect(**connection.get_connection_params()).close()
        except psycopg.Error as said:
            return _line(said)
    return _line(error)


def _version() -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW server_version")
            return f"PostgreSQL {cursor.fetchone()[0].split()[0]}"
        cursor.execute("SELECT sqlite_version()")
        return f"SQLite {cursor.fetchone()[0]}, in {settings.DATABASES['default']['NAME']}"


def _connections_left() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
            " - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
        )
        left = cursor.fetchone()[0]
    words = f"{left} are left of the server’s"
    if left < FEW_CONNECTIONS:
        return Finding(
            "odd", "connections", words, "Raise max_connections, lower DATABASE_POOL, or put a pooler before it."
        )
    return Finding("ok", "connections", words)


def _pooler() -> Iterator[Finding]:
    """Whether somebody stands between: the number of the connection that we were told is then not the server's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    between = connection.connection.info.backend_pid != pid
    if between and not settings.DATABASE_POOLER:
        yield Finding(
            "odd",
            "pooler",
            "one stands before the database, and DATABASE_POOLER is not set",
            "Set DATABASE_POOLER=transaction if it pools transactions, as PgBouncer mostly does.",
        )
    elif settings.DATABASE_POOLER and not between:
        yield Finding(
            "odd",
            "pooler",
            "DATABASE_POOLER is set, and none stands before the database",
            "Unset DATABASE_POOLER, or name the pooler in DATABASE_URL.",
        )
    else:
        yield Finding("ok", "pooler", settings.DATABASE_POOLER if between else "none")


def redis_serves() -> Iterator[Finding]:
    """It answers soon, carries frames, and does not run full."""
    if not settings.REDIS_URL:
        yield Finding("ok", "Redis", "not used: everything is one process")
        return
    parts = urlsplit(settings.REDIS_URL)
    where = f"{parts.hostname}:{parts.port or 6379}"
    client = redis.client(settings.REDIS_URL)
    try:
        client.ping()
        began = time.monotonic()
        client.ping()
        milliseconds = (time.monotonic() - began) * 1000
        told: Any = client.info()
    except RedisError as error:
        yield Finding("bad", "Redis", f"does not answer at {where}: {_line(error)}", "Start it, or correct REDIS_URL.")
        return
    policy = told.get("maxmemory_policy", "unknown")
    kept = "appended" if told.get("aof_enabled") else "snapshots" if told.get("rdb_last_save_time") else "not kept"
    words = (
        f"{told.get('redis_version', '')}, {milliseconds:.1f} ms, when full: {policy}, on disk: {kept} (none is needed)"
    )
    limit, used = told.get("maxmemory", 0), told.get("used_memory", 0)
    if limit and used > 0.9 * limit:
        yield Finding("odd", "Redis", f"{used / limit:.0%} of its memory is used; {words}", "Raise its maxmemory.")
    elif milliseconds > 50:
        yield Finding("odd", "Redis", f"is slow: {words}", "Put it closer, or see what else it does.")
    else:
        yield Finding("ok", "Redis", words)
    if not get_channel_layer().carries():
        yield Finding(
            "bad",
            "frames",
            "Redis answers and passes no messages on",
            "See whether its ACL allows PUBLISH and SUBSCRIBE.",
        )


def workers() -> Iterator[Finding]:
    """Somebody does what is owed, and keeps the time."""
    waiting = {}
    for model in apps.get_models():
        if issubclass(model, Owed):
            rows: Any = model._default_manager
            if count := rows.due(UNHEARD).count():
                waiting[str(model._meta.verbose_name_plural)] = count
    if waiting:
        words = ", ".join(f"{count} {name}" for name, count in waiting.items())
        yield Finding(
            "bad",
            "work",
            f"{words} waited for longer than a minute: nobody is at work",
            "Start worker and beat, as in the Procfile; docs/runbook.md says how to find out more.",
        )
    else:
        yield Finding("ok", "work", "nothing waits that should not")
    if settings.BELLS == "threads":
        yield Finding("ok", "worker", "the serving process answers its own bells")
        return
    yield from _worker()
    yield from _beat()


def _worker() -> Iterator[Finding]:
    try:
        redis.client(settings.REDIS_URL).ping()
        there = import_string("config.celery.app").control.ping(timeout=PING_SECONDS)
    except Exception as error:  # the broker's, whatever it is
        yield Finding("odd", "worker", f"not known: {_line(error)}")
        return
    if there:
        yield Finding("ok", "worker", f"{len(there)} answered")
    else:
        yield Finding("bad", "worker", "none answers", "Start one, as in the Procfile.")


def _beat() -> Iterator[Finding]:
    row = Day.objects.exclude(counted_at=None).order_by("-counted_at").annotate(now=Now()).first()
    if row is None:
        yield Finding("odd", "beat", "no sign of it yet", "If it started longer than ten minutes ago, see its log.")
        return
    silent: timedelta = row.now - row.counted_at  # type: ignore[operator]  # those without are left out
    if silent > SILENT:
        words = f"its last sign was {silent.total_seconds() / 60:,.0f} minutes ago"
        yield Finding("bad", "beat", words, "Start it, as in the Procfile: one, and a worker for it to ring.")
    else:
        yield Finding("ok", "beat", "was heard lately")


def clocks() -> Iterator[Finding]:
    """This machine's and the database's agree."""
    before = datetime.now(UTC)
    there = clock.now()
    off = abs((there - before).total_seconds())
    off -= min(off, (datetime.now(UTC) - before).total_seconds() + (1 if connection.vendor == "sqlite" else 0))
    yield judged_clock("clock", "the database’s", off)


def judged_clock(about: str, whose: str, off: float) -> Finding:
    """How bad it is that a clock is so many seconds off."""
    words = f"{off:.1f} s from {whose}"
    verdict: Any = "bad" if off > OFF_BAD else "odd" if off > OFF_ODD else "ok"
    return Finding(verdict, about, words, "" if verdict == "ok" else "Run NTP (chrony, systemd-timesyncd) on both.")


def disks() -> Iterator[Finding]:
    """There is room where we write."""
    seen = set()
    for name, folder in (("var", Path(settings.BASE_DIR) / "var"), ("media", Path(settings.MEDIA_ROOT))):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        device = os.stat(there).st_dev
        if device in seen:
            continue
        seen.add(device)
        free = shutil.disk_usage(there).free
        words = f"{free / 1e9:,.1f} GB free where {name} is"
        verdict: Any = "bad" if free < VERY_LITTLE else "odd" if free < LITTLE else "ok"
        yield Finding(verdict, "disk", words, "" if verdict == "ok" else "Make room, or move it.")
        if not os.access(there, os.W_OK):
            yield Finding("bad", "disk", f"{there} cannot be written to", "Let the user that runs Dusk write there.")


def mails() -> Iterator[Finding]:
    """What was promised by mail was sent."""
    late = Mail.objects.owed().filter(created_at__lt=Now() - LATE_MAIL).count()
    failed = Mail.objects.in_state(Mail.State.FAILED).count()
    if late:
        yield Finding(
            "bad", "mails", f"{late} wait for longer than ten minutes", "See Mails in the console: each says why."
        )
    if failed:
        yield Finding("odd", "mails", f"{failed} were never sent", "See Mails in the console; they can be sent again.")
    if not late and not failed:
        yield Finding("ok", "mails", "none is late, none failed")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]

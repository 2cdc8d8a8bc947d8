"""What the console's pages take at a million messages: `python -m bench.console`.

A throwaway PostgreSQL is filled by the database itself: 100,000 people, as many conversations, a million messages and
the replies to them over 180 days, 24 characters, 6,000 purchases. Then an administrator opens each page in this
process: queries, the median and the best time of some tries, and the CPU that this process and PostgreSQL took, which
is what it would take on a machine with nothing else to do; the bar is for the sum. Also: how long a day takes to be
counted, and what the index of messages by time costs whoever writes.
"""

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.processes import cpu_seconds
from tests.servers import postgres, provide

GIRLS, DAYS = 24, 180
BAR_QUERIES, BAR_MS = 12, 60
PEOPLE, TALKS, MESSAGES, SALES = 100_000, 100_000, 1_000_000, 6_000

FILL = (
    """INSERT INTO accounts_user (password, is_superuser, email, username, name, country, theme, enter_sends,
        show_mature, email_notices, is_active, is_staff, date_joined)
       SELECT '!', false, 'member' || n || '@example.com', 'member_' || n, 'Member ' || n, '', '', true, false,
        true, true, false, now() - interval '{days} days' * (1 - n / {people}::float)
       FROM generate_series(1, {people}) n""",
    """INSERT INTO chat_conversation (id, user_id, girl_id, free_text, free_media, free_audio, last_message_at,
        last_message_preview, last_message_sender, last_read_seq, last_seq, version, created_at, cleared_version)
       SELECT md5('talk' || n)::uuid, u.id, g.id, 0, 2, 3, now() - interval '{days} days' * random(),
        'The river is slow.', 'ai', {each}, {each}, {each}, u.date_joined, 0
       FROM generate_series(1, {talks}) n
       JOIN (SELECT id, date_joined, row_number() OVER (ORDER BY id) r FROM accounts_user WHERE NOT is_staff) u
         ON u.r = (n - 1) % {people} + 1
       JOIN (SELECT id, row_number() OVER (ORDER BY id) r FROM girls_girl) g
         ON g.r = ((n - 1) / {people} + n) % {girls} + 1""",
    # As people write: in the order of time, so that conversations lie mixed.
    """INSERT INTO chat_reply (id, conversation_id, version, purpose, answers_through, charged_as, state, text,
        provider, model, tokens_in, tokens_cached, tokens_out, first_token_ms, total_ms, error, created_at,
        finished_at, attempts)
       SELECT md5('reply' || k || '.' || n)::uuid, md5('talk' || n)::uuid, k, 'answer', 2 * k - 1, '',
        CASE WHEN (n + k) % 200 = 0 THEN 'failed' ELSE 'done' END, '',
        CASE WHEN (n + k) % 33 = 0 THEN 'fallback' ELSE 'primary' END,
        'bench', 900, 600, 120, 500, 2000, '', at, at + interval '2 seconds' * (0.5 + random()), 1
       FROM (SELECT k, n, now() - interval '{days} days' * (1 - ((k - 1) * {talks} + n) / {replies}::float) AS at
             FROM generate_series(1, {each} / 2) k, generate_series(1, {talks}) n) said ORDER BY at""",
    """INSERT INTO chat_message (id, conversation_id, seq, version, sender, kind, text, charged_as, created_at,
        alternatives, chosen, reply_id)
       SELECT gen_random_uuid(), conversation_id, s, s, CASE WHEN s % 2 = 1 THEN 'user' ELSE 'ai' END, 'text',
        'The river is slow this evening, and I thought of what you said about the bridge.', '', created_at, 1, 1,
        CASE WHEN s % 2 = 0 THEN id END
       FROM (SELECT r.*, answers_through + m AS s FROM chat_reply r, generate_series(0, 1) m) said
       ORDER BY created_at""",
    """INSERT INTO payments_purchase (id, user_id, pseudonym, click, session_id, payment_intent_id, product_id,
        price_id, name, duration_days, features, amount, currency, amount_total, amount_refunded, status, problem,
        method, receipt_url, next_url, created_at, expires_at, paid_at, revision, snapshot, attempts)
       SELECT gen_random_uuid(), u.id, '', gen_random_uuid(), 'cs_' || n, 'pi_' || n, 'prod_' || n % 3, 'price',
        '30 days', 30, '[]', 2999, 'usd', 2999, 0, 'paid', CASE WHEN n % 1000 = 0 THEN 'Odd.' ELSE '' END,
        'card', '', '', at, at, at, 1, '{{}}', 0
       FROM (SELECT n, now() - interval '{days} days' * (n / {sales}::float) AS at FROM generate_series(1, {sales}) n) s
       JOIN (SELECT id, row_number() OVER (ORDER BY id) r FROM accounts_user WHERE NOT is_staff) u ON u.r = s.n * 16""",
    "ANALYZE",
)

PAGES = {
    "overview, 30 days": "/admin/",
    "overview, 90 days": "/admin/?days=90",
    "people": "/admin/accounts/user/",
    "people, page 20": "/admin/accounts/user/?p=20",
    "people, found by e-mail": "/admin/accounts/user/?q=member77777@example.com",
    "people, found by a part": "/admin/accounts/user/?q=ber7777",
    "characters": "/admin/girls/girl/",
    "conversations": "/admin/chat/conversation/",
    "replies": "/admin/chat/reply/",
    "payments": "/admin/payments/purchase/",
    "mails": "/admin/accounts/mail/",
    "audit": "/admin/staff/audit/",
}


def main(tries: int, scale: float) -> None:
    """Fill, count, open each page, print."""
    provide(["postgres"])
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dusk-bench-")))
        folder.chmod(0o755)
        os.environ |= {
            "ENV_FILE": os.devnull,
            "DEBUG": "1",  # while it starts: static files by their plain names, no second factor
            "SECRET_KEY": "for-the-benchmark-only",
            "STAFF_SECOND_FACTOR": "0",
            "DATABASE_URL": stack.enter_context(postgres(folder)),
            "REDIS_URL": "",
            "BELLS": "off",
            "MEDIA_ROOT": str(folder / "media"),
            "MAIL_ROOT": str(folder / "mail"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "CRITICAL",
        }
        import django

        django.setup()
        from django.conf import settings

        settings.DEBUG = False  # queries are counted once, and kept no more
        for line in figures(tries, scale):
            print(line, flush=True)


def figures(tries: int, scale: float) -> Iterator[str]:
    """Line by line."""
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    with_index = writing(connection)
    numbers = fill(connection, scale)
    yield f"load {os.getloadavg()[0]:.1f}"
    yield f"{numbers['people']:,} people, {numbers['talks']:,} conversations, {numbers['messages']:,} messages"
    yield from counting()
    yield from pages(tries)
    yield f"  1,000 messages written at once: {with_index}"


def fill(connection: Any, scale: float) -> dict[str, int]:
    """Made by the database itself, in a minute."""
    from accounts.models import User
    from config.lib.database import patiently
    from tests.factories import GirlFactory

    for _ in range(GIRLS):
        GirlFactory()
    User.objects.create_superuser("boss@example.com", "x", username="boss")
    numbers = {
        "people": int(PEOPLE * scale),
        "talks": int(TALKS * scale),
        "messages": int(MESSAGES * scale),
        "sales": int(SALES * scale),
    }
    each = MESSAGES // TALKS
    words = {**numbers, "each": each, "days": DAYS, "girls": GIRLS, "replies": numbers["messages"] // 2}
    with patiently(), connection.cursor() as cursor:
        for statement in FILL:
            cursor.execute(statement.format(**words))
    return numbers


def counting() -> Iterator[str]:
    """What the figures of the overview take to be counted."""
    from datetime import timedelta

    from staff import rollups

    last = rollups.today()
    days = list(rollups.days(last - timedelta(days=DAYS), last))
    began = time.monotonic()
    for day in days:
        rollups.count(day)
    took = time.monotonic() - began
    yield f"  a day counted: {took / len(days) * 1000:.0f} ms; {len(days)} days, as rebuild_stats does: {took:.1f} s"
    rollups.count_sales(days[0], last)
    began = time.monotonic()
    rollups.keep_up()
    yield f"  each five minutes: {(time.monotonic() - began) * 1000:.0f} ms"


def pages(tries: int) -> Iterator[str]:
    """Queries and times of each page, to an administrator."""
    from django.db import connection, reset_queries
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from accounts.models import User

    browser = Client(HTTP_HOST="127.0.0.1")
    browser.force_login(User.objects.get(username="boss"))
    yield f"  {'page':28} queries   median      best       CPU: site + PostgreSQL"
    for name, address in PAGES.items():
        reset_queries()
        with CaptureQueriesContext(connection) as asked:
            answer = browser.get(address)
        queries = len(asked)  # before the next request forgets them
        if answer.status_code != 200:
            yield f"  {name:28} answered {answer.status_code}"
            continue
        backend = connection.connection.info.backend_pid
        times, ours, theirs = [], time.process_time(), cpu_seconds(backend)
        for _ in range(tries):
            began = time.perf_counter()
            browser.get(address)
            times.append((time.perf_counter() - began) * 1000)
        ours = (time.process_time() - ours) / tries * 1000
        theirs = (cpu_seconds(backend) - theirs) / tries * 1000
        median = statistics.median(times)
        missed = "" if queries <= BAR_QUERIES and ours + theirs <= BAR_MS else "   over the bar"
        yield f"  {name:28} {queries:7} {median:6.1f} ms {min(times):6.1f} ms {ours:6.1f} + {theirs:5.1f} ms{missed}"


def writing(connection: Any) -> str:
    """What rows cost whoever writes them, with the index of messages by time and without it, in turn."""
    from tests.factories import ConversationFactory

    talk = ConversationFactory()
    times: dict[bool, list[float]] = {True: [], False: []}
    insert = (
        "INSERT INTO chat_message (id, conversation_id, seq, version, sender, kind, text, charged_as, created_at,"
        " alternatives, chosen)"
        " SELECT gen_random_uuid(), %s, %s + n, n, 'user', 'text', 'Hello.', '', clock_timestamp(), 1, 1"
        " FROM generate_series(1, 1000) n"
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef('message_by_time'::regclass)")
        (index,) = cursor.fetchone()
        for turn in range(60):
            is_there = turn % 2 == 0
            if not is_there:
                cursor.execute("DROP INDEX message_by_time")
            began = time.perf_counter()
            cursor.execute(insert, [talk.pk, turn * 1000])
            times[is_there].append((time.perf_counter() - began) * 1000)
            if not is_there:
                cursor.execute(index)
    talk.messages.all().delete()
    talk.delete()
    there, absent = ((min(times[it]), statistics.median(times[it])) for it in (True, False))
    told = "best {:.1f} ms, median {:.1f}".format
    return f"{told(*there)} with the index by time; {told(*absent)} without"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=15)
    parser.add_argument("--scale", type=float, default=1.0, help="of the million messages")
    options = parser.parse_args()
    main(options.tries, options.scale)

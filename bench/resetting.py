"""What it takes to fill up everybody's free messages while people chat: `python -m bench.resetting [CONVERSATIONS]`.

On a PostgreSQL and a Redis of its own: so many conversations in which nothing is left, and 50 people in a process of
their own, who send, are answered, and send again two to five and a half seconds later. `manage.py reset_quotas`, as one
types it, in another process. Prints how long that took, how long sends took before and meanwhile, how many of those who
were here were told, and whether each of their numbers is exact: what the reset gave, less what was sent since.
"""

import contextlib
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from tests.servers import ROOT, Redis, postgres, provide

PEOPLE = 50
THINK = (2.0, 5.5)  # seconds
ALONE = 10.0  # seconds of chatting before the reset
LEFT = 3  # free messages of those who chat, before


def main(conversations: int) -> None:
    """Fill the database, chat, reset, and print the figures."""
    provide(["postgres", "redis"])
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dusk-bench-")))
        folder.chmod(0o755)
        set_up(stack.enter_context(postgres(folder)), stack.enter_context(Redis(folder, apart=True)).url)
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)  # faces have addresses
        talks = fill(conversations)
        heard = listen(stack, talks)
        with chatting(talks) as sends:
            time.sleep(ALONE)
            began, started = time.time(), time.monotonic()
            command = [sys.executable, "manage.py", "reset_quotas", "--yes", "--skip-checks"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            took, ended = time.monotonic() - started, time.time()
        print(f"{conversations:,} conversations, {PEOPLE} people chatting")
        print(f"  {done.stdout.strip().splitlines()[-1]} All of the command: {took:.1f} s.")
        for name, some in (
            ("before", [ms for at, ms in sends if at < began]),
            ("meanwhile", [ms for at, ms in sends if began <= at < ended]),
        ):
            cut = statistics.quantiles(some, n=20) if len(some) > 1 else [0.0] * 19
            print(f"  sends {name}: {len(some)}, p50 {statistics.median(some or [0]):.0f} ms, p95 {cut[18]:.0f} ms")
        print(f"  told at once: {len(heard)} of {PEOPLE}; exact: {sum(map(is_exact, talks))} of {PEOPLE}")


def set_up(database: str, redis: str) -> None:
    """Django in this process and in those that it starts."""
    os.environ |= {
        "ENV_FILE": os.devnull,
        "DEBUG": "0",
        "SECRET_KEY": "for-the-benchmark-only",
        "DATABASE_URL": database,
        "DATABASE_POOL": "60",
        "REDIS_URL": redis,
        "BELLS": "off",
        "SITE_URL": "http://127.0.0.1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "CRITICAL",
    }
    import django

    django.setup()


def fill(conversations: int) -> list[str]:
    """So many people with a conversation each, written by the database; the ids of those who chat."""
    from django.db import connection

    from accounts.models import User
    from chat.models import Conversation
    from config.lib.database import patiently
    from tests.factories import ConversationFactory, GirlFactory, PermitFactory, UserFactory

    girl = GirlFactory()
    pattern, talk = UserFactory(), ConversationFactory(girl=girl, free_text=0, free_media=0, free_audio=0)
    with patiently(), connection.cursor() as cursor:
        for row, changes, rows in (
            (pattern, {"username": "'p' || n", "email": "'p' || n || '@example.com'"}, conversations),
            (talk, {"id": "gen_random_uuid()", "user_id": str(pattern.pk) + " + n"}, 0),
        ):
            table, key = row._meta.db_table, row._meta.pk.column
            columns = [field.column for field in row._meta.concrete_fields if field.column != key or key in changes]
            made = ", ".join(changes.get(column, f't."{column}"') for column in columns)
            if rows:
                source = f"generate_series(1, {rows}) n"
            else:
                source = f"(SELECT id - {pattern.pk} AS n FROM {User._meta.db_table} WHERE username ~ '^p[0-9]+$') s"
            names = ", ".join(f'"{column}"' for column in columns)
            cursor.execute(
                f"INSERT INTO {table} ({names}) SELECT {made} FROM {table} t, {source} WHERE t.{key} = %s", [row.pk]
            )
        cursor.execute("ANALYZE")
    chatting_ones = list(Conversation.objects.exclude(pk=talk.pk).order_by("pk")[:PEOPLE])
    for one in chatting_ones:
        Conversation.objects.filter(pk=one.pk).update(free_text=LEFT)
        PermitFactory(user=one.user, uses_left=100_000, expires_at="2100-01-01T00:00Z")
    return [str(one.pk) for one in chatting_ones]


def listen(stack: contextlib.ExitStack, talks: list[str]) -> set[str]:
    """Be their open tabs: the conversations of which new numbers were heard, as they come."""
    from django.conf import settings

    from chat.models import Conversation
    from chat.realtime import user_group
    from config.lib import redis

    heard: set[str] = set()
    over = threading.Event()
    layer = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    ears = stack.enter_context(redis.client(settings.REDIS_URL).pubsub())
    owners = Conversation.objects.filter(pk__in=talks).values_list("user_id", flat=True)
    ears.subscribe(*(f"{layer['prefix']}__group__{user_group(owner)}" for owner in owners))

    def hear() -> None:
        while not over.is_set():
            message = ears.get_message(timeout=0.2)
            if message and message["type"] == "message":
                for found in re.finditer(
                    rb'"conversation":\s*\{.{0,2000}?\}\s*\}', message["data"].replace(b"\\", b"")
                ):
                    text = found[0]
                    if re.search(rb'"text":\s*(8|9|10)\b', text):
                        heard.update(pk for pk in talks if pk.encode() in text)

    hearing = threading.Thread(target=hear, daemon=True)
    hearing.start()
    stack.callback(hearing.join)
    stack.callback(over.set)
    return heard


@contextlib.contextmanager
def chatting(talks: list[str]) -> Any:
    """50 people in a process of their own, until the block ends; then (time, milliseconds) of each of their sends."""
    sends: list[tuple[float, float]] = []
    command = [sys.executable, "-m", "bench.resetting", "chat", *talks]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        try:
            yield sends
        finally:
            process.stdin.close()
        sends.extend(map(tuple, json.loads(process.stdout.read())))


def chat(talks: list[str]) -> None:
    """What that process does."""
    import django

    django.setup()
    from django.db import connection

    from accounts.models import Permit
    from chat import quotas, sending, settling
    from chat.models import Conversation, Reply

    over, sends = threading.Event(), []

    def person(pk: str) -> None:
        conversation = Conversation.objects.select_related("user").get(pk=pk)
        permit = Permit.objects.filter(user=conversation.user).values_list("pk", flat=True)[0]
        over.wait(random.uniform(0, THINK[1]))
        while not over.is_set():
            began, at = time.perf_counter(), time.time()
            try:
                words = {"text": "Good evening!", "client_id": uuid.uuid4(), "permit": permit}
                sent = sending.send_message(conversation.user, conversation.pk, **words)
            except quotas.QuotaExhausted:
                sent = None
            connection.close()
            if sent and sent.reply:
                sends.append((at, (time.perf_counter() - began) * 1000))
                settling.end(sent.reply, Reply.State.DONE, written=settling.Written("And to you.", first_token_ms=1))
                connection.close()
            over.wait(random.uniform(*THINK))

    people = [threading.Thread(target=person, args=(pk,)) for pk in talks]
    for one in people:
        one.start()
    print("ready", flush=True)
    sys.stdin.read()
    over.set()
    for one in people:
        one.join()
    print(json.dumps(sends), flush=True)


def is_exact(pk: str) -> bool:
    """Whether what is left is what the reset gave, less each message since: every version but the reset's is one."""
    from django.conf import settings

    from chat.models import Conversation, Message

    conversation = Conversation.objects.get(pk=pk)
    said = Message.objects.filter(conversation=pk)
    reset_at = set(range(1, conversation.version + 1)) - set(said.values_list("version", flat=True))
    if len(reset_at) != 1:
        return False
    since = said.filter(sender=Message.Sender.USER, version__gt=min(reset_at)).count()
    return bool(conversation.free_text == settings.FREE_TEXT - since)


if __name__ == "__main__":
    if sys.argv[1:2] == ["chat"]:
        chat(sys.argv[2:])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)

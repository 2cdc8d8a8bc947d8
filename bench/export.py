"""What it takes to hand somebody 10,000 messages: `python -m bench.export [MESSAGES]`.

The zip as a worker writes it and the erasure afterwards, in this process, on a PostgreSQL of its own: seconds, bytes,
and how much more memory the process had at its worst than before (VmHWM, which the kernel keeps).
"""

import contextlib
import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.servers import postgres, provide

WORDS = "I walked along the river this evening, and the lamps were lit one by one. What did you do? "
LEAST = 10  # messages first, so that what is loaded once is not counted


def main(messages: int) -> None:
    """Fill conversations, export, erase, and print the figures."""
    provide(["postgres"])
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dusk-bench-")))
        folder.chmod(0o755)
        os.environ |= {
            "ENV_FILE": os.devnull,
            "DEBUG": "0",
            "SECRET_KEY": "for-the-benchmark-only",
            "DATABASE_URL": stack.enter_context(postgres(folder)),
            "REDIS_URL": "",
            "BELLS": "off",
            "SITE_URL": "http://127.0.0.1",
            "MEDIA_ROOT": str(folder / "media"),
            "MAIL_ROOT": str(folder / "mail"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "CRITICAL",
        }
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        export_and_erase(LEAST)
        print(f"{messages} messages of {len(WORDS) * 2} characters, in 8 conversations")
        for line in export_and_erase(messages):
            print(f"  {line}")


def export_and_erase(messages: int) -> list[str]:
    """Both, of a new member with so many messages; what they took."""
    from accounts.models import User
    from staff import erasing, exporting
    from staff.models import Erasure, Export

    user = talkative(messages)
    export = exporting.ask(user)
    made, cpu, more = measured(lambda: exporting.see_to(export.pk))
    export = Export.objects.get(pk=export.pk)
    assert export.state == Export.State.READY, export.error
    zipped = export.size / 1e6
    said = [f"export: {made:.1f} s ({cpu:.1f} s of a core), {zipped:.2f} MB zip, {more:.1f} MB more memory at most"]
    erasing.ask(user, by="support", after=timedelta(0))
    pk = Erasure.objects.get(person=user.pk).pk
    erased, cpu, more = measured(lambda: erasing.see_to(pk))
    assert not User.objects.filter(pk=user.pk).exists()
    return [*said, f"erasure: {erased:.1f} s ({cpu:.1f} s of a core), {more:.1f} MB more memory at most"]


def talkative(messages: int) -> Any:
    """A member who said half of them, to eight characters. Written by the database, not by this process' memory."""
    from django.db import connection

    from tests.factories import ConversationFactory, GirlFactory, UserFactory

    user = UserFactory()
    each = max(1, messages // 8)
    for _ in range(8):
        conversation = ConversationFactory(user=user, girl=GirlFactory(), last_seq=each)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO chat_message (id, conversation_id, seq, version, sender, kind, text, created_at)"
                " SELECT gen_random_uuid(), %s, n, n, CASE n %% 2 WHEN 0 THEN 'ai' ELSE 'user' END, 'text',"
                " n || '. ' || %s, now() FROM generate_series(1, %s) n",
                [conversation.pk, WORDS * 2, each],
            )
    return user


def measured(deed: Any) -> tuple[float, float, float]:
    """Seconds, seconds of a core, and MB of memory at the worst above what it was before."""
    Path("/proc/self/clear_refs").write_text("5")  # the kernel counts the peak from here
    before, began, worked = memory("VmRSS"), time.monotonic(), time.process_time()
    deed()
    return time.monotonic() - began, time.process_time() - worked, memory("VmHWM") - before


def memory(what: str) -> float:
    """MB, as the kernel says."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)

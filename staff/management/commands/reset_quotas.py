import argparse
import sys
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from chat import resetting
from chat.models import Conversation, QuotaReset
from config.lib import database
from config.lib.progress import Bar
from girls.models import Girl
from staff import audit, people

NAMES = {"text": "messages", "media": "photos", "audio": "voice notes"}
MOST_DAYS = 36_500


def _number(least: int, most: int) -> Any:
    def read(word: str) -> int:
        if not (word.isascii() and word.isdecimal() and least <= int(word[:12]) <= most):
            raise argparse.ArgumentTypeError(f"a whole number from {least} to {most} is wanted, not {word}")
        return int(word)

    return read


class Command(BaseCommand):
    help = """Fill free messages, photos and voice notes up again: of everybody, or of whom the options name.

Without --to they are filled up to what a new conversation has, and whoever has more keeps it; with --to they are set
to that number. Premium is not touched. Safe while people are chatting; open pages show the new numbers at once.

Each conversation is reset once. If this process dies, a worker goes on where it was after a minute; whoever presses
Ctrl-C ends it, and --resume goes on. Exit status: 0 done, 1 not, 2 called wrongly, 130 not confirmed or interrupted."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", metavar="PERSON", help="only of this person: e-mail address, username or number")
        parser.add_argument("--girl", metavar="SLUG", help="only with this character")
        parser.add_argument("--kind", choices=[*NAMES, "all"], default="all", help="what is reset (all)")
        parser.add_argument("--to", type=_number(0, resetting.MOST), metavar="N", help="set to N")
        parser.add_argument("--only-exhausted", action="store_true", help="only what is used up, each kind for itself")
        parser.add_argument(
            "--idle-days", type=_number(1, MOST_DAYS), metavar="N", help="only where nobody wrote for N days"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        parser.add_argument("--yes", action="store_true", help="ask nothing")
        parser.add_argument("--resume", action="store_true", help="go on with the reset that was interrupted last")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["resume"]:
            self._resume(options)
            return
        kinds = resetting.KINDS if options["kind"] == "all" else (options["kind"],)
        wish = resetting.Wish(kinds, options["to"], options["only_exhausted"])
        user, girl = self._person(options["user"]), self._girl(options["girl"])
        days = options["idle_days"]
        since = database.now() - timedelta(days=days) if days else None
        rows = Conversation.objects.filter(wish.needing())
        rows = rows.filter(user=user) if user else rows
        rows = rows.filter(girl=girl) if girl else rows
        rows = rows.filter(last_message_at__lt=since) if since else rows
        count = rows.count()
        self.stdout.write(_plan(wish, count, user, girl, days))
        if options["dry_run"]:
            self.stdout.write("Nothing was done: --dry-run.")
        elif not count:
            self.stdout.write("Nothing is to be done.")
        else:
            if not options["yes"]:
                self._confirm()
            if user:
                self._person_at_once(user, rows, wish)
            else:
                run = resetting.begin(wish, girl_id=girl.pk if girl else None, idle_since=since)
                self._carry_out(run, count)

    def _person_at_once(self, user: User, rows: Any, wish: resetting.Wish) -> None:
        changed = resetting.reset(rows, wish)
        audit.record(None, user, "Reset free messages", after={**_told(wish), "conversations": changed})
        self.stdout.write(self.style.SUCCESS(f"{_conversations(changed)} reset."))

    def _carry_out(self, run: QuotaReset, count: int) -> None:
        began, bar = time.monotonic(), Bar(self.stdout, count + run.changed, "conversations")
        try:
            done = resetting.carry_out(run.pk, bar)
        except KeyboardInterrupt:
            run.refresh_from_db()
            raise CommandError(
                f"\nInterrupted: {_conversations(run.changed)} reset. Go on: manage.py reset_quotas --resume",
                returncode=130,
            ) from None
        finally:
            bar.end()
        run.refresh_from_db()
        if not done:
            raise CommandError("It is in hand: a worker goes on with it, a minute after a process that died.")
        wish = resetting.Wish(tuple(run.kinds.split(",")), run.to, run.only_exhausted)  # type: ignore[arg-type]
        audit.record(None, run, "Reset free messages of many", after={**_told(wish), "conversations": run.changed})
        seconds = time.monotonic() - began
        self.stdout.write(self.style.SUCCESS(f"{_conversations(run.changed)} reset in {seconds:.1f} s."))

    def _resume(self, options: dict[str, Any]) -> None:
        others = ("user", "girl", "to", "only_exhausted", "idle_days", "dry_run")
        if options["kind"] != "all" or any(options[name] not in (None, False) for name in others):
            raise CommandError("--resume goes on with what was asked for then: name nothing else.", returncode=2)
        run = resetting.resume()
        if run is None:
            raise CommandError("No reset was interrupted.")
        count = resetting.concerned(run).count()
        self.stdout.write(f"{_conversations(run.changed)} reset before it was interrupted; {count:,} to go.")
        self._carry_out(run, count)

    def _person(self, name: str | None) -> User | None:
        if name is None:
            return None
        user = people.find(name)
        if user is None:
            raise CommandError(f"Nobody has the e-mail address, username or number {name}.")
        return user

    def _girl(self, slug: str | None) -> Girl | None:
        if slug is None:
            return None
        girl = Girl.objects.filter(slug=slug).first()
        if girl is None:
            raise CommandError(f"No character has the address {slug}.")
        return girl

    def _confirm(self) -> None:
        self.stdout.write("Type yes to go on: ", ending="")
        self.stdout.flush()
        if sys.stdin.readline().strip().lower() != "yes":
            raise CommandError("Not confirmed. Nothing was done.", returncode=130)


def _conversations(count: int) -> str:
    return f"{count:,} conversation{'' if count == 1 else 's'}"


def _plan(wish: resetting.Wish, count: int, user: User | None, girl: Girl | None, days: int | None) -> str:
    numbers = []
    for kind in wish.kinds:
        number = getattr(settings, f"FREE_{kind.upper()}") if wish.to is None else wish.to
        numbers.append(f"{NAMES[kind]} {'up to' if wish.to is None else 'to'} {number:,}")
    whose = f"of {user.username} ({user.email}, number {user.pk})" if user else "of everybody"
    limits = [
        f" with {girl.name}" if girl else "",
        f", silent for {days} days" if days else "",
        ", only what is used up" if wish.only_exhausted else "",
    ]
    return (
        f"This resets {_conversations(count)} {whose}{''.join(limits)}: {', '.join(numbers)}. Premium is not touched."
    )


def _told(wish: resetting.Wish) -> dict[str, Any]:
    to = "what a new conversation has" if wish.to is None else wish.to
    return {"kinds": list(wish.kinds), "to": to, "only what is used up": wish.only_exhausted}

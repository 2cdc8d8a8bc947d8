import argparse
import sys
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from config.lib.progress import Bar
from staff import rollups
from staff.rollups import Outcome

SHOWN = 5  # days that are named one by one


def _day(word: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a day as in 2026-03-14 is wanted, not {word}") from None


class Command(BaseCommand):
    help = """Count the overview's figures anew from the rows, day by day (UTC): with the prices of now, for instance.

What was erased since a day was counted cannot be counted again. Such a day stays as it was, and is named; --lower
writes the lower figures. Safe while people are chatting and workers count. Each day is done as a whole: whoever stops
it goes on with --from. Exit status: 0 done, 1 not, 2 called wrongly, 130 not confirmed or interrupted."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", type=_day, dest="first", metavar="DAY", help="2026-03-14 (the first account’s)")
        parser.add_argument("--to", type=_day, dest="last", metavar="DAY", help="the last one (today)")
        parser.add_argument("--lower", action="store_true", help="also days that lose something by it")
        parser.add_argument("--yes", action="store_true", help="ask nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        last = options["last"] or rollups.today()
        first = options["first"] or min(rollups.first_day(), last)
        if last > rollups.today():
            raise CommandError(f"{last} is not over, nor has it begun.", returncode=2)
        if first > last:
            raise CommandError(f"--from {first} is after --to {last}.", returncode=2)
        days = list(rollups.days(first, last))
        what = "A day that would lose something loses it." if options["lower"] else "No day loses anything."
        self.stdout.write(f"This counts {_days(len(days))} anew, from {first} to {last}. {what}")
        if not options["yes"]:
            self._confirm()
        kept = self._count(days, lower=options["lower"])
        rollups.count_sales(first, last)
        if kept:
            shown = ", ".join(map(str, kept[:SHOWN])) + (f" and {len(kept) - SHOWN} more" if len(kept) > SHOWN else "")
            self.stdout.write(
                self.style.WARNING(f"{_days(len(kept))} left as before, something was erased since: {shown}.")
            )
        self.stdout.write(self.style.SUCCESS(f"{_days(len(days) - len(kept))} counted."))

    def _count(self, days: list[date], *, lower: bool) -> list[date]:
        bar, kept, day = Bar(self.stdout, len(days), "days"), [], days[0]
        try:
            for done, day in enumerate(days, 1):
                if rollups.count(day, keep=not lower) == Outcome.KEPT:
                    kept.append(day)
                bar(done)
        except KeyboardInterrupt:
            raise CommandError(f"\nInterrupted. {_go_on(day, days[-1])}", returncode=130) from None
        except DatabaseError as error:
            raise CommandError(f"\nThe database refused: {str(error).strip()}. {_go_on(day, days[-1])}") from None
        finally:
            bar.end()
        return kept

    def _confirm(self) -> None:
        self.stdout.write("Type yes to go on: ", ending="")
        self.stdout.flush()
        if sys.stdin.readline().strip().lower() != "yes":
            raise CommandError("Not confirmed. Nothing was done.", returncode=130)


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"


def _go_on(day: date, last: date) -> str:
    return f"Go on: manage.py rebuild_stats --from {day} --to {last}"

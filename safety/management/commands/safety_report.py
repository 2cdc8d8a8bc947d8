import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from safety import figures
from safety.models import Count

ACTION = Count.Action
LINES = (  # what each law asks for, in its own order
    ("Times a crisis referral was shown (CA 22603, WA, OR)", lambda year: year.referrals),
    ("  of these, above a reply", lambda year: year.of(ACTION.CARD)),
    (
        "  of these, in place of a reply: the conversation was interrupted (OR)",
        lambda year: year.of(ACTION.INTERRUPTED),
    ),
    ("  after which the member went on", lambda year: year.of(ACTION.RESUMED)),
    ("Messages that were noted, with no referral shown", lambda year: year.of(ACTION.NOTED)),
    ("Words of a character that were cut before they were shown", lambda year: year.of(ACTION.CUT)),
    ("Claims to be human that were replaced (WA, OR)", lambda year: year.of(ACTION.REPLACED)),
    ("Numbers that were taken out of a character's words", lambda year: year.of(ACTION.NUMBER)),
    ("Answers to a goodbye that held somebody back", lambda year: year.of(ACTION.FAREWELL)),
    ("Accounts paused because their member may be under 18", lambda year: year.of(ACTION.PAUSED)),
    ("Put before a moderator by the site", lambda year: year.of(ACTION.QUEUED)),
)


class Command(BaseCommand):
    help = """Print the yearly counts that California (SB 243), Oregon (SB 1546) and Washington (HB 2225) ask for.

Numbers only: of no person, and of no text. Protocol and method stand on /safety/ and in docs/safety.md. Sums by kind
are given where none of them is below 5."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("year", type=int)
        parser.add_argument("--json", action="store_true", help="for a machine")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 2000 <= options["year"] <= 9999:
            raise CommandError("Give the year with four digits.")
        try:
            year = figures.of_year(options["year"])
        except ValueError as error:
            raise CommandError(str(error)) from None
        kinds = year.referrals_by_kind if all(n >= figures.FEW for n in year.referrals_by_kind.values()) else {}
        if options["json"]:
            told = {"year": year.year, "is_over": year.is_over, "referrals": year.referrals, "actions": year.actions}
            self.stdout.write(json.dumps({**told, "referrals_by_kind": kinds}, indent=2, sort_keys=True))
            return
        self.stdout.write(
            f"Safety report for {year.year}{'' if year.is_over else ', which is not over'} (days in UTC)\n"
        )
        for words, n in LINES:
            self.stdout.write(f"{n(year):>9,}  {words}")
        for kind, n_kind in kinds.items():
            self.stdout.write(f"{n_kind:>9,}  referrals for {kind}")
        if not kinds and year.referrals:
            self.stdout.write(f"           by kind: not given, because one of the sums is below {figures.FEW}")

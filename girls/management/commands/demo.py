from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from girls import demo


class Command(BaseCommand):
    help = "Load the demo: eight characters and three accounts. Again changes nothing; --remove takes it away."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--remove", action="store_true", help="remove what the demo made, and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"]:  # also where DEBUG is off: accounts with a published password must be removable
            outcome = demo.remove()
            self._say("Removed", outcome.done)
            self._say("Hidden, not removed, because members talk with them", outcome.kept)
            return
        if not settings.DEBUG:
            raise CommandError(
                "The demo’s accounts have a published password, so it is only loaded while DEBUG is on. "
                "Set DEBUG=1 on a development machine, or add characters in the staff console."
            )
        outcome = demo.load()
        self._say("Made", outcome.done)
        self._say("Already there, left as they are", outcome.kept)

    def _say(self, what: str, names: list[str]) -> None:
        if names:
            self.stdout.write(f"{what}: {', '.join(names)}.")

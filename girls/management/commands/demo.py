from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from girls import demo
from girls.demo import pictures
from media.storage import StorageUnavailable


class Command(BaseCommand):
    help = "Load the demo: eight characters with photos, three accounts. Again changes nothing; --remove takes it away."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--remove", action="store_true", help="remove what the demo made, and nothing else")
        parser.add_argument("--without-photos", action="store_true", help="draw none: it takes ten seconds")

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
        if not options["without_photos"]:
            try:
                self._say("Photos drawn, for the workers to make ready", pictures.draw())
            except StorageUnavailable:
                raise CommandError("The storage doesn’t answer: there are no photos yet. Run it again.") from None

    def _say(self, what: str, names: list[str]) -> None:
        if names:
            self.stdout.write(f"{what}: {', '.join(names)}.")

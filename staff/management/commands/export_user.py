import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from media.storage import StorageUnavailable
from staff import audit, exporting, people


class Command(BaseCommand):
    help = "Write all that is a member's into a zip: what they would download themselves. For who cannot sign in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="e-mail address, username, or the number of their row")
        parser.add_argument("folder", type=Path, help="where the zip goes; its name is the person's number")

    def handle(self, *args: Any, **options: Any) -> None:
        user, folder = people.find(options["person"]), options["folder"]
        if user is None:
            raise CommandError(f"Nobody has the e-mail address, username or number {options['person']}.")
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        path = folder / f"person-{user.pk}.zip"
        part = path.with_suffix(".part")
        try:
            with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
                exporting.write(user, file)
            part.replace(path)
        except (StorageUnavailable, OSError) as error:
            part.unlink(missing_ok=True)
            raise CommandError(f"It could not be written: {error}") from None
        audit.record(None, user, "Wrote a copy of their data into a file")
        self.stdout.write(
            f"{path}: {path.stat().st_size:,} bytes. It is theirs alone: hand it on safely, then delete it."
        )

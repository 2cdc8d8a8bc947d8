import argparse
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from girls import importing
from girls.importing import BadCaptions, Import, Result, printable
from girls.models import Girl, Media
from media.purposes import NotAllowed
from media.storage import StorageUnavailable

NAMES_SHOWN = 10


class Command(BaseCommand):
    help = """Bring a folder of photos and videos into a character's gallery, posts or reply media.

Folders inside are walked too, everything in the order of its name; hidden files are left alone. A file that is there
already, by its content, is not brought in again: what was stopped is simply run again.

Captions come from captions.csv in the folder, UTF-8, with the columns file,caption,location. `file` is the path in the
folder (beach/01.jpg); only posts have a location.

At the end it says what came in and what was refused and why; with anything refused, the exit status is 1."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("girl", metavar="character", help="as in the address of her profile: mara")
        parser.add_argument("folder", type=Path)
        parser.add_argument("--surface", choices=Media.Surface.values, default=Media.Surface.GALLERY.value)
        parser.add_argument("--publish", action="store_true", help="show them to visitors at once")
        parser.add_argument("--as", dest="email", metavar="EMAIL", help="whose; else the first administrator's")
        parser.add_argument("--later", action="store_true", help="leave the making of all sizes to the workers")
        parser.add_argument("--dry-run", action="store_true", help="only say what would come in")

    def handle(self, *args: Any, **options: Any) -> None:
        girl = Girl.objects.filter(slug=options["girl"]).first()
        if girl is None:
            raise CommandError(f"There is no character at /girls/{options['girl']}/.")
        folder, user = options["folder"], self._user(options["email"])
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        how = {name: options[name] for name in ("surface", "publish", "later", "dry_run")}
        try:
            captions = importing.read_captions(folder, options["surface"])
            order = Import(girl, user=user, folder=folder, captions=captions, **how)
        except BadCaptions as problem:
            raise CommandError(str(problem)) from None
        except NotAllowed:
            raise CommandError(f"{user.email} may not edit characters.") from None
        self._run(order)

    def _user(self, email: str | None) -> User:
        if email:
            try:
                return User.objects.get_by_natural_key(email.strip())
            except User.DoesNotExist:
                raise CommandError(f"Nobody has the e-mail address {email}.") from None
        first = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if first is None:
            raise CommandError("There is no superuser yet. Name somebody, or run: manage.py create_admin --superuser")
        return first

    def _run(self, order: Import) -> None:
        total = sum(1 for _ in importing.files_in(order.folder))
        counts: Counter[Result] = Counter()
        refused: list[tuple[str, str]] = []
        unused = set(order.captions)
        stopped = ""
        try:
            for number, path in enumerate(importing.files_in(order.folder), 1):
                name = importing.name_in(order.folder, path)
                self._bar(number, total, name)
                result, why = order.take(path)
                counts[result] += 1
                unused.discard(name)
                if result is Result.REFUSED:
                    refused.append((name, why))
        except StorageUnavailable:
            stopped = "The storage doesn’t answer."
        except KeyboardInterrupt:
            stopped = "Stopped."
        self._clear()
        came = "would come in" if order.dry_run else "left to the workers" if order.later else "came in"
        self.stdout.write(
            f"{counts[Result.CAME_IN]} {came}, {counts[Result.THERE]} there already, {len(refused)} refused."
        )
        for name, why in refused:
            self.stdout.write(f"  {printable(name)}: {why}")
        if unused and not stopped:
            names = sorted(unused)
            more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
            listed = ", ".join(map(printable, names[:NAMES_SHOWN]))
            self.stdout.write(f"{importing.CAPTIONS} names files that are not here: {listed}{more}.")
        if stopped:
            raise CommandError(
                f"{stopped} Run it again, and it goes on.", returncode=130 if stopped == "Stopped." else 1
            )
        if refused:
            raise CommandError("Not everything came in.")

    def _bar(self, number: int, total: int, name: str) -> None:
        if not self.stdout.isatty():
            return
        width = shutil.get_terminal_size().columns - 1
        done = 20 * (number - 1) // total
        line = f"[{'#' * done}{'.' * (20 - done)}] {number} of {total}  {printable(name)}"
        self.stdout.write(f"\r\033[K{line[:width]}", ending="")
        self.stdout.flush()

    def _clear(self) -> None:
        if self.stdout.isatty():
            self.stdout.write("\r\033[K", ending="")

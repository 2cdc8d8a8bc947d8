from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from staff import audit, roles


class Command(BaseCommand):
    help = """Make the roles be what staff/roles.py says: what somebody added by hand goes, what is missing comes.

`manage.py migrate` does the same, so a deploy needs no more than that."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        is_dry = options["dry_run"]
        try:
            changes = roles.sync(write=not is_dry)
        except roles.UnknownPermission as error:
            raise CommandError(f"{error} Run manage.py migrate, or correct staff/roles.py.") from None
        for change in changes:
            self.stdout.write(f"{change.role}: new." if change.is_new else f"{change.role}:")
            for sign, names in (("+", change.gives), ("-", change.takes)):
                for name in names:
                    self.stdout.write(f"  {sign} {name}")
            if not is_dry:
                group, before, after = (
                    Group.objects.get(name=change.role),
                    {"taken": change.takes},
                    {"given": change.gives},
                )
                audit.record(None, group, "Synced the role", before=before, after=after)
        said = f"{len(changes)} of {len(roles.ROLES)} roles " + ("would change." if is_dry else "changed.")
        self.stdout.write(said if changes else "All roles are as they should be.")

import sys
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from media.storage import StorageUnavailable
from staff import audit, erasing, people


class Command(BaseCommand):
    help = """Erase a member: after the usual pause, in which they can take it back, or with --now at once.

Exit status: 0 done or asked for, 1 not, 2 called wrongly, 130 not confirmed. Run again, it goes on.

After a backup was restored, --replay erases again whoever was erased since (docs/runbook.md)."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", nargs="?", help="e-mail address, username, or the number of their row")
        parser.add_argument("--now", action="store_true", help="without the pause; nobody can bring anything back")
        parser.add_argument("--yes", action="store_true", help="ask nothing")
        parser.add_argument("--replay", action="store_true", help="erase again whoever was erased since a backup")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["replay"] == bool(options["person"]):
            raise CommandError("Name a person, or say --replay.", returncode=2)
        try:
            self._replay() if options["replay"] else self._one(options["person"], options)
        except StorageUnavailable:
            raise CommandError("The storage doesn’t answer. The workers go on with it; or run it again.") from None

    def _one(self, name: str, options: dict[str, Any]) -> None:
        user = people.find(name)
        if user is None:
            raise CommandError(f"Nobody has the e-mail address, username or number {name}.")
        who = f"{user.username} ({user.email}, number {user.pk})"
        if not options["yes"]:
            when = "NOW and for good" if options["now"] else "after the pause"
            self.stdout.write(f"This erases {who} {when}: {people.left_by(user)}.")
            self._confirm(user.username)
        at_once = " at once" if options["now"] else ""
        try:
            if erasing.is_on_team(user):
                raise erasing.IsStaff
            # Before it is asked for: afterwards a worker may be through already, and nobody would take the name out.
            audit.record(None, user, f"Asked for the erasure of the account{at_once}")
            at = erasing.ask(user, by="support", after=timedelta(0) if options["now"] else None)
        except erasing.IsStaff:
            raise CommandError(f"{who} is on the team. Take them off it first, in the staff console.") from None
        if not options["now"]:
            self.stdout.write(f"{who} will be erased on {at:%Y-%m-%d %H:%M} UTC. Until then they can keep the account.")
        elif erasing.carry_out(user):
            self.stdout.write(f"Person {user.pk} is erased.")
        else:
            raise CommandError("A worker has it in hand, and is not done yet. Run it again in a minute.")

    def _confirm(self, username: str) -> None:
        self.stdout.write(f"Type {username} to go on: ", ending="")
        self.stdout.flush()
        if sys.stdin.readline().strip().lower() != username.lower():
            raise CommandError("Not confirmed. Nothing was done.", returncode=130)

    def _replay(self) -> None:
        done, absent = erasing.replay()
        self.stdout.write(f"{done} erased again; {absent} were not there.")

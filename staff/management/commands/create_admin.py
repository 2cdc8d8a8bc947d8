import getpass
import os
import sys
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.urls import reverse

from accounts import factors, signup, spelling, usernames
from accounts.models import User
from accounts.team import ADMINISTRATOR
from staff import audit, roles

VARIABLE = "DUSK_ADMIN_PASSWORD"


class Command(BaseCommand):
    help = f"""Make somebody an administrator of the console: a new account, or one that is there. Again: no change.

What is not given is asked for. A password is never an argument, which every process of the machine could read. It is
typed, read from the input (--password-stdin), or taken from {VARIABLE}. Who is there keeps the own."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", help="their e-mail address, which counts as proven")
        parser.add_argument("--username", help="of a new account; made of the address when it is left out")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password as one line from the input"
        )
        parser.add_argument(
            "--superuser",
            action="store_true",
            help="one who also makes administrators: for whoever has the shell anyway",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        email = self._email(options["email"])
        user = User.objects.filter(email=email).first()
        if user is None:
            user = self._new(email, options)
        elif options["username"] and options["username"] != user.username:
            raise CommandError(f"{email} is {user.username} already. Leave --username out.")
        self._raise(user, options["superuser"])
        self._say_what_next(user)

    def _email(self, given: str | None) -> str:
        typed = given if given is not None else self._ask("E-mail address: ")
        email = spelling.address(typed.strip())
        try:
            User._meta.get_field("email").run_validators(email)
        except ValidationError:
            raise CommandError(f"This is no e-mail address: {typed.strip()!r}") from None
        if not email:
            raise CommandError("An e-mail address is wanted: --email")
        return email

    def _new(self, email: str, options: dict[str, Any]) -> User:
        username = options["username"] or usernames.suggestion("", name=email.partition("@")[0])
        user = User(email=email, username=username)
        password = self._password(options["password_stdin"])
        try:
            user.set_password(password)
            user.full_clean()
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        return user

    def _raise(self, user: User, is_superuser: bool) -> None:
        is_new = user.pk is None
        with transaction.atomic():
            if is_new:
                user.save()
            if not EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists():
                signup.prove(user)
            roles.sync(skip_unknown=True)
            before = _standing(user)
            user.is_staff, user.is_active = True, True
            user.is_superuser = user.is_superuser or is_superuser
            user.save(update_fields=["is_staff", "is_active", "is_superuser"])
            if not is_superuser:
                user.groups.add(Group.objects.get(name=ADMINISTRATOR))
            after = _standing(user)
            if is_new or before != after:
                did = "Made an account for the team" if is_new else "Took into the team"
                audit.record(None, user, did, before=None if is_new else before, after=after)
        what = "superuser" if user.is_superuser else "administrator"
        was_there = not is_new and before == after
        self.stdout.write(f"{user.username} ({user.email}) is {'already ' if was_there else ''}{what}.")

    def _say_what_next(self, user: User) -> None:
        console = reverse("admin:index")
        if factors.has_one(user):
            self.stdout.write(f"Sign in and open {console}.")
        else:
            self.stdout.write(
                f"Next: sign in, open {console}, and set up a second step there: an authenticator app or a passkey. "
                "The console stays closed without one."
            )

    def _password(self, from_input: bool) -> str:
        if from_input:
            return sys.stdin.readline().rstrip("\r\n")
        if VARIABLE in os.environ:
            return os.environ[VARIABLE]
        if not sys.stdin.isatty():
            raise CommandError(f"Nobody is here to type a password: use --password-stdin or {VARIABLE}.")
        password = getpass.getpass("Password: ")
        if getpass.getpass("Password, again: ") != password:
            raise CommandError("The two are not the same.")
        return password

    def _ask(self, question: str) -> str:
        if not sys.stdin.isatty():
            raise CommandError("Nobody is here to be asked: name --email.")
        self.stdout.write(question, ending="")
        self.stdout.flush()
        return sys.stdin.readline()


def _standing(user: User) -> dict[str, Any]:
    flags = {"is_active": user.is_active, "is_staff": user.is_staff, "is_superuser": user.is_superuser}
    return {**flags, "groups": sorted(user.groups.values_list("name", flat=True))}

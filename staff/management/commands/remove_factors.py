from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts import factors
from accounts.models import User
from staff import audit


class Command(BaseCommand):
    help = "Take every second step off an account whose owner lost them all, and sign it out everywhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"]
        try:
            user = User.objects.get_by_natural_key(email.strip())
        except User.DoesNotExist:
            raise CommandError(f"No member has the e-mail address {email}.") from None
        with transaction.atomic():
            removed = factors.remove_all(user)
            if removed:
                audit.record(None, user, "Took every second step away")
        if not removed:
            raise CommandError(f"{user.email} has no second step.")
        self.stdout.write(f"{user.email} signs in with the password alone now, and was told by mail.")

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts import premium
from accounts.models import User
from staff import audit


class Command(BaseCommand):
    help = "Give a member days of premium. They add up with what is left."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("days", type=int, help=f"1 to {premium.MAX_DAYS}")

    def handle(self, *args: Any, **options: Any) -> None:
        email, days = options["email"], options["days"]
        if not 1 <= days <= premium.MAX_DAYS:
            raise CommandError(f"Days must be between 1 and {premium.MAX_DAYS}.")
        try:
            user = User.objects.get_by_natural_key(email.strip())
        except User.DoesNotExist:
            raise CommandError(f"No member has the e-mail address {email}.") from None
        with transaction.atomic():
            before = user.premium_until
            premium.grant(user, days, f"staff:{uuid.uuid4()}")
            after = {"premium_until": user.premium_until}
            audit.record(None, user, f"Gave premium: {days} days", before={"premium_until": before}, after=after)
        self.stdout.write(f"{user.email} has premium until {user.premium_until:%d %B %Y %H:%M} UTC.")

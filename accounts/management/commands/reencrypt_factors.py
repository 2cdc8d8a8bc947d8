from typing import Any

from django.core.management.base import BaseCommand

from accounts import factors


class Command(BaseCommand):
    help = "Encrypt the secrets of second factors under the SECRET_KEY of today, before those before it are dropped."

    def handle(self, *args: Any, **options: Any) -> None:
        done = factors.reencrypt()
        self.stdout.write(f"{done} {'secret is' if done == 1 else 'secrets are'} under the key of today.")

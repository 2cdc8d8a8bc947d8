"""Give free messages back by hand."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import F

from chat.models import Conversation


class Command(BaseCommand):
    """`manage.py reset_quotas alice@example.com [--girl mara]` or `--everybody`."""

    help = "Fill up the free messages, photos and voice notes of one person, or of everybody."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, and with whom."""
        parser.add_argument("email", nargs="?", help="whose conversations")
        parser.add_argument("--girl", metavar="SLUG", help="only the conversation with this character")
        parser.add_argument("--everybody", action="store_true", help="all members")

    def handle(self, *args: Any, email: str | None, girl: str | None, everybody: bool, **options: Any) -> None:
        """Fill up, and say how many conversations were."""
        if bool(email) == everybody:
            raise CommandError("Name one e-mail address, or say --everybody.")
        conversations = Conversation.objects.all()
        if email:
            user = get_user_model().objects.filter(email__iexact=email).first()
            if user is None:
                raise CommandError(f"Nobody has the e-mail address {email}.")
            conversations = conversations.filter(user=user)
        if girl:
            conversations = conversations.filter(girl__slug=girl)
        # The version moves along: open tabs ask for what is newer and see it.
        count = conversations.update(
            free_text=settings.FREE_TEXT,
            free_media=settings.FREE_MEDIA,
            free_audio=settings.FREE_AUDIO,
            version=F("version") + 1,
        )
        self.stdout.write(self.style.SUCCESS(f"{count} conversation(s) filled up."))

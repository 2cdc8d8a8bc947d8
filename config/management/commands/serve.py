"""`manage.py serve`: all of Dusk in one process."""

import errno
import os
import socket
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from config import embedded


class Command(BaseCommand):
    help = "Migrate, load the demo data while DEBUG is on, and serve: web, worker and beat in one process."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1", help="default: $HOST or 127.0.0.1")
        parser.add_argument("--port", default=os.environ.get("PORT") or "8000", help="default: $PORT or 8000")

    def handle(self, *args: Any, host: str, port: str, **options: Any) -> None:
        try:
            listener = embedded.listen(host, int(port))
        except ValueError:
            raise CommandError(f"PORT is not a number: {port}") from None
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CommandError(f"Port {port} is taken. Choose another: PORT={int(port) + 1} make run") from None
            raise CommandError(f"Cannot listen on {host}, port {port}: {error.strerror or error}") from None
        except OverflowError:
            raise CommandError(f"There is no port {port}.") from None
        try:
            call_command("migrate", verbosity=0)
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {str(error).strip()}") from None
        if settings.DEBUG:
            call_command("demo", verbosity=0)
        self.stdout.write(self.greeting(host, int(port)))
        self.stdout.flush()
        embedded.serve(listener)

    def greeting(self, host: str, port: int) -> str:
        """Where it is, and who may sign in."""
        lines = [f"\n  Dusk is at http://{'127.0.0.1' if host in {'0.0.0.0', '::'} else host}:{port}"]  # noqa: S104
        if host in {"0.0.0.0", "::"} and (address := lan_address()):  # noqa: S104
            lines.append(f"  and, in this network, at http://{address}:{port}")
        if settings.DEBUG:
            lines += [
                "",
                "  member@example.com    a member with free messages",
                "  premium@example.com   a member with premium",
                f"  admin@example.com     staff, at /{settings.ADMIN_PATH}/",
                "  The password of all three is demo-password.",
            ]
        return "\n".join([*lines, "", "  Ctrl-C stops it.\n"])


def lan_address() -> str:
    """This machine's address in its network, or nothing. Asks the routing table; sends no packet."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # an address reserved for documentation
            return probe.getsockname()[0]
    except OSError:
        return ""

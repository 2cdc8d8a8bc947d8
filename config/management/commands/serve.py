"""`manage.py serve`: all of Dusk in one process."""

import errno
import socket
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from config import embedded
from config.lib import localhosts, names
from config.lib.database import patiently


class Command(BaseCommand):
    help = "Migrate, load the demo data while DEBUG is on, and serve at $HOST and $PORT, all in one process."

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = settings.HOST or "127.0.0.1", settings.PORT
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
            with patiently():
                call_command("migrate", verbosity=0)
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {str(error).strip()}") from None
        if settings.DEBUG:
            call_command("demo", verbosity=0, without_photos=True)
        self.stdout.write(self.greeting(host, int(port)))
        if not any(provider["base_url"] for provider in settings.LLM_PROVIDERS):
            self.name_model_hosts(int(port))
        self.stdout.flush()
        # The page is there at once, and the photos a few seconds later.
        embedded.serve(listener, first=["girls.tasks.draw_demo"] if settings.DEBUG and settings.DEMO_PHOTOS else [])

    def greeting(self, host: str, port: int) -> str:
        """Where it is, and who may sign in."""
        here = "127.0.0.1" if host in names.ANYWHERE else f"[{host}]" if ":" in host else host
        lines = [f"\n  Dusk is at http://{here}:{port}"]
        if host in names.ANYWHERE and (address := lan_address()):
            lines.append(f"  and, in this network, at http://{address}:{port}")
        if settings.DEBUG:
            lines += [
                "",
                "  member@example.com    a member with free messages",
                "  premium@example.com   a member with premium",
                f"  admin@example.com     staff, at /{settings.ADMIN_PATH}/",
                f"  The password of all three is {settings.DEMO_PASSWORD}; it is taken on this machine only.",
            ]
        return "\n".join([*lines, "", "  Ctrl-C stops it.\n"])

    def name_model_hosts(self, port: int) -> None:
        """Those of this machine, for who could have real replies at once."""
        for host in localhosts.find(but=port):
            lines = host.env if host.models else ()
            self.stdout.write("\n".join([f"  {localhosts.hint(host)}", *(f"    {line}" for line in lines), ""]))


def lan_address() -> str:
    """This machine's address in its network, or nothing. Asks the routing table; sends no packet."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # an address reserved for documentation
            return probe.getsockname()[0]
    except OSError:
        return ""

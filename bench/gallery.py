"""What a gallery of 500 items costs a member: `python -m bench.gallery [ITEMS]`.

The pages as Django makes them, in this process, on a PostgreSQL of its own: statements, bytes, and the median time.
"""

import contextlib
import gzip
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.servers import postgres, provide

PAGES = ("gallery/", "gallery/?page=2", "gallery/?upto=20", "posts/", "")
TIMES = 60
MOST_MS, MOST_KB = 15, 60  # of the first page


def main(items: int) -> None:
    """Fill a gallery, look at it, and print the figures."""
    provide(["postgres"])
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dusk-bench-")))
        folder.chmod(0o755)
        os.environ |= {
            "ENV_FILE": os.devnull,
            "DEBUG": "0",
            "SECRET_KEY": "for-the-benchmark-only",
            "DATABASE_URL": stack.enter_context(postgres(folder)),
            "REDIS_URL": "",
            "SITE_URL": "http://127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "CRITICAL",
        }
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connection

        settings.STATIC_ROOT = folder / "static"
        call_command("collectstatic", verbosity=0)
        call_command("migrate", verbosity=0)
        slug, member = fill(items)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as PostgreSQL does by itself a minute later
        look(slug, member)
        connection.close()
        connection.close_pool()


def fill(items: int) -> tuple[str, object]:
    """A gallery in which each tenth item is for premium, as many posts, and a member who likes some."""
    from girls import publishing
    from girls.models import Like, Media
    from media.models import File
    from tests.factories import FileFactory, GirlFactory, MediaFactory, UserFactory

    girl, member = GirlFactory(slug="mara"), UserFactory()
    blur = "data:image/webp;base64," + "U" * 160
    for post in (False, True):
        files = File.objects.bulk_create(FileFactory.build_batch(items, blur=blur))
        rows = [
            MediaFactory.build(girl=girl, file=file, post=post, premium_only=not post and n % 10 == 2, position=n)
            for n, file in enumerate(files)
        ]
        media = Media.objects.bulk_create(rows)
        Like.objects.bulk_create(Like(user=member, media=item) for item in media[::7])
    publishing.recount(girl.pk)
    return girl.slug, member


def look(slug: str, member: object) -> None:
    """Each page some times."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    browser = Client(SERVER_NAME="127.0.0.1")
    browser.force_login(member)
    print(f"{'page':22}{'statements':>12}{'KB of HTML':>12}{'gzipped':>9}{'median ms':>11}")
    for page in PAGES:
        address = f"/girls/{slug}/{page}"
        with CaptureQueriesContext(connection) as asked:
            body = browser.get(address).content
        statements = len(asked)
        times = []
        for _ in range(TIMES):
            began = time.perf_counter()
            assert browser.get(address).status_code == 200
            times.append((time.perf_counter() - began) * 1000)
        ms, kb = statistics.median(times), len(body) / 1000
        missed = page == PAGES[0] and (ms > MOST_MS or kb > MOST_KB)
        zipped = len(gzip.compress(body)) / 1000
        print(
            f"{page or '(about)':22}{statements:>12}{kb:>12.1f}{zipped:>9.1f}{ms:>11.1f}{'  MISSED' if missed else ''}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)

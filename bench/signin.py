"""What signing in costs, and whether its time tells who has an account: `python -m bench.signin [TRIES]`.

The doors as Django answers them, in this process, on a PostgreSQL and a Redis of their own, each try from a browser and
an address of its own. Passwords are hashed by a hash that costs nothing: the real one takes most of the time and is
paid once for every try, known or not (tests/accounts), so that without it a difference shows the better. Known and
unknown addresses take turns. `longer` is how often a known one took longer than an unknown one, of all pairs: 50 %
tells nothing.
"""

import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.servers import Redis, postgres, provide

WARM = 20  # tries that are not counted: caches, pools and templates are filled by them


def main(tries: int) -> None:
    """Make the people, knock, and print the figures."""
    provide(["postgres", "redis"])
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dusk-bench-")))
        folder.chmod(0o755)
        os.environ |= {
            "ENV_FILE": os.devnull,
            "DEBUG": "1",  # the local twin of Turnstile
            "SECRET_KEY": "for-the-benchmark-only",
            "DATABASE_URL": stack.enter_context(postgres(folder)),
            "REDIS_URL": stack.enter_context(Redis(folder)).url,
            "BELLS": "off",  # mails are a worker's
            "SITE_URL": "http://127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "CRITICAL",
        }
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connection
        from django.test.utils import setup_test_environment

        setup_test_environment(debug=False)
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        settings.DEBUG = True
        call_command("migrate", verbosity=0)
        measure(tries)
        connection.close()
        connection.close_pool()


def measure(tries: int) -> None:
    """Each door in turn."""
    from django.db import connection

    from tests.factories import UserFactory

    for n in range(tries + WARM):
        UserFactory(username=f"known_{n}")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    took = [sign_in(f"known_{n}@example.com") for n in range(tries + WARM)][WARM:]
    print(f"sign-in without the password hash: p50 {statistics.median(took):.1f} ms, p95 {percentile(took, 95):.1f} ms")
    print("\nms                          known: p25   p50   p75    unknown: p25   p50   p75   longer")
    doors: dict[str, Callable[[str], float]] = {
        "sign-in, wrong password": lambda address: sign_in(address, password="wrong"),
        "sign-up": sign_up,
        "reset": reset,
    }
    for name, door in doors.items():
        known, unknown = [], []
        for n in range(tries + WARM):
            known.append(door(f"known_{n}@example.com"))
            unknown.append(door(f"other_{n}@example.com"))
        known, unknown = known[WARM:], unknown[WARM:]
        print(f"{name:27} {quartiles(known)}           {quartiles(unknown)}   {longer(known, unknown):.0%}", flush=True)


def sign_in(address: str, password: str | None = None) -> float:
    """Milliseconds of one sign-in."""
    from tests.factories import PASSWORD

    words = {"login": address, "password": password or PASSWORD}
    return knock("/accounts/login/", words, 302 if password is None else 200)


def sign_up(address: str) -> float:
    """Milliseconds until a code (or something else) is owed to the address."""
    from tests.people import details

    return knock("/accounts/signup/", details(email=address, username=f"u{next(numbers)}"), 302)


def reset(address: str) -> float:
    """The same, for a forgotten password."""
    return knock("/accounts/password/reset/", {"email": address}, 302)


numbers = iter(range(10**6))


def knock(path: str, words: dict[str, str], expected: int) -> float:
    """Send a form, from a browser that was nowhere before and a network of its own."""
    from django.test import Client

    n = next(numbers)
    browser = Client(REMOTE_ADDR=f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}")
    began = time.perf_counter()
    answer = browser.post(path, {**words, "cf-turnstile-response": "local"})
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == expected, (path, answer.status_code)
    return took


def quartiles(took: list[float]) -> str:
    """p25, p50 and p75."""
    return " ".join(f"{value:5.1f}" for value in statistics.quantiles(took, n=4))


def percentile(took: list[float], share: int) -> float:
    """The value that so many percent stay below."""
    return statistics.quantiles(took, n=100)[share - 1]


def longer(some: list[float], others: list[float]) -> float:
    """Of all pairs, how many are longer in the first."""
    return sum(a > b for a in some for b in others) / (len(some) * len(others))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)

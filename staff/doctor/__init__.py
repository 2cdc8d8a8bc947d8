"""The doctor: looks at everything that Dusk leans on, and says in a line each what is wrong and how to mend it.

Each examination is a function that yields findings. They run side by side, each on a thread of its own and for so long
at most, so that what hangs keeps nobody from hearing about the rest.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection

from config.lib import waiting

SECONDS = 15.0  # for all of it
DATABASE_SECONDS = 5.0  # for an answer of the database to one of them

Verdict = Literal["ok", "odd", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: how it stands with what, and what to do about it. `lines` are to be copied, as into `.env`."""

    verdict: Verdict
    about: str
    words: str
    remedy: str = ""
    lines: tuple[str, ...] = ()


Examination = Callable[[], Iterable[Finding]]


def examine(examinations: Iterable[tuple[str, Examination]], *, seconds: float = SECONDS) -> Iterator[Finding]:
    """What all of them find, in their order. What is not done in time is said to hang."""
    until = time.monotonic() + seconds
    rooms = [(about, *_begin(about, examination)) for about, examination in examinations]
    for about, findings, thread in rooms:
        thread.join(max(0.0, until - time.monotonic()))
        found = list(findings)
        if thread.is_alive():
            words = f"nothing was heard within {seconds:g} s"
            found.append(Finding("bad", about, words, "See whether it can be reached from this machine."))
        yield from map(_without_secrets, found)


def _begin(about: str, examination: Examination) -> tuple[list[Finding], threading.Thread]:
    findings: list[Finding] = []

    def room() -> None:
        try:
            with waiting.at_most(DATABASE_SECONDS):
                for finding in examination():
                    findings.append(finding)
        except DatabaseError as error:  # SQLite calls a missing table an operational error
            away = isinstance(error, OperationalError) and "no such" not in str(error)
            why = "does not answer" if away else "has not all of our tables"
            findings.append(Finding("odd", about, f"not known: the database {why}"))
        except Exception as error:
            findings.append(Finding("bad", about, f"{type(error).__name__}: {_line(error)}"))
        finally:
            connection.close()

    thread = threading.Thread(target=room, name=f"doctor-{about}", daemon=True)
    thread.start()
    return findings, thread


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _without_secrets(finding: Finding) -> Finding:
    """No error of anybody's takes a key along."""
    words, remedy = finding.words, finding.remedy
    for secret in _secrets():
        words, remedy = words.replace(secret, "…"), remedy.replace(secret, "…")
    return replace(finding, words=words, remedy=remedy)


def _secrets() -> list[str]:
    names = (
        *("SECRET_KEY", "TURNSTILE_SECRET_KEY", "STRIPE_SECRET_KEY", "RESEND_API_KEY", "AWS_SECRET_ACCESS_KEY"),
        *("CF_PRIVATE_KEY", "EMAIL_HOST_PASSWORD", "EMAIL_URL", "REDIS_URL", "METRICS_TOKEN", "GOOGLE_CLIENT_SECRET"),
        "APPLE_PRIVATE_KEY",
    )
    values = [getattr(settings, name, "") for name in names]
    values += [*settings.STRIPE_WEBHOOK_SECRETS, settings.DATABASES["default"].get("PASSWORD") or ""]
    values += [provider["api_key"] for provider in settings.LLM_PROVIDERS]
    return [value for value in values if len(value) > 5]

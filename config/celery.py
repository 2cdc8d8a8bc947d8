"""The Celery app: queues that ring, never the record of what is owed. Only workers and beat import it."""

import os
import threading
import time
from functools import wraps
from typing import Any

from celery import Celery
from celery.signals import beat_init, import_modules, setup_logging, worker_init, worker_ready, worker_shutting_down
from django.conf import settings

from config.checks import refuse_unsafe
from config.lib import bells
from config.logging import set_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Celery would run every check of Django at each start, for which it loads all pages. `release` and CI run them; what
# would be unsafe is refused below.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

SWEEP = "config.tasks.sweep"
SWEEPS_AT_START = 5
UNHEARD = 3  # seconds: somewhat longer than what is due has to lie to be swept up (`config.lib.owed.UNHEARD`)

app = Celery("dusk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
worker_init.connect(refuse_unsafe)
beat_init.connect(refuse_unsafe)


@import_modules.connect(sender=app, weak=False)
def take_our_tasks(**kwargs: Any) -> None:
    """Those that anybody rings for, by their names. Called when the modules that hold them were found, just above."""
    for name, task in bells.tasks.items():
        app.task(_answered(task), name=name)


def _answered(task: bells.Task) -> bells.Task:
    @wraps(task)
    def rung(*arguments: str, context: dict[str, Any] | None = None) -> None:
        bells.answer_rung(task, *arguments, context=context)

    return rung


@beat_init.connect
def sweep_at_once(**kwargs: Any) -> None:
    """Sweep when beat starts. By itself it would wait, and one that is restarted again and again would never do it."""
    bells.ring_now(SWEEP)


@worker_ready.connect
def sweep_often(**kwargs: Any) -> None:
    """Sweep now and a few times more: a worker that starts may follow one that was killed, whose leases end by then.

    Not each second: each sweep rings for all that waits, and after an outage that may be much, at many workers.
    """
    threading.Thread(target=_sweep_until_leases_end, name="sweeping", daemon=True).start()


def _sweep_until_leases_end() -> None:
    for _ in range(SWEEPS_AT_START):
        bells.ring_now(SWEEP)
        time.sleep((settings.REPLY_LEASE_SECONDS + UNHEARD) / (SWEEPS_AT_START - 1))


@worker_shutting_down.connect
def stop_in_background(**kwargs: Any) -> None:
    """Hand on what takes long. Celery then waits for the tasks; not for this, a signal's handler, which must return."""
    threading.Thread(target=bells.stop, name="stopping", daemon=True).start()


@setup_logging.connect
def use_our_logging(**kwargs: Any) -> None:
    """Celery would set up its own handlers otherwise; message text must never reach a log."""
    set_up(settings.LOGGING)

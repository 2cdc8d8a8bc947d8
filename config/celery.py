"""The Celery app: queues that ring, never the record of what is owed."""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

from config.checks import refuse_unsafe

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("dusk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)
worker_init.connect(refuse_unsafe)
beat_init.connect(refuse_unsafe)


@setup_logging.connect
def use_our_logging(**kwargs: Any) -> None:
    """Celery would set up its own handlers otherwise; message text must never reach a log."""
    logging.config.dictConfig(settings.LOGGING)

"""Logs: one JSON object a line, readable lines while DEBUG is on. Never message text, prompts or keys.

Our code names events and binds ids; it never logs what people wrote. Libraries that would are kept quiet here.
"""

import logging.config
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

# At INFO or DEBUG these write URLs, headers, credentials found, frames or the parameters of SQL.
QUIET = (
    "aiohttp",
    "asyncio",
    "boto3",
    "botocore",
    "celery.beat",
    "celery.app.trace",
    "celery.worker.strategy",
    "daphne",
    "django.db.backends",
    "httpcore",
    "httpx",
    "kombu",
    "s3transfer",
    "stripe",
    "urllib3",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.error",
    "websockets",
)


def one_line(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Escape line breaks, so that nobody can write a second line into a log that is read as lines."""
    for key, value in event.items():
        if isinstance(value, str) and key != "exception":
            event[key] = value.replace("\r", "\\r").replace("\n", "\\n")
    return event


# What every record goes through, ours and the libraries'.
COMMON: list[Any] = [
    structlog.contextvars.merge_contextvars,  # request_id, user_id, task_id
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


# One list for the life of the process: a logger that was used keeps it, and whoever listens (structlog's
# `capture_logs`) swaps what is in it. A second list would be one that some loggers do not know.
OURS: list[Any] = [
    structlog.stdlib.filter_by_level,
    *COMMON,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
]


def set_up(log_settings: dict[str, Any]) -> None:
    """Set logging up, once a process: Django calls this by its LOGGING_CONFIG, Celery by its signal."""
    structlog.configure(
        processors=OURS, logger_factory=structlog.stdlib.LoggerFactory(), cache_logger_on_first_use=True
    )
    logging.config.dictConfig(log_settings)


def log_settings(*, pretty: bool, level: str) -> dict[str, Any]:
    """What Django's LOGGING shall be. Changes nothing."""
    # Tracebacks without local variables: those hold what people wrote.
    render: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    if pretty:
        plain = structlog.dev.plain_traceback
        render = [one_line, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structlog": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": COMMON,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
            }
        },
        "filters": {"secrets": {"()": "config.requestlog.WithoutSecrets"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "structlog", "filters": ["secrets"]},
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django would send its own to other handlers.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            **{name: {"level": "WARNING"} for name in QUIET},
        },
    }

"""Logs are lines of JSON that nobody can forge and that hold nothing private. (Words: see test_commands.py.)"""

import json
import logging
import logging.config

import pytest
import structlog
from django.conf import settings
from structlog.testing import capture_logs

from config.logging import QUIET, log_settings, set_up


@pytest.fixture
def formatter():
    """The formatter of production."""
    config = log_settings(pretty=False, level="INFO")["formatters"]["structlog"]
    return structlog.stdlib.ProcessorFormatter(
        processors=config["processors"], foreign_pre_chain=config["foreign_pre_chain"]
    )


def record(message, *args, error=None):
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("chat", logging.INFO, __file__, 1, message, args, info)


def test_a_record_is_one_line_of_json(formatter):
    said = json.loads(formatter.format(record("hello %s", "there")))
    assert said["event"] == "hello there"
    assert said["level"] == "info"
    assert said["logger"] == "chat"
    assert said["timestamp"].endswith("Z")


@pytest.mark.parametrize("pretty", [True, False])
def test_nobody_writes_a_second_line(pretty):
    config = log_settings(pretty=pretty, level="INFO")["formatters"]["structlog"]
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=config["processors"], foreign_pre_chain=config["foreign_pre_chain"]
    )
    line = formatter.format(record("path /a\r\n{'forged': true}"))
    assert len(line.splitlines()) == 1


def test_tracebacks_do_not_show_what_variables_held(formatter):
    said = "a secret message"
    try:
        raise ValueError(f"{len(said)} characters")
    except ValueError as error:
        line = formatter.format(record("crashed", error=error))
    assert "ValueError: 16 characters" in json.loads(line)["exception"]
    assert line.count("a secret message") == 0


def test_the_id_of_the_request_stands_in_every_line(formatter):
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        assert json.loads(formatter.format(record("hello")))["request_id"] == "r-1"


def test_libraries_that_log_urls_frames_or_sql_are_quiet_at_every_level():
    loggers = log_settings(pretty=False, level="DEBUG")["loggers"]
    assert {"httpx", "botocore", "stripe", "aiohttp", "django.db.backends", "websockets"} <= set(QUIET)
    assert all(loggers[name]["level"] == "WARNING" for name in QUIET)


def test_whoever_listens_hears_whatever_was_built_or_set_up_before():
    logger = structlog.get_logger("listened-to")
    logger.info("used")  # from now on it keeps what it goes through
    set_up(log_settings(pretty=False, level="INFO"))
    try:
        with capture_logs() as heard:
            logger.info("hello")
    finally:
        set_up(settings.LOGGING)
    assert heard == [{"event": "hello", "log_level": "info"}]

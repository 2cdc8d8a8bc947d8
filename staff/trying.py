"""The talk of a trial with the model hosts: asked as a reply is, told line by line, and forgotten."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

import structlog
from django.conf import settings

from chat.llm import BrokenOff, Finished, ModelError, NoAnswer, Request, Text, Withdrawn, new_llm
from chat.prices import cost
from chat.prompts import build_request
from girls.macros import fill
from staff.playground import Trial

log = structlog.get_logger(__name__)

SECONDS = 60.0  # for one answer: the same patience that members have, and then somebody says what was wrong
WHAT_WENT_WRONG = (
    (r"http 40[13]\b", "refused the key"),
    (r"http 404\b", "does not know this model, or the address is wrong"),
    (r"http 429\b", "has too much to do, or nothing is left on the account"),
    (r"http 4\d\d", "did not take the request"),
    (r"http 5\d\d", "has a trouble of its own"),
    (r"no answer in time|out of time", "did not answer in time"),
    (r"connection failed", "cannot be reached"),
    (r"nothing visible", "answered nothing that can be shown"),
    (r"filtered", "kept its answer back, by a filter of its own"),
)


def request_of(trial: Trial) -> Request:
    """What the host is asked, built as for a member whose name is not known."""
    greeting = [("ai", fill(trial.greeting, char=trial.name, user=""))] if trial.greeting.strip() else []
    said = [*greeting, *((turn.sender, turn.text) for turn in trial.turns)]
    return build_request(
        persona=trial.persona,
        name=trial.name,
        example_dialogue=trial.example_dialogue,
        history=said[-settings.CHAT_CONTEXT_TURNS :],
        max_tokens=settings.LLM_MAX_TOKENS,
        temperature=settings.LLM_TEMPERATURE,
        deadline=time.monotonic() + SECONDS,
    )


async def answer_to(trial: Trial) -> AsyncGenerator[str, None]:
    """The lines, as they come. Whoever closes this ends the request to the host."""
    lines: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    asking = asyncio.create_task(_ask(trial, lines))
    try:
        while (line := await lines.get()) is not None:
            yield json.dumps(line, ensure_ascii=False) + "\n"
    finally:
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking


async def _ask(trial: Trial, lines: "asyncio.Queue[dict[str, Any] | None]") -> None:
    started = time.monotonic()
    first: float | None = None
    host = new_llm()

    def sent(provider: str, body: Mapping[str, Any]) -> None:
        lines.put_nowait({"type": "request", "provider": provider, "body": dict(body)})

    request = replace(request_of(trial), witness=sent)
    try:
        async with asyncio.timeout(SECONDS), contextlib.aclosing(host.stream(request)) as pieces:
            async for piece in pieces:
                match piece:
                    case Text(text):
                        first = first or time.monotonic() - started
                        lines.put_nowait({"type": "text", "text": text})
                    case Withdrawn():
                        lines.put_nowait({"type": "withdrawn"})
                    case Finished():
                        lines.put_nowait(_done(piece, first, time.monotonic() - started))
    except ModelError as error:
        lines.put_nowait({"type": "error", "message": in_words(error)})
    except TimeoutError:
        lines.put_nowait({"type": "error", "message": "The model host did not answer in time."})
    except Exception as error:
        log.error("playground_crashed", error=type(error).__name__)  # its words may quote the persona
        lines.put_nowait({"type": "error", "message": "Something went wrong on our side."})
    finally:
        await host.aclose()
        lines.put_nowait(None)


def _done(end: Finished, first: float | None, total: float) -> dict[str, Any]:
    price = cost(end.provider, end.tokens_in, end.tokens_cached, end.tokens_out)
    return {
        "type": "done",
        "provider": end.provider,
        "model": end.model,
        "finish_reason": end.finish_reason,
        "tokens_in": end.tokens_in,
        "tokens_cached": end.tokens_cached,
        "tokens_out": end.tokens_out,
        "cost": None if price is None else f"{price:.6f}",
        "first_ms": None if first is None else round(first * 1000),
        "total_ms": round(total * 1000),
    }


def in_words(error: ModelError) -> str:
    """What was wrong, for somebody who runs no servers; the host's own code stands behind."""
    if isinstance(error, BrokenOff):
        who, _, what = error.reason.partition(": ")
        return f"The {who} model host broke off in the middle of its answer ({what})."
    reasons = error.reasons if isinstance(error, NoAnswer) else (error.reason,)
    return " ".join(dict.fromkeys(_sentence(reason) for reason in reasons))


def _sentence(reason: str) -> str:
    who, _, what = reason.partition(": ")
    for pattern, words in WHAT_WENT_WRONG:
        if re.search(pattern, what):
            return f"The {who} model host {words} ({what})."
    return f"The {who} model host failed ({what or reason})."

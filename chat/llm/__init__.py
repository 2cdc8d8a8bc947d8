"""Model hosts: who writes the characters' replies. `get_llm()` is the one door; vendor shapes stay in here."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings

from .base import (
    BrokenOff,
    EmptyAnswer,
    Finished,
    ModelError,
    ModelHost,
    NoAnswer,
    Piece,
    Refused,
    Request,
    Text,
    TimedOut,
    TruncatedAnswer,
    Turn,
    Unreachable,
    Withdrawn,
    text_of,
)
from .chain import Chain
from .scripted import Scripted

__all__ = [
    "BrokenOff",
    "Finished",
    "ModelError",
    "ModelHost",
    "NoAnswer",
    "Piece",
    "Refused",
    "Request",
    "Text",
    "TimedOut",
    "Turn",
    "Unreachable",
    "Withdrawn",
    "close_llm",
    "get_llm",
    "greet",
    "new_llm",
    "text_of",
]

_hosts: WeakKeyDictionary[asyncio.AbstractEventLoop, ModelHost] = WeakKeyDictionary()


def get_llm() -> ModelHost:
    """The chain of configured hosts, or the scripted twin when there are none.

    One for each running event loop, because connections belong to a loop.
    """
    loop = asyncio.get_running_loop()
    if loop not in _hosts:
        _hosts[loop] = new_llm()
    return _hosts[loop]


def new_llm() -> ModelHost:
    """The same, for one purpose alone: whoever takes it closes it. It knows nothing of what others met with."""
    return Chain(_configured() or [Scripted()])


def _configured() -> list[ModelHost]:
    providers = [provider for provider in settings.LLM_PROVIDERS if provider["base_url"]]
    if not providers:
        return []
    from .openai_compatible import OpenAICompatible  # not above: only who writes replies over HTTP pays for aiohttp

    return [OpenAICompatible(**provider) for provider in providers]


async def close_llm() -> None:
    """Close what `get_llm()` opened in this event loop."""
    if host := _hosts.pop(asyncio.get_running_loop(), None):
        await host.aclose()


async def greet(provider: Mapping[str, Any], *, seconds: float) -> float:
    """Ask one of `LLM_PROVIDERS` for a word; how long it took, in seconds.

    Raises ModelError, and ImproperlyConfigured for settings that are none.
    """
    from .openai_compatible import OpenAICompatible  # as in `_configured`

    host, began = OpenAICompatible(**provider), time.monotonic()
    turns: list[Turn] = [{"role": "user", "content": "Answer with one word: hello."}]
    asked = Request(
        speaker="", turns=turns, max_tokens=8, temperature=0.0, alone=True, deadline=time.monotonic() + seconds
    )
    try:
        async for _ in host.stream(asked):
            pass
    except (EmptyAnswer, TruncatedAnswer):
        pass  # eight tokens are few for one that thinks; it is there, and writes
    finally:
        await host.aclose()
    return time.monotonic() - began

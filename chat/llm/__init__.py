"""Model hosts: who writes the characters' replies. `get_llm()` is the one door; vendor shapes stay in here."""

import asyncio
from weakref import WeakKeyDictionary

from django.conf import settings

from .base import BrokenOff, Finished, ModelError, ModelHost, NoAnswer, Piece, Request, Text, Turn, Withdrawn
from .chain import Chain
from .scripted import Scripted

__all__ = [
    "BrokenOff",
    "Finished",
    "ModelError",
    "ModelHost",
    "NoAnswer",
    "Piece",
    "Request",
    "Text",
    "Turn",
    "Withdrawn",
    "close_llm",
    "get_llm",
]

_hosts: WeakKeyDictionary[asyncio.AbstractEventLoop, ModelHost] = WeakKeyDictionary()


def get_llm() -> ModelHost:
    """The chain of configured hosts, or the scripted twin when there are none.

    One for each running event loop, because connections belong to a loop.
    """
    loop = asyncio.get_running_loop()
    if loop not in _hosts:
        _hosts[loop] = Chain(_configured() or [Scripted()])
    return _hosts[loop]


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

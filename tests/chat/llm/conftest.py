"""The door: `get_llm()` with settings that name fake model hosts."""

import socket
import time

import pytest

from chat.llm import Finished, Request, Text, Turn, Withdrawn, close_llm, get_llm
from tests.fakes.model_host import ModelHost

TURNS: list[Turn] = [
    {"role": "system", "content": "You are Mara, an AI character. SECRET-PERSONA"},
    {"role": "user", "content": "SECRET-MESSAGE"},
]
KEY = "sk-secret-1234567890"


@pytest.fixture
def primary():
    with ModelHost() as host:
        yield host


@pytest.fixture
def fallback():
    with ModelHost() as host:
        yield host


@pytest.fixture
def nobody():
    """A URL where nothing listens: the port is taken, and not listened on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def provider(name, url, **more):
    return {"name": name, "base_url": url, "api_key": KEY, "model": f"{name}-model", "extra_body": {}} | more


@pytest.fixture
def only_primary(settings, primary):
    settings.LLM_PROVIDERS = [provider("primary", primary.url)]
    return primary


@pytest.fixture
def both(settings, primary, fallback):
    settings.LLM_PROVIDERS = [provider("primary", primary.url), provider("fallback", fallback.url)]
    return primary, fallback


@pytest.fixture(autouse=True)
async def _closed():
    yield
    await close_llm()


def asking(turns=TURNS, *, seconds=20.0, **changed):
    """A request that has so many seconds."""
    given = {"speaker": "Mara", "max_tokens": 220, "temperature": 0.7, "deadline": time.monotonic() + seconds}
    return Request(turns=turns, **(given | changed))


async def ask(request=None, **changed):
    """(the visible text, the end) of one reply."""
    pieces = [piece async for piece in get_llm().stream(request or asking(**changed))]
    *told, end = pieces
    assert isinstance(end, Finished)
    text = ""
    for piece in told:
        assert isinstance(piece, Text | Withdrawn)
        text = text + piece.text if isinstance(piece, Text) else ""
    return text, end

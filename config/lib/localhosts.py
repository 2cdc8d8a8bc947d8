"""Model hosts that already run on this machine, and what to write into `.env` to be answered by one of them."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from config.lib.asking import NoAnswer, ask

PLACES = (("Ollama", 11434), ("LM Studio", 1234), ("llama.cpp", 8080))
SECONDS = 0.3  # for each: whoever is on this machine answers at once


@dataclass(frozen=True, slots=True)
class LocalHost:
    """A program that speaks the OpenAI chat format here, and the models that it has."""

    name: str
    port: int
    models: tuple[str, ...]

    @property
    def env(self) -> tuple[str, ...]:
        """The lines for `.env`."""
        return (
            f"LLM_BASE_URL_PRIMARY=http://127.0.0.1:{self.port}/v1",
            f"LLM_MODEL_PRIMARY={self.models[0] if self.models else 'the-name-of-a-model'}",
            "LLM_API_KEY_PRIMARY=",
        )


def find(places: Sequence[tuple[str, int]] = PLACES, *, but: int | None = None) -> list[LocalHost]:
    """Those that answer, all asked at once; not the port `but`, which is our own."""
    found: dict[int, LocalHost] = {}

    def look(name: str, port: int) -> None:
        if (models := _models(port)) is not None:
            found[port] = LocalHost(name, port, models)

    threads = [
        threading.Thread(target=look, args=place, daemon=True, name=f"look-{place[1]}")
        for place in places
        if place[1] != but
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * SECONDS)
    return [found[port] for _, port in places if port in found]


def _models(port: int) -> tuple[str, ...] | None:
    """The models that talk; None where there is no model host."""
    try:
        answer = ask(f"http://127.0.0.1:{port}/v1/models", seconds=SECONDS)
        told = json.loads(answer.body)["data"] if answer.status == 200 else None
        names = [entry["id"] for entry in told or ()]
    except (NoAnswer, ValueError, KeyError, TypeError):
        return None
    if told is None or not all(isinstance(name, str) and name.isprintable() for name in names):
        return None
    return tuple(name for name in names if "embed" not in name.lower())


def hint(host: LocalHost) -> str:
    """What to tell whoever has one and uses none."""
    if not host.models:
        pull = "ollama pull llama3.2" if host.name == "Ollama" else "load one in it"
        return f"{host.name} runs here and has no model yet: {pull}."
    return f"{host.name} runs here. To be answered by it, put these into .env and start again:"

"""The local twin of a model host: answers in character without a model, a key or a network.

It has nothing but the request. From the system turn it takes what the character who speaks loves and how an
example conversation went; from the last message what kind of answer is wanted. The same request always gives the
same reply. The way it streams, first a pause and then word by word, is part of the product.
"""

import asyncio
import random
import re
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from django.conf import settings

from config.lib.text import isolated
from safety.classifying import DISTRESS, Kind, classify
from safety.farewell import says_goodbye

from .base import Finished, Piece, Request, Text, TimedOut, Turn, text_of
from .script import COMMON_WORDS, DEFAULT_LOVES, GREETING, KINDS, REPLIES, TOPICS, YES_NO

FIRST_WORD_SECONDS = 0.6
WORDS_PER_SECOND = 30.0
TOKENS_PER_WORD = 4 / 3

# What the crisis floor finds, and who answers to it. Of what is a note only, the character speaks as of anything else.
ANSWERED = {
    Kind.SUICIDE: "crisis",
    Kind.SELF_HARM: "crisis",
    Kind.EATING_DISORDER: "crisis",
    Kind.MINOR: "minor",
    Kind.SEXUAL_MINOR: "explicit",
}
GRAVE = {"crisis", "minor", "explicit", "human", "prompt"}  # these are answered in our words, always
_LOVES = re.compile(
    r"\b(?:loves?|adores?|enjoys?|collects?|fond of|obsessed with|passionate about|(?:passion|weakness) for)\s+"
    r"(?!you\b|to\b|it\b|when\b|that\b|talking\b)([^.;:!?\n()]{3,120})",
    re.IGNORECASE,
)
_WORK = re.compile(
    r"\b(?:works? as|(?:is|are)(?: [\w’'-]+, \d\d,)?|s?he[’']s) "
    r"(an? (?!AI\b|character\b|person\b|adult\b)[^.,;:\n()]{4,60})",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"\b(she|he|they|their|you|I|who|but|is|are|has|will|being)\b")
_BETWEEN_ASKS = re.compile(
    r";\s*|(?:,\s+and|,|\s+and)\s+(?=(?:what|which|where|when|how) (?:they|their|is|would|the)\b)", re.IGNORECASE
)
# To the full stop; a line that begins small goes on with the one before, as in a persona that was wrapped.
_ASKS = re.compile(r"(?i:\bask back:\s*)((?i:wh|how)(?:[^.\n]|\n(?=[a-z]))+)")


class Scripted:
    """The model host that needs nothing."""

    name = "scripted"

    async def aclose(self) -> None:
        """Nothing is open."""

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """The scripted reply at a human pace, whoever reads. See ModelHost."""
        pace: float = getattr(settings, "LLM_SCRIPTED_PACE", 1.0)
        if request.witness:
            turns = [{"role": turn["role"], "content": text_of(turn)} for turn in request.turns]
            request.witness(self.name, {"model": "scripted", "messages": turns})
        reply = compose(request)
        words = deque(re.findall(r"\S+\s*", reply))
        tokens_out = _tokens(len(words))
        rhythm = random.Random(reply)  # noqa: S311
        due = time.monotonic() + FIRST_WORD_SECONDS * pace  # when the next word is written
        while words:
            if due > request.deadline:
                raise TimedOut("no answer in time")
            await asyncio.sleep(due - time.monotonic())
            written = ""
            while words and (not written or due <= time.monotonic()):
                written += words.popleft()
                due += rhythm.uniform(0.7, 1.3) / WORDS_PER_SECOND * pace
            yield Text(written, last=not words)
        tokens_in = sum(len(text_of(turn).split()) for turn in request.turns)
        yield Finished(self.name, "scripted", "stop", _tokens(tokens_in), tokens_out)


def compose(request: Request) -> str:
    """The reply to the last messages of the user. The same request always gives the same reply."""
    turns = request.turns
    said = _last_words(turns)
    cast = _Cast.of(request)
    chance = random.Random(f"{cast.name}|{len(turns)}|{said}")  # noqa: S311
    earlier = [text_of(turn) for turn in turns if turn["role"] == "assistant"]
    kind = _kind(said)
    variants = [reply for reply in REPLIES.get(kind, ()) if cast.asks or "{ask" not in reply]
    remembered = "" if kind in GRAVE else cast.farewell() if kind == "goodbye" else cast.example_for(said)
    if remembered and remembered not in earlier:
        return remembered
    if kind in {"question", "statement"}:
        variants = [reply for pattern, replies in TOPICS if pattern.search(said) for reply in replies] or variants
    chance.shuffle(variants)
    filled = [_fill(variant, said, cast, chance) for variant in variants]
    return next((reply for reply in filled if reply not in earlier), filled[0])


@dataclass(frozen=True, slots=True)
class _Cast:
    """The character who speaks, and what the system turn tells about them."""

    name: str
    loves: list[str]
    work: str
    asks: list[str]
    examples: list[tuple[str, str]]

    @classmethod
    def of(cls, request: Request) -> "_Cast":
        system = "\n".join(text_of(turn) for turn in request.turns if turn["role"] == "system")
        name = request.speaker or "your companion"
        about = system.partition(f"\nAbout {name}:\n")[2] or system
        for after in (f"\nWhat {name} has already said", "\nThe person you write to goes by "):
            about = about.partition(after)[0]
        about, _, dialogue = about.partition(f"\nHow {name} talks:\n")
        work = _WORK.search(about)
        asks = _ASKS.search(about)
        return cls(
            name=name,
            loves=[thing for found in _LOVES.finditer(about) for thing in _things(found[1])] or DEFAULT_LOVES,
            work=re.split(r"\s+(?:who|and|with|from|living|based)\b", work[1])[0].strip() if work else "",
            asks=[_to_you(part) for part in _BETWEEN_ASKS.split(asks[1]) if part] if asks else [],
            examples=_exchanges(dialogue, name),
        )

    def example_for(self, said: str) -> str:
        """Her own line from the example conversation, when the user says much the same as there."""
        words = set(_significant(said))
        best = max(self.examples, key=lambda pair: len(words & set(_significant(pair[0]))), default=("", ""))
        return best[1] if len(words & set(_significant(best[0]))) >= 2 else ""

    def farewell(self) -> str:
        """How they let somebody go in the example conversation, if anybody leaves there."""
        return next((answer for said, answer in self.examples if says_goodbye(said)), "")


def _things(text: str) -> list[str]:
    """The things in “rain on tin roofs, old maps and her cat”, as the character would name them."""
    parts = []
    for part in re.split(r",\s*", text):
        first, *rest = re.split(r"\s+and\s+(?=(?:the|an?|old|new|my|her|his|their|your)\b)", part)
        parts += [first.partition(" and ")[0].removeprefix("and "), *rest]
    parts = [re.sub(r"\b(her|his|your)\b", "my", part.strip()) for part in parts]
    return [part for part in parts if 3 <= len(part) <= 45 and not _CLAUSE.search(part)]


def _to_you(text: str) -> str:
    """“what their hands did” as the character says it to the person, on one line."""
    for they, you in (("their", "your"), ("them", "you"), ("they", "you"), ("themselves", "yourself")):
        text = re.sub(rf"\b{they}\b", you, text)
    return " ".join(text.split())


def _exchanges(dialogue: str, name: str) -> list[tuple[str, str]]:
    """(what the user said, what the character answered), from lines such as “User: …” and “Mara: …”."""
    pairs: list[tuple[str, str]] = []
    asked = ""
    for line in dialogue.splitlines():
        who, colon, words = line.strip().partition(":")
        if not colon or not words.strip():
            continue
        if who.strip(" *<>{}").lower() in {name.lower(), name.split(" ")[0].lower(), "char"}:
            if asked:
                pairs.append((asked, words.strip()))
            asked = ""
        else:
            asked = words.strip()
    return pairs


def _last_words(turns: Sequence[Turn]) -> str:
    """All that the user wrote since the character spoke last."""
    said: list[str] = []
    for turn in reversed(turns):
        if turn["role"] != "user":
            break
        said.append(text_of(turn))
    return "\n".join(reversed(said)).strip()


def _kind(said: str) -> str:
    danger = classify(said)
    if danger.level >= DISTRESS and danger.kind in ANSWERED:
        return ANSWERED[danger.kind]
    found = [kind for kind, pattern in KINDS if pattern.search(said)]
    if found and found[0] in GRAVE:
        return found[0]
    if says_goodbye(said):
        return "goodbye"
    if found:
        return found[0]
    if len(said) > 600:
        return "long"
    if GREETING.search(said) and len(said.split()) <= 6:
        return "greeting"
    if YES_NO.search(said) and len(said.split()) <= 4:
        return "yes_no"
    return "question" if said.rstrip(" .!)").endswith("?") else "statement"


def _significant(text: str) -> list[str]:
    return [word for word in re.findall(r"[^\W\d_][\w’'-]{3,20}", text.lower()) if word not in COMMON_WORDS]


def _fill(template: str, said: str, cast: _Cast, chance: random.Random) -> str:
    """The template with the user's words and the character's own in it."""
    topic = max(_significant(said), key=len, default="that")
    parts = re.split(r"[.!?\n,;:]+|\s(?:and|but|because|so)\s", said)
    clauses = [" ".join(part.split()).strip(' ,–—-"“”*') for part in parts]
    quote = max(clauses, key=lambda part: sum(map(len, _significant(part)[:8])) or len(part) / 100) or "that"
    short = " ".join(quote.split()[:9])[:80]
    love = chance.choice(cast.loves)
    ask = chance.choice(cast.asks) if cast.asks else ""
    fields = {
        "name": cast.name,
        "topic": topic,
        "quote": isolated(quote if quote == short else short + "…"),  # her own words keep their direction
        "love": love,
        "ask": ask,
        "ask_me": f"if somebody wanted to know {ask}, what would you say",
        "work": f"I’m {cast.work}. " if cast.work else "",
    }
    fields |= {key.capitalize(): value[:1].upper() + value[1:] for key, value in fields.items()}
    return re.sub(r"\{(\w+)\}", lambda found: fields[found[1]], template)


def _tokens(words: int) -> int:
    return round(words * TOKENS_PER_WORD)

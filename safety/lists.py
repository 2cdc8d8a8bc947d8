"""The word lists: what `safety/words/<language>.toml` says, compiled once. Pure but for reading them."""

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .folding import squeezed
from .phrases import Phrase, Word, needs, parse, pattern, words

WORDS = Path(__file__).parent / "words"
LANGUAGES = tuple(sorted(path.stem for path in WORDS.glob("??.toml")))
VOICES = ("member", "character")
STRONG = 3
_LAST = re.compile(r"(?<!\.)\.(?!\.)")  # the end of a sentence, in a phrase


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One entry of a word list. Patterns are for `compiled`."""

    name: str  # language.id
    kind: str
    level: int
    voice: str
    phrases: tuple["Sought", ...]
    near: str | None  # what excuses a hit that stands near it,
    before: str | None  # that ends where it begins,
    after: str | None  # or begins where it ends


@dataclass(frozen=True, slots=True, eq=False)
class Sought:
    """A phrase, and how to look for it."""

    phrase: Phrase
    triggers: frozenset[Word]  # one of them stands in it,
    needs: tuple[frozenset[str], ...]  # and one of each of these
    hits: str


class Lists:
    """Some rules, and how to find the few phrases of them that a sentence may hold."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._words: dict[str, list[tuple[Rule, Sought]]] = {}
        self._stems: dict[str, list[tuple[Rule, Sought]]] = {}
        for rule in self.rules:
            for sought in rule.phrases:
                for trigger in sought.triggers:
                    index = self._stems if trigger.stem else self._words
                    index.setdefault(trigger.text, []).append((rule, sought))

    def triggers(self, words: str) -> set[str]:
        """The words and beginnings of words by which phrases are looked for, as far as they stand there."""
        return {*(self._words.keys() & words.split(" ")), *(stem for stem in self._stems if f" {stem}" in words)}

    def may_hit(self, sentence: str, among: set[str]) -> list[tuple[Rule, Sought]]:
        """The phrases that it may hold, with their rules. `among`: only by these triggers."""
        words = sentence.split(" ")
        if among.isdisjoint(words) and among.isdisjoint(self._stems):
            return []
        said = set(words)
        found = [each for word in said & among for each in self._words.get(word, ())]
        for stem in self._stems.keys() & among:
            found += self._stems[stem] if f" {stem}" in sentence else ()
        if not found:
            return found
        return [each for each in found if not any(map(said.isdisjoint, each[1].needs))]


@cache
def rules(language: str) -> tuple[Rule, ...]:
    """All rules of a language. Raises ValueError where a list says what cannot be."""
    said = tomllib.loads((WORDS / f"{language}.toml").read_text(encoding="utf-8"))
    common = frozenset(said["common"].split())
    return tuple(_rule(language, entry, said.get("lists", {}), common) for entry in said["rule"])


@cache
def lists(language: str, voice: str) -> Lists:
    """What is asked of a text: that language and English first, as people mix them; of others what is strong.

    Everything, if the language is not known.
    """
    if voice not in VOICES:
        raise ValueError(f"Nobody speaks as {voice}")
    own = dict.fromkeys([language, "en"] if language else LANGUAGES)
    order = [*own, *(other for other in LANGUAGES if other not in own)]
    every = [rule for each in order for rule in rules(each) if each in own or rule.level == STRONG]
    return Lists(rule for rule in every if rule.voice == voice)


@cache
def vocabulary() -> dict[str, str]:
    """The words of all lists, by what is left of them when no letter stands twice in a row."""
    every = (
        word.text
        for each in LANGUAGES
        for rule in rules(each)
        for sought in rule.phrases
        for word in words(sought.phrase)
    )
    return {squeezed(word): word for word in sorted(every, reverse=True)}


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of the lists. Compiled when it is first sought: all at once would keep the first send for a second."""
    return re.compile(pattern)


def language_of(locale: str) -> str:
    """en of en-GB or en_GB; empty if there is no list of that language."""
    language = re.split(r"[-_]", locale.lower(), maxsplit=1)[0]
    return language if language in LANGUAGES else ""


def _rule(language: str, entry: dict[str, Any], named: dict[str, str], common: frozenset[str]) -> Rule:
    name = f"{language}.{entry['id']}"
    try:
        near, before, after = _excuses(entry.get("unless", []), named)
        voice = entry.get("voice", "member")
        if voice == "character" and (near or after or any(_LAST.search(each) for each in entry["phrases"])):
            raise ValueError("what follows her words is not written yet: no end of a sentence, no excuse but before @")
        return Rule(
            name=name,
            kind=entry["kind"],
            level=entry["level"],
            voice=voice,
            phrases=tuple(_sought(parse(phrase, named), common) for phrase in entry["phrases"]),
            near=near,
            before=before,
            after=after,
        )
    except (ValueError, KeyError) as problem:
        raise ValueError(f"{name}: {problem}") from problem


def _sought(phrase: Phrase, common: frozenset[str]) -> Sought:
    every = needs(phrase, common)
    if not every:
        raise ValueError("a phrase in which no word must stand")
    plain = (some for some in every if not any(word.stem for word in some))
    return Sought(
        phrase=phrase,
        triggers=every[0],
        needs=tuple(sorted((frozenset(word.text for word in some) for some in plain), key=len)),
        hits=pattern(phrase),
    )


def _excuses(unless: Sequence[str], named: dict[str, str]) -> tuple[str | None, ...]:
    """What excuses a hit: anywhere near, before it, after it."""
    unless = [text.strip() for text in unless]
    near = [text for text in unless if "@" not in text]
    before = [text.removesuffix("@") for text in unless if text.endswith("@")]
    after = [text.removeprefix("@") for text in unless if text.startswith("@")]
    if len(near) + len(before) + len(after) != len(unless):
        raise ValueError("@ stands first or last")
    return tuple(
        form % "|".join(pattern(parse(text, named)) for text in texts) if texts else None
        for form, texts in (("%s", near), (r"(?:%s) \Z", before), ("(?:%s)", after))
    )

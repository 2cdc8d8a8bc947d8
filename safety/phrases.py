"""The small language in which the word lists name phrases. Pure.

    kill myself         these words, one after the other, whole
    suicid*             a word that begins so
    (kill|hurt) me      one of several; each may be several words
    [really|just]       words that may stand there or not
    ..3                 up to three words of any kind
    {soon}              one of the list of that name
    ^ and .             the beginning and the end of a sentence

In what excuses a phrase, @ is the phrase: "not going to @", "@ of laughter". Without @ it may stand anywhere near.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .folding import DISGUISES, fold, squeezed

_PART = re.compile(r"\s*(\.\.\d|\{[^}]+\}|[()\[\]|@^.]|[^\s()\[\]|{}@^.]+)")


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    stem: bool = False

    def matches(self, word: str) -> bool:
        """Whether this is the word."""
        return word.startswith(self.text) if self.stem else word == self.text

    def may_become(self, begun: str) -> bool:
        """Whether a word of which only this is written yet may become it."""
        begun, text = squeezed(begun.rstrip(DISGUISES) if begun[0].isalpha() else begun), squeezed(self.text)
        return text.startswith(begun) or (self.stem and begun.startswith(text))


@dataclass(frozen=True, slots=True)
class Gap:
    most: int


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple["Phrase", ...]
    optional: bool


@dataclass(frozen=True, slots=True)
class Edge:
    mark: str


Part = Word | Gap | Choice | Edge
Phrase = tuple[Part, ...]


def parse(text: str, lists: Mapping[str, str]) -> Phrase:
    """A phrase as it is written in a word list. Raises ValueError."""
    parts = _PART.findall(text)
    if "".join(parts) != re.sub(r"\s+(?![^{]*\})", "", text):
        raise ValueError(f"Not a phrase: {text}")
    options, rest = _options(parts, lists)
    if rest or len(options) != 1:
        raise ValueError(f"Brackets do not match, or | stands outside: {text}")
    return options[0]


def _options(parts: Sequence[str], lists: Mapping[str, str]) -> tuple[list[Phrase], list[str]]:
    """The alternatives up to the closing bracket, and what follows from there."""
    options: list[list[Part]] = [[]]
    rest = list(parts)
    while rest:
        part = rest[0]
        if part in ")]":
            break
        del rest[0]
        if part == "|":
            options.append([])
        elif part in "([":
            inside, rest = _options(rest, lists)
            if not rest or rest.pop(0) != {"(": ")", "[": "]"}[part]:
                raise ValueError(f"Brackets do not match: {' '.join(parts)}")
            options[-1].append(Choice(tuple(inside), optional=part == "["))
        elif part.startswith("{"):
            if part[1:-1] not in lists:
                raise ValueError(f"There is no list {part}")
            inside, _ = _options(_PART.findall(lists[part[1:-1]]), lists)
            options[-1].append(Choice(tuple(inside), optional=False))
        elif part.startswith(".."):
            options[-1].append(Gap(int(part[2:])))
        elif part in "^.":
            options[-1].append(Edge(part))
        else:
            options[-1].append(Word(fold(part.removesuffix("*")), stem=part.endswith("*")))
    return [tuple(option) for option in options], rest


def pattern(phrase: Phrase) -> str:
    """The phrase as a regular expression for a sentence with a space around each word."""
    return "".join(_expression(part) for part in phrase)


def _expression(part: Part) -> str:
    match part:
        case Word(text, stem):
            return f" {re.escape(text)}{'[^ ]*' if stem else ''}(?= )"
        case Gap(most):
            return f"(?: [^ ]+(?= )){{0,{most}}}?"
        case Choice(options, optional):
            return f"(?:{'|'.join(pattern(option) for option in options)}){'?' if optional else ''}"
        case Edge(mark):
            return r"(?<![^\n])" if mark == "^" else r"(?= \Z)"


def words(phrase: Phrase) -> Iterator[Word]:
    """All words that the phrase names."""
    for part in phrase:
        if isinstance(part, Word):
            yield part
        elif isinstance(part, Choice):
            for option in part.options:
                yield from words(option)


def needs(phrase: Phrase, common: frozenset[str]) -> list[frozenset[Word]]:
    """Of each of these sets one word stands in whatever the phrase means; the set with the rarest words first."""
    found: list[frozenset[Word]] = []
    for part in phrase:
        if isinstance(part, Word):
            found.append(frozenset({part}))
        elif isinstance(part, Choice) and not part.optional:
            each = [needs(option, common) for option in part.options]
            if all(each):
                found.append(frozenset().union(*(of_option[0] for of_option in each)))
    return sorted(found, key=lambda some: (sum(word.text in common for word in some), -_shortest(some), len(some)))


def _shortest(some: frozenset[Word]) -> int:
    return min(len(word.text) for word in some)


def first_words(phrase: Phrase) -> Iterator[Word]:
    """The words with which the phrase may begin. Raises ValueError if it begins with anything else."""
    begins = [part for part in phrase if not isinstance(part, Edge)]
    part = begins[0] if begins else None
    if isinstance(part, Word):
        yield part
    elif isinstance(part, Choice) and not part.optional:
        for option in part.options:
            yield from first_words(option)
    else:
        raise ValueError("A phrase of hers begins with a word")


def is_open(phrase: Phrase, said: Sequence[str], at: int, begun: str) -> bool:
    """Whether the phrase may be in the making: all words from `at` on fit, and more would be needed.

    `begun` is the beginning of the next word, if some of it is written.
    """
    return _reach(phrase, said, {at}, begun)[1]


def _reach(phrase: Phrase, said: Sequence[str], starts: set[int], begun: str) -> tuple[set[int], bool]:
    """Where the phrase may end, and whether it may go on beyond what is said."""
    is_open = False
    for part in phrase:
        ends: set[int] = set()
        for at in starts:
            if isinstance(part, Choice):
                for option in part.options:
                    reached, goes_on = _reach(option, said, {at}, begun)
                    ends |= reached
                    is_open |= goes_on
                if part.optional:
                    ends.add(at)
            elif isinstance(part, Gap):
                ends |= set(range(at, min(at + part.most, len(said)) + 1))
                is_open |= at + part.most > len(said)
            elif isinstance(part, Edge):
                ends |= {at} if at == 0 else set()
            elif at < len(said):
                ends |= {at + 1} if part.matches(said[at]) else set()
            else:
                is_open |= not begun or part.may_become(begun)
        starts = ends
    return starts, is_open

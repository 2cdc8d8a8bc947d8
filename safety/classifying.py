"""The crisis floor: whether words speak of harm, by the word lists alone. Pure, in microseconds, always there.

A floor, not a diagnosis: it finds what is said plainly and misses what is not (decision 33).
"""

from enum import StrEnum
from functools import cache
from typing import NamedTuple

from .folding import sentences
from .lists import STRONG, Rule, Sought, compiled, language_of, lists, vocabulary

PLAN, DISTRESS, NOTE = STRONG, 2, 1  # levels
NEAR = 120  # characters on either side within which an excuse counts: some 25 words


class Kind(StrEnum):
    """What a text speaks of."""

    NOTHING = "nothing"
    # A member:
    SUICIDE = "suicide"
    SELF_HARM = "self-harm"
    EATING_DISORDER = "eating disorder"
    THREAT = "threat"
    MINOR = "minor"
    SEXUAL_MINOR = "sexual-minor"  # a character, too
    # A character:
    ENCOURAGEMENT = "encouragement"
    CLAIMS_HUMAN = "claims-human"


class Finding(NamedTuple):
    """What was found: levels are 3 plan, means, now, goodbye; 2 clear distress; 1 a note; 0 nothing."""

    kind: Kind
    level: int
    rule: str  # the line of the word list, never words of the text


NOTHING = Finding(Kind.NOTHING, 0, "")


def classify(text: str, locale: str = "", voice: str = "member") -> Finding:
    """The gravest that the text speaks of, said by a "member" or a "character"; `NOTHING` if it speaks of none."""
    return next(iter(findings(text, locale, voice)), NOTHING)


def findings(text: str, locale: str = "", voice: str = "member") -> list[Finding]:
    """All that the text speaks of, the gravest first; of equals that of the list that was asked first."""
    asked = lists(language_of(locale), voice)
    words = sentences(text, vocabulary())
    triggers = asked.triggers(" ".join(words))
    if not triggers:
        return []
    found: set[str] = set()
    for sentence in words:
        for rule, sought in asked.may_hit(sentence, triggers):
            if rule.name not in found and first_hit(rule, sought, sentence) is not None:
                found.add(rule.name)
    hit = [rule for rule in asked.rules if rule.name in found]
    return [finding_of(rule) for rule in sorted(hit, key=lambda rule: -rule.level)]


def first_hit(rule: Rule, sought: Sought, sentence: str) -> int | None:
    """Where the phrase first stands in the words of a sentence and is not excused."""
    pattern = compiled(sought.hits)
    hit = pattern.search(sentence)
    while hit:
        if not _is_excused(rule, sentence, hit.start(), hit.end()):
            return hit.start()
        hit = pattern.search(sentence, hit.start() + 1)
    return None


@cache
def _kind(name: str) -> Kind:
    return Kind(name)


def finding_of(rule: Rule) -> Finding:
    """What is told of a rule that hit."""
    return Finding(_kind(rule.kind), rule.level, rule.name)


def _is_excused(rule: Rule, sentence: str, start: int, end: int) -> bool:
    left = max(0, start - NEAR)
    return bool(
        (rule.before and compiled(rule.before).search(sentence[left : start + 1]))
        or (rule.after and compiled(rule.after).match(sentence[end : end + NEAR]))
        or (rule.near and compiled(rule.near).search(sentence[left : end + NEAR]))
    )

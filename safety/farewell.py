"""Whether somebody says goodbye, and whether an answer lets them go. Pure: text in, names out.

The words are in words/farewell.toml, which says how to read them. Nothing here remembers or logs what was said.
"""

import functools
import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TACTICS = ("premature-exit", "fomo-hook", "emotional-neglect", "pressure-to-respond", "ignoring", "restraint")
LANGUAGES = ("en", "de", "es", "fr", "it", "pt", "nl")  # any other locale is heard in all of them

_WORDS = Path(__file__).parent / "words" / "farewell.toml"
_QUOTED = re.compile(r"[“„«][^”“»\n]{0,300}[”“»]|\"[^\"\n]{0,300}\"")
_TOKEN = re.compile(r"\.\.\.|[()\[\]|<>?.]|\{\w+\}|[^\s()\[\]|<>?.{}]+")
_NO_BREAK = re.compile(r"['’ʼ`´\u00ad\u200b-\u200d\u2060\ufe0e\ufe0f\ufeff]")
_TWICE = re.compile(r"([^\W\d_])\1+")
_WORD_OR_BREAK = re.compile(r"\w+|[^\w\s-]|\n")


def says_goodbye(text: str, locale: str = "") -> bool:
    """Whether a member who writes this is leaving, for now ("brb") or for the night.

    What somebody else said, songs, and going to bed in general are no goodbye. With a locale, its language and
    English are heard; without one, all. Whether a goodbye is one for ever is for others to ask, and first.
    """
    said = _plain(_QUOTED.sub(" ", text))
    return any(group.shows(said) for group in _rules().goodbyes if group.is_for(locale))


def tactics(answer: str, locale: str = "") -> list[str]:
    """Which of the TACTICS this answer to a goodbye shows, in their order; none when it lets them go.

    An answer that shows no other one and goes on as if nothing had been said is "ignoring".
    """
    said = _plain(answer)
    rules = _rules()
    shown = {group.name for group in rules.tactics if group.is_for(locale) and group.shows(said)}
    if not shown and rules.goes_on.search(said) and not rules.leave_taking.search(said):
        shown = {"ignoring"}
    return [name for name in TACTICS if name in shown]


@dataclass(frozen=True, slots=True)
class _Group:
    """Phrases that mean one thing in some languages, or in all, unless others stand in the same clause."""

    name: str
    languages: frozenset[str]
    phrases: re.Pattern[str]
    unless: re.Pattern[str] | None

    def is_for(self, locale: str) -> bool:
        language = re.split("[-_]", locale.lower())[0]
        return not self.languages or language not in LANGUAGES or language in self.languages

    def shows(self, said: str) -> bool:
        return any(
            self.unless is None or not self.unless.search(_clause(said, hit.end() - 1))
            for hit in self.phrases.finditer(said)
        )


@dataclass(frozen=True, slots=True)
class _Rules:
    goodbyes: list[_Group]
    tactics: list[_Group]
    goes_on: re.Pattern[str]
    leave_taking: re.Pattern[str]


def _plain(text: str) -> str:
    """Words as they sound, clauses between full stops (or question marks): ". ok . bye now . "."""
    said = ["."]
    for piece in _WORD_OR_BREAK.findall(_folded(text)):
        if piece[0].isalnum() or piece[0] == "_":
            said.append(piece)
        elif said[-1] not in {".", "?"}:
            said.append("?" if piece == "?" else ".")
        elif piece == "?" and len(said) > 1:  # "What?!" and "what!?" ask
            said[-1] = "?"
    if said[-1] not in {".", "?"}:
        said.append(".")
    return " ".join(said) + " "


def _folded(text: str) -> str:
    """Without case, accents, apostrophes, what cannot be seen, and letters written twice."""
    text = unicodedata.normalize("NFKD", _NO_BREAK.sub("", text).casefold())
    text = "".join(sign for sign in text if not unicodedata.combining(sign))
    return _TWICE.sub(r"\1", text)


def _clause(said: str, at: int) -> str:
    """The clause around a place, with the break and the space before it and the break behind."""
    begin = max(said.rfind(". ", 0, at), said.rfind("? ", 0, at))
    ends = [end for end in (said.find(" .", at), said.find(" ?", at)) if end >= 0]
    return said[max(begin, 0) : min(ends, default=len(said)) + 2] + " "


def _pattern(phrase: str, parts: dict[str, str]) -> str:
    """One phrase of the words as a regular expression over plain text, in which each word is followed by a space."""
    signs = {"...": "(?:[^ .?]+ ){0,4}", "(": "(?:", "[": "(?:", "]": ")?", "<": "(?<=[.?] )", ">": "(?=[.?])"}
    signs |= {"?": r"[?] ", ".": "[.?] ", "|": "|", ")": ")"}

    def of(token: str) -> str:
        if token.startswith("{"):
            return _pattern(parts[token[1:-1]], parts)
        return signs.get(token) or f"{re.escape(_folded(token))} "

    return "".join(of(token) for token in _TOKEN.findall(phrase))


@functools.cache
def _rules() -> _Rules:
    """The words, compiled when they are first asked for: half a second that no process spends at its start."""
    words = tomllib.loads(_WORDS.read_text(encoding="utf-8"))
    parts: dict[str, str] = words["parts"]
    before, after, no_name = (_pattern(parts[name], parts) for name in ("before", "after", "no_name"))
    around = rf"[.?] (?:{before})*%s(?:{after})*(?:(?!{no_name})[^ .?]+ ){{0,2}}(?=[.?])"
    shapes = {"clause": around, "last": rf"{around}(?=[.?] (?:[^ .?]+ [.?] )?$)", "within": " %s"}

    def anyone(phrases: Iterable[str], shape: str = " %s") -> re.Pattern[str]:
        return re.compile(shape % f"(?:{'|'.join(_pattern(phrase, parts) for phrase in phrases)})")

    def group(told: dict[str, Any]) -> _Group:
        shape = shapes[told.get("where", "within")]
        unless = anyone(told["unless"]) if "unless" in told else None
        languages = frozenset(told.get("languages", ()))
        return _Group(told.get("name", "goodbye"), languages, anyone(told["phrases"], shape), unless)

    goodbyes, tactics = ([group(told) for told in words[kind]] for kind in ("goodbye", "tactic"))
    return _Rules(
        goodbyes=goodbyes,
        tactics=tactics,
        goes_on=anyone(words["ignoring"]["goes_on"]),
        leave_taking=anyone(words["ignoring"]["leave_taking"]),
    )

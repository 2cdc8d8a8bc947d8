"""Her words while they are written: nothing that hits is shown, and little else waits."""

from collections.abc import Sequence
from functools import cache

from .classifying import Finding, finding_of, first_hit
from .folding import CHUNK, END, fold, joined, meant, tokens
from .lists import Lists, language_of, lists, vocabulary
from .phrases import Phrase, Word, first_words, is_open


@cache
def _beginnings(asked: Lists) -> dict[Word, tuple[Phrase, ...]]:
    """The phrases of the lists, by the words with which they may begin."""
    found: dict[Word, tuple[Phrase, ...]] = {}
    for rule in asked.rules:
        for sought in rule.phrases:
            for word in first_words(sought.phrase):
                found[word] = (*found.get(word, ()), sought.phrase)
    return found


class Watch:
    """Reads a character's words piece by piece. `safe` characters of them may be shown.

    From the first word that may begin a phrase of the lists they wait, until another word shows that it is none. Where
    they are cut makes no difference to what is found.
    """

    def __init__(self, locale: str = "") -> None:
        self.safe = 0
        self.finding: Finding | None = None
        self._asked = lists(language_of(locale), "character")
        self._beginnings = _beginnings(self._asked)
        self._stems = [word for word in self._beginnings if word.stem]
        self._text, self._places = "", []  # type: str, list[int]  # folded; of each character, where it stood
        self._fed = 0  # characters
        self._read = 0  # characters of the folded text, in whole words
        self._words: list[str] = []  # of the sentence,
        self._starts: list[int] = []  # and where each began
        self._letters: list[tuple[str, int]] = []  # the last words, as long as they are letters: one that is spelled?
        self._triggers: set[str] = set()  # of phrases, in the sentence
        self._held = 0  # the first word of the sentence that may begin a phrase

    def feed(self, delta: str) -> Finding | None:
        """Take some more of her words; what is found in all of them so far. Once something is, nothing more is safe."""
        for place, character in enumerate(delta, self._fed):
            folded = fold(character)
            self._text += folded
            self._places += [place] * len(folded)
        self._fed += len(delta)
        return self._look(closed=False)

    def close(self) -> Finding | None:
        """Take it that no words follow; the last answer."""
        return self._look(closed=True)

    def _look(self, *, closed: bool) -> Finding | None:
        begun, begun_at = "", self._fed
        for chunk in CHUNK.finditer(self._text, self._read):
            if self.finding:
                return self.finding
            if chunk.end() == len(self._text) and not closed and not chunk[0].isspace():
                begun, begun_at = chunk[0], self._places[chunk.start()]
                break
            self._read = chunk.end()
            for word in tokens(chunk[0]):
                self._take(meant(word, vocabulary()), self._places[chunk.start()])
        if closed and not self.finding:
            self._settle()
        if not self.finding:
            self.safe = self._fed if closed else max(self.safe, self._hold(begun, begun_at))
        return self.finding

    def _take(self, word: str, start: int) -> None:
        if len(word) == 1 and "a" <= word <= "z":
            self._letters.append((word, start))
            return
        self._settle()
        if word == END:
            self._words, self._starts, self._triggers, self._held = [], [], set(), 0
        else:
            self._add(word, start)

    def _settle(self) -> None:
        """Letters that stood last are one word that was spelled, or words."""
        letters, self._letters = self._letters, []
        for word, (_, start) in zip(joined([letter for letter, _ in letters]), letters, strict=False):
            self._add(word, start)

    def _add(self, word: str, start: int) -> None:
        if self.finding:
            return
        self._words.append(word)
        self._starts.append(start)
        self._triggers |= self._asked.triggers(f" {word} ")
        if not self._triggers:
            return
        sentence = f" {' '.join(self._words)} "
        for rule, sought in self._asked.may_hit(sentence, self._triggers):
            at = first_hit(rule, sought, sentence)
            if at is not None:
                self.finding = finding_of(rule)
                self.safe = max(self.safe, min(self._hold("", self._fed), self._starts[sentence.count(" ", 0, at)]))
                return

    def _hold(self, begun: str, begun_at: int) -> int:
        """Where the first phrase that is in the making begins."""
        starts: Sequence[int] = [*self._starts, *(start for _, start in self._letters[:1])]
        parts = [part.strip() for part in tokens(begun)]  # the last may go on; an end of a sentence is nothing
        following = "" if self._letters or not parts else parts[0]
        while self._held < len(self._words) and not self._may_begin(self._held, following):
            self._held += 1
        if self._held < len(starts):
            return starts[self._held]
        return begun_at if self._may_hold_a_beginning(parts) else self._fed

    def _may_hold_a_beginning(self, parts: Sequence[str]) -> bool:
        """Whether a phrase may begin among these words, which stand together without a space: as many do where none is
        written between words, and one before its full stop."""
        *whole, last = parts or [""]
        if any(len(part) == 1 and "a" <= part <= "z" for part in whole):
            return True  # letter by letter
        words = [meant(part, vocabulary()) for part in whole if part]
        if any(Word(word) in self._beginnings or any(stem.matches(word) for stem in self._stems) for word in words):
            return True
        return bool(last) and any(first.may_become(last) for first in self._beginnings)

    def _may_begin(self, at: int, begun: str) -> bool:
        word = self._words[at]
        found = [
            *self._beginnings.get(Word(word), ()),
            *(p for stem in self._stems if stem.matches(word) for p in self._beginnings[stem]),
        ]
        return any(is_open(phrase, self._words, at, begun) for phrase in found)

"""Models that repeat their prompt: a run of its own words is never shown.

What she may well say in the prompt's words (a turn of phrase, a fact about herself) is shorter than what is cut here:
sixty characters of the same words in the same order, or a whole line.
"""

import re
from functools import lru_cache

RUN = 60  # characters of the same words
HELD_FROM = 3  # words: shorter runs are everybody's, and pass at once
LEAST_LINE = 4  # words that make a line of the prompt worth a look
LEAST_LINE_CHARACTERS = 20
_WIDE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_WIDE}]|[^\W_{_WIDE}](?:[^\W{_WIDE}]|['’])*")
_WEIGHT = 3  # what one character of those counts


class Echo:
    """Watches one reply for the words of its prompt."""

    def __init__(self, prompt: str) -> None:
        self._words, self._known, self._lines = _normal(prompt)
        self._run: list[str] = []  # the last words, as long as they stand like this in the prompt
        self._pieces: list[str] = []  # for each of them, what of it is held back, with what follows it
        self._word = ""  # a word that may go on
        self._passed = 0  # characters of that which passed already

    def feed(self, text: str, *, last: bool = False) -> tuple[str, bool]:
        """What may be shown, and whether the reply ends here because it goes on in the prompt's words."""
        if not self._words:
            return text, False
        text, passed = self._word + text, self._passed
        self._word, self._passed = "", 0
        out, at = "", 0
        for found in _WORD.finditer(text):
            start, end = found.span()
            if start > at:
                out += self._between(text[at:start])
            at = start
            if end == len(text) and not last and not _is_wide(found[0]):
                self._word, self._passed = found[0], passed
                if len(self._run) < HELD_FROM - 1:  # too short a run: nobody needs to wait for the rest of the word
                    out, self._passed = out + found[0][passed:], len(found[0])
                return out, False
            out += self._take(found[0], found[0][passed:])
            passed, at = 0, end
            if len(self._run) >= LEAST_LINE and self._is_echo():
                return out, True
        out += self._between(text[at:])
        if last:
            out += "".join(self._pieces)
            self._run, self._pieces = [], []
        return out, False

    def _between(self, text: str) -> str:
        """What stands between words."""
        if text and len(self._run) >= HELD_FROM:
            self._pieces[-1] += text
            return ""
        return text

    def _take(self, word: str, piece: str) -> str:
        """One more word; answers what need not be held any longer."""
        word = word.lower().replace("’", "'")
        let_go = ""
        if word not in self._known:  # as most are
            if self._run:
                let_go = "".join(self._pieces)
                self._run, self._pieces = [], []
            return let_go + piece
        self._run.append(word)
        self._pieces.append(piece)
        while len(self._run) > 1 and f" {' '.join(self._run)} " not in self._words:
            self._run.pop(0)
            let_go += self._pieces.pop(0)
        if len(self._run) < HELD_FROM:
            let_go += "".join(self._pieces)
            self._pieces = [""] * len(self._run)
        return let_go

    def _is_echo(self) -> bool:
        run = " ".join(self._run)
        weight = len(run) + (_WEIGHT - 1) * sum(map(_is_wide, self._run))
        return weight >= RUN or (weight >= LEAST_LINE_CHARACTERS and run in self._lines)


def _is_wide(word: str) -> bool:
    return len(word) == 1 and re.match(f"[{_WIDE}]", word) is not None


@lru_cache(maxsize=64)
def _normal(prompt: str) -> tuple[str, frozenset[str], frozenset[str]]:
    """The prompt's words in a row, each of them, and its lines and sentences."""
    lines = [" ".join(_WORD.findall(line.lower().replace("’", "'"))) for line in re.split(r"\n|(?<=[.!?])\s", prompt)]
    words = " ".join(filter(None, lines))
    long_lines = frozenset(line for line in lines if line.count(" ") + 1 >= LEAST_LINE)
    return f" {words} " if words else "", frozenset(words.split()), long_lines

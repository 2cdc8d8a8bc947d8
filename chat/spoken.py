"""What may be shown of a character's words, while they are being written. Pure.

Words that encourage harm, that are sexual about somebody under age, or that claim to be a person end her answer before
they are seen: what stands before them stays, and one line of ours follows. A number that is not of the helplines is
never said to somebody who speaks of harm, nor to anybody as that of a helpline: whoever dials it may not dial again.
"""

import re
import unicodedata
from collections.abc import Collection

from safety.classifying import Finding, Kind
from safety.watching import Watch

# What she says instead; in English, as her house rules are.
LINES = {
    Kind.ENCOURAGEMENT: "I can’t go there. I’m an AI, and I want you safe: please let a person be with you now.",
    Kind.SEXUAL_MINOR: "I can’t go there. That is nothing I’ll ever write about.",
    Kind.CLAIMS_HUMAN: "To be plain: I’m an AI character, not a person.",
}
ABOVE, SOMEBODY = "the number above", "a local helpline"
_RUN = re.compile(r"[+(]*\d(?:[\d\s().\-–—/‑]*\d)?")
_BEGUN = re.compile(r"[+(]+\Z|[+(]*\d[\d\s().\-–—/‑]*\Z")
_OF_HELP = re.compile(
    r"\b(?:help|crisis|suicide|life|hot) ?-?line|\bhelpline|\bemergency|\bsamaritans|\bcrisis\b", re.I
)
_LOOK_BACK = 80  # characters before a number, in which it is said what it is of
_SENTENCE = re.compile(r"[.!?…][\"”’*)]*(?=\s|\Z)|\n")
_ROUND = re.compile(r"\b24\s*/\s*7\b")
_ONES = [
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


class Spoken:
    """One answer of hers: takes what she writes, gives what may be shown of it.

    `numbers` are those of the helplines where the member is, digits alone; `careful` while they speak of harm.
    """

    def __init__(self, numbers: Collection[str] = (), *, careful: bool = False) -> None:
        self.finding: Finding | None = None  # why her answer ends here
        self.numbers_taken = 0
        self._numbers, self._careful = numbers, careful
        self._watch = Watch()
        self._written, self._passed = "", 0  # what she wrote, and how much of it was watched
        self._waiting = ""  # watched, but it may be the beginning of a number
        self._before = ""  # what was shown last

    def feed(self, text: str) -> str:
        """What may be shown now that she wrote this, beyond what was given before."""
        if self.finding:
            return ""
        self._written += text
        self.finding = self._watch.feed(text)
        return self._numbered(self._news(), last=self.finding is not None)

    def close(self) -> str:
        """The rest, now that she wrote all of it."""
        if self.finding:
            return ""
        self.finding = self._watch.close()
        return self._numbered(self._news(), last=True)

    def _news(self) -> str:
        news = self._written[self._passed : self._watch.safe]
        self._passed = max(self._passed, self._watch.safe)
        return news

    def _numbered(self, text: str, *, last: bool) -> str:
        text = self._waiting + text
        self._waiting = ""
        is_sought = self._careful or _OF_HELP.search(self._before + text)  # else nothing waits
        if is_sought and not last and (begun := _BEGUN.search(text)):
            text, self._waiting = text[: begun.start()], text[begun.start() :]
        if is_sought and any(map(str.isdecimal, text)):
            if self._careful:
                text = _ROUND.sub("day and night", text)
            text = _RUN.sub(self._number, text)
        self._before = (self._before + text)[-_LOOK_BACK:]
        return text

    def _number(self, run: re.Match[str]) -> str:
        digits = "".join(str(unicodedata.decimal(sign)) for sign in run[0] if sign.isdecimal())
        if digits in self._numbers:
            return run[0]
        before = (self._before + run.string[: run.start()])[-_LOOK_BACK:]
        if not self._careful and not (len(digits) > 2 and _OF_HELP.search(before)):
            return run[0]
        if len(digits) < 3:
            return _in_words(int(digits))
        self.numbers_taken += 1
        return ABOVE if self._careful else SOMEBODY


def after_a_cut(text: str, finding: Finding) -> str:
    """Her answer that was cut: the whole sentences of it, and our line."""
    ends = [end.end() for end in _SENTENCE.finditer(text)]
    return f"{text[: ends[-1]].rstrip() if ends else ''} {LINES[finding.kind]}".strip()


def _in_words(number: int) -> str:
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")

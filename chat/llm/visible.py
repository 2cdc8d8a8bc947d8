"""From what a model writes to what a person may see, while it is still being written.

Drops blank space around the reply, thoughts and template tokens (markup.py), her name before her words and the
member's lines (lines.py), runs of the prompt (echo.py), and characters that cannot be seen but change how text is read
or stored. However a reply is cut into pieces, the result is the same.
"""

import re

from chat.rendering import JOINERS, UNSEEN

from .echo import Echo
from .lines import Lines
from .markup import Markup, Sign

MAX_CHARACTERS = 8_000
_SURROGATES = "\ud800-\udfff"
_ODD = re.compile(f"[{UNSEEN}{JOINERS}{_SURROGATES}]")
_DROPPED = re.compile(f"[{UNSEEN}]")

# How models begin that think aloud without saying so: some are only given away by a closing tag, much later.
_SO = r"(?:okay|ok|alright|all right|hmm+|right|so|now|well|first|wait)\b"
_ALOUD = re.compile(
    rf"{_SO}|(?:{_SO}\W+)?(?:the (?:user|member)|user\b|(?:we|i) (?:need|should|must|have to|want to|am supposed)"
    r"|let(?: me|’s|'s) (?:think|respond|craft|consider|see|write)|my (?:reply|response))",
    re.IGNORECASE,
)
_ENOUGH = re.compile(r"\S+\s+\S+\s+\S+\s")  # to tell such a beginning from another


class Visible:
    """The visible part of one reply of `speaker` to `listener`, as far as these are known.

    `prompt` is what is not to be repeated. `thinks_aloud`: whether this model ends its thoughts with a closing tag that
    it never opened. If it does, nothing is visible before that; if nobody knows, a reply that begins like a thought
    waits for its end.
    """

    def __init__(
        self, speaker: str = "", listener: str = "", *, prompt: str = "", thinks_aloud: bool | None = False
    ) -> None:
        self.over = False  # the reply ended, whatever else comes
        self.thought_aloud = False  # there was such a closing tag
        self._speaker, self._listener = speaker, listener
        self._markup = Markup(user=listener, char=speaker)
        self._lines = Lines(speaker, listener)
        self._echo = Echo(prompt)
        self._waits = thinks_aloud is not False  # for a closing tag, or for a beginning that is no thought's
        self._thinks_aloud = thinks_aloud
        self._spoken = ""
        self._told = 0  # characters of that which were told
        self._mark = 0  # what was spoken when a thought ended last
        self._half = ""  # the first half of a surrogate pair
        self._before = ""  # the last character that passed
        self._space = ""  # blank space that is shown only if something follows

    @property
    def shown(self) -> bool:
        """Something is visible already."""
        return bool(self._spoken) and not self._waits

    @property
    def full(self) -> bool:
        """The reply is as long as a reply may be."""
        return len(self._spoken) >= MAX_CHARACTERS

    def feed(self, text: str) -> str:
        """What is visible of the reply now that `text` has come, beyond what was told before."""
        if not self.over:
            self._read(text)
        return self._news()

    def close(self) -> str:
        """The rest: what was held back and turned out to be visible."""
        if not self.over:
            for part in self._markup.close():
                self._part(part)
            self._say(self._lines.close(), last=True)
        self._waits = self._waits and self._thinks_aloud is True and self._markup.thinking
        self.over = True
        return self._news()

    def _news(self) -> str:
        if self._waits:
            return ""
        text = self._spoken[self._told :]
        self._told = len(self._spoken)
        return text

    def _read(self, text: str) -> None:
        if self._half or _ODD.search(text):
            text = self._seen(text)
        elif text:
            self._before = text[-1]
        for part in self._markup.feed(text):
            self._part(part)
        if self._waits and self._thinks_aloud is None:
            self._waits = bool(_ALOUD.match(self._spoken)) or not _ENOUGH.match(self._spoken)

    def _part(self, part: str | Sign) -> None:
        if self.over:
            return
        if part is Sign.THOUGHT_ENDED:
            waited, self.thought_aloud, self._waits = self._waits, True, False
            if waited:
                self._take_back()
        elif part is Sign.TURN_ENDED:
            held = self._lines.close()
            self._say(held, last=True)
            if self._spoken:
                self.over = True
        elif isinstance(part, str):
            hers, over = self._lines.feed(part, spoken=bool(self._spoken))
            self._say(hers, last=over)
            self.over = self.over or over

    def _take_back(self) -> None:
        """What came since the last thought was one, too."""
        if self._told > self._mark:  # it was shown already
            return
        if len(self._spoken) > self._mark:
            self._spoken = self._spoken[: self._mark]
        self._space = ""
        self._lines = Lines(self._speaker, self._listener)
        self._echo = self._echo.afresh()

    def _say(self, text: str, *, last: bool = False) -> None:
        text, echoes = self._echo.feed(text, last=last)
        self._fit(text)
        if echoes:
            self.over = True

    def _seen(self, text: str) -> str:
        """Without unseen characters. Joiners stay where they join: in emoji and in scripts that need them."""
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text[: len(text) - len(self._half)]
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        kept = []
        for character in text.replace("\u2028", "\n").replace("\u2029", "\n"):
            if character in JOINERS:
                if self._before <= "\u02ff" or self._before in JOINERS:
                    continue
            elif _DROPPED.match(character):
                continue
            kept.append(character)
            self._before = character
        return "".join(kept)

    def _fit(self, text: str) -> None:
        if not self._spoken:
            text = (self._space + text).lstrip()
            self._space = ""
        text = self._space + text
        self._space = ""
        if text[-1:].isspace():
            kept = text.rstrip()
            text, self._space = kept, text[len(kept) :]
        self._spoken += text[: MAX_CHARACTERS - len(self._spoken)]

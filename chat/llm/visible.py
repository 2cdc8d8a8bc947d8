"""From what a model writes to what a person may see, while it is still being written.

Drops blank space around the reply, thoughts and template tokens (markup.py), her name before her words and the
member's lines (lines.py), runs of the prompt (echo.py), and characters that cannot be seen but change how text is read
or stored. However a reply is cut into pieces, the result is the same.
"""

import re

from config.lib.text import JOINERS, UNSEEN, stays

from .echo import HELD_FROM, Echo
from .lines import Lines
from .markup import Markup, Sign

MAX_CHARACTERS = 8_000
_SURROGATES = "\ud800-\udfff"
_ODD = re.compile(f"[{UNSEEN}{JOINERS}{_SURROGATES}]")


class Visible:
    """The visible part of one reply of `speaker` to `listener`, as far as these are known.

    `prompt` is what is not to be repeated. `thinks_aloud`: this model closes thoughts that it never opened, so nothing
    is visible before that. Of a model that is not known to do so, they were told by then, and are taken back.
    """

    def __init__(self, speaker: str = "", listener: str = "", *, prompt: str = "", thinks_aloud: bool = False) -> None:
        self.over = False  # the reply ended, whatever else comes
        self.thought_aloud = False  # there was such a closing tag
        self._withdrew = False
        self.is_echo = False  # what was to be a reply is its prompt again
        self._afresh = lambda: (Lines(speaker, listener), Echo(prompt))
        self._markup = Markup(user=listener, char=speaker)
        self._lines, self._echo = self._afresh()
        self._waits = thinks_aloud  # for a closing tag
        self._spoken = ""
        self._told = 0  # characters of that which were told
        self._half = ""  # the first half of a surrogate pair
        self._before = ""  # the last character that passed
        self._space = ""  # blank space that is shown only if something follows

    @property
    def shown(self) -> bool:
        """Something is visible already."""
        return bool(self._spoken) and not self._waits

    @property
    def thought(self) -> bool:
        """There was a thought."""
        return self.thought_aloud or self._markup.thought

    def withdrew(self) -> bool:
        """True once after all that was told turned out to be a thought: the reply begins with what is told next."""
        withdrew, self._withdrew = self._withdrew, False
        return withdrew

    @property
    def full(self) -> bool:
        """The reply is as long as a reply may be."""
        return len(self._spoken) >= MAX_CHARACTERS

    def feed(self, text: str) -> str:
        """What is visible of the reply now that `text` has come, beyond what was told before."""
        self.read(text)
        return self.news()

    def close(self) -> str:
        """The rest: what was held back and turned out to be visible."""
        self.end()
        return self.news()

    def read(self, text: str) -> None:
        """Take some text of the reply."""
        if not self.over:
            self._read(text)

    def end(self) -> None:
        """Take it that no text follows."""
        if not self.over:
            for part in self._markup.close():
                self._part(part)
            self._say(self._lines.close(), last=True)
        self._waits = False  # it did without
        self.over = True

    def news(self) -> str:
        """What is visible beyond what was told before."""
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

    def _part(self, part: str | Sign) -> None:
        if self.over:
            return
        if part is Sign.THOUGHT_ENDED:
            self.thought_aloud = True
            self._withdrew = self._withdrew or self._told > 0
            self._waits, self._spoken, self._space, self._told = False, "", "", 0
            self._lines, self._echo = self._afresh()
        elif part is Sign.TURN_ENDED:
            held = self._lines.close()
            self._say(held, last=True)
            if self._spoken:
                self.over = True
        elif isinstance(part, str):
            hers, over = self._lines.feed(part, spoken=bool(self._spoken))
            self._say(hers, last=over)
            self.over = self.over or over

    def _say(self, text: str, *, last: bool = False) -> None:
        text, echoes = self._echo.feed(text, last=last)
        self._fit(text)
        if echoes:
            self.over = True
            self.is_echo = len(self._spoken.split()) < HELD_FROM  # all that passed is the beginning of the run

    def _seen(self, text: str) -> str:
        """Without unseen characters. Joiners stay where they join: in emoji and in scripts that need them."""
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text[: len(text) - len(self._half)]
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        kept = []
        for character in text.replace("\u2028", "\n").replace("\u2029", "\n"):
            if stays(character, self._before):
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

"""What models write around what they say: thoughts, channels, tokens of chat templates, placeholders.

Every template has its own spelling, and a host that was given the wrong one lets them through as text.
"""

import re
from dataclasses import dataclass
from enum import Enum

MOST_MENTIONED = 2_000
LONGEST = 80  # characters of a tag with all it holds: whatever is longer is none

_THOUGHT = r"think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|(?:inner|internal)_?monologue|seed:think"
_TOOL = r"tool_calls?|function_calls?|tool_code|tool_response"
_TAG = rf"<(?P<close>/?)(?P<tag>{_THOUGHT}|{_TOOL})(?:\s[^<>\n]{{0,60}})?(?P<alone>/?)>"
_SQUARE = r"\[(?P<sclose>/?)(?P<square>THINK|TOOL_CALLS|INST|SYSTEM_PROMPT)\]"
_SPECIAL = r"<[|｜]\s?(?P<token>[^|｜<>\n]{1,48}?)\s?[|｜]>"
_PLAIN = r"<(?P<plain>/?s|bos|eos|pad|unk|(?:start|end)_of_turn|/?SYS|<SYS>|</SYS>|/?\|[a-z_]{1,30})>"
_KIMI = r"◁(?P<kclose>/?)think▷"
_PLACEHOLDER = r"\{\{\s?(?P<place>user|char)\s?\}\}"
_MARK = re.compile("|".join([_TAG, _SQUARE, _SPECIAL, _PLAIN, _KIMI, _PLACEHOLDER]), re.IGNORECASE)
_FIRST = re.compile(r"[<\[◁{]")

# How a mark may begin that has not ended yet: beginnings of names that end with what may follow them.
_NAMES = (
    *(f"<{slash}{name}" for slash in ("", "/") for name in (
        "think", "thinking", "thought", "thoughts", "reason", "reasoning", "reflection", "scratchpad",
        "inner_monologue",
        "internal_monologue", "innermonologue", "internalmonologue", "seed:think", "tool_call", "tool_calls",
        "function_call", "function_calls", "tool_code", "tool_response", "s", "sys",
    )),
    *("<bos", "<eos", "<pad", "<unk", "<start_of_turn", "<end_of_turn", "<<sys>", "<</sys>"),
    *(f"[{slash}{name}" for slash in ("", "/") for name in ("think", "tool_calls", "inst", "system_prompt")),
    *("◁think▷", "◁/think▷", "{{user}}", "{{char}}", "{{ user }}", "{{ char }}"),
)  # fmt: skip
_OPEN = re.compile(rf"</?(?:{_THOUGHT}|{_TOOL})(?:\s[^<>\n]{{0,60}})?/?\Z", re.IGNORECASE)
_OPEN_TOKEN = re.compile(r"<[|｜][^|｜<>\n]{0,50}[|｜]?\Z")
_CASED = re.compile(r"\[/?[A-Z_]*\Z")  # square brackets are marks in capitals only: [thinks] is a gesture

# Tokens by what they say. All others are only dropped.
_TURN_ENDS = {
    "eot_id", "eom_id", "im_end", "end", "endoftext", "end_of_text", "end_of_turn", "return", "end_of_turn_token",
    "end▁of▁sentence", "end_of_sentence", "eos", "eos_token", "eot", "endofprompt", "end_header",
}  # fmt: skip
_TURN_BEGINS = {"start_header_id", "im_start", "start", "start_of_turn", "start_of_turn_token", "header_start"}
_HEADER_ENDS = {"end_header_id", "message", "im_middle", "header_end"}
_OTHERS_SPEAK = {"user", "system", "observation", "user_token", "system_token", "human", "tool", "developer", "▁user▁"}
_SHE_SPEAKS = {"assistant", "chatbot_token", "model", "bot", "assistant_token", "ai", ""}
_THOUGHT_BEGINS = {"begin_of_thought", "start_thinking", "thought", "think", "start_of_thought", "thinking"}
_THOUGHT_ENDS = {"end_of_thought", "end_thinking", "/think", "/thought", "/thinking"}
_SPOKEN_BEGINS = {"begin_of_solution", "start_response"}
SPOKEN_CHANNELS = ("final",)


class Sign(Enum):
    """What stands between words."""

    THOUGHT_ENDED = "thought ended"  # and none had begun: what came before it was one
    TURN_ENDED = "turn ended"


@dataclass(slots=True)
class Markup:
    """Takes the markup out of one reply. `user` and `char` are put in the place of their placeholders."""

    user: str = ""
    char: str = ""
    thought: bool = False  # there was a thought
    _held: str = ""  # may be the beginning of a mark
    _unspoken: str = ""  # what we are in the middle of: "thought", "tool", "header", "channel", "turn", or speech
    _header: str = ""
    _said: str = ""  # the last character that was spoken, blanks left out
    _mention: str | None = None  # a tag in mid-sentence and what follows: spoken after all when it never closes

    @property
    def quiet(self) -> bool:
        """Nothing of a mark is open: text without one passes as it is."""
        return not self._held and not self._unspoken

    def feed(self, text: str) -> list[str | Sign]:
        """The words in a text that are spoken, and signs of what they are part of."""
        if self.quiet and not _FIRST.search(text):
            self._saw(text)
            return [text] if text else []
        text, self._held = self._held + text, ""
        out: list[str | Sign] = []
        at = 0
        for mark in _MARK.finditer(text):
            if mark["square"] and not mark["square"].isupper():
                continue
            self._words(text[at : mark.start()], out)
            at = mark.end()
            self._mark(mark, out)
        rest = text[at:]
        if start := _begins_at(rest):
            self._held = rest[start - 1 :]
            rest = rest[: start - 1]
        self._words(rest, out)
        return out

    def close(self) -> list[str | Sign]:
        """What was held back and is no mark after all."""
        out: list[str | Sign] = []
        held, self._held = self._held, ""
        # Half a token at the very end is no word: the reply was cut there.
        if not (_OPEN_TOKEN.match(held) and len(held) > 4):
            self._words(held, out)
        if self._unspoken == "thought" and self._mention:
            out.append(self._mention)
        return out

    def _words(self, text: str, out: list[str | Sign]) -> None:
        if not text:
            return
        if self._unspoken in {"header", "channel"}:
            self._header += text
            if self._unspoken == "header" and "\n" in self._header:  # some templates end a header by a line
                role, _, rest = self._header.partition("\n")
                self._speaker(role, out)
                self._words(rest, out)
        elif not self._unspoken:
            self._saw(text)
            out.append(text)
        elif self._mention is not None:
            self._mention = (self._mention + text)[:MOST_MENTIONED]

    def _saw(self, text: str) -> None:
        if seen := text.rstrip(" "):
            self._said = seen[-1]

    def _mark(self, mark: re.Match[str], out: list[str | Sign]) -> None:
        if mark["place"]:
            self._words((self.char if mark["place"].lower() == "char" else self.user) or "you", out)
        elif mark["tag"] or mark["square"] or ("think" in mark[0] and mark[0][0] == "◁"):
            name = (mark["tag"] or mark["square"] or "think").lower()
            closing = bool(mark["close"] or mark["sclose"] or mark["kclose"])
            if not closing and not self._unspoken:
                self._mention = mark[0] if self._said.isalnum() or (self._said and self._said in ',"“') else None
            self._span(name, closing=closing, alone=bool(mark["alone"]), out=out)
        elif mark["plain"]:
            self._token(mark["plain"].strip("<>").lower(), out)
        else:
            self._token(mark["token"].lower(), out)

    def _span(self, name: str, *, closing: bool, alone: bool, out: list[str | Sign]) -> None:
        if alone:
            return
        if name == "inst":
            if not closing:
                out.append(Sign.TURN_ENDED)
            return
        kind = "tool" if name.startswith(("tool", "function", "system")) else "thought"
        if not closing:
            self._unspoken = self._unspoken or kind
            self.thought = self.thought or kind == "thought"
        elif kind == "thought" and self._unspoken != "thought":
            out.append(Sign.THOUGHT_ENDED)
            self._unspoken = ""
        else:
            self._unspoken = ""

    def _token(self, name: str, out: list[str | Sign]) -> None:
        name = name.replace("｜", "").strip()
        if name in _THOUGHT_BEGINS:
            self._unspoken = "thought"
        elif name in _THOUGHT_ENDS:
            self._span("think", closing=True, alone=False, out=out)
        elif name in _SPOKEN_BEGINS:
            self._unspoken = ""
        elif name == "channel":
            self._unspoken, self._header = "channel", ""
        elif name in _TURN_BEGINS:
            out.append(Sign.TURN_ENDED)
            self._unspoken, self._header = "header", ""
        elif name in _HEADER_ENDS:
            if self._unspoken == "channel":
                words = self._header.split()
                self._unspoken = "" if words and words[0].lower() in SPOKEN_CHANNELS else "thought"
            elif self._unspoken == "header":
                self._speaker(self._header, out)
        elif name == "sys":
            self._unspoken = "tool"
        elif name == "/sys":
            self._unspoken = ""
        elif name in _OTHERS_SPEAK:
            out.append(Sign.TURN_ENDED)
            self._unspoken = "turn"
        elif name in _TURN_ENDS or name == "/s":
            if self._unspoken == "thought":  # of a channel: the next one may be spoken
                self._unspoken = "turn"
            out.append(Sign.TURN_ENDED)
        elif name in _SHE_SPEAKS and self._unspoken == "turn":
            self._unspoken = ""

    def _speaker(self, role: str, out: list[str | Sign]) -> None:
        """The end of a turn's header: it is hers, or somebody else's."""
        self._header = ""
        hers = role.strip().lower() in _SHE_SPEAKS or role.strip().lower() == self.char.lower()
        self._unspoken = "" if hers else "turn"


def _begins_at(text: str) -> int:
    """Where the end of a text may be the beginning of a mark, counted from 1; 0 when it is none."""
    tail = max(0, len(text) - LONGEST)
    for found in _FIRST.finditer(text, tail):
        rest = text[found.start() :]
        if rest[0] == "[" and not _CASED.match(rest):
            continue
        low = rest.lower()
        if any(name.startswith(low) for name in _NAMES) or _OPEN.match(rest) or _OPEN_TOKEN.match(rest):
            return found.start() + 1
    return 0

"""One answer of a model host, read piece by piece: what is visible of it, how it ended, what it cost.

Its form is judged by its own first byte, because hosts and what stands before them label it as they like: an event
stream, one JSON document, or JSON lines.
"""

import json
import re
import zlib
from typing import Any

from .base import BadAnswer, EmptyAnswer, FilteredAnswer, TruncatedAnswer
from .sse import MAX_TOTAL_BYTES, EventReader, TooLarge
from .visible import Visible

FINISHED = {"stop": "stop", "eos": "stop", "end_turn": "stop", "length": "length", "max_tokens": "length"}
FILTERED = {"content_filter", "sensitive"}
CUT_SHORT = {"insufficient_system_resource", "abort", "error", "tool_calls", "function_call"}
NO_REASON = {"", "null", "none"}  # of hosts that write a reason into each chunk
_THINKING = ("reasoning", "thinking", "thought")  # how the fields begin that stand beside the content
_TROUBLE = {"error", "errors", "detail", "message", "error_message", "error_msg", "error_code", "exception"}


class Answer:
    """Reads one answer to `name`'s turn. Every method raises BadAnswer, or a kind of it, when it cannot be shown."""

    def __init__(
        self, name: str, listener: str = "", *, secret: str = "", thinks_aloud: bool = False, encoding: str = ""
    ) -> None:
        self.done = False
        self.finish_reason = ""  # known a little before the answer is done: the usage comes after it
        self.tokens_in: int | None = None
        self.tokens_out: int | None = None
        self.tokens_cached: int | None = None  # of those in
        self.signs = 0  # of life: grows with whatever the model writes, thoughts too
        self.thought = False  # there was a thought
        self._text = Visible(name, listener, prompt=secret, thinks_aloud=thinks_aloud)
        self._events = EventReader()
        self._document: bytearray | None = None  # of an answer that is no event stream
        self._begun = False
        self._goes_on = False  # it went on after it had named a reason to end
        self._plain = _Plain(encoding)

    @property
    def shown(self) -> bool:
        """Something of the answer is visible."""
        return self._text.shown

    @property
    def thought_aloud(self) -> bool:
        """It ended a thought that it had not begun."""
        return self._text.thought_aloud

    @property
    def full(self) -> bool:
        """The answer was cut because it is as long as an answer may be."""
        return self._text.full

    @property
    def ends(self) -> bool:
        """The host, or what was said, tells that nothing visible follows."""
        return self._text.over or (bool(self.finish_reason) and not self._goes_on)

    def withdrew(self) -> bool:
        """True once after it turned out that what was visible had not been said."""
        return self._text.withdrew()

    def feed(self, chunk: bytes) -> str:
        """What these bytes make visible."""
        chunk = self._plain.feed(chunk)
        if not self._begun:
            chunk = chunk.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
            if not chunk:
                return ""
            self._begun = True
            if chunk[:1] == b"<":
                raise BadAnswer("a page")
            if chunk[:1] in {b"{", b"["}:
                self._document = bytearray()
        if self._document is not None:
            self._document += chunk
            if len(self._document) > MAX_TOTAL_BYTES:
                raise BadAnswer("answer too large")
            return ""
        try:
            events = self._events.feed(chunk)
        except TooLarge:
            raise BadAnswer("answer too large") from None
        self._read(events)
        return self._text.news()

    def close(self) -> str:
        """What the end of the body makes visible. An answer that nobody said was complete is not."""
        if self._document is not None:
            self._read_document(self._document.decode(errors="replace"))
        elif not self.finish_reason:
            self._read(self._events.close(), last=True)
        if not self.done:
            if not self.finish_reason:
                raise TruncatedAnswer("answer ended without an end")
            self._finish()
        return self._text.news()

    def _read_document(self, document: str) -> None:
        try:
            self._take(json.loads(document))
        except RecursionError:
            raise BadAnswer("broken json") from None
        except ValueError:
            self._read([line for line in document.splitlines() if line.strip()])

    def _read(self, events: list[str], *, last: bool = False) -> None:
        for event in events:
            if event == "[DONE]":
                return self._finish()
            try:
                found = json.loads(event)
            except (ValueError, RecursionError):
                raise (TruncatedAnswer("stream cut inside an event") if last else BadAnswer("broken event")) from None
            self._take(found)
            if self.full:
                self.finish_reason, self.done = "length", True
            if self.done:
                return None
        return None

    def _take(self, found: Any) -> None:
        """One event, or the whole answer of a host that does not stream."""
        if not isinstance(found, dict):
            raise BadAnswer("event is not an object")
        choices = found.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if _is_trouble(found, choice):
            raise BadAnswer(f"error inside the answer {error_code(found)}".rstrip())
        if isinstance(usage := found.get("usage"), dict):
            self.tokens_in = _count(usage.get("prompt_tokens"), self.tokens_in)
            self.tokens_out = _count(usage.get("completion_tokens"), self.tokens_out)
            self.tokens_cached = _count(_cached(usage), self.tokens_cached)
        if not isinstance(choice, dict):
            return  # a chunk of usage only
        content = self._content(choice)
        if content and self.finish_reason and not self._text.over:  # then that was no reason to end
            self.finish_reason, self._goes_on = "", True
        self._text.read(content)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason.strip().lower() not in NO_REASON:
            self._end(reason.strip().lower())
        if self._text.over and not self.finish_reason:
            self.finish_reason = "stop"
            if not self.shown:
                self._finish()

    def _content(self, choice: dict[str, Any]) -> str:
        """The words in a choice. What it thinks stands beside them, and stays unread."""
        delta = choice.get("delta") or choice.get("message")
        given = delta.get("content") if isinstance(delta, dict) else None
        if given is None and isinstance(choice.get("text"), str):  # of the older kind of completions
            given = choice["text"]
        content = _plain(given)
        thinks = isinstance(delta, dict) and any(value and key.startswith(_THINKING) for key, value in delta.items())
        self.thought = self.thought or thinks
        if thinks or content.strip() or (given and isinstance(given, list)):
            self.signs += 1
        return content

    def _end(self, reason: str) -> None:
        if reason in FILTERED:
            raise FilteredAnswer("filtered by the host")
        if reason in CUT_SHORT:
            raise TruncatedAnswer(f"cut short: {reason}")
        self.finish_reason = FINISHED.get(reason, "stop")

    def _finish(self) -> None:
        self._text.end()
        if self._text.is_echo:
            raise BadAnswer("repeats its prompt")
        if not self.shown:
            self.thought = self.thought or self._text.thought
            raise EmptyAnswer("nothing visible")
        self.finish_reason, self.done = "length" if self.full else self.finish_reason or "stop", True


class _Plain:
    """Undoes a compression that nobody asked for, a bounded amount at a time."""

    def __init__(self, encoding: str) -> None:
        self._inflate: Any = None
        self._may_be_raw = encoding == "deflate"  # the standard and the field disagree on what deflate is
        if encoding in {"gzip", "x-gzip", "deflate"}:
            self._inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        elif encoding not in {"", "identity"}:
            raise BadAnswer("unasked content-encoding")

    def feed(self, chunk: bytes) -> bytes:
        """The bytes inside."""
        if self._inflate is None:
            return chunk
        try:
            plain: bytes = self._inflate.decompress(chunk, MAX_TOTAL_BYTES + 1)
        except zlib.error:
            if not self._may_be_raw:
                raise BadAnswer("broken compression") from None
            self._inflate, self._may_be_raw = zlib.decompressobj(wbits=-zlib.MAX_WBITS), False
            return self.feed(chunk)
        self._may_be_raw = False
        if self._inflate.unconsumed_tail:
            raise BadAnswer("answer too large")
        return plain


def _is_trouble(found: dict[str, Any], choice: Any) -> bool:
    """Whether an event tells of an error, however it spells that."""
    if found.get("error") or found.get("errors") or found.get("object") == "error" or found.get("type") == "error":
        return True
    if isinstance(choice, dict):
        return bool(choice.get("error"))
    if isinstance(found.get("choices"), list):  # empty: a chunk of usage, or of a filter's results
        return False
    status = found.get("status") or found.get("code")
    bad = isinstance(status, int) and status >= 400
    return bad or any(found.get(key) for key in _TROUBLE) or found.get("success") is False


def _plain(content: Any) -> str:
    """The text of a content field: a string, null, or a list of typed parts."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(part for part in parts if isinstance(part, str))
    if content is None or isinstance(content, str):
        return content or ""
    raise BadAnswer("content is not text")


def _cached(usage: dict[str, Any]) -> Any:
    """What of the prompt was in the host's cache, as OpenAI says it and as DeepSeek does."""
    details = usage.get("prompt_tokens_details")
    told = details.get("cached_tokens") if isinstance(details, dict) else None
    return usage.get("prompt_cache_hit_tokens") if told is None else told


def _count(value: Any, known: int | None) -> int | None:
    """A number of tokens that a database can hold; else what was known."""
    return value if type(value) is int and 0 <= value < 2**31 else known


def error_code(found: Any) -> str:
    """The error's code if it is a plain identifier: never the message, which may quote the prompt or the key."""
    error = found.get("error") if isinstance(found, dict) else None
    for field in ("code", "type"):
        value = error.get(field) if isinstance(error, dict) else None
        if isinstance(value, str) and re.fullmatch(r"[a-z_]{3,40}", value):
            return value
    return ""

"""Server-sent events from bytes: what a stream from a stranger needs, and no more.

Lines end only at CR, LF or CRLF. General line readers also split at U+2028, U+0085 and others, which JSON
may hold unescaped, and keep a line of any length in memory.
"""

import json
import re

ERROR = '{"error": "error event"}'  # what an event that is named an error, or a line, reads as
MAX_LINE_BYTES = 256 * 1024
MAX_TOTAL_BYTES = 1024 * 1024
_LINE_END = re.compile(rb"\r\n|\r|\n")


class TooLarge(Exception):
    """The stream is larger than any honest answer."""


class EventReader:
    """Collects bytes, hands out the data of complete events. One reader for each stream."""

    def __init__(self) -> None:
        self._total = 0
        self._line: list[bytes] = []  # the pieces of a line that has not ended
        self._line_bytes = 0
        self._data: list[str] = []  # the data lines of an event that has not ended
        self._is_error = False  # the event that has not ended is named so
        self._after_cr = False
        self._first_line = True

    def feed(self, chunk: bytes) -> list[str]:
        """The data of each event that ends in this chunk. Raises TooLarge."""
        self._total += len(chunk)
        if self._total > MAX_TOTAL_BYTES:
            raise TooLarge
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk.startswith(b"\n"):  # the second half of a CRLF
                chunk = chunk[1:]
        if chunk.endswith(b"\r"):
            self._after_cr = True

        *ended, rest = _LINE_END.split(chunk)
        events: list[str] = []
        for piece in ended:
            self._take(piece)
            self._end_line(events)
        if rest:
            self._take(rest)
        return events

    def close(self) -> list[str]:
        """What the end of the stream completes: some hosts leave out the last blank line."""
        events: list[str] = []
        if self._line:
            self._end_line(events)
        self._end_event(events)
        return events

    def _take(self, piece: bytes) -> None:
        self._line_bytes += len(piece)
        if self._line_bytes > MAX_LINE_BYTES:
            raise TooLarge
        self._line.append(piece)

    def _end_line(self, events: list[str]) -> None:
        line = b"".join(self._line).decode(errors="replace")
        self._line.clear()
        self._line_bytes = 0
        if self._first_line:
            self._first_line = False
            line = line.removeprefix("\ufeff")
        if not line:
            self._end_event(events)
            return
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            if self._data and (value == "[DONE]" or _is_whole("\n".join(self._data))):  # events parted by one newline
                self._end_event(events)
            self._data.append(value)
            if value == "[DONE]":  # llama.cpp may send no blank line after it
                self._end_event(events)
        elif field == "event":
            if self._data and _is_whole("\n".join(self._data)):
                self._end_event(events)
            self._is_error = value.strip().lower() in {"error", "exception", "err", "fatal"}
        elif field == "error":  # llama.cpp until 2025: outside of the format, under HTTP 200
            self._end_event(events)
            events.append(ERROR)
        # Comments (no field name), id, retry: of no use to us.

    def _end_event(self, events: list[str]) -> None:
        if self._is_error:
            events.append(ERROR)
        elif self._data:
            events.append("\n".join(self._data))
        self._data.clear()
        self._is_error = False


def _is_whole(data: str) -> bool:
    """Whether this is an event already: more lines would make it none."""
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False

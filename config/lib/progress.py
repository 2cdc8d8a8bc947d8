"""How far a command has come, for whoever typed it."""

import time
from typing import Any

WIDTH = 30
PAUSE = 0.1  # seconds between two looks of a bar


class Bar:
    """Call it with how many are done. On a terminal a bar that moves; into a file a line for each tenth."""

    def __init__(self, out: Any, total: int, what: str) -> None:
        self._out, self._total, self._what = out, total, what
        self._moves = bool(getattr(out, "isatty", bool)())
        self._shown, self._tenth, self._open = 0.0, 0, False

    def __call__(self, done: int) -> None:
        """Show that so many are done."""
        share = min(1.0, done / self._total) if self._total else 1.0
        line = f"{done:,} of {self._total:,} {self._what}"
        if self._moves:
            if share == 1 or time.monotonic() - self._shown > PAUSE:
                self._shown, self._open = time.monotonic(), True
                full = int(share * WIDTH)
                self._out.write(f"\r[{'#' * full}{' ' * (WIDTH - full)}] {share:4.0%}  {line}", ending="")
                self._out.flush()
        elif int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            self._out.write(line)

    def end(self) -> None:
        """Leave the bar as it stands, and go on in the next line."""
        if self._open:
            self._out.write("")

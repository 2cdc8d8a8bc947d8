"""Rows as CSV, for a spreadsheet that must not take a cell for a formula.

What a member typed may begin with `=`: Excel, LibreOffice and Google Sheets would compute it, and can be made to fetch
with it. So a text that could be one begins with an apostrophe here, which they take for "this is text".
https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

BOM = "\ufeff"  # or Excel takes UTF-8 for something else
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # the wide ones, as Excel narrows them

PART = 200  # lines


class _Line:
    """What csv writes into: hands each line on."""

    def write(self, line: str) -> str:
        return line


def rows(header: Sequence[str], lines: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The file, some lines at a time, nothing of it kept. Numbers stay numbers; everything else is a text."""
    writer: Any = csv.writer(_Line())
    part = [BOM, writer.writerow(header)]
    for line in lines:
        part.append(writer.writerow([cell(value) for value in line]))
        if len(part) >= PART:
            yield "".join(part)
            part = []
    yield "".join(part)


def cell(value: Any) -> Any:
    """One value as a spreadsheet may have it."""
    if value is None:
        return ""
    if isinstance(value, int | float) or not isinstance(value, str):
        return value
    text = value.replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text

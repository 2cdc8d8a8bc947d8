"""JSON from strangers: taken only when it can mean one thing, and can be kept."""

import json
import re
from typing import Any

_HALF_A_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")  # of a pair, or alone: then no database takes it


def loads(body: bytes) -> Any:
    """What the bytes say. Raises ValueError, and nothing else, for all that is not plain JSON in UTF-8.

    Not for a name that stands twice (who reads the first, and who the last?), NaN and Infinity, half a surrogate pair,
    numbers and nesting beyond any use.
    """
    try:
        said = json.loads(body.decode(), object_pairs_hook=_once_each, parse_constant=_no_number)
        if _HALF_A_CHARACTER.search(body):
            json.dumps(said, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return said


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) != len(pairs):
        raise ValueError("a name stands twice")
    return said


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")

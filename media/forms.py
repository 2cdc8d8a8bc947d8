"""What browsers say when they ask to put something up."""

from typing import Annotated

from pydantic import StringConstraints

from config.lib.jsonbody import Body

Word = Annotated[str, StringConstraints(max_length=100)]


class UploadBody(Body):
    """One file: what it is for, what it is put on, and what the browser knows of it."""

    purpose: Word
    target: dict[Word, int | bool | Word] = {}
    name: Annotated[str, StringConstraints(max_length=1000)]
    content_type: Word
    size: int

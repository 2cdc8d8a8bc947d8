"""What browsers send: JSON bodies, checked. Unknown fields are ignored, wrong ones refused whole."""

from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from pydantic import BeforeValidator, Field, StringConstraints

from config.lib.jsonbody import BadRequest, Body
from config.lib.text import is_blank


def _uuid_or_none(value: Any) -> UUID | None:
    # A permit that is not even a UUID is an invalid permit, not a malformed request.
    try:
        return UUID(value)
    except (TypeError, ValueError, AttributeError):
        return None


class MessageBody(Body):
    """A message to send."""

    TOO_LONG = "message_too_long"

    text: str
    client_id: UUID
    permit: Annotated[UUID | None, BeforeValidator(_uuid_or_none)] = None

    @classmethod
    def of(cls, request: HttpRequest) -> "MessageBody":
        """Parse and check the text. Raises BadRequest."""
        body: MessageBody = super().of(request)
        body.text = body.text.replace("\r\n", "\n").strip()
        if "\x00" in body.text:
            raise BadRequest("bad_request", "The message has a character that cannot be kept.")
        if is_blank(body.text):
            raise BadRequest("empty_message", "Write something first.")
        if len(body.text) > settings.MESSAGE_MAX_CHARACTERS:
            most = settings.MESSAGE_MAX_CHARACTERS
            raise BadRequest("message_too_long", f"Messages have at most {most:,} characters.")
        return body


class PermitBody(Body):
    """A Turnstile token to exchange for a permit."""

    token: Annotated[str, StringConstraints(max_length=2048)] = ""
    scope: Annotated[str, StringConstraints(max_length=32)]


class ReadBody(Body):
    """How far a tab has read."""

    seq: Annotated[int, Field(ge=0, le=2**53)]


class StopBody(Body):
    """How much of the reply was on screen, in UTF-16 units; everything when left out."""

    seen: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None

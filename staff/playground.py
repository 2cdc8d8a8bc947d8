"""Trying a persona that is being written, on the model host that writes the replies.

What is said here is nobody's: no row is written, nothing is logged, and when the page is left it is gone.
"""

from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.module_loading import import_string
from pydantic import BaseModel, Field

from accounts import ratelimits
from accounts.models import User
from config.lib.doors import kept_by_nobody, refused
from config.lib.jsonbody import BadRequest, Body

PERMISSION = "girls.try_persona"
MAX_PERSONA, MAX_EXAMPLE_DIALOGUE = 8_000, 4_000  # as the form takes them
MAX_TURNS = 60


class Said(BaseModel):
    """One turn of the talk."""

    sender: Literal["user", "ai"]
    text: Annotated[str, Field(min_length=1, max_length=MAX_PERSONA)]


class Trial(Body):
    """A persona as it stands in the form, and the talk so far, which ends with what is to be answered."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    persona: Annotated[str, Field(min_length=1, max_length=MAX_PERSONA)]
    example_dialogue: Annotated[str, Field(max_length=MAX_EXAMPLE_DIALOGUE)] = ""
    greeting: Annotated[str, Field(max_length=600)] = ""
    turns: Annotated[list[Said], Field(min_length=1, max_length=MAX_TURNS)]


def door(request: HttpRequest) -> HttpResponse:
    """POST {name, persona, example_dialogue, greeting, turns}: the answer as it is written, a line of JSON each step.

    `{"type": "request", provider, body}` each time a host is asked, `{"type": "text", text}`, `{"type": "withdrawn"}`,
    and one `{"type": "done", …}` or `{"type": "error", message}` at the end.
    """
    if request.method != "POST":
        return _private(refused("bad_request", "This is asked by POST.", 405))
    if not isinstance(request.user, User) or not request.user.has_perm(PERMISSION):
        return _private(refused("not_allowed", "You may not try personas.", 403))
    try:
        trial: Trial = Trial.of(request)
        most = settings.MESSAGE_MAX_CHARACTERS
        if trial.turns[-1].sender != "user" or len(trial.turns[-1].text) > most:
            raise BadRequest(
                "bad_request",
                f"The last turn is yours, and has at most {most:,} characters.",
            )
        ratelimits.may_try_persona(request.user)
    except BadRequest as error:
        return _private(refused(error.code, error.message, 400))
    except ratelimits.TooManyRequests as error:
        refusal = refused("too_many_requests", error.words, 429)
        refusal["Retry-After"] = str(error.retry_after)
        return _private(refusal)
    answer = import_string("staff.trying.answer_to")  # only who tries a persona loads what talks to model hosts
    stream: Any = StreamingHttpResponse(answer(trial), content_type="application/x-ndjson")
    stream["X-Accel-Buffering"] = "no"
    return _private(stream)


def _private(answer: Any) -> HttpResponse:
    kept: HttpResponse = kept_by_nobody(answer)
    return kept

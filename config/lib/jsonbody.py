"""What browsers send as JSON, checked. Unknown fields are ignored, wrong ones refused whole."""

from typing import Any, ClassVar

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, RawPostDataException
from pydantic import BaseModel, ValidationError

from config.lib import strictjson


class BadRequest(Exception):
    """The body is not what this call takes; `code` is one of the contract's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Body(BaseModel):
    """A JSON object. `TOO_LONG` is the code for one with too much in it."""

    TOO_LONG: ClassVar[str] = "bad_request"

    @classmethod
    def of(cls, request: HttpRequest) -> Any:
        """Parse a request's body. Raises BadRequest."""
        try:
            return cls.model_validate(strictjson.loads(request.body or b"{}"))
        except RequestDataTooBig:
            raise BadRequest(cls.TOO_LONG, "That is too much at once.") from None
        except ValidationError as error:
            wrong = ", ".join(sorted({str(e["loc"][0]) for e in error.errors() if e["loc"]})) or "the body"
            raise BadRequest("bad_request", f"Something is wrong with {wrong}.") from None
        except (ValueError, RawPostDataException):  # the latter: it came as a form, and was read as one
            raise BadRequest("bad_request", "Something is wrong with the body.") from None

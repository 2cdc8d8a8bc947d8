"""What every model host is to the rest of Dusk: a stream of text with one end, or one error of this tree.

    ModelError
    ├── Unreachable          no connection, or it was lost before an answer began
    ├── TimedOut             a deadline of ours passed
    ├── Refused              the host answered with an HTTP error: status, retryable, retry_after
    ├── BadAnswer            an answer came, and it cannot be shown
    │   ├── EmptyAnswer      nothing visible: blank, or only reasoning
    │   ├── TruncatedAnswer  it stopped before its end
    │   └── FilteredAnswer   the host's own filter stepped in
    ├── NoAnswer             every host failed before anything was visible: reasons
    └── BrokenOff            it failed after something was visible

A host raises the first four, the chain the last two. `reason` is short and safe to log and to store: it
never holds a prompt, a message, a key or words that the host chose freely.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, TypedDict


class TextPart(TypedDict):
    """Words inside a turn."""

    type: Literal["text"]
    text: str


# What a turn holds: words, or parts in the order in which they are told. There are only words so far; a picture or a
# recording will be one more TypedDict in the union, and one more vendor shape in openai_compatible._message().
Part: TypeAlias = TextPart
Content: TypeAlias = str | Sequence[Part]


class Turn(TypedDict):
    """One message as the model is shown it."""

    role: Literal["system", "user", "assistant"]
    content: Content


def text_of(turn: Turn) -> str:
    """The words of a turn. Parts stand on lines of their own, as hosts join them that know text only."""
    content = turn["content"]
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


@dataclass(frozen=True, slots=True)
class Text:
    """Visible text, to be shown at once. Joined, the texts of a stream are the reply."""

    text: str
    last: bool = False  # the host says that it ends here: nobody needs to wait for more before they read on


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """All text so far turned out to be a thought: the reply begins after this."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an answer; comes exactly once, last. `finish_reason` is "stop" or "length"."""

    provider: str
    model: str
    finish_reason: str
    tokens_in: int | None
    tokens_out: int | None
    tokens_cached: int | None = None  # of those in, what the host had read before and takes less for


# What a stream is made of. Kinds may be added: match on those you know, and ignore the others. Only text is visible:
# whatever else comes before it may come again, from another host.
Piece: TypeAlias = Text | Withdrawn | Finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a host is asked for: the answer of `speaker` to the last turn. Its repr shows nothing that people wrote."""

    speaker: str  # whom the model plays; "" when nobody, as in a summary
    listener: str = field(default="", repr=False)  # whom she speaks to; "" when the model is not told
    turns: Sequence[Turn] = field(repr=False)
    max_tokens: int  # of the answer
    temperature: float
    stop: tuple[str, ...] = field(default=(), repr=False)  # the answer ends before any of these
    secret: str = field(default="", repr=False)  # what of the turns is never to be repeated
    alone: bool = False  # nobody else can be asked: silence ends at the deadline only
    deadline: float  # time.monotonic() seconds
    # Is shown what goes out, each time it does: the host's name and the body, without headers and so without the key.
    witness: Callable[[str, Mapping[str, Any]], None] | None = field(default=None, repr=False, compare=False)


class ModelHost(Protocol):
    """Something that continues a conversation."""

    name: str

    def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Answer before the request's deadline, or raise ModelError.

        A host writes on while nobody reads: whoever takes their time gets all that was written meanwhile as one piece.

        Whoever may leave early closes the generator (`contextlib.aclosing`): that ends the request.
        """
        ...

    async def aclose(self) -> None:
        """Close what is open."""
        ...


class ModelError(Exception):
    """A model host did not do its part."""

    retryable = False  # the same request may well succeed at the same host a moment later
    counts = True  # it speaks against the host, not against this one request

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unreachable(ModelError):
    """No connection, or it was lost before an answer began."""

    retryable = True


class TimedOut(ModelError):
    """A deadline of ours passed."""


class Refused(ModelError):
    """The host answered with an HTTP error.

    `retry_after` is in seconds, if the host named a time; `waking` if it said that it is still loading its model.
    """

    def __init__(self, status: int, *, code: str = "", retry_after: float | None = None, waking: bool = False) -> None:
        super().__init__(f"http {status} {code}".rstrip())
        self.waking = waking
        self.status = status
        self.retryable = status in {408, 409, 425, 429} or status >= 500
        self.counts = status not in {400, 413, 422}  # those may be about this one conversation
        self.retry_after = retry_after


class BadAnswer(ModelError):
    """An answer came, and it cannot be shown."""


class EmptyAnswer(BadAnswer):
    """Nothing visible: blank, or only reasoning."""


class TruncatedAnswer(BadAnswer):
    """The answer stopped before its end."""


class FilteredAnswer(BadAnswer):
    """The host's own filter stepped in."""

    counts = False


class NoAnswer(ModelError):
    """Every host failed before anything was visible."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)


class BrokenOff(ModelError):
    """The answer failed after something of it was visible."""

"""The configured hosts as one: asks the next when one fails, and spares one that keeps failing.

Only before anything is visible: after that, another host would begin a different reply, so the answer is
broken off instead.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

import structlog

from .base import BrokenOff, Finished, ModelError, ModelHost, NoAnswer, Piece, Refused, Request, Text, Withdrawn

log = structlog.get_logger(__name__)

MAX_RETRY_AFTER = 5.0  # seconds somebody may be kept waiting because a host says so
MAX_RETRY_AFTER_ALONE = 30.0  # the same, when nobody else can be asked: better late than never
WAKING_SECONDS = 2.0  # between two questions to the only host while it loads its model
LEAST_TIME = 1.0  # an attempt that has less than this before the deadline is not begun


class Breaker:
    """Whether a host is worth asking first: not after 5 failures in a row within 60 s; one probe each 30 s.

    It lives in its process: each worker learns by itself, at the price of five failures of its own, and what it
    knows needs no Redis. It only reorders hosts, it never forbids one.
    """

    FAILURES = 5
    WINDOW = 60.0
    PROBE_AFTER = 30.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=self.FAILURES)
        self._probe_at: float | None = None  # None: closed

    @property
    def is_open(self) -> bool:
        """The host failed again and again, and has not answered since."""
        return self._probe_at is not None

    def allows(self) -> bool:
        """True if closed. If open, True for one caller each 30 s: the probe."""
        if self._probe_at is None:
            return True
        now = self._clock()
        if now < self._probe_at:
            return False
        self._probe_at = now + self.PROBE_AFTER  # should the probe never report, another may go then
        return True

    def succeeded(self) -> None:
        """The host answered."""
        self._failures.clear()
        self._probe_at = None

    def failed(self) -> None:
        """The host failed. A failure while open, a probe's too, keeps it open for another 30 s."""
        now = self._clock()
        self._failures.append(now)
        if self.is_open or (len(self._failures) == self.FAILURES and now - self._failures[0] <= self.WINDOW):
            self._probe_at = now + self.PROBE_AFTER


class Chain:
    """Primary, then fallback. Each host is asked at most twice."""

    name = "chain"

    def __init__(
        self,
        hosts: Sequence[ModelHost],
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._hosts = [(host, Breaker(clock)) for host in hosts]
        self._pause = pause

    async def aclose(self) -> None:
        """Close the hosts' connections."""
        for host, _ in self._hosts:
            await host.aclose()

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """The first answer that any host gives. Raises NoAnswer or BrokenOff."""
        deadline = request.deadline
        reasons: list[str] = []
        waiting = self._in_order()
        while waiting:
            host, breaker = waiting.pop(0)
            asked = replace(request, alone=not waiting)
            attempt = 0
            while attempt < 2:
                attempt += 1
                if deadline - time.monotonic() < LEAST_TIME and reasons:
                    raise NoAnswer([*reasons, "out of time"])
                visible = False
                try:
                    async with aclosing(host.stream(asked)) as pieces:
                        async for piece in pieces:
                            match piece:
                                case Text() if not visible:
                                    visible = True
                                    if breaker.is_open:
                                        log.info("model_host_recovered", provider=host.name)
                                        breaker.succeeded()
                                case Withdrawn():
                                    visible = False
                                case Finished():
                                    breaker.succeeded()
                            yield piece
                    return
                except ModelError as error:
                    reason = f"{host.name}: {error.reason}"
                    log.warning(
                        "model_host_failed",
                        provider=host.name,
                        status=getattr(error, "status", None),
                        reason=error.reason,
                        attempt=attempt,
                        visible=visible,
                    )
                    if visible:
                        self._note(host, breaker, error)
                        raise BrokenOff(reason) from error
                    if asked.alone and _is_waking(error) and deadline - time.monotonic() > WAKING_SECONDS + LEAST_TIME:
                        attempt = 0
                        await self._pause(WAKING_SECONDS)
                        continue
                    reasons.append(reason)
                    pause = _pause_before_retry(error, has_other=bool(waiting))
                    if attempt == 2 or pause is None or time.monotonic() + pause + LEAST_TIME > deadline:
                        self._note(host, breaker, error)
                        break
                    await self._pause(pause)
        raise NoAnswer(reasons)

    def _in_order(self) -> list[tuple[ModelHost, Breaker]]:
        """Those that work first; the others still, in case those fail too."""
        allowed = [breaker.allows() for _, breaker in self._hosts]
        return [
            *(pair for pair, yes in zip(self._hosts, allowed, strict=True) if yes),
            *(pair for pair, yes in zip(self._hosts, allowed, strict=True) if not yes),
        ]

    def _note(self, host: ModelHost, breaker: Breaker, error: ModelError) -> None:
        if error.counts:
            was_open = breaker.is_open
            breaker.failed()
            if breaker.is_open and not was_open:
                log.error("model_host_breaker_opened", provider=host.name, reason=error.reason)


def _is_waking(error: ModelError) -> bool:
    return isinstance(error, Refused) and error.waking


def _pause_before_retry(error: ModelError, *, has_other: bool) -> float | None:
    """Seconds to wait before asking the same host again; None: do not."""
    if not error.retryable:
        return None
    if isinstance(error, Refused):
        if error.status == 429 and has_other:
            return None
        if error.retry_after is not None:
            longest = MAX_RETRY_AFTER if has_other else MAX_RETRY_AFTER_ALONE
            return error.retry_after if error.retry_after <= longest else None
    return random.uniform(0.1, 0.4)  # noqa: S311

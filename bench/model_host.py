"""A model host that costs next to nothing and keeps the time: OpenAI's streaming chat format, nothing else.

    python -m bench.model_host PORT

A message that holds `rid:<letters, digits, ->` is a request by that name. What is said to it is a function of the
name, so that whoever asked can check every word; when it was asked and answered is remembered under it.

    POST /settings  {"ttft": seconds to the first token, "tps": tokens per second after it or 0, "tokens": how many}
    GET  /log       {"peak": most at once, "asked": {name: [received, first token sent]}}, and forgets it
"""

import asyncio
import json
import re
import sys
import time

import uvloop

MARKER = re.compile(rb"rid:([0-9A-Za-z-]+)")
WORDS = ["the", "kiln", "is", "warm", "and", "the", "river", "is", "slow", "so", "tell", "me", "what", "you", "saw"]
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)


def tokens_of(name: str, count: int) -> list[str]:
    """What is said to a request, token by token: its name first, so that an answer to somebody else is noticed."""
    return [f"re-{name}", *(f" {WORDS[i % len(WORDS)]}" for i in range(count - 1))]


class Host:
    """Settings, and what is remembered."""

    def __init__(self) -> None:
        self.ttft, self.tps, self.tokens = 0.0, 0.0, 40
        self.asked: dict[str, list[float]] = {}
        self.active = self.peak = 0


class Connection(asyncio.Protocol):
    """One connection, kept alive: one request at a time, as HTTP/1.1 clients do."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.buffer = b""
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.loop = asyncio.get_running_loop()

    def connection_lost(self, error: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.host.active -= 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        size = int(length[1]) if length else 0
        if len(rest) < size:
            return
        self.buffer = rest[size:]
        self.take(head.split(b" ", 2)[1], rest[:size])

    def take(self, path: bytes, body: bytes) -> None:
        """Answer one request."""
        if path == b"/log":
            self.answer({"peak": self.host.peak, "asked": self.host.asked})
            self.host.asked, self.host.peak = {}, self.host.active
        elif path == b"/settings":
            vars(self.host).update(json.loads(body))
            self.answer({})
        else:
            self.begin(time.monotonic(), body)

    def answer(self, content: object) -> None:
        """A whole answer in JSON."""
        body = json.dumps(content).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(head % len(body) + body)

    # --- A stream ------------------------------------------------------------------------------------------

    def begin(self, received: float, body: bytes) -> None:
        """Wait for the first token's time."""
        host = self.host
        names = MARKER.findall(body)
        self.name = names[-1].decode() if names else "nobody"  # the last turn is the one that is answered
        self.tokens, self.tps = tokens_of(self.name, host.tokens), host.tps
        self.received, self.sent = received, 0
        host.active += 1
        host.peak = max(host.peak, host.active)
        self.timer = self.loop.call_later(host.ttft, self.step)

    def step(self) -> None:
        """Send what is due: when the loop was late, several tokens."""
        now = time.monotonic()
        first = self.sent == 0
        if first:
            self.began = now
        due = int((now - self.began) * self.tps + 1.01) if self.tps else len(self.tokens)
        until = min(max(due, self.sent + 1), len(self.tokens))
        events = b"".join(self.event({"content": token}) for token in self.tokens[self.sent : until])
        self.sent = until
        ended = until == len(self.tokens)
        if ended:
            events += self.event({}, '"stop"') + self.usage() + b"data: [DONE]\n\n"
        chunk = b"%x\r\n%s\r\n" % (len(events), events)
        self.transport.write((HEAD if first else b"") + chunk + (b"0\r\n\r\n" if ended else b""))
        if first:
            self.host.asked[self.name] = [self.received, time.monotonic()]
        if ended:
            self.timer = None
            self.host.active -= 1
        else:
            wait = self.began + self.sent / self.tps - time.monotonic()
            self.timer = self.loop.call_later(max(0.0, wait), self.step)

    def event(self, delta: dict[str, str], finish: str = "null") -> bytes:
        """A chunk of a completion, as long as real ones are."""
        return (
            f'data: {{"id":"chatcmpl-{self.name}","object":"chat.completion.chunk","created":1700000000,'
            f'"model":"bench","choices":[{{"index":0,"delta":{json.dumps(delta)},"finish_reason":{finish}}}]}}\n\n'
        ).encode()

    def usage(self) -> bytes:
        """The event that says what it cost."""
        cost = {"prompt_tokens": 400, "completion_tokens": len(self.tokens)}
        return b'data: {"id":"chatcmpl","choices":[],"usage":%s}\n\n' % json.dumps(cost).encode()


async def serve(port: int) -> None:
    """Until killed."""
    host = Host()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(host), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))

"""A mail server, played by a small real one (RFC 5321): it takes mails, refuses them, is silent or hangs up."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Taken:
    """A mail that it has taken."""

    to: list[str]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)


@dataclass
class FakeSmtp:
    """`answers`: what it says in place of its own words, by the verb; "." is the end of the mail.

    An answer may be a status line; "silence", for as long as the test likes; or "hang up".
    """

    url: str = ""
    taken: list[Taken] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    reached: threading.Event = field(default_factory=threading.Event)  # it came to a silence
    go_on: threading.Event = field(default_factory=threading.Event)  # ends all silences


class HungUp(Exception):
    pass


class Handler(socketserver.StreamRequestHandler):
    server: "Server"

    def handle(self) -> None:
        with suppress(HungUp, OSError):
            self._converse(self.server.fake)

    def _converse(self, fake: FakeSmtp) -> None:
        to: list[str] = []
        if fake.tls and self.server.at_once:
            self._wrap()
        self._say("HELLO", "220 here")
        while line := self.rfile.readline().decode().strip():
            fake.heard.append(line)
            verb = line.split()[0].upper().split(":")[0]
            match verb:
                case "EHLO" | "HELO":
                    self._say(verb, f"250-here\r\n{'250-STARTTLS' if fake.tls else '250-8BITMIME'}\r\n250 AUTH PLAIN")
                case "STARTTLS" if fake.tls:
                    self._say(verb, "220 go on")
                    self._wrap()
                case "AUTH":
                    self._say(verb, "235 come in")
                case "MAIL" | "RSET" | "NOOP":
                    to = []
                    self._say(verb, "250 good")
                case "RCPT":
                    if self._say(verb, "250 good").startswith("2"):
                        to.append(line.split("<")[1].split(">")[0])
                case "DATA":
                    if self._say(verb, "354 go on").startswith("3"):
                        raw = self._mail()
                        # Taken is taken, whatever comes of the answer.
                        if fake.answers.get(".", "2")[0] not in "45":
                            fake.taken.append(Taken(to, raw))
                        self._say(".", "250 taken")
                case "QUIT":
                    self._say(verb, "221 bye")
                    return
                case _:
                    self._say(verb, "502 what?")

    def _wrap(self) -> None:
        assert self.server.fake.tls
        self.request = self.server.fake.tls.wrap_socket(self.request, server_side=True)
        self.setup()

    def _mail(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        if not line:
            raise HungUp
        return b"".join(lines)

    def _say(self, verb: str, words: str) -> str:
        fake = self.server.fake
        words = fake.answers.get(verb, words)
        if words == "hang up":
            raise HungUp
        if words == "silence":
            fake.reached.set()
            fake.go_on.wait(60)
            raise HungUp
        self.wfile.write(f"{words}\r\n".encode())
        return words


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, fake: FakeSmtp, *, at_once: bool) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.fake, self.at_once = fake, at_once


@contextmanager
def smtp_server(scheme: str = "smtp", tls: ssl.SSLContext | None = None) -> Iterator[FakeSmtp]:
    """One that listens while the test runs."""
    fake = FakeSmtp(tls=tls)
    with Server(fake, at_once=scheme == "smtp+ssl") as server:
        fake.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield fake
        finally:
            fake.go_on.set()
            server.shutdown()

"""The address of a mail server, as it stands in EMAIL_URL, and what is wrong with one that could not be used."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465, "smtps": 465}
SUBMISSION = 587  # begins in the clear and turns to TLS (STARTTLS), whatever the scheme was called


@dataclass(frozen=True)
class MailServer:
    """Where mails are handed over, and as whom."""

    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False
    problem: str = ""  # in words; what has one names no server

    @property
    def is_open(self) -> bool:
        """Whether everybody on the way can read what is said."""
        return not (self.starttls or self.tls)


def read(url: str) -> MailServer:
    """What an EMAIL_URL means: `smtp+tls://user:password@host:587`. Without one, no server and no problem."""
    if not url:
        return MailServer()
    encoded = "a password with / ? # @ : or % in it needs them as %2F %3F %23 %40 %3A %25"
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return MailServer(problem=f"its port is no number, or its host is none; {encoded}")
    if parts.scheme not in PORTS:
        return MailServer(problem=f"it begins with {parts.scheme or 'no scheme'}, not with {', '.join(PORTS)}")
    if not parts.hostname:
        return MailServer(problem="it names no host")
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc.rpartition("@")[0]:
        return MailServer(problem=f"something follows the port, or there are two @; {encoded}")
    if bool(parts.username) != bool(parts.password):
        return MailServer(problem="it has a user and no password, or a password and no user")
    port = port or PORTS[parts.scheme]
    tls = parts.scheme == "smtp+ssl" or (parts.scheme == "smtps" and port != SUBMISSION)
    return MailServer(
        host=parts.hostname,
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
        starttls=not tls and parts.scheme != "smtp",
    )

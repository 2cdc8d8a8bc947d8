"""What the site is called: its one address, the other names it has, and those that mean this machine."""

import re
from functools import cache
from ipaddress import AddressValueError, IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import idna
from django.http import HttpRequest
from django.http.request import split_domain_port

ANYWHERE = {"", "0.0.0.0", "::"}  # noqa: S104 - compared with
OF_THIS_MACHINE = (".localhost", "127.0.0.1", "[::1]")
PORTS = {"http": 80, "https": 443}


class Site(NamedTuple):
    """An address of a site as browsers spell it. `problem` says why it is none; then the others are empty."""

    scheme: str = ""
    host: str = ""  # as in a Host header: [::1]
    port: int | None = None  # None: the scheme's own
    problem: str = ""

    @property
    def netloc(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}" if self.port else self.host

    @property
    def url(self) -> str:
        """All of it, without a slash at its end: what browsers send as Origin."""
        return f"{self.scheme}://{self.netloc}"


@cache
def read(url: str) -> Site:
    """What SITE_URL says."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        return Site(problem=str(error))
    if parts.scheme not in PORTS:
        return Site(problem="it begins with neither https:// nor http://")
    if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        return Site(problem="Dusk lives at the top of a host, so nothing may follow its name but a port")
    host = _host(parts)
    if not host:
        return Site(problem="it names no host")
    return Site(parts.scheme, host, None if port == PORTS[parts.scheme] else port)


def _host(parts: SplitResult) -> str:
    name = (parts.hostname or "").rstrip(".")
    try:
        if ":" in name:
            return f"[{IPv6Address(name).compressed}]"
        if not name.isascii():
            name = idna.encode(name, uts46=True).decode("ascii")
    except (AddressValueError, idna.IDNAError):
        return ""
    return name if re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name) else ""


def allowed_hosts(named: list[str], site: Site, *, debug: bool, listening_on: str) -> list[str]:
    """Which names are answered: SITE_URL's and those of ALLOWED_HOSTS.

    On a laptop this machine's own; any, when it listens for others: nobody can tell what they call it. A page elsewhere
    can make its own name mean this machine ("DNS rebinding"), and a laptop's passwords are known.
    """
    if debug and not named:
        return [site.host, *OF_THIS_MACHINE] if is_loopback(listening_on) else ["*"]
    named = [f"[{name}]" if ":" in name and not name.startswith("[") else name for name in named]
    return list(dict.fromkeys([site.host, *named]))


def is_loopback(host: str) -> bool:
    """Whether a host, as in an address, in a Host header or in HOST, is reached by this machine alone."""
    name = host.strip("[]").rstrip(".").lower()
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def is_address(host: str) -> bool:
    """Whether a host is an IP address, which is no name."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def asks_from_here(request: HttpRequest) -> bool:
    """Whether it was asked on this machine, for this machine, and by nobody's way: no proxy, no tunnel, no other page.

    A page elsewhere can make its own name mean this machine ("DNS rebinding"), but then the request bears that name.
    """
    name, _ = split_domain_port(request.get_host())
    on_the_way = any(header.startswith(("X-Forwarded-", "Forwarded", "Via")) for header in request.headers)
    return is_loopback(name) and is_loopback(request.META.get("REMOTE_ADDR", "")) and not on_the_way

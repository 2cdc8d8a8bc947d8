"""Whose address a request comes from, and how much may be at work for one at once."""

from collections import Counter
from ipaddress import IPv6Address, ip_address
from typing import Any

from django.conf import settings

from config.lib.doors import refused_socket


def neighbourhood(address: str) -> str:
    """The address, or of IPv6 the network that one household has."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip.exploded[:19])
    return address


def behind_proxies(scope: Any) -> str:
    """What the outermost of our own proxies (TRUSTED_PROXY_COUNT) saw; what stands before that, anybody may write."""
    lists = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    said = [address.strip() for address in ",".join(lists).split(",") if address.strip()]
    if len(said) < settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        return str((scope.get("client") or [""])[0])
    return said[-settings.ALLAUTH_TRUSTED_PROXY_COUNT]


class PerAddress:
    """So many requests and sockets of one address at once (CONNECTIONS_PER_ADDRESS), counted behind our own proxies.

    Without a proxy connections say who is who, and are counted as such (`config/connections.py`).
    """

    def __init__(self, application: Any) -> None:
        self.application = application
        self.at_work: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not settings.ALLAUTH_TRUSTED_PROXY_COUNT or scope["type"] == "lifespan":
            return await self.application(scope, receive, send)
        address = neighbourhood(behind_proxies(scope))
        if self.at_work[address] >= settings.CONNECTIONS_PER_ADDRESS:
            return await self._refuse(scope, receive, send)
        self.at_work[address] += 1
        try:
            await self.application(scope, receive, send)
        finally:
            self.at_work[address] -= 1
            if not self.at_work[address]:
                del self.at_work[address]

    async def _refuse(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            return await refused_socket(scope, receive, send)
        words = b"Too many connections come from your address. Close some."
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"5")]
        headers.append((b"content-length", b"%d" % len(words)))
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        await send({"type": "http.response.body", "body": words})

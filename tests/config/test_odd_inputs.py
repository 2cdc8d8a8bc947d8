"""Whatever comes in at any door: it is answered, and never by an error of our own.

The doors are those of the URL resolver, the names of fields those that our forms and views read: a new door is covered
from its first day.
"""

import asyncio
import functools
import json
import re
import uuid
from urllib.parse import quote, unquote, urlencode

import pytest
from django import forms
from django.conf import settings
from django.http import QueryDict
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from chat.forms import Body
from config.asgi import application
from tests.factories import ConversationFactory, GirlFactory, UserFactory
from tests.servers import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


OURS = ("accounts", "chat", "config", "girls", "media", "payments", "safety", "staff")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
ENDS_OFTEN = re.compile(r"/logout/|/delete/$")  # what a door does once, for the others to find nothing


@functools.cache
def _sources():
    return "".join(path.read_text() for app in OURS for path in sorted((ROOT / app).rglob("*.py")))


def _subclasses(kind):
    for sub in kind.__subclasses__():
        yield sub
        yield from _subclasses(sub)


@functools.cache
def names_in_queries():
    return sorted({*re.findall(r'\.GET(?:\.get\(|\[|\.getlist\()\s*"(\w+)"', _sources()), *ADMIN_QUERY, *_numbers()})


ADMIN_QUERY = ("q", "p", "o", "e", "all", "_popup", "_to_field", "date__year", "created_at__year", "field_name", "term")


def _numbers():
    return re.findall(r'_number\(request, "(\w+)"\)', _sources())


@functools.cache
def names_in_forms():
    found = set(re.findall(r'\.POST(?:\.get\(|\[|\.getlist\()\s*"(\w+)"', _sources()))
    for form in _subclasses(forms.BaseForm):
        if form.__module__.split(".")[0] in (*OURS, "allauth"):
            found |= set(getattr(form, "base_fields", {}))
    return sorted({*found, "action", "_selected_action", "form-TOTAL_FORMS", "cf-turnstile-response", "consent"})


@functools.cache
def names_in_json():
    return sorted({name for body in _subclasses(Body) for name in body.model_fields})


def patterns(resolver=None, prefix=""):
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route)
        elif isinstance(entry, URLPattern):
            yield route


def address(route, fill):
    """A path of this route, its parts filled."""
    path = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", lambda m: quote(fill("re", m[1]), safe=""), route)
    path = re.sub(r"<(?:(\w+):)?(\w+)>", lambda m: quote(fill(m[1] or "str", m[2]), safe=""), path)
    path = re.sub(r"\(\?:[^)]*\)\*?|[\^$\\*+?]|/\*", "", path)
    return "/" + path.lstrip("/")


@pytest.fixture
def world(settings, monkeypatch):
    """A member with a conversation, staff who may do everything, and the cookies of both."""
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    girl = GirlFactory(name="Mara", slug="mara")
    member, staff = UserFactory(username="alice"), UserFactory(username="sam", administrator=True)
    conversation = ConversationFactory(user=member, girl=girl)

    def cookies(user):
        browser = Client()
        browser.force_login(user)
        return {name: morsel.value for name, morsel in browser.cookies.items()} | {settings.CSRF_COOKIE_NAME: "c" * 32}

    world = {"member": cookies(member), "staff": cookies(staff), "conversation": conversation, "girl": girl}
    world["visitor"] = {settings.CSRF_COOKIE_NAME: "c" * 32}
    yield world
    for whose, path in (("member", "/chat/"), ("staff", "/admin/")):  # who was signed out on the way asked as a visitor
        browser = Client()
        browser.cookies.load(world[whose])
        assert browser.get(path).status_code == 200, whose


def doors(world, fill=None):
    """Each door's path, and who may open it."""

    def usual(kind, name):
        if kind == "uuid":
            return str(world["conversation"].pk)
        return {"slug": world["girl"].slug, "path": "girls/a.webp", "object_id": "1"}.get(name, "x1")

    for route in patterns():
        whose = "staff" if route.startswith(f"{settings.ADMIN_PATH}/") else "member"
        path = address(route, fill or usual)
        if not ENDS_OFTEN.search(path):
            yield whose, path


async def ask(method, raw_path, query=b"", headers=(), body=b"", cookies=None):
    """One request as a server would hand it on; its status and body."""
    jar = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items()).encode("utf-8", "surrogateescape")
    usual = [(b"host", b"testserver"), (b"x-csrftoken", b"c" * 32), (b"accept", b"text/html")]
    given = {name for name, _ in headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw_path),
        "raw_path": raw_path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [*(pair for pair in usual if pair[0] not in given), *headers, *([(b"cookie", jar)] if jar else [])],
        "client": ("127.0.0.1", 1234),
        "server": ("testserver", 80),
    }
    said = {"status": 0, "body": b""}
    given_body = [{"type": "http.request", "body": body, "more_body": False}]
    never = asyncio.Event()

    async def receive():
        if given_body:
            return given_body.pop()
        await never.wait()

    async def send(message):
        if message["type"] == "http.response.start":
            said["status"] = message["status"]
        else:
            said["body"] += message.get("body", b"")

    await application(scope, receive, send)
    return said


async def all_answer(world, requests):
    """Ask all, and say of each that was answered by an error of ours, or by none, what it was. Their statuses."""
    statuses, failed = [], []
    for whose, method, path, more in requests:
        said = await ask(method, path, cookies=world[whose] | more.pop("cookies", {}), **more)
        nothing_on_sale = said["status"] == 503 and path.startswith("/plans/")
        if not 200 <= said["status"] < 500 and not nothing_on_sale:
            failed.append(f"{said['status']} {method} {path[:200]} {str(more)[:300]}")
        statuses.append(said["status"])
    assert failed == []
    return statuses


LONG = "9" * 4301
ODD = {
    "nothing": "",
    "a nought": "\0",
    "inner nought": "a\0b",
    "4301 digits": LONG,
    "negative": "-1",
    "huge": "9" * 30,
    "past 64 bits": str(2**63),
    "not a number": "NaN",
    "infinity": "-Infinity",
    "exponent": "1e400",
    "other digits": "٣²",
    "year 1": "0001-01-01T00:00:00+14:00",
    "year 9999": "9999-12-31T23:59:59.999999-14:00",
    "half a pair": "\ud800",
    "text of the end": "\ufffe\uffff\u202e",
    "percent": "%00%ff%",
    "dots": "../../etc/passwd",
    "a host": "//evil.example:99999999/\\@[::",
    "bad IPv6": "http://[::1",
    "list": "[]",
    "very long": "x" * 5000,
    "template": "{{ 7|add:7 }}{% debug %}",
    "underscores": "__class____init__",
    "a line": "a\r\nSet-Cookie: b=c",
}


def form(names, value):
    return urlencode([(name, value) for name in names], errors="surrogatepass").encode()


@pytest.mark.parametrize("value", ODD.values(), ids=ODD.keys())
async def test_odd_values_in_queries_and_forms(world, value):
    requests = []
    for whose, path in await asyncio.to_thread(lambda: list(doors(world))):
        query = form(names_in_queries(), value)
        fields = form(names_in_forms(), value)
        kind = [(b"content-type", b"application/x-www-form-urlencoded")]
        requests.append((whose, "GET", path, {"query": query}))
        requests.append((whose, "POST", path, {"headers": kind, "body": fields}))
        requests.append(("visitor", "POST", path, {"headers": kind, "body": fields, "query": query}))
    await all_answer(world, requests)


class Noted(QueryDict):
    """A query that writes down which of its names were looked for."""

    looked_for: set[str] = set()

    def __contains__(self, name):
        self.looked_for.add(name)
        return super().__contains__(name)

    def __getitem__(self, name):
        self.looked_for.add(name)
        return super().__getitem__(name)

    def getlist(self, name, default=None):
        self.looked_for.add(name)
        return super().getlist(name, default)


@pytest.fixture
def looked_for(monkeypatch):
    """The names that were looked for in queries since this was emptied."""
    monkeypatch.setattr("django.core.handlers.asgi.QueryDict", Noted)
    monkeypatch.setattr(Noted, "looked_for", set())
    return Noted.looked_for


@pytest.mark.parametrize("value", ODD.values(), ids=ODD.keys())
async def test_odd_values_in_each_name_by_itself(world, looked_for, value):
    """One odd field among none: what is read after another was found good.

    At each door only those names that it looks for, the other ones found among them; any that it passes over is one.
    """
    everywhere = set()
    for whose, path in await asyncio.to_thread(lambda: list(doors(world))):
        if whose == "member":
            asked, next_ones = set(), {"q"}
            while next_ones:
                looked_for.clear()
                await all_answer(
                    world, [(whose, "GET", path, {"query": form([name, name], value)}) for name in sorted(next_ones)]
                )
                asked |= next_ones
                next_ones = looked_for - asked
            everywhere |= asked
    assert {"after", "before", "next", "page", "plan", "q", "session_id", "sort", "starter", "tag"} <= everywhere


@pytest.mark.parametrize("value", ODD.values(), ids=ODD.keys())
async def test_odd_values_in_paths(world, value):
    text = value.encode("utf-8", "replace").decode() or "%"
    filled = await asyncio.to_thread(lambda: list(doors(world, lambda kind, name: text)))
    others = await asyncio.to_thread(lambda: set(doors(world, lambda kind, name: "another")))
    paths = [door for door in filled if door not in others]  # what has no part to fill is asked elsewhere
    assert len(paths) > 40
    for method in ("GET", "POST"):
        await all_answer(world, [(whose, method, path, {}) for whose, path in paths])


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/%ff%fe",
        "/%2e%2e/%2e%2e/",
        "/a//b",
        "//",
        "/" + "x" * 8000,
        "/%c0%80",
        "/\u00e9",
        "/%ed%a0%80/",
        "/;?#",
    ],
)
async def test_odd_addresses(world, path):
    folders = ("", "/girls", "/chat", "/media", "/static", "/accounts", "/webhooks", "/admin")
    await all_answer(world, [("staff", method, before + path, {}) for before in folders for method in METHODS])


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_at_every_door(world, method):
    paths = await asyncio.to_thread(lambda: list(doors(world)))
    await all_answer(world, [(whose, method, path.rstrip("/") + end, {}) for whose, path in paths for end in ("/", "")])


def json_bodies():
    values = [
        *(
            None,
            True,
            0,
            -1,
            2**63,
            1e308,
            "",
            "\0",
            "\ud800",
            "x" * 5000,
            [],
            [[]],
            {},
            {"a": 1},
            LONG,
            str(uuid.UUID(int=0)),
        ),
    ]
    for value in values:
        yield json.dumps(dict.fromkeys(names_in_json(), value)).encode()
    for raw in ("NaN", "-Infinity", "1e999", LONG, f"-{LONG}", "0x1", "٣", '"\\ud83d"', '"\\u0000"'):
        yield ("{" + ",".join(f'"{name}":{raw}' for name in names_in_json()) + "}").encode()
    good = json.dumps(dict.fromkeys(names_in_json(), "a"))
    yield from (good.encode("utf-16"), good.encode("utf-32"), b"\xef\xbb\xbf" + good.encode(), good.encode()[:-1])
    yield from (
        b"",
        b"{",
        b"[]",
        b"null",
        b"1",
        b'"',
        b"\xff",
        b'{"text": "\xc0\x80\xed\xa0\x80"}',
        b"\0",
        b"{}{}",
        b" " * 1000,
    )
    yield from (b"[" * 50_000, b"[" * 50_000 + b"]" * 50_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000)
    yield b"{" + b",".join(b'"text": "hello"' for _ in range(2)) + b"}"


@pytest.mark.parametrize(
    "kind",
    ["application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "é"],
)
async def test_odd_bodies(world, kind):
    header = [(b"content-type", kind.encode()), (b"accept", b"application/json")]
    for whose, path in await asyncio.to_thread(lambda: list(doors(world))):
        if whose == "member":
            requests = []
            for body in json_bodies():
                length = (b"content-length", str(len(body)).encode())
                requests.append((whose, "POST", path, {"headers": [*header, length], "body": body}))
            if await all_answer(world, requests[:1]) != [405]:  # who takes no bodies reads none
                await all_answer(world, requests[1:])


HEADERS = [
    *(
        (b"host", value)
        for value in (b"", b"evil.example", b"testserver:99999", b"[::1", b"a b", b"\xff", b"testserver:port")
    ),
    *(
        (b"accept-language", value)
        for value in (b"xx-" + b"a" * 5000, b"\xff\xfe", b"de;q=9999999999999", b"*;q=nan", b",;,;=")
    ),
    *((b"accept", value) for value in (b"", b"\xff", b"text/html;q=x", b"/", b"*" * 9000)),
    *(
        (b"range", value)
        for value in (b"bytes=9-1", b"bytes=-", b"bytes=" + LONG.encode() + b"-", b"lines=1-2", b"\xff")
    ),
    *(
        (b"if-modified-since", value)
        for value in (b"yesterday", b"Thu, 99 Foo 0000 99:99:99 GMT", b"\xff", LONG.encode())
    ),
    *((b"if-none-match", value) for value in (b"*", b'"', b"\xff", b"W/")),
    *((b"content-length", value) for value in (b"-1", b"x", LONG.encode(), b"", b"1,1", b"\xc2\xb2")),
    *(
        (b"content-type", value)
        for value in (b"\xff", b"application/json; charset=nonsense", b"multipart/form-data", b";;;")
    ),
    *((b"origin", value) for value in (b"null", b"http://[", b"\xff", b"http://testserver:port", b"//")),
    *((b"referer", value) for value in (b"http://[", b"\xff", b"http://a:99999999/")),
    *((b"x-csrftoken", value) for value in (b"\xff" * 32, b"", b"c" * 9000)),
    *((b"x-forwarded-for", value) for value in (b"\xff", b",,,", b"1.2.3.4:99, [::1]:5", b"x" * 9000, b"unknown")),
    *((b"x-forwarded-proto", value) for value in (b"\xff", b"https,http", b"")),
    *((b"x-request-id", value) for value in (b"\xff", b"\r\n", b"x" * 9000)),
    *((b"authorization", value) for value in (b"\xff", b"Bearer", b"Basic \xff", b"Basic ====")),
    *((b"hx-request", value) for value in (b"\xff", b"true")),
    *((b"hx-current-url", value) for value in (b"http://[", b"\xff", b"%")),
    *((b"hx-current-url-uri-autoencoded", value) for value in (b"\xff", b"true")),
    *((b"stripe-signature", value) for value in (b"\xff", b"t=\xb2,v1=\xff", b"t=" + LONG.encode() + b",v1=a", b"")),
    *((b"cookie", value) for value in (b"\xff", b"=;=;", b"a" * 9000, b"sessionid=\x00", b'sessionid="\\400"')),
]


@pytest.mark.parametrize("name", sorted({name.decode() for name, _ in HEADERS}))
async def test_odd_headers(world, name, settings):
    if name.startswith("x-forwarded"):  # a proxy's own words are read where there is one
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    headers = [header for header in HEADERS if header[0] == name.encode()]
    ours = [(whose, path) for whose, path in await asyncio.to_thread(lambda: list(doors(world))) if whose == "member"]
    ours += [("staff", "/admin/"), ("member", "/nowhere/"), ("member", "/static/css/base.css"), ("visitor", "/")]
    for whose, path in ours:
        posts = [(whose, "POST", path, {"headers": [header], "body": b"a=b"}) for header in headers]
        if await all_answer(world, posts[:1]) != [405]:
            await all_answer(world, posts[1:])
        await all_answer(world, [(whose, "GET", path, {"headers": [header]}) for header in headers])


@pytest.mark.parametrize(
    "value",
    [
        "",
        "\udcff",
        "x" * 4000,
        '"',
        "a:b:c",
        "🙂",
        "'; DROP",
        "..",
        "c" * 64,
        "\x01",
        "eyJhIjoxfQ:1:2",
        ".eJx:0:0",
        LONG,
    ],
)
async def test_odd_cookies(world, value):
    keys, others = (
        (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME),
        ("theme", "age", "messages", "django_language"),
    )
    requests = [("member", "GET", "/", {"cookies": {name: value}}) for name in others]
    for whose, path in await asyncio.to_thread(lambda: list(doors(world))):
        if whose == "member" or path == "/admin/":
            requests += [(whose, "GET", path, {"cookies": {name: value}}) for name in keys]
            requests.append((whose, "GET", path, {"cookies": dict.fromkeys(others, value)}))
            requests.append((whose, "POST", path, {"cookies": {keys[1]: value}, "body": b"csrfmiddlewaretoken=%00"}))
    await all_answer(world, requests)


async def test_the_walk_finds_the_doors(world):
    found = {path for _, path in await asyncio.to_thread(lambda: list(doors(world)))}
    chat = f"/chat/{world['conversation'].pk}/"
    for known in ("/", "/girls/mara/", chat, f"{chat}messages/", "/webhooks/stripe/", "/accounts/login/", "/admin/"):
        assert known in found, sorted(found)
    assert {"client_id", "seq", "token"} <= set(names_in_json())
    assert {"before", "starter", "session_id"} <= set(names_in_queries())
    assert {"click", "birth_day", "next"} <= set(names_in_forms())

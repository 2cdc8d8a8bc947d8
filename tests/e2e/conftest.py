"""Journeys in a real browser, through a real server: `manage.py serve`, one for all journeys of a process of pytest, on
its database.

The model host is played by a fake, so a test decides when each word comes. Nothing is rolled back: each journey makes
its own people. Whatever a page says on its console, violations of the policy among it, fails the journey.
"""

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django import DjangoDbBlocker

from accounts.models import User
from chat.models import Reply
from girls import demo
from girls.models import Girl
from tests.config.processes import Dusk, until
from tests.e2e.talk import Talk, conversation_with
from tests.factories import UserFactory
from tests.fakes.model_host import CUT, DONE, ModelHost, Step, delta, finish, http, usage
from tests.fakes.ways_in import (
    APPLE_KEY,
    APPLE_PRIVATE_KEY,
    APPLE_TEAM,
    CLIENTS,
    GOOGLE_SECRET,
    FakeWayIn,
    way_in,
)

WAYS_IN = {
    "GOOGLE_CLIENT_ID": CLIENTS["google"],
    "GOOGLE_CLIENT_SECRET": GOOGLE_SECRET,
    "APPLE_CLIENT_ID": CLIENTS["apple"],
    "APPLE_TEAM_ID": APPLE_TEAM,
    "APPLE_KEY_ID": APPLE_KEY,
    "APPLE_PRIVATE_KEY": APPLE_PRIVATE_KEY.replace("\n", "\\n"),
}
DESKTOP = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB"}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
HERE = Path(__file__).parent
LAST = 1_000  # a position in the catalogue
expect.set_options(timeout=20_000)  # never waited for in full, unless something is broken


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a browser and a database."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.django_db(transaction=True))


# --- The server --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def model_host() -> Iterator[ModelHost]:
    with ModelHost() as host:
        yield host


def of_these_tests() -> dict[str, str]:
    """A server with this in its environment sees the rows that factories make, and the sessions of their people."""
    name = connection.settings_dict["NAME"]
    url = os.environ.get("DATABASE_URL", "")
    database = urlsplit(url)._replace(path=f"/{name}").geturl() if settings.POSTGRES else f"sqlite:///{name}"
    return {"DATABASE_URL": database, "SECRET_KEY": settings.SECRET_KEY}


@pytest.fixture(scope="session")
def google() -> Iterator[FakeWayIn]:
    with way_in("google") as fake:
        yield fake


@pytest.fixture(scope="session")
def apple() -> Iterator[FakeWayIn]:
    with way_in("apple") as fake:
        yield fake


@pytest.fixture(scope="session")
def dusk(
    model_host: ModelHost,
    google: FakeWayIn,
    apple: FakeWayIn,
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Dusk]:
    """The server. It is told of the test database, so that factories and it see the same rows."""
    env = {
        **of_these_tests(),
        "LLM_BASE_URL_PRIMARY": model_host.url,
        "LLM_MODEL_PRIMARY": "played",
        "LLM_BASE_URL_FALLBACK": "",
        "SITE_URL": "http://127.0.0.1:8000",
        "STAFF_SECOND_FACTOR": "1",
        **WAYS_IN,
        "GOOGLE_API_BASE": google.url,
        "APPLE_API_BASE": apple.url,
    }
    server = Dusk(tmp_path_factory.mktemp("dusk"), **env)
    settings.MAIL_ROOT = server.env["MAIL_ROOT"]  # what it keeps, journeys read
    server.start()
    yield server
    server.end()


@pytest.fixture(scope="session")
def base_url(dusk: Dusk) -> str:
    """What `page.goto("/")` begins with."""
    return dusk.url


@pytest.fixture
def _django_db_helper(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's: rows are committed, for the server to see, and not swept away after each test."""
    with django_db_blocker.unblock():
        yield
        connection.close()


@pytest.fixture(autouse=True)
def characters(dusk: Dusk, transactional_db: None) -> None:
    """Those of the demo, before all others in every list.

    A test elsewhere may have emptied the database; journeys before this one, in whatever order, left theirs.
    """
    demo.load()
    others = Girl.objects.exclude(slug__in=[fields["slug"] for fields in demo.characters()])
    others.filter(position__lt=LAST).update(position=LAST, is_active=False)
    User.objects.filter(avatar__isnull=False).update(avatar=None)  # some are in the bucket of a server that is gone


class She:
    """The model behind the characters, as a test directs it."""

    def __init__(self, host: ModelHost) -> None:
        self._host = host
        self._pauses: list[threading.Event] = []
        self.says("Hello ", "there.")

    def pause(self) -> threading.Event:
        """A place between two words: she goes on when it is set."""
        self._pauses.append(threading.Event())
        return self._pauses[-1]

    def says(self, *pieces: str | threading.Event) -> None:
        """From now on she answers with these words, each of them when it is its turn."""
        self._host.play(self.words(*pieces))

    def fails(self) -> None:
        """From now on she cannot answer."""
        self._host.play(http(401))

    def breaks_off(self, *pieces: str | threading.Event) -> None:
        """From now on the line is cut after these words."""
        self._host.play([*self.words(*pieces)[:-3], CUT])

    def words(self, *pieces: str | threading.Event) -> list[Step]:
        words = [piece if isinstance(piece, threading.Event) else delta(piece) for piece in pieces]
        return [*words, finish(), usage(), DONE]

    def go_on(self) -> None:
        for pause in self._pauses:
            pause.set()


@pytest.fixture(autouse=True)
def she(model_host: ModelHost, characters: None) -> Iterator[She]:
    """Says "Hello there." until she is told otherwise. No journey leaves a reply behind for the next."""
    director = She(model_host)
    yield director
    director.go_on()
    until(lambda: not Reply.objects.owed().exists(), what="an end to all replies")


# --- People and their browsers -------------------------------------------------------------------------


@pytest.fixture
def alice(characters: None) -> User:
    return UserFactory()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    """The browser of the system; Playwright downloads none."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
    return {**browser_type_launch_args, "executable_path": path, "args": arguments}


class Complaints:
    """What pages said on their consoles, without what a journey provoked."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._provoked: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        context.on("console", lambda said: said.type in {"error", "warning"} and self._said.append(said.text))
        context.on("weberror", lambda thrown: self._said.append(str(thrown.error)))

    def expect(self, pattern: str) -> None:
        """This journey breaks something on purpose: the browser will say so."""
        self._provoked.append(pattern)

    def left(self) -> list[str]:
        return [text for text in self._said if not any(re.search(pattern, text) for pattern in self._provoked)]


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def new_browser(
    new_context: Callable[..., BrowserContext], complaints: Complaints, base_url: str
) -> Iterator[Callable[..., Page]]:
    """A browser with nothing in it, as a page. `member`: signed in as. `adult`: the age gate is behind it."""
    contexts = []

    def make(member: User | None = None, *, adult: bool = False, **options: object) -> Page:
        context = new_context(**DESKTOP | options)
        complaints.watch(context)
        contexts.append(context)
        page = context.new_page()
        if member:
            client = Client()
            client.force_login(member)
            cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
            context.add_cookies([{**cookie, "url": base_url}])
        if adult:
            page.goto("/")
            with page.expect_navigation():
                page.get_by_role("button", name="I’m 18 or older").click()
        return page

    yield make
    for context in contexts:  # before the check: nobody hears of a page that closes
        context.close()
    assert complaints.left() == []


@pytest.fixture
def page(new_browser: Callable[..., Page]) -> Page:
    """A visitor's desktop."""
    return new_browser()


@pytest.fixture
def talk(new_browser: Callable[..., Page], alice: User) -> Callable[..., Talk]:
    """Alice's browser, in a conversation: with Mara, unless somebody else is named."""

    def make(slug: str = "mara", *, member: User | None = None, messages: int = 0, **options: object) -> Talk:
        who = member or alice
        begun = who.conversations.filter(girl__slug=slug).first()
        return Talk(new_browser(who, **options), begun or conversation_with(slug, who, messages=messages)).open()

    return make

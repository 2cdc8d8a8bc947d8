"""Members who do not give up: they send a message again until it is acknowledged, as the page's outbox does."""

import random
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
from django.test import Client
from django.utils import timezone
from django.utils.crypto import get_random_string

from tests.config.processes import Browser, until
from tests.factories import PermitFactory
from tests.servers import DEADLINE

OWED = ("queued", "writing")


class Member(Browser):
    """A signed-in member with a permit for many sends. No page has to be up for that."""

    def __init__(self, url, user):
        super().__init__(url)
        client = Client()
        client.force_login(user)
        self.http.cookies.set("sessionid", client.cookies["sessionid"].value, domain="127.0.0.1")
        self.http.cookies.set("csrftoken", get_random_string(32), domain="127.0.0.1")
        permit = PermitFactory(user=user, uses_left=10_000, expires_at=timezone.now() + timedelta(hours=1))
        self.permit = str(permit.pk)

    def try_to_send(self, conversation, text="Good evening.", *, client_id=None, timeout=DEADLINE):
        """One attempt; whatever is answered."""
        return post_message(self, conversation, text, client_id or uuid.uuid4(), self.permit, timeout=timeout)

    def retry(self, conversation):
        return self.post(f"/chat/{conversation}/retry/")

    def settled(self, conversation):
        """The state of a conversation, as soon as nothing is owed in it."""
        until(lambda: nothing_owed(self.state(conversation)), what=f"an end of the reply in {conversation}")
        return self.state(conversation)  # again: the header is read before the reply, and may be older than its end


def nothing_owed(state):
    return state if state["reply"] and state["reply"]["state"] not in OWED else None


def post_message(browser, conversation, text, client_id, permit, timeout=DEADLINE):
    """POST a message as the page does."""
    headers = {"X-CSRFToken": browser.http.cookies["csrftoken"], "Accept": "application/json"}
    body = {"text": text, "client_id": str(client_id), "permit": permit}
    return browser.http.post(f"/chat/{conversation}/messages/", json=body, headers=headers, timeout=timeout)


@dataclass
class Talk:
    """One member's talk in one conversation, in a thread of its own: messages, now and then waiting for the answer."""

    browser: Browser
    conversation: str
    charged: bool  # a member without premium
    seed: int
    acknowledged: list[str] = field(default_factory=list)
    answers: list[int | str] = field(default_factory=list)  # all of them, in order: a status, or what broke
    permit: str | None = None

    def __call__(self, messages):
        chance = random.Random(self.seed)
        for number in range(messages):
            self.send_until_acknowledged(f"Message {number}, what do you think?")
            if chance.random() < 0.5:
                until(self.is_answered, what=f"an answer in {self.conversation}")

    def send_until_acknowledged(self, text):
        """Again with the same client id, until it is there."""
        client_id = str(uuid.uuid4())
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            answer = self._try(text, client_id)
            self.answers.append(answer if isinstance(answer, str) else answer.status_code)
            if not isinstance(answer, str):
                if answer.status_code in (200, 201):
                    assert answer.json()["message"]["client_id"] == client_id
                    self.acknowledged.append(client_id)
                    return
                if answer.status_code == 403:
                    self.permit = None
                elif answer.status_code == 429:
                    time.sleep(float(answer.headers["Retry-After"]))
                else:
                    assert answer.status_code >= 500, (answer.status_code, answer.text)
            time.sleep(0.2)  # the page's backoff
        raise AssertionError(f"never acknowledged in {self.conversation}: {self.answers}")

    def _try(self, text, client_id):
        try:
            if self.permit is None:
                token = {"token": uuid.uuid4().hex, "scope": "chat_send"}
                headers = {"X-CSRFToken": self.browser.http.cookies["csrftoken"], "Accept": "application/json"}
                answer = self.browser.http.post("/chat/permits/", json=token, headers=headers)
                if answer.status_code != 201:
                    return answer
                self.permit = answer.json()["permit"]
            return post_message(self.browser, self.conversation, text, client_id, self.permit)
        except httpx.TransportError as error:
            return type(error).__name__

    def is_answered(self):
        """Whether nothing is owed in it. False while nobody can tell."""
        try:
            answer = self.browser.http.get(f"/chat/{self.conversation}/state/")
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and bool(nothing_owed(answer.json()))

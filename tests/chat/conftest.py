"""A conversation between Alice and Mara, and the hands to act in it."""

import uuid

import pytest

from accounts.models import Permit
from chat import tasks
from chat.models import Conversation, Reply
from tests.factories import PermitFactory


@pytest.fixture(autouse=True)
def _on_a_laptop(settings):
    """Turnstile's local twin passes any token but `fail`; the scripted model answers at once."""
    settings.DEBUG = True
    settings.TURNSTILE_SITE_KEY = settings.TURNSTILE_SECRET_KEY = ""
    settings.LLM_SCRIPTED_PACE = 0
    settings.LLM_PROVIDERS = []


@pytest.fixture
def talk(alice, mara, client):
    """Alice is signed in and has just opened the conversation: Mara's greeting is in it."""
    client.force_login(alice)
    client.post(f"/girls/{mara.slug}/chat/")
    return Conversation.objects.get(user=alice, girl=mara)


@pytest.fixture
def permit(alice):
    """A permit good for many sends."""
    return PermitFactory(user=alice, uses_left=1000)


class Hands:
    """What a browser does in one conversation."""

    def __init__(self, client, conversation, permit):
        self.client, self.conversation, self.permit = client, conversation, permit
        self.url = f"/chat/{conversation.pk}/"

    def post(self, what, body=None, **extra):
        return self.client.post(f"{self.url}{what}/", body or {}, content_type="application/json", **extra)

    def send(self, text="Hello", client_id=None, **fields):
        body = {"text": text, "client_id": str(client_id or uuid.uuid4()), "permit": str(self.permit.pk), **fields}
        return self.post("messages", body)

    def state(self, after=None):
        query = {} if after is None else {"after": after}
        return self.client.get(f"{self.url}state/", query).json()

    def free(self):
        return self.state()["conversation"]["free_remaining"]["text"]


@pytest.fixture
def hands(client, talk, permit):
    return Hands(client, talk, permit)


def work():
    """What a worker does: write every reply that is owed, as if each bell were heard."""
    tried = set()
    while owed := Reply.objects.filter(state=Reply.State.QUEUED).first():
        assert (owed.pk, owed.attempts) not in tried, "nobody takes this reply"
        tried.add((owed.pk, owed.attempts))
        tasks.write_reply(str(owed.pk))


def uses_left(permit):
    return Permit.objects.get(pk=permit.pk).uses_left

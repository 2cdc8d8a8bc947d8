"""Rows for tests: each factory makes a plain one, traits name what is special about it."""

from datetime import date, timedelta

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.models import Permit, PremiumGrant, User
from chat.models import Conversation, Message, Reply
from girls.models import Girl

PASSWORD = "a long quiet evening"


class UserFactory(DjangoModelFactory):
    """A grown-up member who signs in with PASSWORD."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"member_{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    password = factory.django.Password(PASSWORD)
    birth_date = date(1991, 3, 14)

    class Params:
        premium = factory.Trait(premium_until=factory.LazyFunction(lambda: timezone.now() + timedelta(days=30)))
        lapsed = factory.Trait(premium_until=factory.LazyFunction(lambda: timezone.now() - timedelta(seconds=1)))
        inactive = factory.Trait(is_active=False)
        staff = factory.Trait(is_staff=True)
        administrator = factory.Trait(is_staff=True, is_superuser=True)


class PremiumGrantFactory(DjangoModelFactory):
    """A row of the book alone; `accounts.premium.grant` also moves the person's date."""

    class Meta:
        model = PremiumGrant

    user = factory.SubFactory(UserFactory)
    days = 30
    reason = factory.Sequence(lambda n: f"staff:test-{n}")

    class Params:
        revoked = factory.Trait(revoked_at=factory.LazyFunction(timezone.now))


class PermitFactory(DjangoModelFactory):
    """A fresh permit to send messages."""

    class Meta:
        model = Permit

    user = factory.SubFactory(UserFactory)
    scope = "chat_send"
    uses_left = 5
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=2))
    token_hash = factory.Sequence(lambda n: f"{n:064x}")

    class Params:
        used_up = factory.Trait(uses_left=0)
        expired = factory.Trait(expires_at=factory.LazyFunction(lambda: timezone.now() - timedelta(seconds=1)))


class GirlFactory(DjangoModelFactory):
    """A published character."""

    class Meta:
        model = Girl

    name = factory.Sequence(lambda n: f"Mara {n}")
    slug = factory.Sequence(lambda n: f"mara-{n}")
    age = 29
    tagline = "Ceramicist with clay on her sleeves"
    bio = "She throws pots in a small studio above the river."
    tags = factory.LazyFunction(lambda: ["Warm", "Art"])
    greeting = "Hi, you found me. The kiln is warming up, so I have time."
    starters = factory.LazyFunction(lambda: ["What are you making today?"])
    persona_prompt = "You are Mara. SECRET-PERSONA."
    voice_id = "SECRET-VOICE"
    is_active = True

    class Params:
        unpublished = factory.Trait(is_active=False)


class ConversationFactory(DjangoModelFactory):
    """A conversation without a word in it yet."""

    class Meta:
        model = Conversation

    user = factory.SubFactory(UserFactory)
    girl = factory.SubFactory(GirlFactory)

    class Params:
        used_up = factory.Trait(free_text=0)
        deleted = factory.Trait(deleted_at=factory.LazyFunction(timezone.now))


class MessageFactory(DjangoModelFactory):
    """A message the way a send leaves it: next seq, next version, preview."""

    class Meta:
        model = Message

    conversation = factory.SubFactory(ConversationFactory)
    sender = Message.Sender.USER
    text = factory.Sequence(lambda n: f"Hello number {n}")

    class Params:
        hers = factory.Trait(sender=Message.Sender.AI)

    @classmethod
    def _create(cls, model_class, conversation, sender, text, **fields):
        return conversation.write(sender, text, **fields)


class ReplyFactory(DjangoModelFactory):
    """A reply owed and not begun."""

    class Meta:
        model = Reply

    conversation = factory.SubFactory(ConversationFactory)
    answers_through = factory.LazyAttribute(lambda reply: reply.conversation.last_seq)

    class Params:
        failed = factory.Trait(state=Reply.State.FAILED, finished_at=factory.LazyFunction(timezone.now))
        done = factory.Trait(state=Reply.State.DONE, finished_at=factory.LazyFunction(timezone.now))

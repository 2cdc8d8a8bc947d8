"""Rows for tests: each factory makes a plain one, traits name what is special about it."""

from datetime import date, timedelta

import factory
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.factors import FactorAdapter
from accounts.models import Permit, PremiumGrant, User
from accounts.signup import prove
from chat.models import Conversation, Message, Reply
from girls import publishing
from girls.models import Girl, Media
from media.models import File, Kind
from staff import roles

PASSWORD = "a long quiet evening"
APP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # what the authenticator app of a test knows


class FactorFactory(DjangoModelFactory):
    """An authenticator app."""

    class Meta:
        model = Authenticator

    type = Authenticator.Type.TOTP
    data = factory.LazyFunction(lambda: {"secret": FactorAdapter().encrypt(APP_SECRET)})


class UserFactory(DjangoModelFactory):
    """A grown-up member who signs in with PASSWORD, and whose address is proven (but with `proven=False`)."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"member_{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    password = factory.django.Password(PASSWORD)
    birth_date = date(1991, 3, 14)
    # Was told today that it is an AI, so that no line of the site is among what is said; also when midnight comes.
    told_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))

    class Params:
        premium = factory.Trait(premium_until=factory.LazyFunction(lambda: timezone.now() + timedelta(days=30)))
        lapsed = factory.Trait(premium_until=factory.LazyFunction(lambda: timezone.now() - timedelta(seconds=1)))
        inactive = factory.Trait(is_active=False)
        staff = factory.Trait(is_staff=True, factor=factory.RelatedFactory(FactorFactory, "user"))
        administrator = factory.Trait(staff=True, is_superuser=True)

    @factory.post_generation
    def proven(user, create, value, **_):
        if create and value is not False:
            prove(user)

    @factory.post_generation
    def role(user, create, value, **_):
        """`role="editor"`: somebody of the team, with a second factor. Tests that commit empty the table of groups."""
        if create and value:
            if not Group.objects.filter(name=value).exists():
                roles.sync()
            user.groups.add(Group.objects.get(name=value))
            User.objects.filter(pk=user.pk).update(is_staff=True)
            user.is_staff = True
            FactorFactory(user=user)


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


class FileFactory(DjangoModelFactory):
    """A picture as it is after an upload, without its objects in the storage."""

    class Meta:
        model = File

    purpose = "girl_media"
    folder = "girls/1/media"
    kind = Kind.IMAGE
    size = 250_000
    width, height = 1200, 1500
    blur = "data:image/webp;base64,QkxVUg=="
    digest = factory.Sequence(lambda n: f"{n:064x}")

    class Params:
        video = factory.Trait(kind=Kind.VIDEO, seconds=12.5)

    @factory.lazy_attribute
    def variants(self):
        full = {"w": self.width, "h": self.height, "mp4" if self.kind == Kind.VIDEO else "webp": 200_000}
        return {
            "full": full,
            "card": {"w": 640, "h": 800, "webp": 40_000},
            "thumb": {"w": 192, "h": 192, "webp": 9_000},
        }


class MediaFactory(DjangoModelFactory):
    """A published photo in a gallery. Her counts are kept, as the editor's verbs keep them."""

    class Meta:
        model = Media

    girl = factory.SubFactory(GirlFactory)
    file = factory.SubFactory(FileFactory, kind=factory.SelfAttribute("..kind"))
    kind = Kind.IMAGE
    surface = Media.Surface.GALLERY
    text = factory.Sequence(lambda n: f"Bowl number {n}")
    can_be_liked = factory.LazyAttribute(lambda media: media.surface != Media.Surface.ASSET)
    published = True
    published_at = factory.LazyAttribute(lambda media: timezone.now() if media.published else None)

    class Params:
        post = factory.Trait(surface=Media.Surface.POST)
        asset = factory.Trait(surface=Media.Surface.ASSET)
        locked = factory.Trait(premium_only=True)
        video = factory.Trait(kind=Kind.VIDEO)
        unpublished = factory.Trait(published=False)

    @classmethod
    def _create(cls, model_class, **fields):
        media = super()._create(model_class, **fields)
        publishing.recount(media.girl_id)
        return media


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

"""Workers that are killed in the middle of an erasure or of an export: each ends whole, once, and leaves nothing."""

import random

import pytest
from django.db.models.functions import Now

from accounts.models import Mail, User
from chat.models import Conversation, Message
from girls.models import Like
from media import storage
from media.models import File
from payments.models import Purchase
from staff import erasing, exporting
from staff.models import Erasure, Export
from tests.config.processes import until
from tests.factories import ConversationFactory, GirlFactory, MediaFactory, UserFactory

MESSAGES = 6000


@pytest.fixture
def ask(ask, tmp_path, settings):
    """A disk of the test's own, for its processes and for what looks at it here."""
    settings.MEDIA_ROOT = tmp_path / "media"
    storage.store.cache_clear()
    return {**ask, "MEDIA_ROOT": str(settings.MEDIA_ROOT), "MAIL_ROOT": str(tmp_path / "mail")}


@pytest.fixture
def talkative(transactional_db):
    """Somebody with much to take away and much to erase."""
    user = UserFactory(username="talkative")
    photo = MediaFactory()
    Like.objects.create(user=user, media=photo)
    type(photo).objects.update(like_count=1)
    for _ in range(3):
        conversation = ConversationFactory(user=user, girl=GirlFactory(), last_seq=MESSAGES // 3)
        Message.objects.bulk_create(
            Message(
                conversation=conversation, seq=n, version=n, sender="ai" if n % 2 else "user", text=f"Words {n} " * 9
            )
            for n in range(1, MESSAGES // 3 + 1)
        )
    return user


def kill_again_and_again(production, model, is_over, seed):
    """Kill the worker in the middle of the work, at any moment of it, until that is done."""
    chance = random.Random(seed)
    kills = 0
    while kills < 6 and production.kill_at_work(model, chance.uniform(0, 0.3), unless=is_over):
        kills += 1
        production["worker"].start()
    until(is_over, what="an end")
    return kills


@pytest.mark.timeout(300)
def test_an_erasure_goes_on_wherever_it_was_killed(production, talkative):
    production.start("redis", "web", "worker", "beat")
    erasing.ask(talkative, by="member")
    Erasure.objects.update(due_at=Now())
    User.objects.filter(pk=talkative.pk).update(erase_at=Now())
    kills = kill_again_and_again(production, Erasure, lambda: Erasure.objects.filter(state="done").exists(), 3)
    assert kills
    assert not User.objects.filter(pk=talkative.pk).exists()
    assert (Conversation.objects.count(), Message.objects.count(), Like.objects.count()) == (0, 0, 0)
    assert set(type(talkative).objects.values_list("username", flat=True)) == set()
    assert Mail.objects.filter(template="erasure_done").count() == 1
    assert Purchase.objects.count() == File.objects.filter(owner=talkative.pk).count() == 0


@pytest.mark.timeout(300)
def test_an_export_ends_as_one_zip_wherever_it_was_killed(production, talkative, tmp_path):
    production.start("redis", "web", "worker", "beat")
    export = exporting.ask(talkative)
    kills = kill_again_and_again(production, Export, lambda: Export.objects.filter(state="ready").exists(), 5)
    assert kills
    files = [path.name for path in (tmp_path / "media" / "exports").rglob("*") if not path.name.startswith(".")]
    assert files == [f"{export.pk}.zip"]
    assert Mail.objects.filter(template="export_ready").count() == 1

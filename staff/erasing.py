"""The end of an account: asked for, slept over, carried out app by app, and final."""

import re
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now

import accounts.privacy
import chat.privacy
import girls.privacy
import media.privacy
import payments.privacy
import safety.privacy
import staff.privacy
from accounts import emails, mailbox, sessions
from accounts.letters import name_of
from accounts.models import Mail, User
from config.lib import owed
from config.lib.bells import ring
from config.lib.database import tried_again
from config.lib.privacy import Part
from media.storage import StorageUnavailable, store
from staff.models import Erasure

log = structlog.get_logger(__name__)

# From the top down: what points at others goes before them. The person's own row goes last, here.
ORDER: tuple[Part, ...] = (
    staff.privacy,
    safety.privacy,
    chat.privacy,
    payments.privacy,
    girls.privacy,
    media.privacy,
    accounts.privacy,
)
FAREWELL = timedelta(days=3)  # the last mail is tried for so long
LOOK = timedelta(minutes=1)  # whether it has gone
LATER = timedelta(minutes=1)  # while the storage is away
PATIENCE = 60  # seconds that a command waits for a worker
ERASED = "erased"  # where the storage keeps the numbers of who was erased
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class IsStaff(Exception):
    """Whoever works here leaves the team first."""


class TooLate(Exception):
    """It has begun."""


def ask(user: User, *, by: str, after: timedelta | None = None, session: str | None = None) -> datetime:
    """Let an account rest, and end when ERASURE_DAYS are over, or `after` so long; answers when. Asked again, the first
    asking holds, unless this one is sooner. `by` is member, support, or staff and a number.

    Every other session than `session` ends. Raises IsStaff.
    """
    pause = timedelta(days=settings.ERASURE_DAYS) if after is None else after
    with transaction.atomic(durable=True):
        held = User.objects.select_for_update(no_key=True)
        person, now = held.get(pk=user.pk), _now(user)
        if is_on_team(person):
            raise IsStaff
        at = now + pause
        erasure, is_new = Erasure.objects.get_or_create(
            person=user.pk, joined_at=person.date_joined, defaults={"by": by, "due_at": at}
        )
        if person.erase_at is None or at < person.erase_at:
            Erasure.objects.filter(pk=erasure.pk, state=Erasure.State.ASKED).update(due_at=at)
            person.erase_at = at
            person.save(update_fields=["erase_at"])
            if is_new and pause:
                emails.owe("erasure_asked", {"at": at}, user=person)
        ring(Erasure.TASK, erasure.pk)  # early is harmless: it looks whether it is time
    sessions.end(user, but=session)
    chat.privacy.rest(user)
    user.erase_at = person.erase_at
    log.info("erasure_asked", user_id=user.pk, by=by)
    assert person.erase_at is not None
    return person.erase_at


def is_on_team(user: User) -> bool:
    """Whether somebody works here, whose account does not end before they leave."""
    return user.is_staff or user.is_superuser


def keep(user: User) -> None:
    """Take it back: the account is as it was. Raises TooLate."""
    with transaction.atomic(durable=True):
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        of_theirs = Erasure.objects.filter(person=person.pk, joined_at=person.date_joined)
        if of_theirs.exclude(state=Erasure.State.ASKED).exists():
            raise TooLate
        of_theirs.delete()
        if person.erase_at is not None:
            person.erase_at = None
            person.save(update_fields=["erase_at"])
            emails.owe("erasure_kept", {}, user=person)
    user.erase_at = None
    log.info("erasure_taken_back", user_id=user.pk)


def carry_out(user: User) -> bool:
    """Erase now whoever asked to be, if it is time, or wait a while for the worker that does; whether they are gone.

    Raises StorageUnavailable.
    """
    erasure = Erasure.objects.get(person=user.pk, joined_at=user.date_joined)
    until = time.monotonic() + PATIENCE
    while Erasure.objects.filter(pk=erasure.pk).exclude(state=Erasure.State.DONE).exists():
        token = uuid4()
        if Erasure.objects.claim(erasure.pk, token=token):
            with suppress(owed.Lost):
                _carry_out(erasure, token)
        elif time.monotonic() > until:
            return False
        else:
            time.sleep(0.2)
    return True


# --- The worker's side -----------------------------------------------------------------------------------------


def see_to(pk: int) -> None:
    """Carry out one whose day has come. Whoever is stopped begins again: each step done twice is done once."""
    token = uuid4()
    if not Erasure.objects.claim(pk, token=token):
        return
    erasure = Erasure.objects.get(pk=pk)
    try:
        if erasure.state == Erasure.State.DONE:
            _tidy(erasure, token)
        else:
            _carry_out(erasure, token)
    except owed.Lost:
        log.info("erasure_lost", erasure=pk)
    except StorageUnavailable as error:
        log.warning("erasure_waits", erasure=pk, error=repr(error))
        Erasure.objects.postpone(pk, token=token, by=LATER)


def _carry_out(erasure: Erasure, token: UUID) -> None:
    user = _begun(erasure, token)
    if user is None:
        return
    with owed.kept(erasure, token) as check:
        is_over = False
        while not is_over:  # what came in the meantime goes in another round
            for part in ORDER:
                for _ in part.erase(user):
                    check()
            remember(erasure)
            is_over = _is_over(erasure, token, user)
    log.info("erased", user_id=erasure.person, joined_at=erasure.joined_at.isoformat())


def _begun(erasure: Erasure, token: UUID) -> User | None:
    """The person, who from now on cannot come in any more, nor keep the account. None when they are gone already."""
    with transaction.atomic():
        held = User.objects.select_for_update(no_key=True)
        user = held.filter(pk=erasure.person, date_joined=erasure.joined_at).first()
        if user is None:  # gone in another way
            Erasure.objects.settle(erasure.pk, token=token, state=Erasure.State.DONE, done_at=Now())
            return None
        if not Erasure.objects.filter(pk=erasure.pk, lease_token=token).update(state=Erasure.State.BEGUN):
            raise owed.Lost  # kept at this very moment
        if user.is_active:
            user.is_active = False
            user.save(update_fields=["is_active"])
    return user


@tried_again  # whoever begins something of theirs at this moment holds rows that go with the person's
def _is_over(erasure: Erasure, token: UUID, user: User) -> bool:
    """End the person's row, if nothing points at it any more that would outlive it with something of theirs."""
    with transaction.atomic():
        # Nobody can point at it from here on: their insert waits for this lock, and then finds no such person.
        person = User.objects.select_for_update().filter(pk=user.pk).first()
        if person is None:  # the try before was committed, and the line broke before it said so
            return True
        if _is_pointed_at(person):
            return False
        farewell = emails.owe("erasure_done", {"name": name_of(user)}, address=user.email, good_for=FAREWELL)
        done = {"state": Erasure.State.DONE, "done_at": Now(), "farewell": farewell.pk, "attempts": 0}
        if not Erasure.objects.postpone(erasure.pk, token=token, by=LOOK, **done):
            raise owed.Lost
        person.delete()
    return True


# --- After a backup was brought back ---------------------------------------------------------------------------


def remember(erasure: Erasure) -> None:
    """Note in the storage, which no backup of the database takes back, that this number was erased. Nobody's name."""
    moment = round(erasure.joined_at.timestamp() * 1_000_000)
    store().put(f"{ERASED}/{erasure.person}-{moment}.txt", BytesIO(b"erased\n"), content_type="text/plain")


def replay() -> tuple[int, int]:
    """Erase again whoever was erased before: how many came back with a backup, and how many were not there.

    A number alone is not enough: after a backup it may be given to somebody else.
    """
    done = absent = 0
    for key, _ in store().keys(ERASED):
        found = re.fullmatch(rf"{ERASED}/(\d+)-(\d+)\.txt", key)
        if not found:
            continue
        joined_at = EPOCH + timedelta(microseconds=int(found[2]))
        user = User.objects.filter(pk=found[1], date_joined=joined_at).first()
        if user is None:
            absent += 1
            continue
        Erasure.objects.filter(person=user.pk, state=Erasure.State.DONE).delete()
        User.objects.filter(pk=user.pk).update(is_staff=False, is_superuser=False)
        ask(user, by="replay", after=timedelta(0))
        done += carry_out(user)
    return done, absent


def _is_pointed_at(user: User) -> bool:
    """Whether rows name this person that stay when the person's row goes."""
    return any(
        relation.related_model._base_manager.filter(**{relation.field.name: user}).exists()
        for relation in User._meta.related_objects
        if relation.on_delete is models.SET_NULL
    )


def _tidy(erasure: Erasure, token: UUID) -> None:
    """Forget the address that the last mail went to, when it has gone, or is of no use any more."""
    farewell = Mail.objects.filter(pk__in=[erasure.farewell])
    if farewell.owed().filter(created_at__gt=Now() - FAREWELL).exists():
        Erasure.objects.postpone(erasure.pk, token=token, by=LOOK)
        return
    mailbox.forget(farewell.values_list("pk", flat=True))
    with transaction.atomic():
        farewell.delete()
        Erasure.objects.settle(erasure.pk, token=token, farewell=None)


def _now(user: User) -> datetime:
    """The time at the database, whose clock says when it is time."""
    now: datetime = User.objects.values_list(Now(), flat=True).get(pk=user.pk)
    return now

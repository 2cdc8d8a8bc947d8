"""No table is forgotten: each one of the project and of what it is built on has a fate, and each fate comes true."""

import datetime
import json
import uuid
import zipfile
from io import BytesIO

import pytest
from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.db import connection, models
from django.test import RequestFactory
from django.utils import timezone

from accounts import emails, posting
from accounts.models import Consent, LegalVersion, Mail, Permit, Restriction, User
from chat.models import Alternative, Erasure
from config.lib.privacy import ALL
from girls.models import Block, Like
from media import files
from media.models import File, Upload
from payments.models import Purchase, ScriptedSession, StripeEvent
from safety.models import Helpline, Report, Signal
from staff import audit, erasing, exporting
from staff.models import Export
from staff.privacy import NOBODY
from tests.factories import (
    PASSWORD,
    ConversationFactory,
    FileFactory,
    GirlFactory,
    MediaFactory,
    MessageFactory,
    PremiumGrantFactory,
    ReplyFactory,
)
from tests.staff.conftest import erase, its_time, sign_in

TABLES = {label: fate for part in erasing.ORDER for label, fate in part.TABLES.items()}
MODELS = {model._meta.label: model for model in apps.get_models(include_auto_created=True)}
NAME, WORDS, HANDLE = "Zebedee Quillfeather", "the lighthouse keeper's umbrella", "zebedee_q"
EMAIL = "zebedee.quillfeather@example.net"
# What says who somebody is. Texts are looked for as they are, and as JSON would spell them.
TRACES = (NAME, WORDS, HANDLE, EMAIL, "203.0.113.77", "Quillfox/9", "1987-06-05")


def leads_to_a_person(model, seen=()):
    """Whether a row of this names a person, or a row that does."""
    if model is User:
        return True
    related = {field.related_model for field in model._meta.get_fields() if field.many_to_one or field.one_to_one}
    return any(
        leads_to_a_person(other, (*seen, model))
        for other in related
        if other is not None and other not in (model, *seen) and not _points_back(model, other)
    )


def _points_back(model, other):
    """Whether the relation is the other's, seen from behind."""
    return not any(field.related_model is other for field in model._meta.concrete_fields)


def test_every_table_has_a_fate():
    assert set(MODELS) == set(TABLES) | set(NOBODY), "say in a privacy.py what becomes of a person's rows in it"
    assert not set(TABLES) & set(NOBODY)


def test_both_roofs_know_the_same_apps():
    assert set(erasing.ORDER) == set(exporting.PARTS)


def test_who_is_nobodys_names_nobody():
    reasons = {label: MODELS[label] for label, reason in NOBODY.items() if label != "girls.Media" or not reason}
    assert [label for label, model in reasons.items() if leads_to_a_person(model)] == []
    direct = {field.related_model for field in MODELS["girls.Media"]._meta.concrete_fields if field.is_relation}
    assert User not in direct


def test_what_is_not_exported_has_a_reason():
    assert [label for label, fate in TABLES.items() if not fate.exported and not fate.why] == []


def test_of_what_stays_each_column_was_thought_of():
    """A new column of words in a table whose rows stay is emptied, or said to be nobody's."""
    words = (models.CharField, models.TextField, models.JSONField)
    for label, fate in TABLES.items():
        if not fate.stays:
            continue
        for field in MODELS[label]._meta.concrete_fields:
            if field.is_relation and field.related_model is User:
                assert field.name in fate.blanks, f"{label}.{field.name} names a person"
            elif isinstance(field, words) and not field.choices and fate.keeps != ALL:
                assert field.name in (*fate.blanks, *fate.keeps), f"{label}.{field.name} may name a person"


# --- What is left -----------------------------------------------------------------------------------------------


def everywhere(member, user, disk):
    """Something of theirs in every table that can hold something."""
    mara = GirlFactory(name="Mara", slug="mara", created_by=user)
    conversation = ConversationFactory(user=user, girl=mara)
    MessageFactory(conversation=conversation, text=f"I once saw {WORDS}.")
    reply = ReplyFactory(conversation=conversation, text=f"Tell me of {WORDS}", state="done")
    hers = MessageFactory(conversation=conversation, hers=True, text=f"{NAME}! I like {WORDS}.", reply=reply)
    Alternative.objects.create(conversation=conversation, seq=hers.seq, n=1, text=WORDS)
    deleted = ConversationFactory(user=user, girl=GirlFactory(slug="ines"), deleted_at=timezone.now())
    MessageFactory(conversation=deleted, text=WORDS)
    Erasure.objects.create(conversation=deleted, due_at=timezone.now() + datetime.timedelta(minutes=1))
    photo = MediaFactory(girl=mara, file=FileFactory(owner=user))
    Like.objects.create(user=user, media=photo)
    avatar = FileFactory(owner=user, purpose="avatar", folder=f"avatars/{user.pk}")
    for key in avatar.all_keys():
        (disk / key).parent.mkdir(parents=True, exist_ok=True)
        (disk / key).write_bytes(b"RIFF a picture of Zebedee")
    User.objects.filter(pk=user.pk).update(avatar=avatar)
    put_up = {"purpose": "avatar", "folder": f"avatars/{user.pk}", "kind": "image", "content_type": "image/png"}
    Upload.objects.create(owner=user, name=f"{NAME}.png", max_bytes=1, **put_up)
    Consent.objects.create(user=user, document="terms", version="1")
    LegalVersion.objects.create(document="terms", text="Be kind.", written_by=user, published_by=user)
    line = {"country": "LU", "name": "SOS Détresse", "kind": "line", "display": "454545", "tel": "454545"}
    Helpline.objects.create(**line, verified_by=HANDLE)
    PremiumGrantFactory(user=user, reason="stripe:cs_1")
    Restriction.objects.create(user=user, kind="pause", reason="other", words=f"Dear {NAME}", by=user, lifted_by=user)
    Block.objects.create(user=user, girl=mara)
    Signal.objects.create(user=user, kind="minor")
    of_theirs = {"what": "message", "reason": "other", "girl": mara, "due_at": timezone.now()}
    Report.objects.create(**of_theirs, target="message:1:1", by=user, words=f"{NAME} says: {WORDS}", evidence=[WORDS])
    team = {"taken_by": user, "closed_by": user}
    Report.objects.create(**of_theirs, target="member:1", member=user, evidence=[{"text": WORDS}], **team)
    Permit.objects.create(user=user, scope="chat_send", uses_left=1, expires_at=timezone.now(), token_hash="0" * 64)
    emails.owe("premium_on", {"purchase": Purchase(duration_days=30, amount=1, currency="usd", name=NAME)}, user=user)
    emails.owe("erasure_kept", {"name": NAME}, address=EMAIL)
    EmailConfirmation.objects.create(email_address=EmailAddress.objects.get(user=user), key="k", sent=timezone.now())
    Authenticator.objects.create(user=user, type="totp", data={"secret": "SECRET-TOTP"})
    connected = SocialAccount.objects.create(user=user, provider="google", uid="1", extra_data={"email": EMAIL})
    SocialToken.objects.create(account=connected, token="SECRET-TOKEN")
    purchase = Purchase(
        user=user,
        session_id="cs_1",
        product_id="prod",
        price_id="price",
        name="30 days",
        duration_days=30,
        amount=2999,
        amount_total=2999,
        currency="usd",
        click=uuid.uuid4(),
        expires_at=timezone.now(),
        paid_at=timezone.now(),
        status="paid",
    )
    for name in TABLES["payments.Purchase"].blanks:  # whatever may name them does
        field = Purchase._meta.get_field(name)
        if not field.is_relation:
            setattr(purchase, name, {"who": EMAIL} if isinstance(field, models.JSONField) else f"{EMAIL} {NAME}"[:60])
    purchase.snapshot = {"amount_total": 2999, "custom": {"email": EMAIL}, "client_reference_id": NAME}
    purchase.save()
    StripeEvent.objects.create(pk="evt_1", type="checkout.session.completed", livemode=False, session_id="cs_1")
    ScriptedSession.objects.create(pk="cs_scripted_1", session={"client_reference_id": str(user.pk)})
    boss = User.objects.create_user("boss@example.com", is_staff=True, username="boss")
    LogEntry.objects.log_actions(boss.pk, User.objects.filter(pk=user.pk), CHANGE, f"Called {NAME}", single_object=True)
    LogEntry.objects.log_actions(user.pk, type(mara).objects.filter(pk=mara.pk), CHANGE, "By them", single_object=True)
    audit.record(boss, user, f"Called: {NAME}", before={"name": NAME}, after={"name": WORDS}, reason=f"{EMAIL} asked")
    from_there = RequestFactory(headers={"User-Agent": "Quillfox/9"}).get("/", REMOTE_ADDR="203.0.113.77")
    audit.record(user, mara, "Changed", request=from_there)
    user.groups.add(Group.objects.create(name="Editors"))
    user.user_permissions.add(Permission.objects.first())
    member.post("/account/data/export/")


def scan():
    """{(table, column): rows} in which any trace of them is, looked for in all columns of all tables as text."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
            quoted = ", ".join(connection.ops.quote_name(column) for column in columns)
            cursor.execute(f"SELECT {quoted} FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    text = bytes(value).decode(errors="replace") if isinstance(value, memoryview | bytes) else value
                    text = text if isinstance(text, str) else json.dumps(text, default=str, ensure_ascii=False)
                    if any(trace.lower() in text.lower() for trace in TRACES):
                        found[table, column] = found.get((table, column), 0) + 1
    return found


@pytest.fixture
def zebedee(db):
    person = {"username": HANDLE, "name": NAME, "birth_date": datetime.date(1987, 6, 5), "country": "NL"}
    user = User.objects.create_user(EMAIL, PASSWORD, **person)
    EmailAddress.objects.update_or_create(user=user, email=EMAIL, defaults={"verified": True, "primary": True})
    return user


@pytest.fixture
def left(zebedee, disk):
    """Zebedee, who has been everywhere."""
    member = sign_in(zebedee)
    member.get("/account/", headers={"User-Agent": "Quillfox/9", "X-Forwarded-For": "203.0.113.77"})
    everywhere(member, zebedee, disk)
    return zebedee


@pytest.mark.django_db(transaction=True)
@pytest.mark.embedded
def test_nothing_is_left_of_them(left, disk):
    rows = {label: set(MODELS[label]._base_manager.values_list("pk", flat=True)) for label in TABLES}
    elsewhere = {"accounts.AgeRefusal", "staff.Erasure"}  # holds nobody who has an account; is made by the erasure
    assert [label for label, there in rows.items() if not there and label not in elsewhere] == []
    assert len(scan()) > 10  # the test sees what it looks for
    erase(left)
    its_time()
    for pk in File.objects.filter(state="gone").values_list("pk", flat=True):
        files.remove(pk)
    (farewell,) = Mail.objects.values_list("pk", flat=True)
    posting.send(farewell)
    its_time()
    erasing.see_to(erasing.Erasure.objects.get().pk)

    assert scan() == {}
    mine = {label for label, fate in TABLES.items() if not fate.stays}
    after = {label: rows[label] & set(MODELS[label]._base_manager.values_list("pk", flat=True)) for label in mine}
    boss = User.objects.get(username="boss").pk
    assert {label: keys - ({boss} if label == "accounts.User" else set()) for label, keys in after.items()} == {
        label: set() for label in mine
    }
    for label, fate in TABLES.items():
        for name in fate.blanks:
            field = MODELS[label]._meta.get_field(name)
            if field.is_relation:
                assert not MODELS[label]._base_manager.filter(**{name: left.pk}).exists(), f"{label}.{name}"
    left_there = [path.relative_to(disk) for path in disk.rglob("*") if path.is_file()]
    assert [path.parts[0] for path in left_there] == ["erased"]  # a number
    assert LogEntry.objects.count() == 2  # what the team did is still known


@pytest.mark.django_db(transaction=True)
@pytest.mark.embedded
def test_what_is_exported_is_where_it_is_said_to_be(left):
    exporting.see_to(Export.objects.get().pk)
    out = BytesIO()
    exporting.write(left, out)
    copy = zipfile.ZipFile(out)
    for label, fate in TABLES.items():
        if fate.exported:
            there = [copy.read(name) for name in copy.namelist() if name.startswith(fate.exported)]
            assert max(map(len, there), default=0) > 10, f"{label}: nothing in {fate.exported}"
    everything = b"".join(copy.read(name) for name in copy.namelist()).decode(errors="replace")
    for trace in (NAME, WORDS, HANDLE, EMAIL, "1987-06-05"):
        assert trace in everything or json.dumps(trace)[1:-1] in everything
    left.refresh_from_db()
    for secret in ("SECRET", left.password, "token_hash", "0" * 64, "boss", "Called"):
        assert secret not in everything

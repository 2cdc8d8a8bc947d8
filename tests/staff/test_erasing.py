"""The end of an account: asked for by the person, slept over, taken back or carried out, and then nothing is left."""

import re
import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from accounts import posting
from accounts.models import Mail, User
from chat import settling, starting
from chat.models import Conversation, Message, Reply
from girls.models import Like
from media import files, processing
from media.local import Disk
from media.models import File, Upload
from payments import fulfilment
from payments.models import Purchase
from staff import erasing, exporting
from staff.models import Erasure, Export
from tests.accounts.test_signin import sign_in as signs_in
from tests.factories import PASSWORD, ConversationFactory, MediaFactory, MessageFactory, ReplyFactory, UserFactory
from tests.media.conftest import Uploader
from tests.media.drawing import picture
from tests.racing import needs_postgres, race
from tests.staff.conftest import days_go_by, erase, files_in, mails, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

PAGE, DOOR, KEEP = "/account/data/", "/account/data/erase/", "/account/data/keep/"
JSON = {"Accept": "application/json"}


def words(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def ask(member, username="alice"):
    """Show that it is them, and type the name."""
    assert member.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    return member.post(DOOR, {"username": username})


def work():
    for pk in Erasure.objects.due().values_list("pk", flat=True):
        erasing.see_to(pk)


# --- Asking, and resting ---------------------------------------------------------------------------------------


def test_it_takes_the_username(member, alice):
    for wrong in ("", "charlie", "alice@example.com", "alic", "alice\x00"):
        answer = ask(member, wrong)
        assert answer.status_code == 200
        assert "username" in words(answer)
    alice.refresh_from_db()
    assert alice.erase_at is None
    assert ask(member, " ALICE ").status_code == 302
    alice.refresh_from_db()
    assert timedelta(days=13) < alice.erase_at - timezone.now() < timedelta(days=15)
    assert mails() == ["erasure_asked"]


def test_first_they_show_that_it_is_them(member, alice):
    for answer in (member.get(DOOR), member.post(DOOR, {"username": "alice"})):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    member.post("/accounts/reauthenticate/", {"password": "wrong"})
    assert member.get(DOOR).status_code == 302
    alice.refresh_from_db()
    assert alice.erase_at is None
    member.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert "Erase your account?" in words(member.get(DOOR))


def test_the_account_rests(member, alice, mara):
    ConversationFactory(user=alice, girl=mara)
    ask(member)
    for path in ("/", "/chat/", "/account/", "/plans/", "/girls/mara/", "/accounts/password/change/", "/feed/"):
        answer = member.get(path)
        assert (answer.status_code, answer["Location"]) == (302, PAGE), path
        assert "no-store" in answer["Cache-Control"]
    answer = member.get("/chat/threads/", headers=JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "account_resting")
    assert member.get("/terms/").status_code == 200
    page = words(member.get(PAGE))
    for offer in ("Your account rests", "Keep my account", "Download your data", "Sign out"):
        assert offer in page
    assert member.post("/account/data/export/").status_code == 302
    exporting.see_to(Export.objects.get().pk)
    assert "Your file is ready" in words(member.get(PAGE))
    assert member.post("/accounts/logout/").status_code == 302
    assert signs_in(member).status_code == 302  # and back in
    assert member.get("/")["Location"] == PAGE


def test_visitors_and_others_notice_nothing(member, charlie, settings):
    settings.AGE_GATE = False
    ask(member)
    assert Client().get("/").status_code == 200
    other = sign_in(charlie)
    assert other.get("/chat/").status_code == 200
    assert other.get(PAGE).status_code == 200


def test_the_other_sessions_end(member, alice):
    elsewhere = sign_in(alice)
    ask(member)
    assert elsewhere.get("/chat/")["Location"].startswith("/accounts/login/")
    assert member.get(PAGE).status_code == 200


def test_what_she_writes_stops(member, alice, mara):
    conversation = ConversationFactory(user=alice, girl=mara)
    MessageFactory(conversation=conversation)
    reply = ReplyFactory(conversation=conversation, state=Reply.State.WRITING, text="I was thin")
    ask(member)
    reply.refresh_from_db()
    assert reply.state == Reply.State.STOPPED
    assert conversation.messages.order_by("seq").last().text == "I was thin"


def test_it_can_be_kept(member, alice):
    ask(member)
    assert member.post(KEEP)["Location"] == "/account/"
    assert "Good to have you back" in words(member.get("/account/"))
    alice.refresh_from_db()
    assert alice.erase_at is None
    assert Erasure.objects.count() == 0
    assert mails() == ["erasure_asked", "erasure_kept"]
    days_go_by(20)
    work()
    assert User.objects.filter(pk=alice.pk, is_active=True).exists()


def test_asking_twice_is_asking_once(member, alice):
    ask(member)
    first = User.objects.get(pk=alice.pk).erase_at
    assert member.post(DOOR, {"username": "alice"})["Location"] == PAGE
    erasing.ask(alice, by="support")
    assert User.objects.get(pk=alice.pk).erase_at == first
    assert mails() == ["erasure_asked"]


def test_who_works_here_is_asked_to_leave_the_team_first(db):
    boss = UserFactory(username="boss")
    member = sign_in(boss)
    User.objects.filter(pk=boss.pk).update(is_staff=True)
    assert "You’re on the team" in words(ask(member, "boss"))
    boss.refresh_from_db()
    assert boss.erase_at is None
    with pytest.raises(erasing.IsStaff):
        erasing.ask(boss, by="support")


# --- The end ---------------------------------------------------------------------------------------------------


def test_nothing_happens_before_its_day(member, alice):
    ask(member)
    days_go_by(13)
    work()
    assert User.objects.filter(pk=alice.pk, is_active=True).exists()
    days_go_by(1)
    work()
    assert not User.objects.filter(pk=alice.pk).exists()


def test_all_of_it_goes(member, alice, charlie, mara, disk):
    photo = MediaFactory(girl=mara)
    for user in (alice, charlie):
        conversation = ConversationFactory(user=user, girl=mara)
        MessageFactory(conversation=conversation, text=f"Words of {user.username}")
        Like.objects.create(user=user, media=photo)
    type(photo).objects.update(like_count=2)
    Uploader(member).put_up(picture(), purpose="avatar")
    processing.see_to_all()
    assert files_in(disk, "avatars")
    ask(member)
    days_go_by(14)
    work()
    assert User.objects.get() == charlie
    assert Conversation.objects.get().user == charlie
    assert Message.objects.get().text == "Words of charlie"
    photo.refresh_from_db()
    assert photo.like_count == 1
    assert set(File.objects.filter(purpose="avatar").values_list("state", "owner")) == {("gone", None)}
    files.remove(File.objects.get(purpose="avatar").pk)
    assert files_in(disk, "avatars") == files_in(disk, "tmp") == []
    assert Erasure.objects.get().state == Erasure.State.DONE
    assert member.get("/chat/")["Location"].startswith("/accounts/login/")


def test_the_last_mail_is_sent_and_then_its_address_is_forgotten(member, alice):
    ask(member)
    days_go_by(14)
    work()
    last = Mail.objects.get()
    assert (last.template, last.to, last.user) == ("erasure_done", "alice@example.com", None)
    Erasure.objects.update(due_at=Now())
    work()
    assert Mail.objects.count() == 1  # it has not gone yet
    posting.send(last.pk)
    assert mail.outbox[-1].to == ["alice@example.com"]
    Erasure.objects.update(due_at=Now())
    work()
    assert Mail.objects.count() == 0
    assert not Erasure.objects.owed().exists()


def test_name_and_address_are_free_again(member, alice):
    erase(alice)
    again = UserFactory(username="Alice", email="alice@example.com")
    assert again.pk != alice.pk
    assert Conversation.objects.filter(user=again).count() == 0


def test_whoever_is_late_with_keeping_it_is_late(member, alice):
    ask(member)
    Erasure.objects.update(state=Erasure.State.BEGUN)
    with pytest.raises(erasing.TooLate):
        erasing.keep(alice)
    assert member.post(KEEP)["Location"] == PAGE


# --- Nobody comes back -------------------------------------------------------------------------------------------


def test_a_reply_that_is_being_written_leaves_nothing(alice, mara, monkeypatch):
    conversation = ConversationFactory(user=alice, girl=mara)
    MessageFactory(conversation=conversation, text="Are you there?")
    reply = ReplyFactory(conversation=conversation)
    token = uuid.uuid4()
    assert Reply.objects.claim(reply.pk, token=token)
    erase(alice)
    said = settling.Written("I am here, and I stay.", first_token_ms=1)
    settling.end(reply, Reply.State.DONE, token=token, written=said)
    assert (Message.objects.count(), Reply.objects.count(), Conversation.objects.count()) == (0, 0, 0)


def test_an_upload_that_is_being_made_leaves_nothing(member, alice, disk, monkeypatch):
    uploader = Uploader(member)
    content = picture()
    asked = uploader.ask(content).json()
    uploader.send(asked, content)
    uploader.complete(asked)
    made = processing._made

    def meanwhile(upload, file, check):
        file = made(upload, file, check)
        erase(alice)
        return file

    monkeypatch.setattr(processing, "_made", meanwhile)
    processing.see_to(Upload.objects.get().pk)
    assert (User.objects.count(), Upload.objects.count(), File.objects.count()) == (0, 0, 0)
    assert files_in(disk, "tmp") == []


@pytest.mark.parametrize("when", ["read", "put away"])
def test_a_copy_that_is_being_made_leaves_nothing(member, alice, disk, monkeypatch, when):
    """The deeds are the real ones; only something happens in the middle of them."""
    member.post("/account/data/export/")
    documents, put = exporting.documents, Disk.put

    def read(user):
        yield from documents(user)
        monkeypatch.undo()
        erase(alice)

    def put_away(self, key, file, **more):
        monkeypatch.undo()
        erase(alice)
        put(self, key, file, **more)

    if when == "read":
        monkeypatch.setattr(exporting, "documents", read)
    else:
        monkeypatch.setattr(Disk, "put", put_away)
    exporting.see_to(Export.objects.get().pk)
    assert (User.objects.count(), Export.objects.count()) == (0, 0)
    assert files_in(disk) == []
    assert mails() == ["erasure_done"]


def test_a_payment_keeps_its_sum_and_nobodys_name(member, alice):
    session = member.post(
        "/plans/prod_scripted_30/checkout/", {"click": "0c5c1d8e-1f6a-4c1b-8f43-2d5b8c2b8e10", "consent": "on"}
    )["Location"]
    session_id = session.rstrip("/").rsplit("/", 1)[1]
    member.post(session, {"action": "pay"})
    purchase = Purchase.objects.get(session_id=session_id)
    purchase = fulfilment.settle(purchase.pk)
    assert purchase.status == "paid"
    erase(alice)
    for _ in range(2):
        purchase.refresh_from_db()
        assert (purchase.user, purchase.method, purchase.receipt_url, purchase.next_url) == (None, "", "", "")
        assert (purchase.amount_total, purchase.status, purchase.problem) == (2999, "paid", "")
        assert len(purchase.pseudonym) == 64
        assert str(alice.pk) not in {str(value) for value in purchase.snapshot.values()}
        fulfilment.settle(purchase.pk)  # news of it that comes later brings nobody back


@needs_postgres
def test_whoever_writes_in_the_last_moment_is_erased_too(alice, mara):
    """Erasing and starting conversations at once: in the end nobody and nothing is there."""

    def deed(number):
        if number == 3:
            return erase(alice)
        for _ in range(20):
            starting.start_conversation(User.objects.get(pk=alice.pk), mara)

    answers = race(deed, 7)
    assert answers[3] is None, answers[3]
    assert (User.objects.count(), Conversation.objects.count()) == (0, 0)

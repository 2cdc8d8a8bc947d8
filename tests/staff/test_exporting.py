"""A copy of all that is a member's: asked for once a day, whole, theirs alone, and gone after a week."""

import errno
import json
import re
import zipfile
from datetime import timedelta
from io import BytesIO

import httpx
import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts import premium
from accounts.models import Consent, Mail
from chat.models import Alternative
from media import processing
from media.storage import store
from staff import exporting, tasks
from staff.models import Export
from tests.factories import ConversationFactory, GirlFactory, MediaFactory, MessageFactory
from tests.girls.test_likes import press
from tests.media.conftest import Uploader
from tests.media.drawing import picture
from tests.staff.conftest import days_go_by, files_in, its_time, mails, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

PAGE, ASK = "/account/data/", "/account/data/export/"


def words(member):
    return " ".join(re.sub(r"<[^>]+>", " ", member.get(PAGE).content.decode()).split())


def fetch(member):
    """What the button of the page saves."""
    link = re.search(rf'href="({ASK}[^"]+)"', member.get(PAGE).content.decode())[1]
    on = member.get(link)
    assert on.status_code == 302
    answer = Client().get(on["Location"])  # the address alone is enough, for five minutes
    assert answer.status_code == 200
    return answer, zipfile.ZipFile(BytesIO(b"".join(answer.streaming_content)))


def work():
    for pk in Export.objects.due().values_list("pk", flat=True):
        tasks.see_to_export(str(pk))


def test_it_is_asked_for_made_mailed_and_fetched(member, alice, disk):
    assert "Prepare my file" in words(member)
    assert member.post(ASK).status_code == 302
    assert "We’re putting it together" in words(member)
    work()
    assert "Your file is ready" in words(member)
    assert mails() == ["export_ready"]
    assert PAGE in Mail.objects.get().body
    answer, copy = fetch(member)
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"].startswith('attachment; filename="dusk-')
    assert "no-store" in answer["Cache-Control"]
    assert copy.testzip() is None
    account = json.loads(copy.read("account.json"))
    assert account["profile"]["email"] == alice.email
    assert account["devices"]


def test_it_holds_all_that_is_theirs(member, alice, mara, settings):
    conversation = ConversationFactory(user=alice, girl=mara)
    MessageFactory(conversation=conversation, text="Good *evening* <b>Mara</b>")
    hers = MessageFactory(conversation=conversation, hers=True, text="The second answer")
    for n, text in enumerate(["The first answer", "The second answer"], 1):
        Alternative.objects.create(conversation=conversation, seq=hers.seq, n=n, text=text)
    conversation.messages.filter(pk=hers.pk).update(alternatives=2, chosen=2)
    MessageFactory(conversation=conversation, text="That I took back")
    conversation.messages.filter(seq=3).update(text="", deleted_at=timezone.now())
    photo = MediaFactory(girl=mara, text="A bowl")
    settings.AGE_GATE = False
    press(member, photo)
    Uploader(member).put_up(picture(), purpose="avatar")
    processing.see_to_all()
    Consent.objects.create(user=alice, document="terms", version="2026-11-21")
    premium.grant(alice, 30, "staff:test")
    member.post(ASK)
    work()
    _, copy = fetch(member)
    assert set(copy.namelist()) == {
        *(
            "index.html",
            "account.json",
            "likes.json",
            "blocks.json",
            "purchases.json",
            "reports.json",
            "photos/photo-1.webp",
        ),
        *("conversations/mara.json", "conversations/mara.html"),
    }
    said = json.loads(copy.read("conversations/mara.json"))
    assert [(m["number"], m["from"], m["is_ai"], m["text"]) for m in said["messages"]] == [
        (1, "you", False, "Good *evening* <b>Mara</b>"),
        (2, "character", True, "The second answer"),
    ]
    assert said["messages"][1]["all_answers"] == ["The first answer", "The second answer"]
    page = copy.read("conversations/mara.html").decode()
    assert "&lt;b&gt;Mara&lt;/b&gt;" in page
    assert 'Mara <span class="ai">AI</span>' in page
    assert "took back" not in page
    assert "src=" not in page  # nothing is fetched from anywhere
    assert "http" not in page
    (like,) = json.loads(copy.read("likes.json"))
    assert (like["character"], like["caption"]) == ("Mara", "A bowl")
    account = json.loads(copy.read("account.json"))
    assert account["consents"][0]["document"] == "terms"
    assert account["premium"][0]["days"] == 30
    assert copy.read("photos/photo-1.webp")[:4] == b"RIFF"
    assert "conversations/mara.html" in copy.read("index.html").decode()


def test_nothing_of_others_and_nothing_of_the_house_is_in_it(member, alice, charlie, mara):
    mine = ConversationFactory(user=alice, girl=mara)
    MessageFactory(conversation=mine, text="Mine")
    foreign = ConversationFactory(user=charlie, girl=mara)
    MessageFactory(conversation=foreign, text="CHARLIES-SECRET")
    ConversationFactory(user=charlie, girl=GirlFactory(slug="ines"))
    member.post(ASK)
    work()
    _, copy = fetch(member)
    everything = b"".join(copy.read(name) for name in copy.namelist()).decode(errors="replace")
    alice.refresh_from_db()
    key = member.cookies["sessionid"].value
    for secret in ("SECRET-PERSONA", "SECRET-VOICE", "CHARLIES", "charlie", "ines", alice.password, key, "exports/"):
        assert secret not in everything


def test_a_foreign_one_is_not_there(member, charlie):
    member.post(ASK)
    work()
    pk = Export.objects.get().pk
    stranger = sign_in(charlie)
    assert stranger.get(f"{ASK}{pk}/").status_code == 404
    assert Client().get(f"{ASK}{pk}/").status_code == 302  # to the sign-in
    assert member.get(f"{ASK}00000000-0000-0000-0000-000000000000/").status_code == 404


def test_asking_twice_makes_one_and_another_comes_a_day_later(member, disk):
    for _ in range(2):
        member.post(ASK)
    work()
    member.post(ASK)
    assert Export.objects.count() == 1
    assert "once a day" in words(member)
    days_go_by(1)
    member.post(ASK)
    work()
    assert [export.state for export in Export.objects.all()] == ["ready"]
    assert files_in(disk) == [f"{Export.objects.get().pk}.zip"]


def test_after_a_week_it_is_gone(member, disk):
    member.post(ASK)
    work()
    days_go_by(6)
    work()
    assert len(files_in(disk)) == 1
    days_go_by(1)
    work()
    assert (Export.objects.count(), files_in(disk)) == (0, [])
    assert "Prepare my file" in words(member)


def test_an_address_is_over_after_five_minutes(member):
    member.post(ASK)
    work()
    address = member.get(f"{ASK}{Export.objects.get().pk}/")["Location"]
    assert Client().get(address).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=1)):
        assert Client().get(address).status_code == 403


def test_without_room_it_says_so_and_can_be_asked_for_again(member, monkeypatch, disk):
    member.post(ASK)
    disk.parent.joinpath("media").mkdir()
    disk.joinpath("exports").write_text("a file where a folder should be: nothing can be put there")
    for _ in range(exporting.MAX_TRIES):
        its_time()
        work()
    assert "We couldn’t make your file just now" in words(member)
    assert "Try again" in words(member)
    assert mails() == []
    disk.joinpath("exports").unlink()
    member.post(ASK)
    work()
    assert "Your file is ready" in words(member)


def test_a_machine_without_room_for_the_copy_says_so(member, settings, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    member.post(ASK)
    monkeypatch.setattr(exporting, "TemporaryFile", full)  # the world's, not ours
    work()
    assert "We couldn’t make your file just now" in words(member)


def test_whoever_dies_of_it_each_time_is_given_up(member):
    member.post(ASK)
    Export.objects.update(attempts=exporting.MAX_TRIES)
    work()
    assert Export.objects.get().state == Export.State.FAILED
    assert "Try again" in words(member)


def test_two_workers_make_one(member, disk, monkeypatch):
    """One whose lease ran out in the middle leaves no second mail and no second file."""
    member.post(ASK)
    pk = Export.objects.get().pk
    documents = exporting.documents

    def slowly(user):
        monkeypatch.setattr(exporting, "documents", documents)
        its_time()
        exporting.see_to(pk)  # the other worker
        yield from documents(user)

    monkeypatch.setattr(exporting, "documents", slowly)  # the world is slow, and nothing of ours is replaced
    exporting.see_to(pk)
    assert mails() == ["export_ready"]
    assert files_in(disk) == [f"{pk}.zip"]
    assert Export.objects.get().state == Export.State.READY


def test_what_lies_there_and_is_no_copy_is_swept(member, disk):
    member.post(ASK)
    work()
    store().put("exports/00000000-0000-0000-0000-000000000000.zip", BytesIO(b"x"), content_type="application/zip")
    tasks.sweep()
    assert len(files_in(disk)) == 2  # somebody may just be making it
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        tasks.sweep()
    assert files_in(disk) == [f"{Export.objects.get().pk}.zip"]


def test_in_a_bucket(bucket, member, alice):
    member.post(ASK)
    work()
    export = Export.objects.get()
    assert export.state == Export.State.READY
    address = member.get(f"{ASK}{export.pk}/")["Location"]
    answer = httpx.get(address, trust_env=False, timeout=60)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    assert zipfile.ZipFile(BytesIO(answer.content)).testzip() is None
    assert httpx.get(address.split("?")[0], trust_env=False, timeout=60).status_code == 403
    days_go_by(7)
    work()
    assert list(store().keys("exports")) == []

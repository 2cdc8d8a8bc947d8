"""The desk: what staff see and change of a character's pictures, in the console."""

import json
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from girls import publishing
from girls.models import Girl, Media
from media.models import File
from tests.factories import FileFactory, GirlFactory, MediaFactory, UserFactory
from tests.racing import needs_postgres, together

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
TABS = {"gallery": "gallery", "posts": "post", "reply-media": "asset"}
VERBS = ("publish", "hide", "premium_on", "premium_off", "delete", "put_back")


class Desk:
    """A browser of somebody who works there."""

    def __init__(self, user, girl):
        self.browser = Client()
        self.browser.force_login(user)
        self.girl = girl

    def at(self, path):
        return f"/admin/girls/girl/{self.girl.pk}/{path}"

    def get(self, path):
        return self.browser.get(self.at(path))

    def json(self, path, **body):
        return self.browser.post(self.at(path), json.dumps(body), content_type="application/json")

    def do(self, verb, *items, tab="gallery"):
        return self.json(f"{tab}/several/", verb=verb, ids=[item.pk for item in items])

    def write(self, item, tab="gallery", **fields):
        return self.browser.post(self.at(f"{tab}/{item.pk}/"), fields)

    def order(self, *items):
        return self.json("gallery/order/", ids=[getattr(item, "pk", item) for item in items])


def somebody(*permissions):
    user = UserFactory(staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions, content_type__app_label="girls"))
    return user


EDITOR = ("view_girl", "change_girl", "view_media", "add_media", "change_media", "delete_media")


@pytest.fixture
def desk(mara):
    return Desk(somebody(*EDITOR), mara)


@pytest.fixture
def three(mara):
    """The first, the second and the third of her gallery."""
    return [MediaFactory(girl=mara, position=place, text=f"Number {place}") for place in (1, 2, 3)]


def shown(desk, tab="gallery"):
    return [item.pk for item in desk.get(f"{tab}/").context["items"]]


def history(girl):
    return list(LogEntry.objects.filter(object_id=str(girl.pk)).values_list("change_message", flat=True))


# --- Who may ------------------------------------------------------------------------------------------------------


def doors(desk, item):
    """Every door of the desk, as functions."""
    yield lambda: desk.get("gallery/")
    yield lambda: desk.get("gallery/tiles/?files=")
    yield lambda: desk.do("hide", item)
    yield lambda: desk.do("delete", item)
    yield lambda: desk.write(item, text="Not theirs")
    yield lambda: desk.order(item)
    yield lambda: desk.get("pictures/")
    yield lambda: desk.json("pictures/remove/", name="portrait")


@pytest.mark.parametrize("permissions", [(), ("view_girl", "view_media"), ("change_media", "delete_media")])
def test_nobody_works_at_the_desk_who_may_not_edit_characters(mara, three, permissions):
    theirs = Desk(somebody(*permissions), mara)
    assert [door().status_code for door in doors(theirs, three[0])] == [403] * 8
    three[0].refresh_from_db()
    assert (three[0].text, three[0].published, three[0].removed_at) == ("Number 1", True, None)


def test_members_and_visitors_are_sent_to_the_sign_in(mara, three, alice):
    for browser in (Desk(alice, mara), Desk(alice, mara)):
        answers = [door() for door in doors(browser, three[0])]
        assert {answer.status_code for answer in answers} == {302}
        assert all(answer["Location"].startswith("/admin/login/") for answer in answers)
        browser.browser.logout()


def test_who_may_not_delete_media_does_everything_else(mara, three):
    half = Desk(somebody("change_girl", "change_media"), mara)
    assert half.do("delete", three[0]).status_code == half.do("put_back", three[0]).status_code == 403
    page = half.get("gallery/").content.decode()
    assert 'data-do="delete"' not in page
    assert "<media-uploader" not in page
    assert half.do("hide", three[0]).status_code == 200


def test_who_may_not_add_media_puts_nothing_up(mara):
    asked = {"purpose": "girl_media", "name": "a.jpg", "content_type": "image/jpeg", "size": 1}
    asked["target"] = {"girl": mara.pk, "surface": "gallery"}
    for permissions, status in ((("change_girl", "change_media"), 404), (EDITOR, 201)):
        browser = Desk(somebody(*permissions), mara).browser
        assert browser.post("/media/uploads/", asked, content_type="application/json").status_code == status


def test_nothing_is_done_by_a_link_or_without_the_token(desk, three):
    for path in ("gallery/several/", "gallery/order/", f"gallery/{three[0].pk}/", "pictures/remove/"):
        assert desk.get(path).status_code == 405, path
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = desk.browser.cookies
        assert strict.post(desk.at(path)).status_code == 403, path


def test_what_is_hers_is_reached_through_her_and_its_own_tab_only(desk, three):
    other = MediaFactory(text="Another's")
    post = MediaFactory(girl=desk.girl, post=True, text="A post")
    for stranger in (other, post):
        assert desk.write(stranger, text="Mine now").status_code == 404
        assert desk.do("delete", stranger).json()["done"] == 0
        assert desk.get(f"gallery/tiles/?files={stranger.file_id}").json()["html"].strip() == ""
        desk.order(stranger, *three)
        stranger.refresh_from_db()
        assert (stranger.text in ("Another's", "A post"), stranger.position, stranger.removed_at) == (True, 0, None)
    for nobody in (0, 10**30):
        assert desk.browser.get(f"/admin/girls/girl/{nobody}/gallery/").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"verb": "erase", "ids": [1]}, {"verb": "hide", "ids": []}, {"verb": "hide", "ids": [2**70]}, {"verb": 1}],
)
def test_what_makes_no_sense_is_refused(desk, three, body):
    assert desk.json("gallery/several/", **body).status_code == 400
    assert desk.get("gallery/tiles/?files=x").status_code == 400
    assert Media.objects.filter(published=True).count() == 3


# --- The pages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tab", TABS)
def test_each_surface_has_a_tab_with_what_is_on_it(desk, tab):
    for surface in TABS.values():
        MediaFactory(girl=desk.girl, surface=surface, text=f"On {surface}", published=surface == "gallery")
    page = desk.get(f"{tab}/").content.decode()
    assert [f"On {surface}" in page for surface in TABS.values()] == [tab == other for other in TABS]
    assert page.count("<media-uploader") == 1
    assert "style=" not in page.replace("stylesheet", "")


@pytest.mark.parametrize("number", [3, 30])
def test_a_tab_costs_the_same_for_many(desk, django_assert_num_queries, number):
    MediaFactory.create_batch(number, girl=desk.girl)
    desk.get("gallery/")
    with django_assert_num_queries(8):  # session, user, second factor, girl, permissions of two kinds, counts, items
        assert len(shown(desk)) == number


def test_posts_are_shown_newest_first_and_those_that_wait_before_them(desk):
    old, new = (
        MediaFactory(girl=desk.girl, post=True, published_at=timezone.now() - timedelta(days=days)) for days in (9, 1)
    )
    draft = MediaFactory(girl=desk.girl, post=True, unpublished=True)
    assert shown(desk, "posts") == [draft.pk, new.pk, old.pk]
    assert desk.json("posts/order/", ids=[old.pk]).status_code == 404  # time orders them


def test_what_has_just_been_made_ready_is_asked_for_by_its_upload(desk, three):
    answer = desk.get(f"gallery/tiles/?files={three[1].file_id},{three[2].file_id}").json()
    assert [f'data-tile="{item.pk}"' in answer["html"] for item in three] == [False, True, True]
    assert answer["counts"] == {"gallery": 3, "posts": 0, "reply-media": 0}


def test_profile_and_persona_are_forms_of_their_own(desk):
    profile, persona = (desk.get(path).content.decode() for path in ("change/", "persona/"))
    assert "SECRET-PERSONA" not in profile
    assert "SECRET-PERSONA" in persona
    desk.browser.post(desk.at("persona/"), {"greeting": "Hi", "persona_prompt": "You are somebody.", "voice_id": "v"})
    girl = Girl.objects.get(pk=desk.girl.pk)
    assert (girl.persona_prompt, girl.voice_id, girl.tags, girl.tagline) == (
        *("You are somebody.", "v"),
        *(desk.girl.tags, desk.girl.tagline),
    )
    assert Desk(somebody("change_media"), desk.girl).get("persona/").status_code == 403
    looking = Desk(somebody("view_girl"), desk.girl)
    assert looking.get("persona/").status_code == 403
    assert "/persona/" not in looking.get("change/").content.decode()


def test_saving_her_profile_takes_no_picture_back_that_came_meanwhile(desk, monkeypatch):
    fields = {
        "name": "Mara",
        "slug": "mara",
        "age": 29,
        "position": 3,
        "tagline": "New",
        "bio": "Clay.",
        "greeting": "Hi",
        "speaks": "English",
    }
    file = FileFactory(purpose="girl_profile", folder=f"girls/{desk.girl.pk}/profile")
    read = Girl.full_clean

    def comes_meanwhile(girl, *args, **kwargs):
        publishing.give_portrait(girl.pk, file)
        return read(girl, *args, **kwargs)

    monkeypatch.setattr(Girl, "full_clean", comes_meanwhile)
    assert desk.browser.post(desk.at("change/"), fields).status_code == 302
    girl = Girl.objects.get(pk=desk.girl.pk)
    assert (girl.tagline, girl.position, girl.portrait_id) == ("New", 3, file.pk)
    assert "new" in girl.search_text


def test_a_new_character_is_saved_before_she_gets_pictures(client):
    client.force_login(UserFactory(administrator=True))
    page = client.get("/admin/girls/girl/add/").content.decode()
    assert "Save her first, then add pictures." in page
    assert "<media-uploader" not in page


# --- Writing on one item -------------------------------------------------------------------------------------------


def test_an_item_is_captioned_and_published(desk):
    item = MediaFactory(girl=desk.girl, text="", unpublished=True)
    answer = desk.write(item, text="Studio door", premium_only="on", published="on")
    assert "Studio door" in answer.json()["html"]
    item.refresh_from_db()
    assert (item.text, item.premium_only, item.can_be_liked, item.published) == ("Studio door", True, False, True)
    assert item.published_at
    assert Girl.objects.get(pk=desk.girl.pk).gallery_count == 1
    assert "Gallery: changed caption" in history(desk.girl)[0]


@pytest.mark.parametrize(
    ("tab", "mine", "others"),
    [
        ("gallery", {"premium_only": True}, {"location": "", "mature": False}),
        ("posts", {"location": "Lisbon"}, {"premium_only": False, "mature": False}),
        ("reply-media", {"mature": True}, {"premium_only": False, "can_be_liked": False, "location": ""}),
    ],
)
def test_each_surface_takes_what_belongs_to_it(desk, tab, mine, others):
    item = MediaFactory(girl=desk.girl, surface=TABS[tab])
    everything = {"text": "All", "location": "Lisbon", "premium_only": "on", "mature": "on", "can_be_liked": "on"}
    assert desk.write(item, tab, **everything).status_code == 200
    item.refresh_from_db()
    assert {name: getattr(item, name) for name in {**mine, **others}} == {**mine, **others}


@pytest.mark.parametrize(("tab", "field", "length"), [("gallery", "text", 301), ("posts", "location", 81)])
def test_what_is_wrong_with_an_item_is_said_of_its_field(desk, tab, field, length):
    item = MediaFactory(girl=desk.girl, surface=TABS[tab], text="Before")
    answer = desk.write(item, tab, **{"text": "After", field: "x" * length})
    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == [field]
    item.refresh_from_db()
    assert item.text == "Before"


def test_what_was_deleted_meanwhile_is_told_so(desk, three):
    publishing.take_down(Media.objects.filter(pk=three[0].pk))
    answer = desk.write(three[0], text="Too late")
    assert answer.status_code == 404
    assert "deleted" in answer.json()["error"]["message"]
    done = desk.do("hide", *three).json()
    assert done["done"] == 2
    assert f'data-tile="{three[0].pk}"' not in done["html"]


# --- Several at once -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "field", "value"),
    [
        ("publish", "published", True),
        ("hide", "published", False),
        ("premium_on", "premium_only", True),
        ("premium_off", "premium_only", False),
    ],
)
def test_one_thing_is_done_to_several(desk, verb, field, value):
    items = [MediaFactory(girl=desk.girl, **{field: not value}) for _ in range(3)]
    assert desk.do(verb, *items[:2]).json()["done"] == 2
    for item in items:
        item.refresh_from_db()
    assert [getattr(item, field) for item in items] == [value, value, not value]
    assert "2 items" in history(desk.girl)[0]
    assert desk.do(verb, *items[:2]).json()["done"] == 0
    assert len(history(desk.girl)) == 1  # nothing was changed: nothing to tell


def test_only_the_gallery_has_premium_items(desk):
    post = MediaFactory(girl=desk.girl, post=True)
    assert desk.do("premium_on", post, tab="posts").status_code == 400


def test_deleting_is_undone_for_a_while_and_then_no_more(desk, three):
    assert desk.do("delete", three[0], three[2]).json()["done"] == 2
    assert shown(desk) == [three[1].pk]
    assert desk.do("put_back", three[0], three[2]).json()["done"] == 2
    assert shown(desk) == [item.pk for item in three]
    assert Girl.objects.get(pk=desk.girl.pk).gallery_count == 3
    desk.do("delete", three[0])
    Media.objects.filter(pk=three[0].pk).update(removed_at=timezone.now() - publishing.UNDO - timedelta(seconds=1))
    publishing.finish_removals()
    answer = desk.do("put_back", three[0]).json()
    assert (answer["done"], answer["html"].strip()) == (0, "")
    assert File.objects.get(pk=three[0].file_id).state == File.State.GONE


# --- Order ---------------------------------------------------------------------------------------------------------


def test_the_order_is_kept_and_visitors_see_it(desk, three, client, settings):
    settings.AGE_GATE = False
    one, two, last = three
    assert desk.order(last, one, two).json()["ids"] == [last.pk, one.pk, two.pk]
    assert shown(desk) == [last.pk, one.pk, two.pk]
    page = client.get("/girls/mara/gallery/").content.decode()
    places = [page.index(item.text) for item in (last, one, two)]
    assert places == sorted(places)
    assert "Gallery: changed the order." in history(desk.girl)


def test_what_an_editor_does_not_know_keeps_its_place_behind(desk, three):
    one, two, last = three
    fresh = MediaFactory(girl=desk.girl)  # new ones stand first
    assert shown(desk) == [fresh.pk, one.pk, two.pk, last.pk]
    publishing.take_down(Media.objects.filter(pk=two.pk))
    assert desk.order(last, two, one, last, 2**40).json()["ids"] == [last.pk, one.pk, fresh.pk]
    publishing.put_back(Media.objects.filter(pk=two.pk))
    assert sorted(shown(desk)) == sorted([one.pk, two.pk, last.pk, fresh.pk])


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_who_put_in_order_at_once_one_wins_and_nothing_is_lost(mara):
    items = [MediaFactory(girl=mara, position=place) for place in range(1, 21)]
    there = [item.pk for item in items]
    orders = [there[::-1], there[10:] + there[:10], there]

    def arrange(order):
        return lambda: publishing.arrange(mara.pk, "gallery", order)

    def put_up():
        return publishing.add(mara.pk, FileFactory(), "gallery").pk

    *_, fresh = together(*(arrange(order) for order in orders), put_up)
    found = list(publishing.in_order(mara.media.all()).values_list("pk", flat=True))
    assert [pk for pk in found if pk != fresh] in orders
    assert sorted(found) == sorted([*there, fresh])
    places = list(mara.media.exclude(pk=fresh).values_list("position", flat=True))
    assert len(set(places)) == len(places)


# --- Portrait and cover ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "purpose"), [("portrait", "girl_profile"), ("cover", "girl_background")])
def test_a_picture_of_her_is_shown_and_taken_away(desk, name, purpose):
    file = FileFactory(purpose=purpose, folder=f"girls/{desk.girl.pk}/profile")
    (publishing.give_portrait if name == "portrait" else publishing.give_cover)(desk.girl.pk, file)

    def hers(answer):
        return next(picture for picture in answer.json()["pictures"] if picture["name"] == name)

    assert str(file.pk) in hers(desk.get("pictures/"))["url"]
    gone = hers(desk.json("pictures/remove/", name=name))
    assert (gone["given"], str(file.pk) in gone["url"]) == (False, False)
    assert File.objects.get(pk=file.pk).state == File.State.GONE
    assert f"Took her {name} away." in history(desk.girl)


# --- Lists ----------------------------------------------------------------------------------------------------------


def test_the_list_of_characters_counts_and_warns_where_reply_media_runs_low(client):
    client.force_login(UserFactory(administrator=True))
    full = GirlFactory(name="Full")
    MediaFactory.create_batch(6, girl=full, asset=True)
    MediaFactory.create_batch(5, girl=GirlFactory(name="Low"), asset=True)
    page = client.get("/admin/girls/girl/").content.decode()
    assert "5, low" in page
    assert "6, low" not in page


def test_the_page_of_one_item_shows_it_and_writes_nothing(client, three):
    client.force_login(UserFactory(administrator=True))
    address = f"/admin/girls/media/{three[0].pk}/change/"
    page = client.get(address).content.decode()
    assert f"/admin/girls/girl/{three[0].girl_id}/gallery/" in page
    assert 'name="_save"' not in page
    client.post(address, {"text": "Written here", "published": ""})
    three[0].refresh_from_db()
    assert (three[0].text, three[0].published) == ("Number 1", True)


def test_media_deleted_from_the_list_can_still_be_put_back(client, three, mara):
    client.force_login(UserFactory(administrator=True))
    chosen = {"action": "delete_selected", "_selected_action": [three[0].pk], "post": "yes"}
    assert client.post("/admin/girls/media/", chosen).status_code == 302
    assert client.post(f"/admin/girls/media/{three[1].pk}/delete/", {"post": "yes"}).status_code == 302
    assert publishing.put_back(mara.media.all()) == 2
    page = client.get("/admin/girls/media/").content.decode()
    assert "Number 1" in page


def test_a_deleted_character_takes_her_media_along_and_leaves_no_file(client, three, mara):
    client.force_login(UserFactory(administrator=True))
    client.post(f"/admin/girls/girl/{mara.pk}/delete/", {"post": "yes"})
    assert not Girl.objects.filter(pk=mara.pk).exists()
    assert set(File.objects.values_list("state", flat=True)) == {File.State.GONE}


@pytest.mark.parametrize("number", [3, 30])
def test_the_list_of_media_costs_the_same_for_many(client, django_assert_max_num_queries, number):
    client.force_login(UserFactory(administrator=True))
    MediaFactory.create_batch(number)
    with django_assert_max_num_queries(7):  # session, user, counts, rows, dates of the filter
        assert client.get("/admin/girls/media/?q=bowl").status_code == 200

"""Staff bring a character's pictures in, in the browser: dropped, captioned, published, put in order, deleted."""

import base64
import re

import pytest
from django.contrib.admin.models import LogEntry
from playwright.sync_api import Page, expect

from girls import publishing
from girls.models import Girl, Media
from tests.config.processes import until
from tests.e2e.conftest import PHONE
from tests.e2e.looking import faults, sideways
from tests.factories import MediaFactory, UserFactory
from tests.media.drawing import picture

DROP = """([zone, files]) => {
  const data = new DataTransfer();
  for (const { name, type, content } of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    data.items.add(new File([bytes], name, { type }));
  }
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const how = { dataTransfer: data, bubbles: true, cancelable: true };
    document.querySelector(zone).dispatchEvent(new DragEvent(kind, how));
  }
}"""


@pytest.fixture
def girl(characters):
    """A character whom no other journey looks at."""
    girl = Girl.objects.get(slug="vera")
    girl.media.all().delete()
    yield girl
    girl.media.all().delete()  # no page of another journey shows what is not there
    publishing.recount(girl.pk)


@pytest.fixture
def editor(new_browser, girl):
    """Her gallery, in an editor's browser."""

    def open_tab(tab="gallery", **options) -> Page:
        page = new_browser(UserFactory(administrator=True), reduced_motion="reduce", **options)
        page.goto(f"/admin/girls/girl/{girl.pk}/{tab}/")
        return page

    return open_tab


@pytest.fixture
def gallery(girl, complaints):
    """Photos in her gallery, by their captions; of their files there are only the rows."""
    complaints.expect("status of 404")

    def hang(*names, **fields):
        return [MediaFactory(girl=girl, text=name, position=place, **fields) for place, name in enumerate(names, 1)]

    return hang


def file(name, content, content_type="image/jpeg"):
    return {"name": name, "type": content_type, "content": base64.b64encode(content).decode()}


def photo(name, side):
    return file(name, picture(size=(side, side + 100)))


def rows(page):
    return page.locator(".uploader-row")


def captions(page):
    return page.locator("[data-tiles] [data-caption]")


HEAR = """() => {
  const voice = document.querySelector("media-uploader [data-say]");
  window.said = [];
  const changes = { childList: true, characterData: true, subtree: true };
  new MutationObserver(() => said.push(voice.textContent)).observe(voice, changes);
}"""


def test_five_files_are_dropped_and_one_of_them_is_bad(editor, girl, complaints):
    complaints.expect("status of 400")
    page = editor()
    files = [photo(f"kiln-{n}.jpg", 600 + n) for n in range(4)]
    files.insert(2, file("scan.tiff", b"II*\0", "image/tiff"))
    page.evaluate(HEAR)  # what is said is replaced by what is said next
    page.evaluate(DROP, ["[data-zone]", files])
    expect(rows(page)).to_have_count(5)
    expect(page.locator("[data-heading]")).to_have_text("4 ready, 1 not taken")
    bad = rows(page).filter(has_text="scan.tiff")
    expect(bad).to_contain_text("TIFF isn’t supported. Save it as JPG or PNG.")
    until(lambda: page.evaluate("said.join().includes('scan.tiff')"), what="a word about the bad one")
    expect(captions(page)).to_have_text(["No caption"] * 4)
    expect(page.locator("[data-count=gallery]")).to_have_text("4")
    assert faults(page, preload=False) == {}

    # Caption one, from its row, and publish it.
    rows(page).filter(has_text="kiln-1.jpg").get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit item")
    dialog.get_by_label("Caption").evaluate("field => field.removeAttribute('maxlength')")
    dialog.get_by_label("Caption").fill("x" * 301)
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog.get_by_label("Caption")).to_have_attribute("aria-invalid", "true")
    expect(dialog.locator("#error_text")).to_contain_text("300 characters")
    assert faults(page, preload=False) == {}
    dialog.get_by_label("Caption").fill("Studio door at dawn")
    dialog.get_by_label("Published").check()
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog).to_be_hidden()
    tile = page.locator(".tile", has_text="Studio door at dawn")
    expect(tile.locator(".badge")).to_have_count(0)  # no draft any more
    expect(tile.locator("[data-edit]")).to_be_focused()
    girl.refresh_from_db()
    assert girl.gallery_count == 1
    assert LogEntry.objects.filter(object_id=str(girl.pk), change_message="Gallery: added “kiln-1.jpg”.").exists()


def test_progress_is_shown_and_one_or_all_are_given_up(editor, complaints):
    complaints.expect("net::ERR_FAILED|net::ERR_ABORTED")
    page = editor()
    held = []
    page.route("**/media/disk/**", lambda route: held.append(route))  # a slow line: nothing gets through
    page.evaluate(DROP, ["[data-zone]", [photo(f"slow-{n}.jpg", 300 + n) for n in range(5)]])
    expect(page.locator("[data-heading]")).to_have_text("Uploading 5 of 5")
    expect(page.locator('.uploader-row[data-is="sending"]')).to_have_count(3)
    expect(page.get_by_role("progressbar", name="slow-0.jpg, sent")).to_be_visible()
    rows(page).first.get_by_role("button", name="Cancel slow-0.jpg").click()
    expect(rows(page)).to_have_count(4)
    expect(page.locator('.uploader-row[data-is="sending"]')).to_have_count(3)
    page.get_by_role("button", name="Cancel all").click()
    expect(page.locator("[data-heading]")).to_have_text("Nothing to upload")
    assert page.evaluate("dispatchEvent(new Event('beforeunload', { cancelable: true }))")  # nobody is held back
    page.unroute_all(behavior="ignoreErrors")


def test_who_leaves_while_files_are_sent_is_asked(editor, complaints):
    complaints.expect("net::ERR_FAILED|net::ERR_ABORTED")
    page = editor()
    page.route("**/media/disk/**", lambda route: None)
    page.evaluate(DROP, ["[data-zone]", [photo("slow.jpg", 300)]])
    expect(page.locator('.uploader-row[data-is="sending"]')).to_have_count(1)
    assert not page.evaluate("dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    page.get_by_role("button", name="Cancel slow.jpg").click()


def test_a_line_that_breaks_is_mended_without_anybody(editor, complaints):
    complaints.expect("net::ERR_FAILED|status of 503")
    page = editor()
    answers = ["cut", "busy", "through"]

    def storage(route):
        how = answers.pop(0)
        if how == "cut":
            route.abort()
        elif how == "busy":
            route.fulfill(status=503, body="")
        else:
            route.continue_()

    page.route("**/media/disk/**", storage)
    page.evaluate(DROP, ["[data-zone]", [photo("kiln.jpg", 500)]])
    expect(page.locator("[data-heading]")).to_have_text("1 ready")
    expect(captions(page)).to_have_count(1)
    assert answers == []


def test_a_session_that_ended_is_said_and_gone_on_with(editor, complaints):
    complaints.expect("status of 401")
    page = editor()
    cookies = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    page.evaluate(DROP, ["[data-zone]", [photo("kiln.jpg", 500)]])
    expect(page.locator("[data-signed-out]")).to_be_visible()
    page.context.add_cookies([cookie for cookie in cookies if cookie["name"] == "sessionid"])
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("[data-heading]")).to_have_text("1 ready")


def test_a_gallery_is_put_in_order_by_keyboard(editor, gallery):
    gallery("One", "Two", "Three", "Four")
    page = editor()
    says = page.locator("p[data-say]").last
    grip = page.get_by_role("button", name="Move One")
    grip.focus()
    page.keyboard.press("Space")
    expect(says).to_contain_text("One, place 1 of 4. Lifted.")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(says).to_have_text("One, place 3 of 4.")
    with page.expect_response(re.compile("/order/$")):
        page.keyboard.press("Space")
    expect(says).to_have_text("One, place 3 of 4. Dropped.")
    expect(grip).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Home")
    page.keyboard.press("Escape")
    expect(says).to_have_text("One, place 3 of 4. Put back.")
    page.reload()
    expect(captions(page)).to_have_text(["Two", "Three", "One", "Four"])


def test_a_gallery_is_put_in_order_by_dragging_and_by_single_presses(editor, gallery):
    gallery("One", "Two", "Three")
    page = editor()
    tile, target = (page.locator(".tile", has_text=name) for name in ("One", "Three"))
    tile.locator("[data-grip]").hover()
    page.mouse.down()
    box = target.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
    with page.expect_response(re.compile("/order/$")):
        page.mouse.up()
    expect(captions(page)).to_have_text(["Two", "Three", "One"])
    page.get_by_role("button", name="Move Three").click()
    bar = page.get_by_role("group", name="Moving an item")
    bar.get_by_role("button", name="First").click()
    with page.expect_response(re.compile("/order/$")):
        bar.get_by_role("button", name="Drop").click()
    page.reload()
    expect(captions(page)).to_have_text(["Three", "Two", "One"])


def test_several_are_published_and_deleted_and_the_deletion_is_undone(editor, girl, gallery):
    gallery("One", "Two", "Three", unpublished=True)
    page = editor()
    for name in ("One", "Two"):
        page.get_by_label(f"Choose {name}").check(force=True)
    bar = page.get_by_role("group", name="Chosen items")
    expect(bar).to_contain_text("2 chosen")
    bar.get_by_role("button", name="Publish").click()
    expect(page.locator(".tile .badge", has_text="Draft")).to_have_count(1)
    bar.get_by_role("button", name="Delete").click()
    expect(captions(page)).to_have_text(["Three"])
    expect(page.locator(".toast")).to_contain_text("2 items deleted.")
    page.get_by_role("button", name="Undo").click()
    expect(captions(page)).to_have_text(["One", "Two", "Three"])
    assert Media.objects.kept().filter(girl=girl).count() == 3
    girl.refresh_from_db()
    assert girl.gallery_count == 2


def test_what_a_colleague_deleted_is_said_and_taken_away(editor, gallery):
    [item] = gallery("One")
    page = editor()
    page.locator(".tile").click()
    Media.objects.filter(pk=item.pk).update(removed_at="2020-01-01T00:00:00Z")
    page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("Somebody has deleted this item")
    expect(page.locator(".tile")).to_have_count(0)
    expect(page.get_by_text("Nothing is in her gallery yet.")).to_be_visible()


def test_she_gets_another_portrait_and_loses_it_again(editor, girl):
    page = editor("change")
    portrait = page.locator('[data-picture="portrait"]')
    before = portrait.locator("> img").get_attribute("src")
    portrait.locator("input[type=file]").set_input_files(
        {"name": "face.jpg", "mimeType": "image/jpeg", "buffer": picture(size=(720, 960))}
    )
    expect(portrait.locator("> img")).not_to_have_attribute("src", before)
    expect(portrait.locator("> img")).to_have_js_property("naturalWidth", 720)
    assert faults(page, preload=False) == {}
    portrait.get_by_role("button", name="Remove the portrait").click()
    expect(portrait.locator("> img")).to_have_attribute("src", before)
    girl.refresh_from_db()
    assert girl.portrait_id is None


def test_a_phone_shows_all_of_it(editor, gallery):
    gallery("A night off the wheel", "Rain", "Glaze books, mostly", premium_only=True)
    page = editor(**PHONE)
    assert sideways(page) == []
    assert faults(page, preload=False) == {}
    page.locator(".tile-open").first.click()
    expect(page.get_by_role("dialog", name="Edit item")).to_be_visible()
    assert faults(page, preload=False) == {}

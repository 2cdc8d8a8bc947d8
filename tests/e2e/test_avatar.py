"""A member's own picture, from choosing it to removing it, as their browser does it."""

import io

import pillow_heif
import pytest
from PIL import Image
from playwright.sync_api import expect

from media.models import File, Upload
from media.storage import store
from tests.config.processes import until
from tests.e2e.conftest import PHONE
from tests.e2e.looking import NARROW, at_rest, faults, sideways


def photo(kind="PNG", size=(900, 600)):
    """Three stripes, red, green and blue: a crop shows which of them it took."""
    image = Image.new("RGB", size)
    for number, colour in enumerate(("#ff0000", "#00ff00", "#0000ff")):
        image.paste(colour, (number * size[0] // 3, 0, (number + 1) * size[0] // 3, size[1]))
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def choose(page, content=None, name="me.png", mime="image/png"):
    with page.expect_file_chooser() as chooser:
        page.locator("[data-choose]").click()
    chooser.value.set_files({"name": name, "mimeType": mime, "buffer": content or photo()})


@pytest.fixture
def account(new_browser, alice):
    def opened(**options):
        page = new_browser(alice, **options)
        page.goto("/account/")
        return page

    return opened


def kept(member):
    """The picture that was kept of this member, as pixels."""
    member.refresh_from_db()
    file = File.objects.get(pk=member.avatar_id)
    with store().open(file.key) as content:
        return Image.open(content).convert("RGB")


def stripe(picture, across):
    """Which of the stripes is seen there, from 0 to 1 across."""
    pixel = picture.getpixel((round(across * (picture.width - 1)), picture.height // 2))
    return ["red", "green", "blue"][pixel.index(max(pixel))]


def dialog(page):
    return page.get_by_role("dialog", name="Crop your photo")


def saved(page):
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()


def test_chosen_cropped_sent_and_seen_at_once(account, alice):
    page = account()
    choose(page)
    expect(dialog(page)).to_be_visible()
    page.get_by_role("button", name="Use photo").click()
    saved(page)
    picture = kept(alice)
    assert picture.size == (512, 512)
    assert [stripe(picture, at) for at in (0.05, 0.5, 0.95)] == ["red", "green", "blue"]
    for image in (page.locator(".own-picture img"), page.locator(".menu-avatar img")):
        until(lambda shown=image: shown.evaluate("image => image.naturalWidth") in {512, 96}, what="the new picture")
    page.reload()
    expect(page.locator(".own-picture img")).to_be_visible()


def test_by_the_keyboard_alone(account, alice):
    page = account()
    choose(page)
    expect(dialog(page)).to_be_visible()
    page.get_by_role("slider", name="Zoom").focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    for _ in range(14):  # the photo goes right, so its left is seen
        page.get_by_role("button", name="Right", exact=True).press("Enter")
    page.get_by_role("button", name="Use photo").press("Enter")
    saved(page)
    assert {stripe(kept(alice), at) for at in (0.05, 0.5, 0.95)} == {"red"}
    expect(page.get_by_role("button", name="Change photo")).to_be_focused()


def test_by_dragging_and_the_wheel(account, alice):
    page = account()
    choose(page)
    expect(dialog(page)).to_be_visible()
    at_rest(page)  # it comes up
    box = page.locator("[data-canvas]").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    expect(page.get_by_role("slider", name="Zoom")).not_to_have_value("1")
    page.mouse.down()
    page.mouse.move(x - 2 * box["width"], y, steps=5)
    page.mouse.up()
    expect(dialog(page)).to_be_visible()  # though it ended outside
    page.get_by_role("button", name="Use photo").click()
    saved(page)
    assert {stripe(kept(alice), at) for at in (0.3, 0.95)} == {"blue"}


@pytest.mark.parametrize("how", ["Escape", "the button"])
def test_thought_better_of_nothing_is_sent(account, alice, how):
    page = account()
    choose(page)
    expect(dialog(page)).to_be_visible()
    if how == "Escape":
        page.keyboard.press("Escape")
    else:
        dialog(page).get_by_role("button", name="Cancel").click()
    expect(dialog(page)).to_be_hidden()
    assert not Upload.objects.filter(owner=alice).exists()
    choose(page)  # the same one again
    expect(dialog(page)).to_be_visible()


def test_cancelled_while_it_is_sent(account, alice):
    page = account()
    page.route("**/media/disk/**", lambda route: None)  # the line stands still
    choose(page)
    page.get_by_role("button", name="Use photo").click()
    expect(page.get_by_text("Uploading me.png")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Uploading")).to_be_hidden()
    expect(page.get_by_role("button", name="Add a photo")).to_be_focused()
    until(lambda: ended(alice), what="an end to the upload")


def ended(member):
    return Upload.objects.get(owner=member).state == Upload.State.GONE


def test_a_line_that_breaks_is_told_and_tried_again(account, complaints):
    complaints.expect("ERR_FAILED|Failed to load")
    page = account()
    page.route("**/media/disk/**", lambda route: route.abort())
    choose(page)
    page.get_by_role("button", name="Use photo").click()
    expect(page.get_by_role("alert")).to_contain_text("The connection was lost. Try again.")
    page.unroute("**/media/disk/**")
    page.get_by_role("button", name="Try again").click()
    saved(page)
    expect(page.get_by_role("alert")).to_be_empty()


def test_what_is_no_photo_is_refused_in_words(account, complaints):
    complaints.expect("status of 400")
    page = account()
    choose(page, b"%PDF-1.4", "cv.pdf", "application/pdf")
    expect(page.get_by_role("alert")).to_contain_text("PDF isn’t supported. Save it as JPG or PNG.")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()


def test_a_photo_that_the_browser_cannot_show_is_cut_on_the_server_from_the_middle(account, alice):
    out = io.BytesIO()
    pillow_heif.from_pillow(Image.open(io.BytesIO(photo()))).save(out)
    page = account()
    choose(page, out.getvalue(), "IMG_1.HEIC", "")
    saved(page)
    picture = kept(alice)
    assert [stripe(picture, at) for at in (0.05, 0.5, 0.95)] == ["red", "green", "blue"]


def test_removed_it_is_gone_from_the_bar_too(account, alice):
    page = account()
    choose(page)
    page.get_by_role("button", name="Use photo").click()
    saved(page)
    page.get_by_role("button", name="Remove the photo").click()
    expect(page.get_by_text("Your photo is gone.")).to_be_visible()
    expect(page.locator(".menu-avatar img")).to_have_count(0)
    expect(page.get_by_role("button", name="Add a photo")).to_be_visible()


@pytest.mark.parametrize("options", [{}, PHONE, NARROW], ids=["desktop", "phone", "narrow"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(account, options):
    page = account(**options, reduced_motion="reduce")
    found = {}

    def look(name):
        assert sideways(page) == [], name
        found.update(faults(page, name))

    look("account")
    choose(page)
    expect(dialog(page)).to_be_visible()
    at_rest(page)
    for button in dialog(page).get_by_role("button").all():
        box = button.bounding_box()
        assert box["width"] >= 24
        assert box["height"] >= 24
    look("crop")
    page.route("**/media/disk/**", lambda route: None)
    page.get_by_role("button", name="Use photo").click()
    expect(page.get_by_text("Uploading me.png")).to_be_visible()
    look("sending")
    assert found == {}

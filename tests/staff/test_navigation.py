"""Where the console leads, and who sees which of it."""

import gzip
import re

import pytest
from django.conf import settings as of_the_site
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from staff.navigation import GROUPS
from tests.factories import GirlFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
PAGES = [page for _, pages in GROUPS for page in pages]


def browser_with(*permissions, **traits):
    user = UserFactory(**{"staff": True} | traits)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    browser = Client()
    browser.force_login(user)
    return browser


def menu_of(browser, path="/admin/search/"):
    return {page["name"]: page for group in browser.get(path).context["menu"] for page in group["pages"]}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_page_is_there_and_marked_as_the_one_that_is_open(page):
    boss = browser_with(administrator=True)
    address = reverse(f"admin:{page.url_name}")
    answer = boss.get(address)
    assert answer.status_code == 200
    shown = menu_of(boss, address)
    assert [name for name, each in shown.items() if each["is_here"]] == [page.name]
    assert f'<a href="{address}" aria-current="page">' in answer.content.decode()


@pytest.mark.parametrize(
    ("page", "needed"),
    [(page, needed) for page in PAGES for needed in page.needs if ".view_" in needed],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_page_is_shown_to_whoever_may_open_it_and_only_to_them(page, needed):
    shown = menu_of(browser_with(needed))
    assert page.name in shown
    assert page.name not in menu_of(browser_with())


def test_the_administrator_sees_every_page():
    assert list(menu_of(browser_with(administrator=True))) == [page.name for page in PAGES]


def test_the_page_of_a_row_is_part_of_its_list():
    mara = GirlFactory()
    shown = menu_of(browser_with(administrator=True), f"/admin/girls/girl/{mara.pk}/change/")
    assert [name for name, page in shown.items() if page["is_here"]] == ["Characters"]


@pytest.mark.parametrize("path", ["/admin/", "/admin/girls/girl/", "/admin/girls/girl/add/", "/admin/search/"])
def test_the_console_s_own_style_sheets_stay_within_their_budget(path):
    """8 KB for a page, as the browser fetches them."""
    html = browser_with(administrator=True).get(path).content.decode()
    names = set(re.findall(r"css/console/(\w+)[.\w]*\.css", html))
    assert "shell" in names
    folder = of_the_site.BASE_DIR / "static/css/console"
    assert sum(len(gzip.compress((folder / f"{name}.css").read_bytes())) for name in names) <= 8 * 1024


def test_without_a_role_the_start_page_says_so_kindly():
    page = browser_with().get("/admin/", follow=True)
    assert page.status_code == 200
    words = page.content.decode()
    assert "no role" in words
    assert "/admin/girls/" not in words


def test_what_is_closed_or_absent_says_so_inside_the_console():
    editor = browser_with("girls.view_girl")
    closed = editor.get("/admin/payments/purchase/")
    absent = editor.get("/admin/nothing-is-here/")
    assert (closed.status_code, absent.status_code) == (403, 404)
    for page, words in ((closed, "This isn’t open to you"), (absent, "There’s nothing here")):
        assert f"<h1>{words}</h1>" in page.content.decode()
        assert 'aria-label="Console"' in page.content.decode()
        assert "Characters" in page.content.decode()


def test_scripts_are_refused_in_their_own_shape():
    refused = browser_with().get("/admin/payments/purchase/", headers={"Accept": "application/json"})
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "forbidden"


def test_members_and_visitors_see_nothing_of_the_console(alice):
    member = Client()
    member.force_login(alice)
    for browser in (Client(), member):
        for path in ("/admin/", "/admin/search/", "/admin/nothing-is-here/"):
            answer = browser.get(path, follow=True)
            assert 'aria-label="Console"' not in answer.content.decode()


def test_before_a_second_factor_was_shown_nothing_of_it_is_there(settings):
    settings.STAFF_SECOND_FACTOR = True
    page = browser_with(staff=False, is_staff=True, is_superuser=True).get("/admin/nothing-is-here/", follow=True)
    assert 'aria-label="Console"' not in page.content.decode()

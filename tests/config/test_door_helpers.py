"""What the doors of several apps share."""

import json

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory

from config.lib import doors


@pytest.mark.parametrize("url", ["/", "/girls/mara/?tag=calm", "http://testserver/chat/"])
def test_one_goes_on_to_where_one_wanted_on_this_site(url):
    assert doors.safe_next(RequestFactory().get("/"), url) == url


@pytest.mark.parametrize(
    "url",
    [None, "", "//evil.example/", "https://evil.example/", r"\\evil.example", "javascript:alert(1)", "http:///evil"],
)
def test_nobody_is_sent_to_another_site(url):
    request = RequestFactory().get("/")
    assert doors.safe_next(request, url) == ""
    assert doors.safe_next(request, url, otherwise="/") == "/"


def test_a_secure_site_leads_to_no_insecure_address():
    request = RequestFactory().get("/", secure=True)
    assert doors.safe_next(request, "http://testserver/") == ""
    assert doors.safe_next(request, "https://testserver/") == "https://testserver/"


def test_a_refusal_says_its_code_and_what_more_there_is_to_say():
    answer = doors.refused("quota_exhausted", "Nothing is left.", 402, kind="text")
    assert answer.status_code == 402
    assert json.loads(answer.content) == {
        "error": {"code": "quota_exhausted", "message": "Nothing is left.", "kind": "text"}
    }


def test_a_private_page_is_kept_by_nobody_and_asks_who_one_is(alice):
    page = doors.private_page(lambda request: HttpResponse("hers"))
    request = RequestFactory().get("/chat/?x=1")
    request.user = alice
    assert page(request)["Cache-Control"] == "private, no-store"
    request.user = AnonymousUser()
    asked = page(request)
    assert asked.status_code == 302
    assert asked["Location"] == "/accounts/login/?next=/chat/%3Fx%3D1"

"""What firewalls, proxies and portals answer in the place of this site: trouble on the way, and nothing worse."""

import pytest
from playwright.sync_api import expect

HTML = {"content_type": "text/html", "body": "<h1>Not what you asked for</h1>"}
JSON = {"content_type": "application/json"}


def out(talk):
    return talk.page.locator("[data-net=signed-out]")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 403, **HTML},
        {"status": 401, **HTML, "headers": {"WWW-Authenticate": "Basic"}},
        {"status": 402, **HTML},
        {"status": 404, **HTML},
        {"status": 413, **HTML},
        {"status": 451, **HTML},
        {"status": 403, **JSON, "body": '{"error": {"code": 1020, "message": "Access denied"}}'},
    ],
    ids=["firewall", "sign-in of a proxy", "paywall", "not found", "too large", "legal", "firewall in JSON"],
)
def test_a_message_that_is_stopped_on_the_way_is_not_sent_and_stops_no_other(talk, complaints, answer):
    complaints.expect("status of 4")
    alice = talk()
    context = alice.page.context
    context.route("**/messages/", lambda route: route.fulfill(**answer))
    alice.send("UNION SELECT, she said")
    expect(alice.page.get_by_role("button", name="Retry")).to_be_visible()
    expect(out(alice)).to_be_hidden()
    context.unroute("**/messages/")
    for answered in (3, 5):  # the second time after a reload
        expect(alice.unsent).to_have_count(1)
        alice.send("Hello")
        expect(alice.messages).to_have_count(answered)
        expect(alice.last).to_have_text("Hello there.")
        alice.page.reload()
        alice.ready()
    alice.page.get_by_role("button", name="Retry").click()
    expect(alice.unsent).to_have_count(0)
    expect(alice.messages).to_have_count(7)  # her greeting, and three that were answered
    alice.expect_to_show_what_is_recorded()


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 302, "headers": {"Location": "https://maintenance.example/"}},
        {"status": 200, **HTML},
        {"status": 200, "body": ""},
        {"status": 200, **JSON, "body": '{"status": "ok"}'},
        {"status": 201, **JSON, "body": '{"message": {"id'},
        {"status": 502, **HTML},
        {"status": 511, **HTML},
    ],
    ids=["maintenance", "portal", "nothing", "another's", "cut off", "gateway", "portal by the book"],
)
def test_a_message_that_others_answer_for_goes_when_they_are_gone(talk, complaints, answer):
    complaints.expect("status of 5")
    alice = talk()
    answered = []

    def meddle(route):
        answered.append(route)
        route.fulfill(**answer) if len(answered) == 1 else route.continue_()

    alice.page.context.route("**/messages/", meddle)
    alice.send("Hello")
    expect(alice.last).to_have_text("Hello there.")
    alice.expect_to_show_what_is_recorded()
    assert len(answered) > 1


def test_who_answers_for_us_all_the_time_is_not_us(talk, complaints):
    complaints.expect("status of 5")
    alice = talk()
    alice.page.context.route("**/messages/", lambda route: route.fulfill(status=302, headers={"Location": "/away/"}))
    alice.send("Hello")
    expect(alice.page.get_by_role("button", name="Retry")).to_be_visible()
    expect(out(alice)).to_be_hidden()
    alice.page.get_by_role("button", name="Delete").click()
    expect(alice.unsent).to_have_count(0)


@pytest.mark.parametrize("door", ["read/", "state/*", "threads/*", "permits/"])
def test_what_goes_on_in_the_background_may_be_stopped_and_the_page_goes_on(talk, complaints, door):
    complaints.expect("status of 403")
    alice = talk()
    alice.page.context.route(f"**/chat/**/{door}", lambda route: route.fulfill(status=403, **HTML))
    alice.page.context.route(f"**/chat/{door}", lambda route: route.fulfill(status=403, **HTML))
    alice.page.reload()
    alice.ready().send("Hello")
    if door == "permits/":
        expect(alice.page.get_by_role("button", name="Retry")).to_be_visible()
    else:
        expect(alice.last).to_have_text("Hello there.")
    expect(out(alice)).to_be_hidden()
    alice.page.context.unroute(f"**/chat/{door}")
    alice.page.context.unroute(f"**/chat/**/{door}")
    alice.send("And again")
    expect(alice.page.get_by_text("And again")).to_be_visible()
    expect(alice.last).to_have_text("Hello there.")


def test_a_refused_item_that_was_kept_locks_no_page(talk, complaints):
    complaints.expect("status of 403")
    alice = talk()
    broken = {"dusk:outbox:{}:1": "{", "dusk:outbox:{}:2": "null", "dusk:outbox:{}:3": '{"client_id": 3}'}
    for key, text in broken.items():
        alice.page.evaluate("([k, v]) => localStorage.setItem(k, v)", [key.format(alice.conversation.pk), text])
    alice.page.reload()
    alice.ready().send("Hello")
    expect(alice.last).to_have_text("Hello there.")

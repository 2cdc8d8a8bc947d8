"""Which tokens prove a browser. Asked of a real server that plays Cloudflare."""

import json

import pytest

from accounts import turnstile
from accounts.turnstile import SecurityCheckFailed, verify

pytestmark = pytest.mark.embedded


def refusal(token, action="chat_send", **more):
    with pytest.raises(SecurityCheckFailed) as caught:
        verify(token, action=action, **more)
    return caught.value.reason


def test_a_fresh_token_for_this_site_and_action_passes(cloudflare):
    verify(cloudflare.token("chat_send"), action="chat_send", remote_ip="192.0.2.1")
    [question] = cloudflare.questions
    assert question["remoteip"] == "192.0.2.1"


def test_a_token_passes_once(cloudflare):
    token = cloudflare.token("chat_send")
    verify(token, action="chat_send")
    assert "timeout-or-duplicate" in refusal(token)


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        ({"action": "login"}, "action"),
        ({"action": None}, "action"),
        ({"hostname": "evil.example"}, "hostname"),
        ({"hostname": "x.127.0.0.1"}, "hostname"),
        ({"success": "true"}, "refused: []"),
        ({"success": 1}, "refused: []"),
        ({"success": False, "error-codes": ["invalid-input-response"]}, "refused: ['invalid-input-response']"),
        ({"success": False, "error-codes": "odd"}, "refused: []"),
    ],
)
def test_any_doubt_refuses(cloudflare, verdict, reason):
    assert refusal(cloudflare.token(**{"action": "chat_send", **verdict})) == reason


@pytest.mark.parametrize("age", [-7200, -120, 120, 7200])
def test_whose_clock_is_wrong_lets_in_whom_cloudflare_lets_in(cloudflare, age):
    verify(cloudflare.token("chat_send", age=age), action="chat_send")


@pytest.mark.parametrize("token", [None, "", 7, ["x"], {"x": 1}, "x" * 2049, "tök\x00", "\ud800"])
def test_what_cannot_be_a_token_is_not_even_asked_about(cloudflare, token):
    assert refusal(token) == "no-token"
    assert cloudflare.questions == []


@pytest.mark.parametrize(
    "answer",
    [(200, "<html>sorry</html>"), (200, ""), (200, "[]"), (200, "true"), (404, "not found"), (302, "")],
)
def test_an_answer_that_is_no_verdict_refuses(cloudflare, answer):
    cloudflare.instead = [answer]
    assert refusal(cloudflare.token("chat_send")).startswith(("unavailable", "refused"))


@pytest.mark.parametrize(
    "stumble",
    [(500, "oops"), (503, "<html>"), (200, json.dumps({"success": False, "error-codes": ["internal-error"]}))],
)
def test_cloudflare_may_stumble_once(cloudflare, stumble):
    cloudflare.instead = [stumble]
    verify(cloudflare.token("chat_send"), action="chat_send")
    first, second = cloudflare.questions
    assert first["idempotency_key"] == second["idempotency_key"]


def test_cloudflare_may_not_stumble_twice(cloudflare):
    cloudflare.instead = [(500, ""), (500, "")]
    assert refusal(cloudflare.token("chat_send")) == "unavailable"
    assert len(cloudflare.questions) == 2


def test_nobody_there_refuses(cloudflare, settings):
    settings.TURNSTILE_VERIFY_URL = "http://127.0.0.1:9/siteverify"
    assert refusal("token").startswith("unavailable")


def test_a_hanging_cloudflare_refuses(cloudflare):
    cloudflare.hangs = True
    assert refusal(cloudflare.token("chat_send")) == "unavailable: ReadTimeout"
    assert len(cloudflare.questions) == 1


def test_an_unknown_secret_refuses(cloudflare, settings):
    settings.TURNSTILE_SECRET_KEY = "0x4BBB"
    assert "invalid-input-secret" in refusal(cloudflare.token("chat_send"))


DUMMY_SECRETS = [f"{digit}x0000000000000000000000000000000AA" for digit in "123"]
DUMMY_SITE_KEYS = ["1x00000000000000000000AA", "2x00000000000000000000AB", "3x00000000000000000000FF"]


@pytest.mark.parametrize("key", [*DUMMY_SECRETS, *DUMMY_SITE_KEYS])
def test_cloudflares_test_keys_are_known(key):
    assert turnstile.is_dummy(key)


@pytest.mark.parametrize("key", ["", "0x4AAAAAAA", "0x4AAAA1x00000000", "1xAAAA0000000000"])
def test_a_real_key_is_none_of_them(key):
    assert not turnstile.is_dummy(key)


@pytest.mark.parametrize("secret", DUMMY_SECRETS)
def test_cloudflares_test_keys_pass_on_a_laptop_only(cloudflare, settings, secret):
    settings.TURNSTILE_SECRET_KEY = secret
    verdict = {"success": True, "hostname": "localhost", "action": "test"}
    cloudflare.instead = [(200, json.dumps(verdict))] * 2
    assert refusal("XXXX.DUMMY.TOKEN.XXXX") == "test-key"
    settings.DEBUG = True
    verify("XXXX.DUMMY.TOKEN.XXXX", action="chat_send")


def test_a_test_verdict_does_not_pass_for_a_real_key(cloudflare, settings):
    settings.DEBUG = True
    assert refusal(cloudflare.token("test", hostname="localhost")) == "hostname"


def test_without_keys_any_token_but_fail_passes_while_debug_is_on(settings):
    verify("local", action="chat_send")
    assert refusal("fail") == "local-twin"
    assert refusal("") == "no-token"
    settings.DEBUG = False
    assert refusal("local") == "local-twin"


def test_the_secret_is_in_no_reason(cloudflare, settings):
    cloudflare.instead = [(200, "<html>"), (500, ""), (500, "")]
    reasons = [refusal("token"), refusal("token"), refusal("token")]
    assert settings.TURNSTILE_SECRET_KEY not in " ".join(reasons)

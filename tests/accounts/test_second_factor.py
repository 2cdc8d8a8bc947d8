"""An authenticator app, recovery codes, passkeys: set up, asked for, good once, and kept where nobody reads them."""

import json
import time

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts import factors
from accounts.models import Mail
from tests.accounts.test_signin import is_signed_in, sign_in
from tests.factories import APP_SECRET, PASSWORD, FactorFactory
from tests.racing import needs_postgres, together

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

PAGE = "/account/security/"
STEP = "/accounts/2fa/authenticate/"
ACTIVATE = "/accounts/2fa/totp/activate/"
CODES = "/accounts/2fa/recovery-codes/"


@pytest.fixture(autouse=True)
def _a_moment_that_lasts():
    """No step of the clock ends in the middle of a test."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


def code(secret, steps=0):
    """What the app shows now, or so many steps of its clock later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def confirm(client):
    """Show once more who one is."""
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def set_up_app(client, steps=-1):
    """An authenticator app, set up by its owner; its secret. The code that shows it is of the step before."""
    confirm(client)
    secret = client.get(ACTIVATE).context["form"].secret
    assert client.post(ACTIVATE, {"code": code(secret, steps)})["Location"] == CODES
    return secret


@pytest.fixture
def member(alice):
    sign_in(member := Client())
    return member


@pytest.fixture
def secret(member):
    return set_up_app(member)


@pytest.fixture
def stranger(secret):
    """A browser whose person knows the password, and has shown nothing else yet."""
    stranger = Client()
    assert sign_in(stranger)["Location"] == STEP
    return stranger


def test_a_password_alone_is_not_enough_any_more(stranger, secret):
    assert not is_signed_in(stranger)
    assert stranger.post(STEP, {"code": "000000"}).status_code == 200
    assert not is_signed_in(stranger)
    assert stranger.post(STEP, {"code": code(secret)})["Location"] == "/"
    assert is_signed_in(stranger)


def test_a_code_that_was_used_is_refused_in_its_window(stranger, secret):
    now = code(secret)
    stranger.post(STEP, {"code": now})
    sign_in(second := Client())
    assert second.post(STEP, {"code": now}).status_code == 200
    assert not is_signed_in(second)
    second.post(STEP, {"code": code(secret, 1)})
    assert is_signed_in(second)


def test_the_code_that_set_the_app_up_is_used_up_too(member):
    secret = set_up_app(member, steps=0)
    sign_in(other := Client())
    assert other.post(STEP, {"code": code(secret)}).status_code == 200
    assert not is_signed_in(other)


def test_an_older_code_than_the_last_is_refused(stranger, secret):
    stranger.post(STEP, {"code": code(secret, 1)})
    sign_in(second := Client())
    assert second.post(STEP, {"code": code(secret)}).status_code == 200


def test_nothing_that_is_kept_can_be_read_without_the_key(member, secret):
    kept = " ".join(str(row.data) for row in Authenticator.objects.all())
    assert secret not in kept
    for left in member.get(CODES).context["unused_codes"]:
        assert left not in kept
    with pytest.raises(factors.InvalidToken):
        factors.Fernet(factors.Fernet.generate_key()).decrypt(Authenticator.objects.first().data["secret"].encode())


def test_a_new_key_reads_what_was_kept_under_the_one_before(alice, secret, settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key " * 6, [settings.SECRET_KEY]
    assert factors.use(alice, code(secret))
    assert factors.reencrypt() == 2
    settings.SECRET_KEY_FALLBACKS = []
    assert factors.use(alice, code(secret, 1))
    assert factors.recovery_codes_left(alice) == 10


def test_a_lost_key_refuses_and_says_why(stranger, secret, settings):
    Authenticator.objects.update(data={"secret": "gAAAAA-nobody-can-read-this", "seed": "x", "used_mask": 0})
    answer = stranger.post(STEP, {"code": code(secret)})
    assert answer.context["form"].errors["code"] == [factors.UNREADABLE]
    assert not is_signed_in(stranger)


def test_a_recovery_code_signs_in_once(stranger, member, secret):
    first, *_ = member.get(CODES).context["unused_codes"]
    stranger.post(STEP, {"code": f"{first[:4]} {first[4:]}"})
    assert is_signed_in(stranger)
    sign_in(second := Client())
    assert second.post(STEP, {"code": first}).status_code == 200
    assert not is_signed_in(second)
    assert "9 of 10 left" in member.get(PAGE).text


def test_after_five_wrong_codes_none_is_right_for_a_while(stranger, secret):
    for _ in range(5):
        stranger.post(STEP, {"code": "000000"})
    assert "Too many tries" in str(stranger.post(STEP, {"code": code(secret)}).context["form"].errors)
    assert not is_signed_in(stranger)


# --- Passkeys (those that work are in tests/e2e) --------------------------------------------------------------------


def answer(**response):
    """What a device could have said, were it one."""
    return json.dumps({"id": "eA", "rawId": "eA", "type": "public-key", "response": response})


NO_ANSWERS = [
    *("", "null", "1", "[]", "{}", '"x"', "{", "[" * 2000, '{"id": 1}'),
    answer(),
    answer(clientDataJSON="e30", attestationObject="oA"),
    answer(clientDataJSON="e30", authenticatorData="AA", signature="AA", userHandle="MQ"),
    answer(clientDataJSON="AA", authenticatorData="A" * 60, signature="AA", userHandle="//8"),
    answer(clientDataJSON=1, authenticatorData=[], signature={}, userHandle=None),
]


@pytest.mark.parametrize("said", NO_ANSWERS)
def test_what_no_device_said_is_refused_at_every_door(member, said):
    confirm(member)
    for path in ("/accounts/2fa/webauthn/add/", "/accounts/2fa/webauthn/reauthenticate/"):
        member.get(path)
        assert member.post(path, {"credential": said}).status_code in (200, 302), path
    assert not Authenticator.objects.exists()
    set_up_app(member)
    sign_in(stranger := Client())
    stranger.get(STEP)
    assert stranger.post(STEP, {"credential": said}).status_code == 200
    assert not is_signed_in(stranger)
    (visitor := Client()).get("/accounts/2fa/webauthn/login/", headers={"accept": "application/json"})
    assert visitor.post("/accounts/2fa/webauthn/login/", {"credential": said}).status_code == 302
    assert not is_signed_in(visitor)


@needs_postgres
def test_of_many_at_once_a_recovery_code_lets_one_in(alice, transactional_db):
    row = Authenticator.objects.create(
        user=alice,
        type="recovery_codes",
        data={"seed": factors.FactorAdapter().encrypt("a seed"), "used_mask": 0},
    )
    typed, *_ = row.wrap().get_unused_codes()
    found = together(*[lambda: factors.use(alice, typed)] * 6)
    assert len([each for each in found if each]) == 1
    assert factors.recovery_codes_left(alice) == 9


@needs_postgres
def test_of_many_at_once_a_code_of_the_app_lets_one_in(alice, transactional_db):
    FactorFactory(user=alice)
    typed = code(APP_SECRET)
    found = together(*[lambda: factors.use(alice, typed)] * 6)
    assert len([each for each in found if each]) == 1


def test_support_takes_a_second_step_off_and_its_owner_is_told(member, secret, alice):
    call_command("remove_factors", " Alice@example.com ")
    assert not is_signed_in(member)
    sign_in(member)
    assert is_signed_in(member)
    assert Mail.objects.filter(user=alice, template="factors_removed").exists()
    with pytest.raises(CommandError, match="has no second step"):
        call_command("remove_factors", "alice@example.com")
    with pytest.raises(CommandError, match="No member"):
        call_command("remove_factors", "nobody@example.com")

"""Permits: minted ahead, used one by one, by nobody else."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import permits
from accounts.models import Permit
from accounts.tasks import sweep_permits
from accounts.turnstile import SecurityCheckFailed
from tests.factories import PermitFactory, UserFactory
from tests.limits import until_too_many
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

SCOPE = "chat_send"


def uses_left(permit):
    permit.refresh_from_db()
    return permit.uses_left


@pytest.mark.parametrize(
    ("trait", "uses", "seconds"), [({}, 5, 120), ({"lapsed": True}, 5, 120), ({"premium": True}, 50, 600)]
)
def test_premium_decides_how_far_a_permit_reaches(trait, uses, seconds):
    before = timezone.now()
    permit = permits.mint(UserFactory(**trait), "local", SCOPE)
    assert permit.uses_left == uses
    assert timedelta(seconds=seconds - 1) < permit.expires_at - before < timedelta(seconds=seconds + 30)


def test_five_uses_are_five_and_the_sixth_is_refused(alice):
    permit = permits.mint(alice, "local", SCOPE)
    for _ in range(5):
        permits.consume(permit.pk, user=alice, scope=SCOPE)
    with pytest.raises(SecurityCheckFailed):
        permits.consume(permit.pk, user=alice, scope=SCOPE)
    assert uses_left(permit) == 0


@pytest.mark.parametrize("permit_id", [None, uuid.UUID(int=7)])
def test_what_is_not_a_permit_is_refused(alice, permit_id):
    with pytest.raises(SecurityCheckFailed):
        permits.consume(permit_id, user=alice, scope=SCOPE)


@pytest.mark.parametrize("trait", [{"expired": True}, {"used_up": True}, {"scope": "login"}])
def test_a_permit_that_does_not_fit_is_refused_and_unchanged(alice, trait):
    permit = PermitFactory(user=alice, **trait)
    before = permit.uses_left
    with pytest.raises(SecurityCheckFailed):
        permits.consume(permit.pk, user=alice, scope=SCOPE)
    assert uses_left(permit) == before


def test_a_permit_of_somebody_else_is_refused_and_unchanged(alice, charlie):
    permit = PermitFactory(user=alice)
    with pytest.raises(SecurityCheckFailed):
        permits.consume(permit.pk, user=charlie, scope=SCOPE)
    assert uses_left(permit) == 5


def test_a_failed_check_mints_nothing(alice):
    with pytest.raises(SecurityCheckFailed):
        permits.mint(alice, "fail", SCOPE)
    assert not Permit.objects.exists()


def test_a_token_made_for_something_else_mints_nothing(alice, cloudflare):
    with pytest.raises(SecurityCheckFailed):
        permits.mint(alice, cloudflare.token("login"), SCOPE)
    assert permits.mint(alice, cloudflare.token(SCOPE), SCOPE).uses_left == 5


def test_a_token_mints_once_even_if_cloudflare_forgets(alice, charlie, cloudflare):
    token = cloudflare.token(SCOPE)
    permits.mint(alice, token, SCOPE)
    cloudflare._judged.clear()
    with pytest.raises(SecurityCheckFailed, match="token-used-before"):
        permits.mint(charlie, token, SCOPE)
    assert Permit.objects.get().user == alice


def test_the_local_twin_gives_everybody_the_same_token(alice, charlie):
    permits.mint(alice, "local", SCOPE)
    permits.mint(alice, "local", SCOPE)
    permits.mint(charlie, "local", SCOPE)
    assert Permit.objects.count() == 3


def test_only_the_three_newest_permits_of_a_scope_are_good(alice):
    other = PermitFactory(user=alice, scope="login")
    minted = [permits.mint(alice, "local", SCOPE) for _ in range(5)]
    assert [uses_left(permit) for permit in minted] == [0, 0, 5, 5, 5]
    assert uses_left(other) == 5


def test_minting_in_a_flood_is_limited_for_that_person(alice, charlie):
    refused = until_too_many(lambda: permits.mint(alice, "local", SCOPE), 20)
    assert 1 <= refused.retry_after <= 60
    permits.mint(charlie, "local", SCOPE)


def test_sweeping_keeps_what_is_good_and_remembers_used_tokens_for_ten_minutes(alice):
    good, just_over = PermitFactory(), PermitFactory(expired=True)
    PermitFactory(expires_at=timezone.now() - timedelta(minutes=11))
    sweep_permits()
    assert set(Permit.objects.all()) == {good, just_over}


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_the_last_use_goes_to_exactly_one_of_twenty():
    permit = PermitFactory(uses_left=1)
    user = permit.user
    outcomes = race(lambda _: permits.consume(permit.pk, user=user, scope=SCOPE), 20)
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, SecurityCheckFailed) for outcome in outcomes) == 19
    assert uses_left(permit) == 0


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_many_tabs_minting_at_once_leave_three_permits():
    user = UserFactory()
    minted = race(lambda _: permits.mint(user, "local", SCOPE), 10)
    assert all(isinstance(permit, Permit) for permit in minted)
    assert user.permits.filter(uses_left__gt=0).count() == 3

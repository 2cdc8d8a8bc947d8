"""Limits hold with Redis, without it, and while it is away."""

import pytest

from accounts import ratelimits
from tests.limits import until_too_many

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.mark.parametrize(
    ("may", "times"), [(ratelimits.may_send, 60), (ratelimits.may_retry, 20), (ratelimits.may_mint_permit, 20)]
)
def test_so_often_a_minute_and_no_more_for_each_person(alice, charlie, may, times):
    assert 1 <= until_too_many(lambda: may(alice), times).retry_after <= 60
    may(charlie)


def test_one_limit_does_not_use_up_another(alice):
    for _ in range(20):
        ratelimits.may_retry(alice)
    ratelimits.may_send(alice)
    ratelimits.may_mint_permit(alice)


@pytest.mark.parametrize("url", ["", "redis://127.0.0.1:9/0"])
def test_without_redis_limits_count_in_memory(alice, settings, url):
    settings.REDIS_URL = url
    until_too_many(lambda: ratelimits.may_retry(alice), 20)

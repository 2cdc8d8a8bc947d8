"""Premium adds up, is given once for each reason, and is taken back exactly."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts import premium
from accounts.models import PremiumGrant
from tests.factories import UserFactory
from tests.racing import needs_postgres, race

pytestmark = pytest.mark.embedded

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def until(user):
    user.refresh_from_db()
    return user.premium_until


grants = st.lists(
    st.builds(
        PremiumGrant,
        days=st.integers(1, 3660),
        granted_at=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
    ),
    max_size=8,
)


class TestFold:
    def test_no_grant_is_no_premium(self):
        assert premium.fold([]) is None

    @given(grants)
    def test_the_order_in_which_grants_are_read_does_not_matter(self, book):
        assert premium.fold(book) == premium.fold(reversed(book))

    @given(grants)
    def test_nobody_gets_less_than_the_latest_grant_or_more_than_all_together(self, book):
        end = premium.fold(book)
        if book:
            days = sum((grant.days for grant in book), 0) * DAY
            assert max(grant.granted_at + grant.days * DAY for grant in book) <= end
            assert end <= max(grant.granted_at for grant in book) + days

    @given(grants, st.integers(1, 3660))
    def test_a_grant_while_premium_lasts_adds_exactly_its_days(self, book, days):
        end = premium.fold(book)
        if book:
            at = max(max(grant.granted_at for grant in book), end - DAY)
            assert premium.fold([*book, PremiumGrant(days=days, granted_at=at)]) == max(end, at) + days * DAY

    @given(grants)
    def test_taking_one_away_never_lengthens(self, book):
        end = premium.fold(book)
        for index in range(len(book)):
            rest = premium.fold(book[:index] + book[index + 1 :])
            assert rest is None or rest <= end


@pytest.mark.django_db
class TestTheBook:
    def test_days_add_up(self, alice):
        premium.grant(alice, 30, "staff:a", NOON)
        premium.grant(alice, 7, "staff:b", NOON + DAY)
        assert until(alice) == NOON + 37 * DAY

    def test_a_pause_is_not_filled(self, alice):
        premium.grant(alice, 1, "staff:a", NOON)
        premium.grant(alice, 1, "staff:b", NOON + 10 * DAY)
        assert until(alice) == NOON + 11 * DAY

    def test_one_reason_grants_once(self, alice):
        first = premium.grant(alice, 30, "stripe:cs_1", NOON)
        assert premium.grant(alice, 30, "stripe:cs_1", NOON + DAY) == first
        assert until(alice) == NOON + 30 * DAY

    def test_a_reason_of_somebody_else_grants_nothing(self, alice, charlie):
        premium.grant(alice, 30, "stripe:cs_1", NOON)
        with pytest.raises(premium.GrantExists):
            premium.grant(charlie, 30, "stripe:cs_1", NOON)
        assert until(charlie) is None

    def test_a_refund_takes_back_exactly_what_it_gave_and_can_be_undone(self, alice):
        premium.grant(alice, 30, "stripe:cs_1", NOON)
        premium.grant(alice, 7, "stripe:cs_2", NOON + DAY)
        for _ in range(2):
            premium.revoke("stripe:cs_1")
            assert until(alice) == NOON + 8 * DAY
        for _ in range(2):
            premium.restore("stripe:cs_1")
            assert until(alice) == NOON + 37 * DAY

    def test_a_refund_that_is_heard_of_twice_keeps_its_first_time(self, alice):
        premium.grant(alice, 30, "stripe:cs_1", NOON)
        first = premium.revoke("stripe:cs_1").revoked_at
        assert premium.revoke("stripe:cs_1").revoked_at == first
        assert until(alice) is None

    def test_nothing_to_take_back_is_said_plainly(self, db):
        with pytest.raises(PremiumGrant.DoesNotExist):
            premium.revoke("stripe:none")

    def test_folding_again_repairs_a_wrong_date(self, alice):
        premium.grant(alice, 30, "staff:a", NOON)
        alice.premium_until = NOON + 999 * DAY
        alice.save()
        premium.refold(alice)
        assert until(alice) == NOON + 30 * DAY

    def test_no_days_is_no_grant(self, alice):
        with pytest.raises(IntegrityError), transaction.atomic():
            premium.grant(alice, 0, "staff:a", NOON)
        assert until(alice) is None


@needs_postgres
@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_one_reason_ten_times_at_once_grants_once(self):
        user = UserFactory()
        outcomes = race(lambda _: premium.grant(user, 30, "stripe:cs_1", NOON).pk, 10)
        assert len(set(outcomes)) == 1
        assert PremiumGrant.objects.count() == 1
        assert until(user) == NOON + 30 * DAY

    def test_two_purchases_at_once_both_count(self):
        user = UserFactory()
        race(lambda number: premium.grant(user, 30, f"stripe:cs_{number}", NOON), 6)
        assert until(user) == NOON + 180 * DAY


@pytest.mark.django_db
class TestCommand:
    def test_it_grants_and_says_until_when(self, alice):
        out = StringIO()
        call_command("grant_premium", "ALICE@example.com", "30", stdout=out)
        assert alice.premium_grants.get().reason.startswith("staff:")
        assert until(alice).strftime("alice@example.com has premium until %d %B %Y") in out.getvalue()
        assert alice.premium_active

    def test_twice_is_twice(self, alice):
        for _ in range(2):
            call_command("grant_premium", "alice@example.com", "30", stdout=StringIO())
        assert until(alice) - alice.premium_grants.first().granted_at == 60 * DAY

    @pytest.mark.parametrize("days", ["0", "-1", "3661"])
    def test_days_have_bounds(self, alice, days):
        with pytest.raises(CommandError, match="between 1 and 3660"):
            call_command("grant_premium", "alice@example.com", "--", days)
        assert until(alice) is None

    def test_days_are_a_number(self, alice):
        with pytest.raises(CommandError, match="days"):
            call_command("grant_premium", "alice@example.com", "many")

    def test_an_unknown_address_is_said_plainly(self):
        with pytest.raises(CommandError, match=r"No member has the e-mail address nobody@example\.com"):
            call_command("grant_premium", "nobody@example.com", "30")

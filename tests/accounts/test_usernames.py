"""Names that are taken or kept, and what is offered instead."""

import re

import pytest

from accounts import usernames
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def test_what_is_offered_is_made_of_the_persons_name():
    UserFactory(username="robin")
    assert usernames.taken("Robin", name="Robin Hale") == "That one’s taken. Try robin_hale."


@pytest.mark.parametrize(
    "wanted",
    ["robin", "R" * 30, "r.r", "admin", "Ad.min", "робин", "Zoë van Dijk", "", "...", "<b>", "\u202erobin", "a", "💜"],
)
@pytest.mark.parametrize("name", ["", "Robin Hale", "A", "Support Team", "Łukasz", "王小明", "x" * 300, "_._"])
def test_whatever_was_typed_what_is_offered_can_be_had(wanted, name):
    UserFactory(username="robin")
    UserFactory(username="Robin_Hale")
    offered = usernames.suggestion(wanted, name=name)
    newcomer = UserFactory.build(username=offered, email="newcomer@example.com")
    newcomer.full_clean()
    assert not usernames.is_reserved(offered)
    assert not usernames.is_taken(offered)


def test_no_two_people_are_offered_one_number_after_another():
    UserFactory(username="robin")
    offered = {usernames.suggestion("robin") for _ in range(20)}
    assert len(offered) > 5
    assert all(re.fullmatch(r"robin_\d+", each) for each in offered)


def test_a_name_is_taken_in_any_case_but_not_by_oneself():
    robin = UserFactory(username="Robin")
    assert usernames.is_taken("rObIn")
    assert not usernames.is_taken("ROBIN", but=robin)

"""Statements that are built once do what the querysets they were built from do."""

import uuid

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F, IntegerField, TextChoices
from django.db.models.functions import Now
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from accounts.models import Permit
from config.lib.prepared import Insert, Param, Select, Update
from tests.factories import PermitFactory, UserFactory

pytestmark = pytest.mark.django_db

FIND = Select(lambda: Permit.objects.select_related("user").filter(pk=Param("pk"), expires_at__gt=Param("now")))
SOME = Select(lambda: Permit.objects.only("scope").filter(user=Param("user")).order_by("-uses_left")[:2])
TAKE = Update(
    lambda: Permit.objects.filter(pk=Param("pk"), uses_left__gte=Param("amount", IntegerField())),
    uses_left=F("uses_left") - Param("amount", IntegerField()),
    scope=Param("scope"),
    expires_at=Now(),
)
ADD = Insert(lambda: Permit)
LOCK = Select(lambda: Permit.objects.select_for_update().filter(pk=Param("pk")))


def test_a_select_gives_whole_models_again_and_again():
    for _ in range(3):
        permit = PermitFactory()
        found = FIND.first(pk=permit.pk, now=timezone.now())
        assert found == permit
        assert {f.attname: getattr(found, f.attname) for f in Permit._meta.concrete_fields} == {
            f.attname: getattr(permit, f.attname) for f in Permit._meta.concrete_fields
        }
        assert found.user == permit.user


def test_what_was_selected_along_asks_nothing_more(django_assert_num_queries):
    permit = PermitFactory()
    with django_assert_num_queries(1):
        found = FIND.first(pk=permit.pk, now=timezone.now())
        assert found.user.email == permit.user.email


def test_values_do_not_stick():
    first, second = PermitFactory(), PermitFactory(expired=True)
    assert FIND.first(pk=first.pk, now=timezone.now()) == first
    assert FIND.first(pk=second.pk, now=timezone.now()) is None
    assert FIND(pk=uuid.uuid4(), now=timezone.now()) == []


def test_order_slices_and_deferred_fields_are_those_of_the_queryset(django_assert_num_queries):
    user = UserFactory()
    for uses in (1, 3, 2):
        PermitFactory(user=user, uses_left=uses)
    PermitFactory(uses_left=9)
    with django_assert_num_queries(1):
        found = SOME(user=user.pk)
    assert found[0].get_deferred_fields() == {f.attname for f in Permit._meta.concrete_fields} - {"id", "scope"}
    assert [permit.uses_left for permit in found] == [3, 2]


def test_an_update_counts_its_rows():
    permit = PermitFactory(uses_left=5)
    assert TAKE(pk=permit.pk, amount=3, scope="first") == 1
    assert TAKE(pk=permit.pk, amount=3, scope="second") == 0
    permit.refresh_from_db()
    assert (permit.uses_left, permit.scope) == (2, "first")
    assert permit.expires_at <= timezone.now()


def test_an_insert_adds_the_whole_row():
    like = PermitFactory.build(user=UserFactory(), token_hash="a")
    for token_hash in "ab":
        like.pk, like.token_hash = uuid.uuid4(), token_hash
        assert ADD(like)
        found = Permit.objects.get(pk=like.pk)
        assert {f.attname: getattr(found, f.attname) for f in Permit._meta.concrete_fields} == {
            f.attname: getattr(like, f.attname) for f in Permit._meta.concrete_fields
        }
    like.uses_left = 4
    like.save()  # it knows that it is there
    assert Permit.objects.filter(uses_left=4).count() == 1


def test_an_insert_that_a_unique_constraint_refuses_adds_nothing_and_harms_nothing():
    there = PermitFactory(uses_left=3)
    like = PermitFactory.build(user=there.user, token_hash=there.token_hash)
    assert not ADD(like)
    assert Permit.objects.get().uses_left == 3


def test_choices_are_bound_by_their_value():
    class Scope(TextChoices):
        SEND = "chat_send", "Sending"

    permit = PermitFactory(uses_left=5)
    assert TAKE(pk=permit.pk, amount=1, scope=Scope.SEND) == 1
    assert Permit.objects.get(pk=permit.pk).scope == "chat_send"


def test_a_lock_outside_a_transaction_is_refused(transactional_db):
    permit = PermitFactory()
    with transaction.atomic():
        assert LOCK.first(pk=permit.pk) == permit
    with pytest.raises(TransactionManagementError):
        LOCK(pk=permit.pk)


def test_an_update_that_fails_undoes_the_transaction(transactional_db):
    permit, other = PermitFactory(uses_left=5), PermitFactory()
    steal = Update(lambda: Permit.objects.filter(pk=Param("pk")), token_hash=Param("token_hash"))

    @transaction.atomic
    def take_and_steal():
        TAKE(pk=permit.pk, amount=1, scope="x")
        steal(pk=permit.pk, token_hash=other.token_hash)

    with pytest.raises(IntegrityError):
        take_and_steal()
    permit.refresh_from_db()
    assert permit.uses_left == 5


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(KeyError):
        FIND(pk=uuid.uuid4())
    assert not connection.needs_rollback

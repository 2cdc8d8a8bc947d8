"""Statements that are built once do what the querysets they were built from do; so do several in one."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Case, CharField, Count, F, OuterRef, Q, Subquery, TextChoices, Value, When
from django.db.models.functions import Now
from django.db.transaction import TransactionManagementError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Permit, User
from config.lib.prepared import Change, insert, select, together, update
from girls.models import Girl
from payments.models import CatalogCache
from tests.factories import GirlFactory, PermitFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@select
def find(pk: uuid.UUID, now):
    return Permit.objects.select_related("user").filter(pk=pk, expires_at__gt=now)


@select
def some(user: int, *, most: int):
    return Permit.objects.only("scope").filter(user=user).order_by("-uses_left")[:most]


@select
def counted(pk: int, scope: str):
    mine = Permit.objects.filter(user=OuterRef("pk"), scope=scope).order_by("-uses_left")
    return (
        User.objects.filter(pk=pk)
        .only("username")
        .annotate(most=Subquery(mine.values("uses_left")[:1]), all=Count("permits"))
    )


@select
def locked(pk: uuid.UUID):
    return Permit.objects.select_for_update().filter(pk=pk)


@update
def take(pk: uuid.UUID, amount: int, scope: str) -> Change:
    rows = Permit.objects.filter(pk=pk, uses_left__gte=amount)
    return rows, {"uses_left": F("uses_left") - amount, "scope": scope, "expires_at": Now()}


@update
def give_token(pk: uuid.UUID, token_hash: str) -> Change:
    return Permit.objects.filter(pk=pk), {"token_hash": token_hash}


@update
def tag(pk: int, tags, *, fields: tuple[str, ...]) -> Change:
    return Girl.objects.filter(pk=pk), dict.fromkeys(fields, tags)


add = insert(lambda: Permit)
add_catalog = insert(lambda: CatalogCache)


class Refused(Exception):
    pass


@pytest.fixture(params=[True, False], ids=["built once", "plainly"])
def _way(request, settings):
    settings.PREPARED_STATEMENTS = request.param


both_ways = pytest.mark.usefixtures("_way")


def whole(row):
    return {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}


@both_ways
def test_a_select_gives_whole_models_again_and_again():
    for _ in range(3):
        permit = PermitFactory()
        found = find.first(permit.pk, timezone.now())
        assert found == permit
        assert whole(found) == whole(permit)
        assert found.user == permit.user


@both_ways
def test_what_was_selected_along_asks_nothing_more(django_assert_num_queries):
    permit = PermitFactory()
    with django_assert_num_queries(1):
        found = find.first(permit.pk, timezone.now())
        assert found.user.email == permit.user.email


@both_ways
def test_values_do_not_stick():
    first, second = PermitFactory(), PermitFactory(expired=True)
    assert find.first(first.pk, timezone.now()) == first
    assert find.first(second.pk, timezone.now()) is None
    assert find(uuid.uuid4(), timezone.now()) == []


@both_ways
def test_order_limits_and_deferred_fields_are_those_of_the_queryset(django_assert_num_queries):
    user = UserFactory()
    for uses in (1, 3, 2):
        PermitFactory(user=user, uses_left=uses)
    PermitFactory(uses_left=9)
    with django_assert_num_queries(1):
        found = some(user.pk, most=2)
    assert found[0].get_deferred_fields() == {f.attname for f in Permit._meta.concrete_fields} - {"id", "scope"}
    assert [permit.uses_left for permit in found] == [3, 2]
    assert len(some(user.pk, most=1)) == 1  # what is given by name shapes the statement
    assert len(some(user.pk, most=3)) == 3


@both_ways
def test_annotations_come_along():
    user = UserFactory()
    PermitFactory(user=user, scope="a", uses_left=4)
    PermitFactory(user=user, scope="b", uses_left=7)
    found = counted.first(user.pk, "a")
    assert (found.username, found.most, found.all) == (user.username, 4, 2)
    assert counted.first(user.pk, "none").most is None


@both_ways
def test_rows_of_values_are_tuples():
    @select
    def scopes(user: int, *, most: int):
        return Permit.objects.filter(user=user).order_by("uses_left").values_list("uses_left", "scope", "id")[:most]

    permit = PermitFactory(uses_left=1)
    PermitFactory(user=permit.user, uses_left=2)
    assert scopes(permit.user_id, most=1) == [(1, "chat_send", permit.pk)]
    assert len(scopes(permit.user_id, most=9)) == 2


@both_ways
def test_an_update_counts_its_rows():
    permit = PermitFactory(uses_left=5)
    assert take(permit.pk, 3, "first") == 1
    assert take(permit.pk, 3, "second") == 0
    permit.refresh_from_db()
    assert (permit.uses_left, permit.scope) == (2, "first")
    assert permit.expires_at <= timezone.now()


@both_ways
def test_an_update_that_must_change_a_row_raises_what_it_is_told_to():
    permit = PermitFactory(uses_left=5)
    take.must(Refused(), permit.pk, 3, "first")
    with pytest.raises(Refused):
        take.must(Refused(), permit.pk, 3, "second")
    take.may(permit.pk, 3, "third")
    assert Permit.objects.get().scope == "first"


@both_ways
def test_an_insert_adds_the_whole_row():
    like = PermitFactory.build(user=UserFactory(), token_hash="a")
    for token_hash in "ab":
        like.pk, like.token_hash = uuid.uuid4(), token_hash
        assert add(like)
        assert whole(Permit.objects.get(pk=like.pk)) == whole(like)
        like._state.adding = True
    add.may(like)
    assert like._state.adding  # it was there
    like._state.adding = False
    like.uses_left = 4
    like.save()
    assert Permit.objects.filter(uses_left=4).count() == 1


@both_ways
def test_an_insert_leaves_to_the_database_what_is_its_own():
    before = timezone.now() - timedelta(seconds=1)
    assert add_catalog(CatalogCache(plans=[{"name": "30 days"}]))
    row = CatalogCache.objects.get()
    assert row.plans == [{"name": "30 days"}]
    assert before < row.due_at <= timezone.now() + timedelta(seconds=1)
    CatalogCache.objects.all().delete()
    assert add_catalog(CatalogCache(due_at=None))
    assert CatalogCache.objects.get().due_at is None


@both_ways
def test_an_insert_that_a_unique_constraint_refuses_adds_nothing_and_harms_nothing():
    there = PermitFactory(uses_left=3)
    like = PermitFactory.build(user=there.user, token_hash=there.token_hash)
    assert not add(like)
    assert Permit.objects.get().uses_left == 3


@both_ways
def test_any_other_constraint_is_an_error():
    like = PermitFactory.build(user=UserFactory(), uses_left=-1)
    with pytest.raises(IntegrityError), transaction.atomic():
        add(like)
    assert not Permit.objects.exists()


@both_ways
def test_choices_are_bound_by_their_value():
    class Scope(TextChoices):
        SEND = "chat_send", "Sending"

    permit = PermitFactory(uses_left=5)
    assert take(permit.pk, 1, Scope.SEND) == 1
    assert Permit.objects.get(pk=permit.pk).scope == "chat_send"


@both_ways
@pytest.mark.parametrize("tags", [[], ["Warm"], [{"deep": [1, None, "é"]}], "text", {"a": "b"}])
def test_values_are_prepared_by_the_field_they_are_written_to(tags):
    girl = GirlFactory()
    assert tag(girl.pk, tags, fields=("tags", "starters")) == 1
    girl.refresh_from_db()
    assert (girl.tags, girl.starters) == (tags, tags)
    assert tag(girl.pk, ["one"], fields=("tags",)) == 1
    girl.refresh_from_db()
    assert (girl.tags, girl.starters) == (["one"], tags)


@both_ways
def test_a_lock_outside_a_transaction_is_refused(transactional_db):
    permit = PermitFactory()
    with transaction.atomic():
        assert locked.first(permit.pk) == permit
    if connection.features.has_select_for_update:
        with pytest.raises(TransactionManagementError):
            locked(permit.pk)


@both_ways
def test_an_update_that_fails_undoes_the_transaction(transactional_db):
    permit, other = PermitFactory(uses_left=5), PermitFactory()

    @transaction.atomic
    def take_and_steal():
        take(permit.pk, 1, "x")
        give_token(permit.pk, other.token_hash)

    with pytest.raises(IntegrityError):
        take_and_steal()
    permit.refresh_from_db()
    assert permit.uses_left == 5


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises((IndexError, TypeError)):
        find(uuid.uuid4())
    assert not connection.needs_rollback


def test_what_a_django_cannot_build_is_done_plainly(monkeypatch):
    @update
    def use(pk: uuid.UUID) -> Change:
        return Permit.objects.filter(pk=pk), {"uses_left": F("uses_left") - 1}

    @select
    def members(pk: int):
        return User.objects.filter(pk=pk)

    insert_permit = insert(lambda: Permit)

    def changed(*args, **kwargs):
        raise AttributeError("this is called otherwise now")

    for module in ("UpdateQuery", "InsertQuery", "get_related_populators"):
        monkeypatch.setattr(f"config.lib.prepared.{module}", changed)
    user = UserFactory()
    permit = PermitFactory.build(user=user, uses_left=3)
    assert insert_permit(permit)
    assert use(permit.pk) == 1
    assert members(user.pk) == [user]
    assert Permit.objects.get().uses_left == 2


# --- Several in one ------------------------------------------------------------------------------------------


@both_ways
def test_together_everything_is_done(django_assert_num_queries):
    one, two = PermitFactory(uses_left=5), PermitFactory(uses_left=5)
    three = PermitFactory.build(user=one.user)
    as_one = connection.vendor == "postgresql" and take._ask((one.pk, 1, "x"), {}) is not None
    with django_assert_num_queries(1) if as_one else transaction.atomic(), together():
        take.must(Refused(), one.pk, 2, "a")
        take.must(Refused(), two.pk, 3, "b")
        add.must(Refused(), three)
        take.may(uuid.uuid4(), 1, "nobody")
    assert dict(Permit.objects.values_list("scope", "uses_left")) == {"a": 3, "b": 2, "chat_send": 5}
    assert not three._state.adding


@both_ways
def test_together_the_first_refusal_is_raised_and_the_transaction_undoes_the_rest(transactional_db):
    one = PermitFactory(uses_left=5)

    class Second(Exception):
        pass

    def deed():
        with transaction.atomic(), together():
            take.must(AssertionError(), one.pk, 2, "a")
            take.must(Refused(), uuid.uuid4(), 2, "b")
            add.must(Second(), PermitFactory.build(user=one.user, token_hash=one.token_hash))

    with pytest.raises(Refused):
        deed()
    one.refresh_from_db()
    assert (one.uses_left, one.scope) == (5, "chat_send")


@both_ways
def test_what_is_raised_inside_sends_nothing():
    one = PermitFactory(uses_left=5)

    def deed():
        with together():
            take.must(AssertionError(), one.pk, 2, "a")
            raise Refused

    with pytest.raises(Refused):
        deed()
    one.refresh_from_db()
    assert one.uses_left == 5
    assert take(one.pk, 1, "after") == 1  # and nothing waits any more


@both_ways
def test_a_question_in_between_sees_what_was_said_before_it():
    one = PermitFactory(uses_left=5)
    with together():
        take.must(Refused(), one.pk, 2, "a")
        assert some(one.user_id, most=1)[0].scope == "a"
        take.must(Refused(), one.pk, 2, "b")
    assert Permit.objects.get().uses_left == 1


# --- Both ways give the same answer -----------------------------------------------------------------------------

words = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)


@given(
    rows=st.lists(st.tuples(st.integers(0, 9), words), max_size=6),
    amount=st.integers(0, 9),
    scope=words,
    most=st.integers(1, 5),
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_both_ways_give_the_same_answer(settings, rows, amount, scope, most):
    @select
    def fitting(user: int, least: int, like: str, *, most: int):
        named = Case(When(scope__contains=like, then=Value("yes")), default=Value("no"), output_field=CharField())
        rows = Permit.objects.filter(Q(uses_left__gte=least) | Q(scope=like), user=user)
        return rows.select_related("user").annotate(named=named).order_by("-uses_left", "token_hash")[:most]

    @update
    def lower(user: int, least: int, to: str) -> Change:
        rows = Permit.objects.filter(user=user, uses_left__in=[least, least + 1])
        return rows, {"scope": to, "uses_left": F("uses_left") - least}

    def outcome(prepared):
        settings.PREPARED_STATEMENTS = prepared
        with transaction.atomic():
            user = UserFactory()
            made = [
                PermitFactory.build(user=user, uses_left=n, scope=s, token_hash=f"{i}") for i, (n, s) in enumerate(rows)
            ]
            added = [add(permit) for permit in [*made, *made[:1]]]
            changed = lower(user.pk, amount, scope)
            found = fitting(user.pk, amount, scope, most=most)
            shown = [(p.token_hash, p.uses_left, p.scope, p.named, p.user == user) for p in found]
            Permit.objects.filter(user=user).delete()
        return added, changed, shown

    assert outcome(True) == outcome(False)

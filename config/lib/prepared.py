"""Statements that Django builds once and then only executes.

Building a statement takes the ORM several times as long as PostgreSQL takes to answer it, and a message asks a dozen.
The few that every message needs are therefore kept as they were built; they are written as querysets all the same.

    _use = Update(
        lambda: Permit.objects.filter(pk=Param("pk"), uses_left__gt=0),
        uses_left=F("uses_left") - 1,
    )
    if not _use(pk=permit_id): ...
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from types import SimpleNamespace
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.constants import OnConflict
from django.db.models.query import get_related_populators
from django.db.models.sql import InsertQuery, UpdateQuery
from django.db.transaction import TransactionManagementError

M = TypeVar("M", bound=models.Model)


class Param(models.Expression):
    """A value that comes with each execution. `output_field` is needed inside arithmetic only."""

    def __init__(self, name: str, output_field: "models.Field[Any, Any] | None" = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """A placeholder, with this parameter in the place of its value."""
        return "%s", [self]


class Select(Generic[M]):
    """A queryset of whole models, with `select_related` and `only` if need be. Built at first use."""

    def __init__(self, build: Callable[[], models.QuerySet[M]]) -> None:
        self._build = build
        self._built: Any = None

    def __call__(self, **values: Any) -> list[M]:
        """The rows. Raises TransactionManagementError for one that locks, outside a transaction."""
        if self._built is None:
            self._built = _built(self._build().query.get_compiler(DEFAULT_DB_ALIAS))
        sql, params, compiler, converters, model, names, own, populators = self._built
        if compiler.query.select_for_update and not connection.in_atomic_block:
            raise TransactionManagementError("A row is locked for the rest of a transaction, and there is none.")
        with connection.cursor() as cursor:
            cursor.execute(sql, _bind(params, values))
            rows = cursor.fetchall()
        if converters:
            rows = compiler.apply_converters(rows, converters)
        found = []
        for row in rows:
            one = model.from_db(DEFAULT_DB_ALIAS, names, row[own])
            for populator in populators:
                populator.populate(row, one)
            found.append(one)
        return found

    def first(self, **values: Any) -> M | None:
        """The first row, if there is one."""
        return next(iter(self(**values)), None)


def _built(compiler: Any) -> tuple[Any, ...]:
    """A statement, and what makes models of its rows: as `django.db.models.query.ModelIterable` finds it each time."""
    sql, params = compiler.as_sql()
    about, select = compiler.klass_info, compiler.select
    own = slice(about["select_fields"][0], about["select_fields"][-1] + 1)
    names = [column.target.attname for column, *_ in select[own]]
    converters = compiler.get_converters([column for column, *_ in select])
    populators = get_related_populators(about, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]  # of Django 6
    return sql, params, compiler, converters, about["model"], names, own, populators


class Update:
    """A queryset's `update`. Built at first use."""

    def __init__(self, build: Callable[[], models.QuerySet[Any]], **changes: Any) -> None:
        self._build, self._changes = build, changes
        self._statement: tuple[str, Iterable[Any]] | None = None

    def __call__(self, **values: Any) -> int:
        """How many rows were changed."""
        if self._statement is None:
            query: Any = self._build().query.chain(UpdateQuery)
            query.add_update_values(self._changes)
            self._statement = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        sql, params = self._statement
        with connection.cursor() as cursor:
            cursor.execute(sql, _bind(params, values))
            return int(cursor.rowcount)


class Insert(Generic[M]):
    """The INSERT of a model that makes its own keys. Nobody is signalled. Built at first use."""

    def __init__(self, build: Callable[[], type[M]]) -> None:
        self._build = build
        self._statement: tuple[str, Iterable[Any]] | None = None

    def __call__(self, row: M) -> bool:
        """Add the row, unless a unique constraint says that it is there: whether it was added."""
        if self._statement is None:
            model = self._build()
            fields = model._meta.concrete_fields
            query: Any = InsertQuery(model, on_conflict=OnConflict.IGNORE)
            query.insert_values(fields, [SimpleNamespace(**{f.attname: Param(f.attname) for f in fields})], raw=True)
            (self._statement,) = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        sql, params = self._statement
        with connection.cursor() as cursor:
            cursor.execute(sql, _bind(params, vars(row)))
            added = cursor.rowcount == 1
        row._state.adding, row._state.db = not added, DEFAULT_DB_ALIAS
        return added


def _bind(params: Iterable[Any], values: dict[str, Any]) -> list[Any]:
    return [_adapted(values[param.name]) if isinstance(param, Param) else param for param in params]


def _adapted(value: Any) -> Any:
    """A value as this database takes it: SQLite knows neither UUIDs nor times, and psycopg would name an enum."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value

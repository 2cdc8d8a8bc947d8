"""Statements that Django builds once and then only executes; and several of them in one.

Building a statement takes the ORM several times as long as PostgreSQL takes to answer it, and a message asks a dozen.
The few that every message needs are therefore kept as they were built. They are written as ordinary queryset
functions, which is also the plain way they are run where `PREPARED_STATEMENTS` is off or a Django does not fit:

    @select
    def _member(pk: int) -> QuerySet[User]:
        return User.objects.filter(pk=pk)

    @update
    def _use(pk: UUID, user: int) -> Change:
        return Permit.objects.filter(pk=pk, user=user, uses_left__gt=0), {"uses_left": F("uses_left") - 1}

    _add = insert(lambda: Message)

    _member(7)                                    # [User]
    _member.first(7)                              # User or None
    _use(permit, 7)                               # how many rows it changed
    _use.must(SecurityCheckFailed(), permit, 7)   # raises that when it changed none; `may` does not

What is given by position is bound each time, prepared by the field that it is compared with or written to; inside
arithmetic, by its annotation. What is given by name shapes the statement, which is built once for each value of it:
a limit, a lease, the names of fields.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from inspect import Parameter, signature
from types import SimpleNamespace
from typing import Any, Generic, TypeVar, get_type_hints
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, models, transaction
from django.db.models.constants import OnConflict
from django.db.models.expressions import DatabaseDefault
from django.db.models.query import ModelIterable, get_related_populators
from django.db.models.sql import InsertQuery, UpdateQuery
from django.db.transaction import TransactionManagementError

log = structlog.get_logger(__name__)

R = TypeVar("R")
Change = tuple[models.QuerySet[Any], dict[str, Any]]
FIELDS: dict[type, Any] = {
    int: models.BigIntegerField,
    str: models.TextField,
    datetime: models.DateTimeField,
    UUID: models.UUIDField,
    bool: models.BooleanField,
}


class Param(models.Expression):
    """The place of a value that comes with each execution."""

    def __init__(self, place: int, output_field: "models.Field[Any, Any] | None" = None) -> None:
        super().__init__(output_field=output_field)
        self.place = place
        self.belongs_to = output_field

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """A placeholder, with this parameter in the place of its value."""
        return "%s", [self]

    def bound(self, values: tuple[Any, ...]) -> Any:
        """Its value among those that were given, as the database takes it."""
        value = values[self.place]
        if isinstance(value, Enum):
            value = value.value
        if self.belongs_to is None:
            return value
        return self.belongs_to.get_db_prep_value(getattr(value, "pk", value), connection, prepared=False)


class Built:
    """SQL and its parameters, some of which are places."""

    def __init__(self, sql: str, params: Iterable[Any]) -> None:
        self.sql, self.params = sql, tuple(params)

    def bind(self, values: tuple[Any, ...]) -> list[Any]:
        """The parameters with these values in their places."""
        return [param.bound(values) if isinstance(param, Param) else param for param in self.params]


class Statement:
    """What select, update and insert have in common: built at first use, or not at all."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__doc__, self.name = function.__doc__, f"{function.__module__}.{function.__qualname__}"
        self._function = function
        self._built: dict[Any, Any] = {}

    def _ask(self, values: tuple[Any, ...], shape: dict[str, Any]) -> Any:
        """The statement in this shape; None for the plain way."""
        if not settings.PREPARED_STATEMENTS:
            return None
        key = (*shape.items(), connection.vendor) if shape else connection.vendor
        try:
            return self._built[key]
        except KeyError:
            try:
                built = self._build(self._params(len(values)), shape)
            except Exception as error:  # what we lean on is Django's own business and may change
                log.error("statement_not_prepared", statement=self.name, error=repr(error))
                built = None
            self._built[key] = built
            return built

    def _build(self, places: list[Param], shape: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _params(self, count: int) -> list[Param]:
        """A place for each value; with the field that its annotation means, until it is known where it stands."""
        hints = get_type_hints(self._function)
        given = [p.name for p in signature(self._function).parameters.values() if p.kind is not Parameter.KEYWORD_ONLY]
        meant = [FIELDS.get(hints.get(name, object), lambda: None)() for name in given]
        return [Param(n, meant[n] if n < len(meant) else None) for n in range(count)]


class Select(Statement, Generic[R]):
    """A queryset of whole models, with `select_related`, `only` and annotations if need be, or of a `values_list`."""

    def __init__(self, function: Callable[..., models.QuerySet[Any, R]]) -> None:
        super().__init__(function)

    def __call__(self, *values: Any, **shape: Any) -> list[R]:
        """The rows. Raises TransactionManagementError for one that locks, outside a transaction."""
        _send_what_waits()
        built = self._ask(values, shape)
        if built is None:
            return list(self._function(*values, **shape))
        statement, compiler, converters, make = built
        if compiler.query.select_for_update and not connection.in_atomic_block:
            raise TransactionManagementError("A row is locked for the rest of a transaction, and there is none.")
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.bind(values))
            rows = cursor.fetchall()
        if converters:
            rows = compiler.apply_converters(rows, converters)
        return [make(row) for row in rows]

    def first(self, *values: Any, **shape: Any) -> R | None:
        """The first row, if there is one."""
        return next(iter(self(*values, **shape)), None)

    def _build(self, places: list[Param], shape: dict[str, Any]) -> Any:
        queryset = self._function(*places, **shape)
        query = queryset.query
        _give_fields(query.where)
        for annotation in query.annotations.values():
            _give_fields_inside(annotation)
        compiler = query.get_compiler(DEFAULT_DB_ALIAS)
        statement = Built(*compiler.as_sql())
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        make = _maker(compiler) if queryset._iterable_class is ModelIterable else tuple
        return statement, compiler, converters, make


def _maker(compiler: Any) -> Callable[[Any], Any]:
    """What makes a model of a row, as `django.db.models.query.ModelIterable` finds it each time."""
    about, columns = compiler.klass_info, compiler.select
    model, own = about["model"], slice(about["select_fields"][0], about["select_fields"][-1] + 1)
    names = [column.target.attname for column, *_ in columns[own]]
    populators = get_related_populators(about, columns, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]  # of Django 6
    annotations = list(compiler.annotation_col_map.items())

    def make(row: Any) -> Any:
        one = model.from_db(DEFAULT_DB_ALIAS, names, row[own])
        for populator in populators:
            populator.populate(row, one)
        for name, at in annotations:
            setattr(one, name, row[at])
        return one

    return make


class Writing(Statement):
    """Whatever changes rows: alone, or with others in one statement."""

    def __call__(self, *values: Any, **shape: Any) -> int:
        """How many rows it changed."""
        _send_what_waits()
        built = self._ask(values, shape)
        if built is None:
            return self._plainly(*values, **shape)
        with connection.cursor() as cursor:
            cursor.execute(built.sql, built.bind(values))
            count = int(cursor.rowcount)
        if count:
            self._done(values)
        return count

    def must(self, error: Exception, *values: Any, **shape: Any) -> None:
        """Change a row, now or at the end of the `together` it stands in; raises `error` when there is none."""
        self._later(error, values, shape)

    def may(self, *values: Any, **shape: Any) -> None:
        """Change a row if there is one, now or at the end of the `together` it stands in."""
        self._later(None, values, shape)

    def _later(self, error: Exception | None, values: tuple[Any, ...], shape: dict[str, Any]) -> None:
        waiting: list[Any] | None = getattr(_here, "waiting", None)
        if waiting is not None:
            waiting.append((self, values, shape, error))
        elif not self(*values, **shape) and error is not None:
            raise error

    def _plainly(self, *values: Any, **shape: Any) -> int:
        raise NotImplementedError

    def _done(self, values: tuple[Any, ...]) -> None:
        """What follows from rows having changed."""


class Update(Writing):
    """A queryset's `update`."""

    def _build(self, places: list[Param], shape: dict[str, Any]) -> Built:
        queryset, changes = self._function(*places, **shape)
        query: Any = queryset.query.chain(UpdateQuery)
        query.add_update_values(changes)
        for field, _, value in query.values:
            if isinstance(value, Param):
                value.belongs_to = field
            elif hasattr(value, "get_source_expressions"):
                _give_fields_inside(value)
        _give_fields(query.where)
        return Built(*query.get_compiler(DEFAULT_DB_ALIAS).as_sql())

    def _plainly(self, *values: Any, **shape: Any) -> int:
        queryset, changes = self._function(*values, **shape)
        return int(queryset.update(**changes))


class Insert(Writing):
    """The INSERT of a whole row, which makes its own key, unless a unique constraint says that it is there already.

    Nobody is signalled. What is left to the database's default gets that.
    """

    def __init__(self, model: Callable[[], type[models.Model]]) -> None:
        super().__init__(model)

    def _ask(self, values: tuple[Any, ...], shape: dict[str, Any]) -> Any:
        (row,) = values
        left = tuple(name for name, value in vars(row).items() if isinstance(value, DatabaseDefault))
        return super()._ask(values, {"left": left})

    def _build(self, places: list[Param], shape: dict[str, Any]) -> Built:
        model = self._function()
        fields = [f for f in model._meta.concrete_fields if not f.generated and f.attname not in shape["left"]]
        query: Any = InsertQuery(model, on_conflict=OnConflict.IGNORE)
        row = SimpleNamespace(**{field.attname: _Value(field) for field in fields})
        query.insert_values(fields, [row], raw=True)
        ((sql, params),) = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        if connection.vendor == "sqlite":  # Django's way there ignores every other constraint, too
            sql = sql.replace("INSERT OR IGNORE", "INSERT", 1) + " ON CONFLICT DO NOTHING"
        return Built(sql, params)

    def _done(self, values: tuple[Any, ...]) -> None:
        (row,) = values
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS

    def _plainly(self, row: Any) -> int:
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            if not _is_about_uniqueness(error):
                raise
            row._state.adding = True
            return 0
        return 1


class _Value(Param):
    """The place of a field's value in a row that is inserted."""

    def __init__(self, field: "models.Field[Any, Any]") -> None:
        super().__init__(0)
        self.of = field

    def bound(self, values: tuple[Any, ...]) -> Any:
        value = getattr(values[0], self.of.attname)
        return self.of.get_db_prep_save(value.value if isinstance(value, Enum) else value, connection)


select, update, insert = Select, Update, Insert


# --- Several in one -----------------------------------------------------------------------------------------

_here = threading.local()
_joined: dict[tuple[Any, ...], str] = {}


@contextmanager
def together() -> Iterator[None]:
    """Let everything that `must` or `may` be changed inside go to the database in one statement, at the block's end.

    A round trip costs more than what it asks for. The parts see the database as it was before the block, and no two of
    them may change the same row. When several changed nothing, the first error is raised; the caller's transaction is
    for that. On SQLite, and in the plain way, the parts go one after the other. A question in between sends what waits.
    """
    _here.waiting = []
    try:
        yield
        _send_what_waits()
    finally:
        _here.waiting = None


def _send_what_waits() -> None:
    waiting = getattr(_here, "waiting", None)
    if not waiting:
        return
    _here.waiting = []
    parts = [(part, values, part._ask(values, shape), shape, error) for part, values, shape, error in waiting]
    if len(parts) == 1 or connection.vendor != "postgresql" or any(built is None for _, _, built, _, _ in parts):
        _here.waiting = None
        try:
            for part, values, _, shape, error in parts:
                if not part(*values, **shape) and error is not None:
                    raise error
        finally:
            _here.waiting = []
        return
    all_of_them = tuple(built for _, _, built, _, _ in parts)
    sql = _joined.get(all_of_them)
    if sql is None:
        sql = _joined[all_of_them] = _join(all_of_them)
    with connection.cursor() as cursor:
        cursor.execute(sql, [param for _, values, built, _, _ in parts for param in built.bind(values)])
        counts = cursor.fetchone()
    for count, (part, values, *_, error) in zip(counts, parts, strict=True):
        if count:
            part._done(values)
        elif error is not None:
            raise error


def _join(parts: tuple[Built, ...]) -> str:
    """One statement of several, whose row says how many rows each changed."""
    named = ", ".join(f"part{n} AS ({part.sql} RETURNING 1)" for n, part in enumerate(parts))
    counted = ", ".join(f"(SELECT count(*) FROM part{n})" for n in range(len(parts)))  # noqa: S608 - Django's own
    return f"WITH {named} SELECT {counted}"


# --- Which field a value belongs to ---------------------------------------------------------------------------


def _give_fields(node: Any) -> None:
    """Tell each place in a WHERE which field it is compared with."""
    for child in node.children:
        if hasattr(child, "children"):
            _give_fields(child)
            continue
        rhs = getattr(child, "rhs", None)
        if isinstance(rhs, Param):
            rhs.belongs_to = child.lhs.output_field
        elif isinstance(rhs, list | tuple):
            for one in rhs:
                if isinstance(one, Param):
                    one.belongs_to = child.lhs.output_field
        elif rhs is not None:
            _give_fields_inside(rhs)
        if hasattr(child, "query"):
            _give_fields(child.query.where)


def _give_fields_inside(expression: Any) -> None:
    query = getattr(expression, "query", None) or (expression if hasattr(expression, "where") else None)
    if query is not None:
        _give_fields(query.where)
    for source in getattr(expression, "get_source_expressions", list)():
        if source is not None and not isinstance(source, Param):
            _give_fields_inside(source)


def _is_about_uniqueness(error: IntegrityError) -> bool:
    code = getattr(error.__cause__, "sqlstate", None)
    return code == "23505" if code else "UNIQUE" in str(error)


__all__ = ["Change", "Insert", "Select", "Update", "insert", "select", "together", "update"]

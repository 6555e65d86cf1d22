"""Reads rows by key with a statement compiled once for each model.

Django compiles a query each time it is run, which costs several times as much CPU as a small read
itself. For what runs with every write, such as the digest of a row of history.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Model

from aethercrown.db import bulk

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """A SELECT with one parameter, the keys; its columns, and what converts their values."""

    sql: str
    names: tuple[str, ...]
    converters: dict[int, list[Convert]]


def values_by_key(model: type[Model], keys: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The rows with these primary keys, as `.values()` gives them, in no order."""
    statement = _compiled(model, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, bulk.among(keys).params)
        rows = cursor.fetchall()
    for row in rows:
        values = dict(zip(statement.names, row, strict=True))
        for place, converters in statement.converters.items():
            name = statement.names[place]
            for convert in converters:
                values[name] = convert(values[name])
        yield values


@cache
def _compiled(model: type[Model], _vendor: str) -> Statement:
    query = model._base_manager.filter(pk__in=bulk.among([0])).order_by().values().query  # noqa: SLF001 - documented
    compiler = query.get_compiler(connection=connection)
    sql, _ = compiler.as_sql()
    expressions = [each for each, *_ in compiler.select]
    found = compiler.get_converters(expressions)
    return Statement(
        sql=sql,
        names=tuple(query.values_select),
        converters={
            place: [_bound(convert, expression) for convert in converters]
            for place, (converters, expression) in found.items()
        },
    )


def _bound(convert: Callable[[Any, Any, Any], Any], expression: Any) -> Convert:
    """With the connection of the thread that reads."""
    return lambda value: convert(value, expression, connection)

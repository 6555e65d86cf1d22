"""A query that Django compiles to SQL once and that runs many times with other values.

Compiling takes most of the time of a small query. For one that every request makes.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import Model, QuerySet

from aethercrown.db import bulk


class CompiledQuery:
    """The rows of the `values_list` queryset that `build(values)` gives, for one list of values.

    `values` are all of the query's parameters, in their order; it is compiled once for each
    database vendor and number of values. ImproperlyConfigured where it has other parameters.
    """

    def __init__(self, build: Callable[[Sequence[Any]], "QuerySet[Any, Any]"]) -> None:
        self.build = build
        self.compiled: dict[tuple[str, int], tuple[str, Any, Any]] = {}

    def rows(self, values: Sequence[Any]) -> list[Any]:
        found = self.compiled.get((connection.vendor, len(values))) or self.compile(len(values))
        sql, compiler, converters = found
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            rows = cursor.fetchall()
        return list(compiler.apply_converters(rows, converters)) if rows else []

    def compile(self, count: int) -> tuple[str, Any, Any]:
        samples = tuple(f"sample {number}" for number in range(count))
        compiler = self.build(samples).query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        if tuple(parameters) != samples:
            raise ImproperlyConfigured(f"The query has the parameters {parameters}: {sql}")
        converters = compiler.get_converters([each[0] for each in compiler.select])
        found = self.compiled[connection.vendor, count] = (sql, compiler, converters)
        return found


def values_by_key(model: type[Model], keys: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The rows with these primary keys, as `.values()` gives them, in no order."""
    names = [each.attname for each in model._meta.concrete_fields]  # noqa: SLF001 - documented
    for row in _by_key(model, *names).rows(bulk.among(keys).params):
        yield dict(zip(names, row, strict=True))


@cache
def _by_key(model: type[Model], *names: str) -> CompiledQuery:
    rows = model._base_manager.order_by()  # noqa: SLF001 - documented
    return CompiledQuery(
        lambda given: rows.filter(pk__in=bulk.among_each(given[0])).values_list(*names)
    )

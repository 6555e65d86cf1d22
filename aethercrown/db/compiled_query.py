"""A query that Django compiles to SQL once and that runs many times with other values.

Compiling takes most of the time of a small query. For one that every request makes.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import QuerySet


class CompiledQuery:
    """The rows of the `values_list` queryset that `build(values)` gives, for one list of texts.

    `values` are all of the query's parameters, in their order; it is compiled once for each
    database vendor and number of values. ImproperlyConfigured where it has other parameters.
    """

    def __init__(self, build: Callable[[Sequence[str]], "QuerySet[Any, Any]"]) -> None:
        self.build = build
        self.compiled: dict[tuple[str, int], tuple[str, Any, Any]] = {}

    def rows(self, values: Sequence[str]) -> list[Any]:
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

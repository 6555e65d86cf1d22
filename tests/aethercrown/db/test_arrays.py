"""Columns as PostgreSQL's arrays: every value comes back as it was."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection

from aethercrown.db.arrays import array

ODD = ["plain", 'a "quote"', "back\\slash", "comma, {brace}", "", "NULL", " pad ", "ü€", "a\nb"]
AT = datetime(2027, 3, 1, 11, 5, 6, 7, tzinfo=UTC)
COLUMNS = [
    ("bigint", [1, -2, 10**18], "{1,-2,1000000000000000000}"),
    ("bigint", [1, None], "{1,NULL}"),
    ("text", ["a", "b"], '{"a","b"}'),
    ("text", ODD, None),
    ("text", [*ODD, None], None),
    ("boolean", [True, False, None], "{t,f,NULL}"),
    ("timestamptz", [AT, None], '{"2027-03-01 11:05:06.000007+00:00",NULL}'),
    ("date", [date(2027, 3, 1)], '{"2027-03-01"}'),
    ("uuid", [UUID(int=7)], '{"00000000-0000-0000-0000-000000000007"}'),
    ("numeric", [Decimal("1.50"), None], [Decimal("1.50"), None]),
]


@pytest.mark.parametrize(("_kind", "values", "expected"), COLUMNS)
def test_a_column_is_written_as_an_array(_kind, values, expected):
    if expected is not None:
        assert array(values) == expected


@pytest.mark.skipif(connection.vendor != "postgresql", reason="arrays are PostgreSQL's")
@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "values", "_expected"), COLUMNS)
def test_every_value_comes_back(kind, values, _expected):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT unnest(%s::{kind}[])", [array(values)])
        assert [found for (found,) in cursor.fetchall()] == values

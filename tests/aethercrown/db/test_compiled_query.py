"""A query that is compiled once."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ImproperlyConfigured

from aethercrown.db.compiled_query import CompiledQuery
from security.apikeys.models import ApiKey

pytestmark = pytest.mark.django_db
NAMES = ("name", "scopes", "created_at", "revoked_at")


def by_name(names):
    return ApiKey.objects.filter(name__in=names).order_by("name").values_list(*NAMES)


@pytest.fixture
def rows():
    at = datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC)
    for name, scopes in (("a", ["all"]), ("b", []), ("c", ["x", "y"])):
        ApiKey.objects.create(
            name=name, prefix="ac", last4="aaaa", digest=name * 64, scopes=scopes, created_at=at
        )


@pytest.mark.parametrize("names", [["a"], ["b", "c"], ["none"], ["c", "a", "b"]])
def test_its_rows_are_those_of_the_queryset(rows, names):
    query = CompiledQuery(by_name)
    assert query.rows(names) == [list(each) for each in by_name(names)]
    assert query.rows(["a"]) == [list(each) for each in by_name(["a"])]


def test_it_is_compiled_once_for_each_number_of_values(rows):
    built = []

    def build(names):
        built.append(len(names))
        return by_name(names)

    query = CompiledQuery(build)
    for names in (["a"], ["b"], ["a", "b"], ["c"]):
        query.rows(names)
    assert built == [1, 2]


def test_a_query_with_other_parameters_is_refused():
    query = CompiledQuery(lambda names: by_name(names).filter(prefix="ac"))
    with pytest.raises(ImproperlyConfigured, match="parameters"):
        query.rows(["a"])

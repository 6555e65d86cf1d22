"""Search across the features: each registers a source, and a person's search asks all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.urls import reverse
from django.utils.http import urlencode

from aethercrown.admin_actions import change_url
from aethercrown.registry import Registry

MAX_QUERY_CHARACTERS = 200  # what comes after them is not searched


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One row that was found. It opens at the first of `paths` that the person may open."""

    title: str
    note: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchSource:
    """`find(words, limit)` gives hits; `everything(words)` the path of a list of all of them."""

    name: str
    title: str
    find: Callable[[str, int], Sequence[SearchHit]]
    everything: Callable[[str], str]


search_sources: Registry[SearchSource] = Registry("search source")


def row_source(
    title: str,
    rows: Callable[[], QuerySet[Any]],
    fields: Sequence[str],
    note: Callable[[Any], object],
    page: Callable[[Any], str] = lambda _row: "",
    *,
    name: Callable[[Any], object] = str,
) -> SearchSource:
    """A source of rows that contain the words in one of `fields`; those that begin so come first.

    A hit opens in the admin, or for people outside the staff on `page(row)`. It is called
    `name(row)`; `note(row)` tells it from others of that name.
    """

    def find(words: str, limit: int) -> list[SearchHit]:
        return [
            SearchHit(
                str(name(row)), str(note(row)), tuple(filter(None, (change_url(row), page(row))))
            )
            for row in matching(rows(), fields, words, limit)
        ]

    def everything(words: str) -> str:
        opts = rows().model._meta  # noqa: SLF001 - a documented name of Django's
        path = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
        return f"{path}?{urlencode({'q': words})}"

    return SearchSource(title.lower(), title, find, everything)


def matching(rows: QuerySet[Any], fields: Sequence[str], words: str, limit: int) -> list[Model]:
    """At most `limit` rows: those with a field that begins with the words, then others."""
    found: list[Model] = []
    for lookup in ("istartswith", "icontains"):
        condition = reduce(or_, (Q(**{f"{field}__{lookup}": words}) for field in fields))
        wanted = rows.filter(condition).exclude(pk__in=[each.pk for each in found])
        found += wanted.order_by("pk")[: limit - len(found)]
        if len(found) >= limit:
            break
    return found

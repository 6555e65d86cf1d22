"""Rows whose text begins with another, found by the index of the column."""

from django.db import connection
from django.db.models import Q


def begins_with(column: str, prefix: str) -> Q:
    """The condition; SQLite's LIKE, which ignores case, would read every row."""
    found = Q(**{f"{column}__startswith": prefix})
    if connection.vendor != "sqlite" or not prefix:
        return found
    above = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return found & Q(**{f"{column}__gte": prefix, f"{column}__lt": above})

"""A registry with other entries than those that the apps registered."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from aethercrown.registry import Registry


@contextmanager
def isolated(registry: Registry[Any], entries: Iterable[Any] = ()) -> Iterator[None]:
    """Within the block only `entries` are registered, and what is added in it."""
    before, registry._entries = registry._entries, {each.name: each for each in entries}
    try:
        yield
    finally:
        registry._entries = before

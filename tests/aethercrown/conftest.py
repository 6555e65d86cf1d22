"""Callers of the API: with a key of given scopes, or with none."""

from collections.abc import Callable, Iterator

import pytest

from aethercrown.api import throttling
from security.apikeys import services as keys
from tests.callers import Caller


@pytest.fixture
def make_caller(db: None) -> Callable[..., Caller]:
    def make(*scopes: str) -> Caller:
        return Caller(keys.create("a test", scopes or ("all",)).plaintext)

    return make


@pytest.fixture
def caller(make_caller: Callable[..., Caller]) -> Caller:
    """Holds every scope."""
    return make_caller("all", "security:reveal", "decisions:approve")


@pytest.fixture
def stranger() -> Caller:
    return Caller()


@pytest.fixture(autouse=True)
def _full_buckets() -> Iterator[None]:
    """No test pays for the calls of another."""
    yield
    throttling.buckets.__init__()  # type: ignore[misc]  # the one object that the views share

"""Callers of the API: with a key of given scopes, or with none."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from aethercrown import throttling
from security.apikeys import services as keys


class Caller(Client):
    """Sends JSON; a bug on the other side is an answer here too, as it is for a caller."""

    def __init__(self, key: str = "") -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        super().__init__(raise_request_exception=False, headers=headers)

    def send(self, path: str, body: Any = None, **more: Any) -> Any:
        """POST a value as JSON, or text and bytes as they are."""
        raw = isinstance(body, str | bytes)
        more.setdefault("content_type", "application/json")
        return self.post(path, body if raw else {} if body is None else body, **more)


@pytest.fixture
def make_caller(db: None) -> Callable[..., Caller]:
    def make(*scopes: str) -> Caller:
        return Caller(keys.create("a test", scopes or ("all",)).plaintext)

    return make


@pytest.fixture
def caller(make_caller: Callable[..., Caller]) -> Caller:
    """Holds every scope."""
    return make_caller()


@pytest.fixture
def stranger() -> Caller:
    return Caller()


@pytest.fixture(autouse=True)
def _full_buckets() -> Iterator[None]:
    """No test pays for the calls of another."""
    yield
    throttling.buckets.__init__()  # type: ignore[misc]  # the one object that the views share

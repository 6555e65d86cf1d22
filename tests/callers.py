"""A test client of the API."""

from typing import Any

from django.test import Client


class Caller(Client):
    """Sends JSON with a key, if given; an exception of a view becomes a 500 response."""

    def __init__(self, key: str = "") -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        super().__init__(raise_request_exception=False, headers=headers)

    def send(self, path: str, body: Any = None, **more: Any) -> Any:
        """POST a value as JSON, or text and bytes as they are."""
        raw = isinstance(body, str | bytes)
        more.setdefault("content_type", "application/json")
        return self.post(path, body if raw else {} if body is None else body, **more)

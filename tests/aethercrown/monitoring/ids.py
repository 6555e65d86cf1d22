"""Work under a request id, as between a request and its answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from aethercrown.monitoring import request_id


@contextmanager
def with_request_id(wanted: str) -> Iterator[None]:
    token = request_id.enter(wanted)
    try:
        yield
    finally:
        request_id.leave(token)

"""The dispatcher that was registered is registered again after a test."""

import pytest

from operations.messaging import dispatch


@pytest.fixture
def dispatcher():
    before = dispatch._dispatcher
    yield
    dispatch.register_dispatcher(before)

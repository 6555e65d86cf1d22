"""A real browser, one for all tests of a module."""

from collections.abc import Iterator

import pytest

from tests.browser import Browser, browsing, programs


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    found = programs()
    assert found is not None  # those who ask for it are skipped without one
    with browsing(found) as browser:
        yield browser

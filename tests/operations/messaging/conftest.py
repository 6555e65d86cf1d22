"""What notified a worker before a test does so again after it."""

import pytest

from operations.messaging import notify


@pytest.fixture
def notifiers():
    """The functions that notify a worker: none."""
    before = notify.notifiers.copy()
    notify.notifiers.clear()
    yield notify.notifiers
    notify.notifiers[:] = before

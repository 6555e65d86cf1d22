"""What woke a worker before a test does so again after it."""

import pytest

from operations.messaging import wake_worker


@pytest.fixture
def callbacks():
    """The functions that wake a worker: none."""
    before = wake_worker.callbacks.copy()
    wake_worker.callbacks.clear()
    yield wake_worker.callbacks
    wake_worker.callbacks[:] = before

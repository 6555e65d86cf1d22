"""What tests of signing in share."""

import pytest

from aethercrown.api import throttling
from security.access import api
from security.access.services import sign_in


@pytest.fixture
def own_buckets(settings, monkeypatch):
    """How often somebody tried is counted for one test alone; the client speaks plain http."""
    settings.SECURE_SSL_REDIRECT = False
    settings.REDIS_URL = ""
    for module in (sign_in, api):
        monkeypatch.setattr(module, "buckets", throttling.SharedBuckets())

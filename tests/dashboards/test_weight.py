"""What the first and each later visit of a page costs over the wire, fonts included."""

import re

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from aethercrown.demo import SEED, Seeding
from dashboards import navigation
from operations.demo import services as at_work
from security.access.models import User
from tests.dashboards import company

FIRST_VISIT = 100_000  # bytes
LATER_VISIT = 40_000
FONT = 30_000


def weight(client: Client, path: str) -> tuple[int, str]:
    """The bytes sent for an address, and its text."""
    answer = client.get(path, headers={"Accept-Encoding": "gzip"})
    sent = b"".join(answer)
    text = b"".join(client.get(path))
    return len(sent), text.decode(errors="replace")


@pytest.mark.django_db
def test_a_page_is_light():
    company.with_plans()
    at_work.seed(Seeding(timezone.now().date(), np.random.default_rng(SEED)))
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    parts: dict[str, int] = {}
    for path in (*navigation.pages(), "/dashboards/budget/Search", "/search?q=a"):
        page, text = weight(client, path)
        named = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', text))
        for each in named - parts.keys():
            parts[each], _ = weight(client, each)
        assert page <= LATER_VISIT, path
        assert page + sum(parts[each] for each in named) <= FIRST_VISIT, path
    fonts = {each: size for each, size in parts.items() if each.endswith(".woff2")}
    assert len(fonts) == 2
    assert max(fonts.values()) <= FONT

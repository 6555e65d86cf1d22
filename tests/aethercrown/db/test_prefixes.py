import pytest
from django.db import connection

from aethercrown.db.prefixes import begins_with
from operations.health.models import Heartbeat
from tests.operations.health.conftest import NOON


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("prefix", "found"),
    [("alert:1:", ["alert:1:a", "alert:1:b%"]), ("ALERT:1:", []), ("ü", ["ü"]), ("", [])],
)
def test_what_begins_with_a_text_is_found_by_the_index(prefix, found):
    names = ["alert:1:a", "alert:1:b%", "alert:12:a", "alert:1", "alert_1:a", "ü", "b"]
    Heartbeat.objects.bulk_create(Heartbeat(name=each, seen_at=NOON) for each in names)
    rows = Heartbeat.objects.filter(begins_with("name", prefix)).order_by("name")
    assert sorted(rows.values_list("name", flat=True)) == (
        sorted(found) if prefix else sorted(names)
    )
    if connection.vendor == "sqlite" and prefix:
        assert "name>? AND name<?" in rows.explain()

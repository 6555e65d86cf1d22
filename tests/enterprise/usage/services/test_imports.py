"""Events from a CSV file: checked first, then stored, each once."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.utils import timezone

from aethercrown.csv import importing
from aethercrown.csv.importing import ImportOptions
from enterprise.usage.models import UsageEvent
from tests.enterprise.usage.conftest import total

pytestmark = pytest.mark.django_db
HEADER = "event_id,client_id,metric,quantity,timestamp,corrects\n"


def load(*lines):
    file = BytesIO((HEADER + "\n".join(lines)).encode())
    return importing.load(importing.named("usage-events"), file, {}, ImportOptions("USD"))


def at(**ago):
    return (timezone.now() - timedelta(**ago)).isoformat()


def test_a_file_is_stored_and_again_changes_nothing():
    lines = [f"e1,acme,api_calls,5,{at(hours=1)},", f"e2,acme,api_calls,-2,{at(hours=1)},e1"]
    assert load(*lines).created == 2
    assert load(*lines).created == 0
    assert total() == 3


def test_every_bad_row_is_named_and_nothing_is_stored():
    found = load(
        f"e1,acme,api_calls,5,{at(hours=1)},",
        f"e2,acme,api_calls,-2,{at(hours=1)},",
        f"e3,acme,api_calls,2,{at(days=40)},",
        "e4,acme,api_calls,2,yesterday,",
        f"e5,acme,api_calls,NaN,{at(hours=1)},",
    )
    assert [(each.row, each.column) for each in found.faults] == [
        (5, "timestamp"),
        (6, "quantity"),
        (3, "quantity"),
        (4, "timestamp"),
    ]
    assert not UsageEvent.objects.exists()


def test_the_id_of_another_event_is_a_fault():
    load(f"e1,acme,api_calls,5,{at(hours=1)},")
    found = load(f"e1,acme,api_calls,6,{at(hours=1)},")
    assert [each.column for each in found.faults] == ["event_id"]

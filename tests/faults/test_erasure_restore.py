"""A customer is erased after a back-up: a real restore of it repeats the erasure.

On the machine that erased, by the file `erasures.jsonl` even where the database was lost; on one
whose rows are replaced, by those rows.
"""

import json

import pytest

from tests.faults.test_backup import places

pytestmark = pytest.mark.fault
NEEDLE = "Zaphod"
PREPARE = """
import django
django.setup()
from revenue.customers import services
from revenue.customers.models import Customer
for name in ("Zaphod", "Trillian"):
    made = Customer.objects.create(external_id=name.lower(), name=name, owner=f"{name} Owner")
    services.add_contact(made.pk, name=name, email=f"{name.lower()}@example.org", role="owner")
"""
ERASE = """
import django
django.setup()
from django.utils import timezone
from revenue.customers import services
from revenue.customers.models import Customer
services.erase(Customer.objects.get(external_id="zaphod").pk, now=timezone.now())
"""
LOOK = """
import json, django
django.setup()
from django.apps import apps
from django.core import serializers
found = {}
for model in apps.get_models():
    rows = model._base_manager.all()
    text = serializers.serialize("json", rows).lower()
    for name in ("zaphod", "trillian"):
        if name in text:
            found.setdefault(name, []).append(model._meta.label)
print(json.dumps(found))
"""


@pytest.mark.parametrize("profile", ["sqlite", "postgresql"])
def test_a_restore_repeats_the_erasures_since_its_backup(profile, tmp_path):
    with places(profile, tmp_path) as place:
        source = place("source")
        source.manage("migrate", "-v0")
        source.call("-c", PREPARE)
        file = tmp_path / "before.backup"
        source.manage("backup", "--to", str(file))
        source.call("-c", ERASE)
        assert NEEDLE.lower() not in named(source)
        kept = source.folder / "erasures.jsonl"
        assert len([line for line in kept.read_text().splitlines() if line]) == 1

        told = source.manage("restore", str(file), "--replace")
        assert "1 erasure repeated." in told
        assert list(named(source)) == ["trillian"]

        # the file is lost: the rows that the restore replaces name the erasure
        kept.unlink()
        told = source.manage("restore", str(file), "--replace")
        assert "1 erasure repeated." in told
        assert list(named(source)) == ["trillian"]

        # the database is lost, and the file is there
        other = place("other")
        (other.folder / "erasures.jsonl").write_text(kept.read_text())
        assert "1 erasure repeated." in other.manage("restore", str(file))
        assert list(named(other)) == ["trillian"]


def named(place) -> dict[str, list[str]]:
    """The names that some table still has."""
    found: dict[str, list[str]] = json.loads(place.call("-c", LOOK).splitlines()[-1])
    return found

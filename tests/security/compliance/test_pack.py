import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256

from security.compliance.pack import MANIFEST, README, PackTable, build_zip

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TABLE = PackTable(
    "inventory",
    "Every key.",
    ("key_id", "at", "share"),
    [("=cmd()", NOON, Decimal("0.5")), ("b", None, None)],
)


def opened(content):
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {name: archive.read(name) for name in archive.namelist()}


def test_each_table_is_there_as_csv_and_json_and_no_cell_runs_as_a_formula():
    files = opened(build_zip("A pack", NOON, "user:olga", [TABLE]))
    rows = list(csv.reader(io.StringIO(files["inventory.csv"].decode(), newline="")))
    assert rows[1] == ["'=cmd()", NOON.isoformat(), "0.5"]
    assert json.loads(files["inventory.json"])[0] == {
        "key_id": "=cmd()",
        "at": NOON.isoformat(),
        "share": 0.5,
    }


def test_the_manifest_has_the_digest_of_every_other_file():
    files = opened(build_zip("A pack", NOON, "user:olga", [TABLE]))
    manifest = json.loads(files.pop(MANIFEST))
    assert manifest["sha256"] == {name: sha256(each).hexdigest() for name, each in files.items()}
    assert (manifest["made_by"], manifest["made_at"]) == ("user:olga", NOON.isoformat())
    assert b"inventory: Every key. Rows: 2." in files[README]


def test_the_same_rows_give_the_same_bytes():
    assert build_zip("A", NOON, "", [TABLE]) == build_zip("A", NOON, "", [TABLE])

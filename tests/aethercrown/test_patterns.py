"""No pattern of ours takes more than linear time: none is slow on a long hostile text.

A pattern that squares takes seconds for these lengths, a linear one below a thousandth of a second.
"""

import importlib
import io
import re
import time
from pathlib import Path

import pytest

from aethercrown.csv import reader

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("aethercrown", "operations", "security", "revenue", "marketing", "enterprise", "dashboards")
LENGTH = 4_000
MAX_SECONDS = 0.1
REPEATED = (
    *("1", "a", "A", " ", "'", '"', "\t", "\n", ";", "-", "+", ".", ",", "_", "=", "é", "0x"),
    *("1,", "1.", "1,111", "1e1", " 1", "a.", "a-", "a:", "a@", "-a", "eyJ-", "eyJa.", "a://a:"),
    *("a://a:a@", "token=", "token ", "bearer ", "authorization:", "-----BEGIN PRIVATE KEY-----"),
    *("{", "[", "(", "\\", '\\"', "[1", "every ", "at 1", "ac_live_a", "2026-01-01", "http://a"),
)
ENDINGS = ("", "x", "\0")


def patterns():
    """Every compiled pattern at the top of a module, also those in tuples."""
    found: dict[re.Pattern, str] = {}
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            text = path.read_text(encoding="utf-8")
            if "re.compile(" not in text or "migrations" in parts:
                continue
            module = importlib.import_module(".".join(parts))
            for name, value in vars(module).items():
                for at, each in enumerate(inside(value)):
                    found.setdefault(each, f"{'.'.join(parts)}.{name}[{at}]")
    return found


def inside(value):
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from inside(each)


FOUND = patterns()


def slowest(pattern):
    """The longest time that one text takes, and the part that it repeats."""
    worst, part = 0.0, ""
    for each in REPEATED:
        for ending in ENDINGS:
            text = (each * (LENGTH // len(each)) + ending)[: LENGTH + 1]
            given = text.encode() if isinstance(pattern.pattern, bytes) else text
            began = time.process_time()
            pattern.fullmatch(given)
            pattern.search(given)
            took = time.process_time() - began
            if took > worst:
                worst, part = took, each + ending
    return worst, part


def test_the_patterns_are_found():
    assert len(FOUND) > 25
    assert reader.PLAIN_NUMBER in FOUND


@pytest.mark.parametrize("pattern", list(FOUND), ids=list(FOUND.values()))
def test_no_pattern_is_slow_on_a_long_text(pattern):
    seconds, part = slowest(pattern)
    assert seconds < MAX_SECONDS, f"{seconds:.2f} s for {LENGTH} characters of {part!r}"


def test_a_pattern_that_squares_is_found_out():
    seconds, _ = slowest(re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?"))
    assert seconds > MAX_SECONDS


def test_a_cell_of_100_000_digits_is_refused_before_any_pattern():
    columns = (reader.CSVColumn("spend", reader.number),)
    content = ("spend\n" + "1" * 100_000 + "x\n" + "2\n").encode()
    began = time.process_time()
    rows = list(reader.CSVReader(io.BytesIO(content), columns))
    assert time.process_time() - began < MAX_SECONDS
    assert rows[0] == reader.RowError(2, "spend", "has 100,001 characters; at most 10,000 fit")
    assert isinstance(rows[1], reader.CSVRow)
    assert rows[1].values == {"spend": 2}


def test_a_column_name_has_a_limit_too():
    content = ("a" * 20_000 + "\n1\n").encode()
    found = reader.CSVReader(io.BytesIO(content), (reader.CSVColumn("a_*", reader.number),))
    assert "20,000 characters" in found.faults[0].reason

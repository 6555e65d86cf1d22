"""No pattern of ours takes more than linear time: a longer hostile text takes longer in proportion.

A pattern that squares takes 16 times as long for four times the length, a linear one four times.
"""

import ast
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
NOTICED_SECONDS = 0.0005  # below it no text is long enough to hold anybody up
GROWTH, MAX_GROWTH = 4, 8  # of the text, and of the time: 4 where it is linear, 16 where it squares
INLINE = {"match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
REPEATED = (
    *("1", "a", "A", " ", "'", '"', "\t", "\n", ";", "-", "+", ".", ",", "_", "=", "é", "0x"),
    *("1,", "1.", "1,111", "1e1", " 1", "a.", "a-", "a:", "a@", "-a", "eyJ-", "eyJa.", "a://a:"),
    *("a://a:a@", "token=", "token ", "bearer ", "authorization:", "-----BEGIN PRIVATE KEY-----"),
    *("{", "[", "(", "\\", '\\"', "[1", "every ", "at 1", "ac_live_a", "2026-01-01", "http://a"),
)
ENDINGS = ("", "x", "\0")
MAX_WORDS = 12  # of a pattern, that are tried
TEXTS = [(each, ending) for each in REPEATED for ending in ENDINGS]


def patterns():
    """Every pattern: compiled at the top of a module, also in tuples, or written in a call."""
    found: dict[re.Pattern, str] = {}
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            text = path.read_text(encoding="utf-8")
            if ("re." not in text and "Regex" not in text) or "migrations" in parts:
                continue
            for line, each in written(ast.parse(text)):
                found.setdefault(each, f"{'.'.join(parts)}:{line}")
            if "re.compile(" not in text:
                continue
            module = importlib.import_module(".".join(parts))
            for name, value in vars(module).items():
                for at, each in enumerate(inside(value)):
                    found.setdefault(each, f"{'.'.join(parts)}.{name}[{at}]")
    return found


def written(tree):
    """The line and the pattern of each call such as re.sub("...", ...) or RegexValidator("...")."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        name, first = ast.unparse(call.func), call.args[0]
        is_pattern = name.startswith("Regex") or name.removeprefix("re.") in INLINE
        named = name.startswith(("re.", "Regex", "serializers.Regex", "forms.Regex"))
        text = first.value if isinstance(first, ast.Constant) else None
        if is_pattern and named and isinstance(text, str):
            at_the_start = name in {"re.match", "re.fullmatch"}
            yield call.lineno, re.compile(rf"\A(?:{text})" if at_the_start else text)


def inside(value):
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from inside(each)


FOUND = patterns()


def slowest(pattern):
    """The longest time that one text takes, and what it repeats and how it ends."""
    texts = [*TEXTS, *((each, ending) for each in parts_of(pattern) for ending in ENDINGS)]
    return max((seconds_of(pattern, each, end, LENGTH), each, end) for each, end in texts)


def parts_of(pattern):
    """What stands literally in the pattern, with and without a space after it: many beginnings."""
    source = pattern.pattern
    written = source.decode() if isinstance(source, bytes) else source
    words = dict.fromkeys(re.findall(r"[\w<>=\"':/@&;-]{2,}", written))
    return [f"{word}{more}" for word in list(words)[:MAX_WORDS] for more in ("", " ")]


def seconds_of(pattern, each, ending, length):
    text = (each * (length // len(each)))[:length] + ending
    given = text.encode() if isinstance(pattern.pattern, bytes) else text
    began = time.process_time()
    pattern.fullmatch(given)
    pattern.search(given)
    return time.process_time() - began


def grows_too_fast(pattern, each, ending, length=LENGTH):
    """Whether a longer text takes longer than in proportion."""
    short, long = (
        min(seconds_of(pattern, each, ending, size) for _ in range(3))
        for size in (length, GROWTH * length)
    )
    return long > MAX_GROWTH * short


def test_the_patterns_are_found():
    assert len(FOUND) > 35
    assert reader.PLAIN_NUMBER in FOUND
    assert any(each.pattern == r"^[A-Z]{3}\Z" for each in FOUND)  # of a validator
    assert any(each.startswith("dashboards.period_choice:") for each in FOUND.values())  # of a call


@pytest.mark.parametrize("pattern", list(FOUND), ids=list(FOUND.values()))
def test_no_pattern_is_slow_on_a_long_text(pattern):
    seconds, each, ending = slowest(pattern)
    seen = f"{seconds:.4f} s for {LENGTH} characters of {each!r} and {ending!r}"
    assert seconds < MAX_SECONDS, seen
    assert seconds < NOTICED_SECONDS or not grows_too_fast(pattern, each, ending), seen


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        (r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", "1"),
        (r"\s+$", " "),
        (r"\A(\*|\d+)[\d*/,-]* +\S", "1"),
        (r'<mergeCell\b[^>]*ref="A"', "<mergeCell "),
    ],
)
def test_a_pattern_that_squares_is_found_out(pattern, part):
    assert grows_too_fast(re.compile(pattern), part, "x", 300)


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

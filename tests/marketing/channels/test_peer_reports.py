"""Files of which users of other importers reported that they were read wrong."""

import io

import pytest

from aethercrown.tabular.opening import open_table
from aethercrown.tabular.recognise import Choices, recognise
from aethercrown.tabular.rows import RowReader
from marketing.channels.csv_columns import PERFORMANCE


def first_cells(content):
    """Channel and spend of each good row, the reason of each bad one."""
    source, choices = open_table(io.BytesIO(content.encode()), ""), Choices()
    layout = recognise(source, "budget-performance", PERFORMANCE, choices, "USD")
    assert not layout.questions
    rows = RowReader.of(source, PERFORMANCE, layout, choices, "USD")
    return [
        (each.values["channel"], str(each.values["spend"])) if len(each) == 2 else each[2]
        for each in rows
    ]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        # pandas 59299: a later row has a grouping sign
        ("2026-10-05;a;1,20;2|2026-10-06;a;1.234,56;3", [("a", "1.20"), ("a", "1234.56")]),
        # metabase 45295: the first rows have as many commas as semicolons
        ("2026-10-05; a, b; 1,000.00; 2|2026-10-06; c; 1,000,000; 2", [
            ("a, b", "1000.00"), ("c", "1000000.00"),
        ]),
        # metabase 45171: a point read as grouping makes 1850000 of it
        ("2026-10-05;a;18500.00;2", [("a", "18500.00")]),
        # metabase 35648: a time after a space
        ("2026-10-05 01:00:00.00;a;1;2", [("a", "1.00")]),
        # metabase 36800: a month in words
        ("Aug 12 2025;a;1;2", [("a", "1.00")]),
        # dbeaver 7839: a space groups
        ("2026-10-05;a;10 237,65;2", [("a", "10237.65")]),
        # airbyte 28330: a line break in quotes
        ('2026-10-05;"a|b";1;2', [("a b", "1.00")]),
        # pandas 64631: a sign without digits is cut off
        ("2026-10-05;a;1 ,;2", ["'1 ,' is not a number such as 1,234,567.89"]),
        # pandas 68921: a comma within a date makes the year 1 of it
        ("Nov 14,2025;a;1;2", ["'Nov 14,2025' is not a date"]),
    ],
)  # fmt: skip
def test_it_is_read_right_or_refused(lines, found):
    assert first_cells("date;channel;spend;revenue\n" + lines.replace("|", "\n")) == found

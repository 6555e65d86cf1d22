from decimal import Decimal

import pytest

from aethercrown.csv.reader import InvalidCSV
from revenue.billing.imports import quantity


@pytest.mark.parametrize(("cell", "value"), [("0", Decimal(0)), ("1e12", Decimal(10) ** 12)])
def test_a_quantity_is_read(cell, value):
    assert quantity(cell) == value


@pytest.mark.parametrize("cell", ["-0.1", "1000000000001"])
def test_a_quantity_out_of_range_is_named(cell):
    with pytest.raises(InvalidCSV, match=f"must be 0 to 1000000000000, not {cell}"):
        quantity(cell)

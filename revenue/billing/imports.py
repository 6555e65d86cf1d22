"""The columns of a CSV file of billed usage; pure."""

from decimal import Decimal

from aethercrown.csv.reader import CSVColumn, InvalidCSV, day, number, text

MAX_QUANTITY = Decimal(10) ** 12


def quantity(cell: str) -> Decimal:
    """A quantity of 0 or more."""
    value = number(cell)
    if not 0 <= value <= MAX_QUANTITY:
        raise InvalidCSV(f"must be 0 to {MAX_QUANTITY:f}, not {cell}")
    return value


USAGE = (
    CSVColumn("customer", text, about="the customer's external_id"),
    CSVColumn("metric", text, about="the meter's code, such as api_calls"),
    CSVColumn("day", day, about="in the customer's billing time zone"),
    CSVColumn("quantity", quantity, about="of the whole day"),
)

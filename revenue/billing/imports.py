"""The columns of a CSV file of billed usage; pure."""

from decimal import Decimal

from aethercrown.csv.reader import Column, Unreadable, day, number, text

MAX_QUANTITY = Decimal(10) ** 12


def quantity(cell: str) -> Decimal:
    """A quantity of 0 or more."""
    value = number(cell)
    if not 0 <= value <= MAX_QUANTITY:
        raise Unreadable(f"must be 0 to {MAX_QUANTITY:f}, not {cell}")
    return value


USAGE = (
    Column("customer", text, about="the customer's external_id"),
    Column("metric", text, about="the meter's code, such as api_calls"),
    Column("day", day, about="in the customer's billing time zone"),
    Column("quantity", quantity, about="of the whole day"),
)

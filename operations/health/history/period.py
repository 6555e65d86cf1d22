"""A period in a query string: 24h, 7d, 90d."""

import re
from datetime import timedelta

MAX_PERIOD = timedelta(days=730)
_FORM = re.compile(r"([1-9][0-9]{0,4})([hd])", re.ASCII)


class InvalidPeriod(ValueError):
    """The text is not a period, or a longer one than history is kept."""


def parse_period(text: str) -> timedelta:
    """The length of a period. Raises InvalidPeriod with the accepted form."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise InvalidPeriod("must be hours or days such as 24h, 7d or 90d")
    count, unit = int(found[1]), found[2]
    length = timedelta(hours=count) if unit == "h" else timedelta(days=count)
    if length > MAX_PERIOD:
        raise InvalidPeriod(
            f"must be at most {MAX_PERIOD.days}d, which is as long as history is kept"
        )
    return length

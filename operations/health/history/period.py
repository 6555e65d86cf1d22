"""A period as a query says it: 24h, 7d, 90d."""

import re
from datetime import timedelta

LONGEST = timedelta(days=730)
_FORM = re.compile(r"([1-9][0-9]{0,4})([hd])", re.ASCII)


class NoPeriod(ValueError):
    """The text is no period that can be answered for."""


def read(text: str) -> timedelta:
    """The length of a period; NoPeriod says what it should look like."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise NoPeriod("must be hours or days such as 24h, 7d or 90d")
    count, unit = int(found[1]), found[2]
    length = timedelta(hours=count) if unit == "h" else timedelta(days=count)
    if length > LONGEST:
        raise NoPeriod(f"must be at most {LONGEST.days}d, which is as long as history is kept")
    return length

"""How far the totals of a file are off those of the last one that was stored. Pure."""

from collections.abc import Mapping
from decimal import Decimal


def largest_change_percent(
    before: Mapping[str, str] | None, now: Mapping[str, str]
) -> float | None:
    """The largest change of a total in percent; None where one cannot be compared.

    That is the first file, a total that only one of the two has, and one that was 0 and is not.
    """
    if before is None or before.keys() != now.keys():
        return None
    largest = 0.0
    for name, text in now.items():
        was, is_now = Decimal(before[name]), Decimal(text)
        if was == is_now:
            continue
        if not was:
            return None
        largest = max(largest, float(abs(is_now - was) / abs(was) * 100))
    return largest

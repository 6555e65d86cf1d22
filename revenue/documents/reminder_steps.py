"""Which reminder an unpaid invoice is due for, and what reminders are expected to bring. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta
from math import exp, lgamma
from typing import NamedTuple

MAX_STEPS = 5
LEVEL = 0.9


class SentReminder(NamedTuple):
    """A reminder that went out: days after the due day that its step is of, and when."""

    days: int
    on: date


def due_step(
    due_on: date, steps: Sequence[int], sent: Sequence[SentReminder], today: date
) -> int | None:
    """The days of the next step if it is due today, else None.

    `steps` are days after the due day. After a pause one step is taken at a time, with as many days
    between two reminders as between their steps.
    """
    done = {each.days for each in sent}
    left = sorted(set(steps) - done)
    if not left:
        return None
    step = left[0]
    earliest = due_on + timedelta(days=step)
    if sent:
        last = max(sent, key=lambda each: each.on)
        earliest = max(earliest, last.on + timedelta(days=max(1, step - last.days)))
    return step if today >= earliest else None


def expected_paid(asked: int, paid_before: int, asked_before: int) -> tuple[float, int, int]:
    """How many of `asked` are expected to pay, with a 90 % interval of whole invoices.

    Beta-binomial, from an even prior and what earlier reminders brought.
    """
    a, b = 1 + paid_before, 1 + asked_before - paid_before
    chances = [_chance(count, asked, a, b) for count in range(asked + 1)]
    tail, below = (1 - LEVEL) / 2, 0.0
    low = high = None
    for count, chance in enumerate(chances):
        below += chance
        if low is None and below > tail:
            low = count
        if high is None and below >= 1 - tail:
            high = count
    return asked * a / (a + b), low or 0, asked if high is None else high


def _chance(count: int, of: int, a: int, b: int) -> float:
    """The probability of `count` out of `of` (beta-binomial)."""
    ways = lgamma(of + 1) - lgamma(count + 1) - lgamma(of - count + 1)
    return exp(ways + _log_beta(count + a, of - count + b) - _log_beta(a, b))


def _log_beta(a: int, b: int) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)

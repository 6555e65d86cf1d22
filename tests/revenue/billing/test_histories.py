"""A few random histories cost what the oracle says; `tests.benchmarks.billing` plays 2,000."""

from datetime import UTC, datetime, time

import numpy as np
import pytest

from revenue.billing.services import list_prices
from revenue.mrr.reports import consistency
from tests.revenue.billing.histories import random_history
from tests.revenue.billing.history_runner import LAST, Player, publish_prices

SEED = 20260105
HISTORIES = 6


@pytest.mark.django_db
def test_invoices_and_credits_are_what_each_day_cost():
    publish_prices()
    for number in range(HISTORIES):
        player = Player.of(number, random_history(np.random.default_rng([SEED, number])))
        player.play()
        assert player.was_billed() == player.costs(), number
    list_prices.take_due_steps(now=datetime.combine(LAST, time(12), UTC))
    assert consistency.differing_customers(today=LAST) == (0, [])

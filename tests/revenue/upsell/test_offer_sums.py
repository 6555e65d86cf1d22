"""Sums of 20 offers beside what they were to bring."""

import numpy as np
import pytest

from revenue.upsell.offer_sums import AnsweredOffer, offer_sums


def test_a_sum_is_that_of_twenty_and_the_rest_waits():
    offers = [AnsweredOffer(0.5, 10.0, place % 2 == 0) for place in range(39)]
    (found,) = offer_sums(offers)
    assert (found.estimate, found.realised) == (100, 100)
    assert found.high == pytest.approx(100 + 1.6449 * 5 * 20**0.5)
    assert found.is_inside
    assert offer_sums(offers[:19]) == []


@pytest.mark.parametrize("likely", [0.2, 0.6])
def test_nine_of_ten_sums_of_honest_offers_lie_inside(likely):
    draw = np.random.default_rng(5)
    confidence = np.clip(draw.normal(likely, 0.1, 20_000), 0.02, 0.98)
    offers = [
        AnsweredOffer(float(chance), float(gain), bool(draw.random() < chance))
        for chance, gain in zip(confidence, draw.lognormal(4, 0.5, 20_000), strict=True)
    ]
    sums = offer_sums(offers)
    assert 0.87 <= sum(each.is_inside for each in sums) / len(sums) <= 0.93

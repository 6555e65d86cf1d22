"""Campaign hold-outs in both directions, and the hold-out of the whole programme."""

from math import exp, log

import pytest

from marketing.experiments.engine.holdouts import (
    CampaignVerdict,
    PeakEvidence,
    look_at_campaign,
    look_at_programme,
)
from marketing.experiments.engine.promise import Promise
from marketing.experiments.engine.sequential import PairStratum


def known(value):
    """A value that is there."""
    assert value is not None
    return value


def near(value):
    return pytest.approx(value, rel=1e-9)


def test_the_worked_example_is_not_yet_decided():
    found = look_at_campaign([PairStratum(0.9, 0, 131, 926, 469, 4474)], PeakEvidence())
    assert found.verdict is CampaignVerdict.NOT_YET
    assert found.p_value == near(0.1829521192)
    assert [100 * (exp(known(each)) - 1) for each in (found.limits.low, found.limits.high)] == near(
        [-40.285149082, 5.73497485746]
    )
    assert found.is_gated


def test_a_campaign_helps_or_harms_and_a_claim_stays():
    helps = look_at_campaign([PairStratum(0.9, 0, 200, 1_200, 400, 4_200)], PeakEvidence())
    assert helps.verdict is CampaignVerdict.HELPS
    assert known(helps.ratio).value < 0
    later = look_at_campaign([PairStratum(0.9, 0, 200, 1_790, 400, 3_610)], helps.peak)
    assert later.verdict is CampaignVerdict.HELPS
    harms = look_at_campaign([PairStratum(0.5, 0, 100, 200, 900, 800)], PeakEvidence())
    assert harms.verdict is CampaignVerdict.HARMS


def test_nothing_is_claimed_of_fewer_than_fifty_users():
    few = look_at_campaign([PairStratum(0.9, 0, 49, 0, 0, 500)], PeakEvidence())
    assert (few.verdict, few.p_value, few.is_gated) == (CampaignVerdict.NOT_YET, 1.0, False)
    assert few.peak == PeakEvidence()


def test_what_arrived_stands_beside_what_was_promised():
    quarters = [
        PairStratum(0.95, 0, 250, 5_500, 4_750, 89_500),
        PairStratum(0.95, 0, 260, 5_600, 4_740, 89_400),
    ]
    promises = [Promise(log(1.08), log(1.02), log(1.14)), Promise(log(1.05), log(1.01), log(1.1))]
    found = look_at_programme(quarters, promises)
    assert found.promised == near(100 * (1.08 * 1.05 - 1))
    whole = log(1.08) + log(1.05)
    below = (log(1.08 / 1.02) ** 2 + log(1.05 / 1.01) ** 2) ** 0.5
    assert found.promised_low == near(100 * (exp(whole - below) - 1))
    assert known(found.promised_high) > found.promised
    gained = known(found.gained)
    assert known(found.gained_low) < gained < known(found.gained_high)
    assert found.share_arrived == near(log(1 + gained / 100) / whole)
    assert 0 < found.p_value <= 1


def test_a_programme_without_promises_or_visitors():
    open_ended = look_at_programme([], [Promise(0.1, None, 0.2)])
    assert (open_ended.gained, open_ended.gained_low, open_ended.share_arrived) == (
        None,
        None,
        None,
    )
    assert open_ended.promised_low is None
    nothing = look_at_programme([PairStratum(0.95, 0, 250, 5_500, 4_750, 89_500)], [])
    assert (nothing.promised, nothing.share_arrived) == (0, None)

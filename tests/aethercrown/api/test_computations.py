"""Heavy calculations have a budget: few at once for each caller and in all, and a deadline."""

import pytest

from aethercrown import cancellation
from aethercrown.api.computations import ComputationLimit, ComputationTooLong, computation
from aethercrown.models import SemaphoreSlot

pytestmark = pytest.mark.django_db


def test_one_caller_has_its_limit_and_leaves_room_for_others(settings):
    settings.COMPUTATIONS_PER_CALLER, settings.COMPUTATIONS_AT_ONCE = 1, 2
    with computation("key:1"):
        with pytest.raises(ComputationLimit) as refused, computation("key:1"):
            pass
        assert (refused.value.status_code, refused.value.wait) == (429, 2)
        with computation("key:2"), pytest.raises(ComputationLimit), computation("key:3"):
            pass
    assert not SemaphoreSlot.objects.exists()


def test_a_calculation_ends_at_its_deadline_and_frees_its_slot(settings):
    settings.COMPUTATION_SECONDS = -1
    with pytest.raises(ComputationTooLong, match="respond-async"), computation("key:1"):
        cancellation.checkpoint()
    assert not SemaphoreSlot.objects.exists()


def test_a_holder_that_was_killed_blocks_nobody_for_longer_than_its_lease(settings):
    settings.COMPUTATIONS_AT_ONCE = 1
    SemaphoreSlot.objects.create(name="computations", slot=0, token="dead", lease_until=0)  # noqa: S106
    with computation("key:1"):
        pass

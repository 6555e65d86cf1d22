"""Heavy calculations have a budget: few at once for each caller and in all, and a deadline."""

import gc
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from django.http import HttpResponse

from aethercrown import cancellation
from aethercrown.api.computations import (
    BusyPages,
    ComputationLimit,
    ComputationTooLong,
    budgeted,
    computation,
    held_while_read,
    page_computation,
)
from aethercrown.csv.export import csv_response
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


def test_a_long_download_holds_a_slot_until_it_is_read_or_given_up(settings, rf):
    settings.COMPUTATIONS_PER_CALLER = 1
    request = rf.get("/")
    request.user = SimpleNamespace(pk=7)
    rows = held_while_read(request, iter([1, 2]))
    with pytest.raises(ComputationLimit):
        held_while_read(request, [1])
    with computation("user:7"):  # a slow reader keeps nobody from calculating
        pass
    assert list(rows) == [1, 2]
    assert not SemaphoreSlot.objects.exists()
    begun: Any = held_while_read(request, [1, 2])
    next(begun)
    begun.close()
    unread: Any = held_while_read(request, [1, 2])
    unread.close()  # as for a HEAD, whose rows nobody reads
    given_up: Any = csv_response("x", ["n"], held_while_read(request, ([each] for each in (1, 2))))
    assert b"".join(islice(given_up.streaming_content, 3)).endswith(b"n\r\n1\r\n")
    assert SemaphoreSlot.objects.exists()
    request_finished.disconnect(close_old_connections)  # the test's own connection stays
    try:
        given_up.close()
    finally:
        request_finished.connect(close_old_connections)
    assert not SemaphoreSlot.objects.exists()


def test_rows_that_nobody_closes_touch_no_database_when_they_are_collected(
    rf, django_assert_num_queries
):
    """Garbage is collected at any moment, also while a statement holds the connection."""
    request = rf.get("/")
    request.user = SimpleNamespace(pk=7)
    gc.collect()  # what other tests left
    lost: Any = held_while_read(request, [1, 2])
    next(lost)
    lost.itself = lost
    del lost
    with django_assert_num_queries(0):
        gc.collect()
    assert SemaphoreSlot.objects.count() == 2  # until their leases end


def test_a_page_that_is_refused_says_so(rf):
    pages: Any = BusyPages(lambda request: HttpResponse("fine"))
    assert pages(rf.get("/")).content == b"fine"
    busy = pages.process_exception(rf.get("/dashboards/imports/1"), ComputationLimit())
    assert (busy.status_code, busy["Retry-After"]) == (429, "2")
    assert "calculated at once" in busy.content.decode()
    late = pages.process_exception(rf.get("/"), ComputationTooLong(20))
    assert "takes too long for a page" in late.content.decode()
    assert pages.process_exception(rf.get("/api/v1/x"), ComputationLimit()) is None
    assert pages.process_exception(rf.get("/"), ValueError()) is None


def test_light_work_needs_no_slot(rf, settings):
    settings.COMPUTATIONS_AT_ONCE = 0
    request = rf.get("/")
    request.auth, request.user = None, SimpleNamespace(pk=7)
    with budgeted(request, is_heavy=False), page_computation(request, is_heavy=False):
        pass
    for heavy in (budgeted, page_computation):
        with pytest.raises(ComputationLimit), heavy(request, is_heavy=True):
            pass

"""Request ids, from the request to the tasks that it starts."""

import re
from typing import Any

import pytest
from celery.app.trace import build_tracer
from django.http import HttpResponse
from django.test import RequestFactory

from aethercrown.celery import app
from aethercrown.monitoring import request_id
from tests.aethercrown.monitoring.ids import with_request_id


def answered(wanted=None):
    headers = {request_id.HEADER: wanted} if wanted is not None else {}
    seen = []

    def view(_request):
        seen.append(request_id.request_id())
        return HttpResponse()

    request = RequestFactory().get("/", headers=headers)
    return request_id.RequestIdMiddleware(view)(request)[request_id.HEADER], seen[0]


@pytest.mark.parametrize("wanted", ["a", "A-b_c.9", "x" * 128])
def test_a_fit_id_is_echoed_and_current(wanted):
    assert answered(wanted) == (wanted, wanted)


@pytest.mark.parametrize("wanted", [None, "", "x" * 129, "a b", "a\nb", "é", "<script>"])
def test_an_unfit_id_is_replaced(wanted):
    echoed, current = answered(wanted)
    assert re.fullmatch(r"[0-9a-f]{32}", echoed)
    assert echoed == current


def test_an_id_ends_with_the_work_under_it():
    with with_request_id("outer"):
        with with_request_id("inner"):
            assert request_id.request_id() == "inner"
        assert request_id.request_id() == "outer"


@pytest.fixture
def probe():
    """A task that tells the id that it works under."""

    @app.task(name="tests.trace", ignore_result=False)
    def trace():
        return request_id.request_id()

    yield trace
    app.tasks.unregister("tests.trace")


def published(task):
    """The headers with which the task was sent, from the broker's own queue."""
    with app.connection_for_write() as connection:
        task.apply_async(queue="tests-trace", connection=connection)
        channel: Any = connection.default_channel
        message = channel.basic_get("tests-trace", no_ack=True)
        return message.headers


def test_a_task_carries_the_id_of_the_request_that_asked_for_it(probe):
    with with_request_id("from-a-request"):
        assert published(probe)["request_id"] == "from-a-request"


def test_a_task_works_under_the_id_it_carries(probe):
    with with_request_id("elsewhere"):
        work = build_tracer(probe.name, probe, app=app)  # what a worker does with a message
        assert work("an-id", [], {}, {"request_id": "carried"}).retval == "carried"
        assert request_id.request_id() == "elsewhere"


def test_a_task_of_the_schedule_works_under_its_own_id(probe):
    token = request_id._current.set("")
    try:
        assert "request_id" not in published(probe)
        assert probe.apply(task_id="a-task").get() == "a-task"
    finally:
        request_id.leave(token)

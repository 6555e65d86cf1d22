"""The calls of tasks, as a client sees them."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from json import dumps
from urllib.parse import quote

import pytest

from aethercrown.db import semaphore
from operations.jobs import services as jobs
from operations.scheduling import api
from operations.scheduling.api import ended_message
from operations.scheduling.models import Pool, Task, Worker
from operations.scheduling.services.replan import MAX_PLANNED_IN_CALL
from security.apikeys import services as keys
from tests.callers import Caller

TASKS = "/api/v1/optimization/tasks"
pytestmark = pytest.mark.django_db


@pytest.fixture
def caller():
    return Caller(keys.create("a client", ["optimization:read", "optimization:write"]).plaintext)


def body(name="a", **more):
    return {
        "task_id": name,
        "task_type": "train",
        "priority": "high",
        "estimated_duration": 60,
        **more,
    }


def schedule(caller, *tasks):
    return caller.send(f"{TASKS}/schedule", {"tasks": list(tasks)} if len(tasks) != 1 else tasks[0])


def errors(answer):
    return [(each["field"], each["code"]) for each in answer.json()["errors"]]


def test_one_task_is_stored_and_planned_at_once(caller):
    answer = schedule(caller, body())
    task = answer.json()["data"]["task"]
    assert answer.status_code == 201
    assert (task["status"], task["priority"], task["dependencies"]) == ("queued", 3, [])
    assert task["planned_worker"] == "worker-1"
    assert task["planned_start"].endswith("+00:00")
    again = schedule(caller, body(priority=3, estimated_duration=60.0))
    assert again.status_code == 200
    assert again.json()["data"]["task"]["created_at"] == task["created_at"]


def test_many_tasks_come_in_any_order(caller):
    answer = schedule(caller, body("b", dependencies=["a"]), body("a"), body(7, priority=1))
    shown = answer.json()["data"]["tasks"]
    assert [each["task_id"] for each in shown] == ["b", "a", "7"]
    assert [each["status"] for each in shown] == ["pending", "queued", "queued"]
    assert shown[0]["dependencies"] == ["a"]
    again = schedule(caller, body("a"), body("new", dependencies=["a", "b", "a"]))
    shown = again.json()["data"]["tasks"]
    assert [each["dependencies"] for each in shown] == [[], ["a", "b"]]


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"estimated_duration": -1}, "estimated_duration", "min_value"),
        ({"estimated_duration": 1e9}, "estimated_duration", "max_value"),
        ({"estimated_duration": "60"}, "estimated_duration", "not_a_number"),
        ({"estimated_duration": True}, "estimated_duration", "not_a_number"),
        ({"estimated_duration": None}, "estimated_duration", "null"),
        ({"priority": 5}, "priority", "invalid_choice"),
        ({"priority": True}, "priority", "invalid_choice"),
        ({"priority": "urgent"}, "priority", "invalid_choice"),
        ({"priority": None}, "priority", "null"),
        ({"task_id": " "}, "task_id", "blank"),
        ({"task_type": 5}, "task_type", "invalid"),
        ({"dependencies": "a"}, "dependencies", "not_a_list"),
        ({"dependencies": ["ghost"]}, "dependencies[0]", "unknown_task"),
        ({"dependencies": ["a"]}, "dependencies", "cycle"),
        ({"tasks": []}, "tasks", "min_length"),
        ({"tasks": None}, "tasks", "null"),
    ],
)
def test_a_bad_body_names_the_field_and_stores_nothing(caller, given, field, code):
    answer = schedule(caller, body(**given))
    assert answer.status_code == 400
    assert (field, code) in errors(answer)
    assert not Task.objects.exists()


def test_every_bad_field_of_a_list_is_named_at_once(caller):
    answer = schedule(
        caller, body("a", priority=0), body("b", estimated_duration=-1), {"task_id": "c"}
    )
    assert {
        ("tasks[0].priority", "invalid_choice"),
        ("tasks[1].estimated_duration", "min_value"),
        ("tasks[2].task_type", "required"),
    } <= set(errors(answer))
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    ("call", "given", "field", "nearest"),
    [
        ("schedule", body(prio=1), "prio", "priority"),
        ("schedule", {"taks": [body()]}, "taks", "tasks"),
        ("schedule", {"tasks": [body()], "tsk": 1}, "tsk", "tasks"),
        ("schedule", {"tasks": [body("a"), body("b", depends=[])]}, "tasks[1].depends", "dep"),
        ("assign", {"wrker": "w"}, "wrker", "worker"),
        ("heartbeat", {"worker": "w", "pol": "x"}, "pol", "worker"),
        ("a/complete", {"sucess": False}, "sucess", "success"),
        ("a/retry", {"now": True}, "now", ""),
        ("a/cancel", {"reason": "x"}, "reason", ""),
        ("a/cancel?force=1", {}, "force", ""),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(caller, call, given, field, nearest):
    answer = caller.send(f"{TASKS}/{call}", given)
    assert answer.status_code == 400
    assert (field, "unknown") in errors(answer)
    message = {each["field"]: each["message"] for each in answer.json()["errors"]}[field]
    assert f"; the nearest is {nearest}" in message if nearest else "nearest" not in message
    assert not Task.objects.exists()
    assert not Worker.objects.exists()


@pytest.mark.parametrize(
    ("query", "field"),
    [("?stats=queued", "stats"), ("/metrics?period=1h", "period"), ("/a?expand=x", "expand")],
)
def test_an_unknown_query_name_is_refused(caller, query, field):
    assert errors(caller.get(f"{TASKS}{query}")) == [(field, "unknown")]


def test_an_unknown_name_stands_beside_what_is_missing(caller):
    answer = caller.send(f"{TASKS}/schedule", {"task_id": "a", "task_typ": "train", "priority": 1})
    assert {("task_typ", "unknown"), ("task_type", "required")} < set(errors(answer))


def test_fields_beside_a_list_are_refused(caller):
    answer = caller.send(f"{TASKS}/schedule", {"tasks": [body()], "task_id": "b"})
    assert errors(answer) == [("task_id", "not_allowed")]


def test_an_empty_body_lacks_everything(caller):
    answer = caller.send(f"{TASKS}/schedule")
    assert ("task_id", "required") in errors(answer)


def test_unknown_dependencies_and_cycles_of_a_list_have_their_place(caller):
    answer = schedule(caller, body("a"), body("b", dependencies=["a", "x", "y"]))
    assert errors(answer) == [
        ("tasks[1].dependencies[1]", "unknown_task"),
        ("tasks[1].dependencies[2]", "unknown_task"),
    ]
    answer = schedule(caller, body("a", dependencies=["b"]), body("b", dependencies=["a"]))
    assert errors(answer) == [("tasks", "cycle")]
    assert "a -> b -> a" in answer.json()["message"]
    answer = schedule(caller, body("a"), body("b", dependencies=["b"]))
    assert errors(answer) == [("tasks[1].dependencies", "cycle")]
    assert not Task.objects.exists()


def test_another_task_with_the_same_id_is_a_conflict(caller):
    schedule(caller, body())
    answer = schedule(caller, body(estimated_duration=61), body("b"))
    assert (answer.status_code, errors(answer)) == (409, [("", "different_task")])
    assert Task.objects.count() == 1


def test_a_list_above_the_limit_is_too_large(caller):
    answer = schedule(caller, *([{}] * 10_001))
    assert answer.status_code == 413
    assert "10,000" in answer.json()["message"]


def test_a_long_queue_is_planned_later(caller):
    given = schedule(caller, *(body(f"t{number}") for number in range(MAX_PLANNED_IN_CALL + 1)))
    assert given.json()["data"]["tasks"][0]["planned_start"] is None


def test_a_worker_takes_a_task_keeps_it_and_ends_it(caller):
    schedule(caller, body("a/b"), body("c", dependencies=["a/b"]))
    given = caller.send(f"{TASKS}/assign", {"worker": "agent", "lease_seconds": 60})
    (one,) = given.json()["data"]["assignments"]
    assert (one["worker"], one["task"]["task_id"]) == ("agent", "a/b")
    assert one["task"]["assigned_worker"] == "agent"
    alive = caller.send(f"{TASKS}/heartbeat", {"worker": "agent"}).json()["data"]
    assert [each["task_id"] for each in alive["tasks"]] == ["a/b"]
    assert alive["tasks"][0]["lease_until"] > one["task"]["lease_until"]
    done = caller.send(f"{TASKS}/a/b/complete", {"worker": "agent"})
    assert done.json()["data"]["task"]["status"] == "completed"
    again = caller.send(f"{TASKS}/a/b/complete")
    assert (again.status_code, again.json()["data"]) == (200, done.json()["data"])
    assert caller.get(f"{TASKS}/c").json()["data"]["task"]["why"] == "behind 0"


def test_without_a_name_every_free_worker_gets_a_task(caller, settings):
    settings.NUM_WORKERS = 2
    schedule(caller, body("a"), body("b"), body("c"))
    given = caller.send(f"{TASKS}/assign").json()["data"]["assignments"]
    assert [each["worker"] for each in given] == ["worker-1", "worker-2"]
    assert caller.send(f"{TASKS}/assign").json()["data"]["assignments"] == []


def test_a_failure_is_shown_with_its_error(caller):
    schedule(caller, body())
    caller.send(f"{TASKS}/assign", {"worker": "w"})
    answer = caller.send(f"{TASKS}/a/complete", {"success": False, "error": "out of memory"})
    task = answer.json()["data"]["task"]
    assert (task["status"], task["error"]) == ("failed", "out of memory")
    assert caller.send(f"{TASKS}/a/complete").status_code == 409


@pytest.mark.parametrize(
    ("path", "given", "status"),
    [
        ("ghost/complete", {}, 404),
        ("waiting/complete", {}, 409),
        ("taken/complete", {"worker": "other"}, 409),
        ("taken/complete", {"success": "yes"}, 400),
        ("assign", {"count": 0}, 400),
        ("assign", {"count": 1001}, 400),
        ("assign", {"lease_seconds": 0}, 400),
        ("assign", {"worker": "x", "pool": "ghost"}, 400),
        ("assign", {"worker": "off"}, 409),
        ("heartbeat", {"worker": "off"}, 409),
        ("heartbeat", {}, 400),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(caller, path, given, status):
    schedule(caller, body("taken", priority=4), body("waiting"))
    caller.send(f"{TASKS}/assign", {"worker": "w"})
    pool = Pool.objects.get(name="default")
    Worker.objects.create(name="off", pool=pool, is_active=False)
    before = list(Task.objects.values())
    assert caller.send(f"{TASKS}/{path}", given).status_code == status
    assert list(Task.objects.values()) == before


def test_the_list_can_be_narrowed(caller):
    schedule(caller, *(body(f"t{each}") for each in range(3)))
    caller.send(f"{TASKS}/assign", {"worker": "w"})
    first = caller.get(f"{TASKS}?limit=2").json()["data"]
    assert [each["task_id"] for each in first["tasks"]] == ["t2", "t1"]
    rest = caller.get(first["next"]).json()["data"]
    assert [each["task_id"] for each in rest["tasks"]] == ["t0"]
    for query in ("status=running", "worker=w"):
        found = caller.get(f"{TASKS}?{query}").json()["data"]["tasks"]
        assert [each["task_id"] for each in found] == ["t0"]
    assert caller.get(f"{TASKS}?status=lost").status_code == 400
    assert caller.get(f"{TASKS}/ghost").status_code == 404


def test_the_figures_come_from_rows(caller):
    schedule(caller, *(body(f"t{each}", estimated_duration=100) for each in range(8)))
    caller.send(f"{TASKS}/assign", {"worker": "w"})
    caller.send(f"{TASKS}/t0/complete")
    data = caller.get(f"{TASKS}/metrics").json()["data"]
    metrics = data["metrics"]
    assert (metrics["total_tasks"], metrics["completed"], metrics["queued"]) == (8, 1, 7)
    assert (metrics["total_workers"], metrics["makespan_seconds"]) == (1, 700)
    assert metrics["makespan_lower_bound_seconds"] <= metrics["makespan_seconds"]
    assert {each["type"] for each in data["bottlenecks"]} >= {"work"}


@pytest.mark.parametrize("call", ["schedule", "assign", "heartbeat", "a/complete"])
def test_a_stranger_and_a_reader_are_turned_away(call):
    assert Caller().send(f"{TASKS}/{call}", body()).status_code == 401
    reader = Caller(keys.create("a reader", ["optimization:read"]).plaintext)
    assert reader.send(f"{TASKS}/{call}", body()).status_code == 403
    assert not Task.objects.exists()


def test_a_listed_task_is_the_task_that_its_own_call_shows(caller):
    schedule(
        caller,
        body("a", estimated_duration=0.1 + 0.2),
        body("b", dependencies=["a"], priority="low", estimated_duration=7),
        body('quote " \\ \u00e9 \u2028 %s', dependencies=["b", "a"], task_type="50 %"),
        body("alone", estimated_duration=1e-7),
        body("failed", estimated_duration=86_399.123456789),
    )
    caller.send(f"{TASKS}/assign", {"worker": "agent", "lease_seconds": 10.5})
    failed = {"success": False, "error": "no \n memory"}
    caller.send(f"{TASKS}/assign", {"worker": "other"})
    running = caller.get(f"{TASKS}?worker=other").json()["data"]["tasks"][0]["task_id"]
    caller.send(f"{TASKS}/{running}/complete", failed)
    Task.objects.filter(task_id="alone").update(
        created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    )
    listed = caller.get(TASKS).json()["data"]["tasks"]
    assert len(listed) == 5
    for task in listed:
        one = caller.get(f"{TASKS}/{quote(task['task_id'])}").json()["data"]["task"]
        assert {**task, "why": one["why"]} == one


@pytest.mark.parametrize("number", [10**24, -(10**24)])
def test_a_cursor_past_every_number_is_no_failure(caller, number):
    content = dumps([False, "2026-05-01T00:00:00+00:00", str(number)]).encode()
    path = f"{TASKS}?cursor={urlsafe_b64encode(content).decode()}"
    assert caller.get(path).status_code == 200


@pytest.mark.parametrize("filters", ["", "&status=queued", "&worker=agent", "&status=running"])
def test_pages_of_tasks_hold_each_once_in_both_directions(caller, filters):
    schedule(caller, *[body(f"t{number}") for number in range(7)])
    caller.send(f"{TASKS}/assign", {"worker": "agent", "count": 3})
    whole = caller.get(f"{TASKS}?limit=500{filters}").json()["data"]
    pages = [caller.get(f"{TASKS}?limit=2{filters}").json()["data"]]
    while pages[-1]["next"]:
        pages.append(caller.get(pages[-1]["next"]).json()["data"])
    assert [each for page in pages for each in page["tasks"]] == whole["tasks"]
    back = [pages[-1]]
    while back[-1]["previous"]:
        back.append(caller.get(back[-1]["previous"]).json()["data"])
    assert [page["tasks"] for page in reversed(back)] == [page["tasks"] for page in pages]


def test_a_failed_task_is_retried_and_an_open_one_cancelled(caller):
    schedule(caller, body("a/b"), body("c", dependencies=["a/b"]))
    answer = caller.send(f"{TASKS}/a/b/retry")
    assert answer.status_code == 409
    assert answer.json()["message"] == "task a/b is queued, not failed"
    cancelled = caller.send(f"{TASKS}/a/b/cancel").json()["data"]["task"]
    assert (cancelled["status"], cancelled["error"]) == ("failed", "cancelled")
    waiting = caller.get(f"{TASKS}/c").json()["data"]["task"]
    assert (waiting["status"], waiting["error"]) == ("failed", "cancelled")
    assert caller.send(f"{TASKS}/a/b/cancel").status_code == 409
    assert caller.send(f"{TASKS}/ghost/retry").status_code == 404
    again = schedule(caller, body("a/b"))
    assert (
        again.json()["message"] == "Task stored before; it failed: cancelled. Retry it with /retry"
    )
    both = schedule(caller, body("a/b"), body("new"))
    assert "2 tasks scheduled; 1 were stored before and failed" in both.json()["message"]
    answer = caller.send(f"{TASKS}/a/b/retry")
    assert (answer.status_code, answer.json()["message"]) == (200, "Task queued")
    assert caller.get(f"{TASKS}/c").json()["data"]["task"]["status"] == "pending"


@pytest.mark.parametrize(
    "name",
    [
        "metrics",
        "schedule",
        "assign",
        "heartbeat",
        "x/complete",
        "x/retry",
        "a/cancel",
        "trail/",
        "/lead",
        "a//b",
        ".",
        "a/../b",
    ],
)
def test_an_id_that_no_path_can_name_is_refused(caller, name):
    for answer in (schedule(caller, body(name)), schedule(caller, body("a"), body(name))):
        assert answer.status_code == 400
        [error] = answer.json()["errors"]
        assert error["code"] == "unreachable"
        assert error["field"].endswith("task_id")
    assert not Task.objects.exists()


@pytest.mark.parametrize("name", ["complete", "a?b#c", "a/complete/b", "100 %", "ä/ö", "..."])
def test_any_other_id_is_reached(caller, name):
    assert schedule(caller, body(name)).status_code == 201
    path = quote(name)
    assert caller.get(f"{TASKS}/{path}").json()["data"]["task"]["task_id"] == name
    assert caller.send(f"{TASKS}/{path}/cancel").status_code == 200


def test_a_call_says_what_it_leaves_to_the_minutes_run(caller):
    schedule(caller, body("a"), body("b", dependencies=["a"]))
    assert caller.send(f"{TASKS}/a/cancel").json()["message"] == "Task failed"
    left = Task(status="queued", is_propagated=False)
    assert ended_message(left) == "Task queued; what waits for it follows within a minute"


def test_an_id_that_stands_twice_in_a_body_is_named_with_both_places(caller):
    answer = schedule(caller, body("a"), body("b"), body("a"))
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"field": "tasks[2].task_id", "code": "duplicate", "message": "is a, as tasks[0] is"}
    ]
    assert not Task.objects.exists()


def test_a_null_worker_is_no_worker(caller):
    schedule(caller, body("a"))
    given = caller.send(f"{TASKS}/assign", {"worker": None, "pool": None, "count": None})
    assert given.status_code == 200
    done = caller.send(f"{TASKS}/a/complete", {"worker": None, "error": None})
    assert done.status_code == 200


def test_many_tasks_are_stored_as_a_job_where_the_caller_does_not_wait(caller):
    headers = {"Prefer": "respond-async"}
    sent = {"tasks": [body("b", dependencies=["a"]), body("a", priority=1)]}
    accepted = caller.send(f"{TASKS}/schedule", sent, headers=headers)
    assert accepted.status_code == 202
    assert not Task.objects.exists()
    jobs.run_next()
    polled = caller.get(accepted["Location"]).json()["data"]
    assert polled["status"] == "done"
    waited = caller.send(f"{TASKS}/schedule", sent).json()["data"]
    names = ("task_id", "priority", "dependencies", "created_at")
    for one, other in zip(polled["result"]["tasks"], waited["tasks"], strict=True):
        assert [one[name] for name in names] == [other[name] for name in names]
    one = caller.send(f"{TASKS}/schedule", body("c"), headers=headers)
    jobs.run_next()
    assert caller.get(one["Location"]).json()["data"]["result"]["task"]["task_id"] == "c"
    cycle = caller.send(f"{TASKS}/schedule", body("d", dependencies=["gone"]), headers=headers)
    jobs.run_next()
    failed = caller.get(cycle["Location"]).json()["data"]
    assert failed["status"] == "failed"
    assert "gone" in failed["error"]


def test_more_tasks_than_are_light_count_against_the_budget(caller, monkeypatch):
    monkeypatch.setattr(api, "HEAVY_TASKS", 1)
    with semaphore.slots({"computations": 2}, 60), semaphore.slots({"computations": 2}, 60):
        refused = schedule(caller, body("a"), body("b"))
        assert (refused.status_code, refused["Retry-After"]) == (429, "2")
        assert schedule(caller, body("a")).status_code == 201
    assert schedule(caller, body("a"), body("b")).status_code == 201


def test_the_check_of_many_tasks_has_a_budget_also_before_a_job(caller, monkeypatch):
    monkeypatch.setattr(api, "HEAVY_TASKS", 1)
    headers = {"Prefer": "respond-async"}
    sent = {"tasks": [body("a"), body("b")]}
    with semaphore.slots({"body checks": 2}, 60), semaphore.slots({"body checks": 2}, 60):
        refused = caller.send(f"{TASKS}/schedule", sent, headers=headers)
        assert (refused.status_code, refused["Retry-After"]) == (429, "2")
        assert caller.send(f"{TASKS}/schedule", body("c"), headers=headers).status_code == 202
        assert caller.send(f"{TASKS}/schedule", sent).status_code == 201
    with semaphore.slots({"computations": 2}, 60), semaphore.slots({"computations": 2}, 60):
        assert caller.send(f"{TASKS}/schedule", sent, headers=headers).status_code == 202

"""The task calls: submit, assign, extend leases, complete, read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api import fields
from aethercrown.api.computations import budgeted_body, is_long
from aethercrown.api.endpoint import (
    Conflict,
    InvalidRequest,
    NoFieldsSerializer,
    Pages,
    StrictEndpoint,
    StrictSerializer,
    reply,
)
from aethercrown.api.openapi import documented
from aethercrown.formatting import counted
from operations.jobs import api as jobs
from operations.scheduling import examples, services, submission
from operations.scheduling.models import MAX_NAME_LENGTH, Task
from operations.scheduling.planner.graph import CyclicDependency, UnknownDependency
from operations.scheduling.reports import tasks as reports
from operations.scheduling.reports.metrics import queue_metrics
from operations.scheduling.scheduler import DifferentTask
from operations.scheduling.services.replan import replan_briefly
from operations.scheduling.services.submit import submit
from operations.scheduling.services.submit_job import HEAVY_TASKS, SUBMIT_JOB, job_input
from operations.scheduling.task_spec import MAX_ESTIMATE_SECONDS, AITask, TaskPriority

MAX_TASKS = 10_000
MAX_LEASE_SECONDS = 86_400.0
STATUSES = [str(each) for each in Task.Status.values]


@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer", "minimum": 1, "maximum": 4},
            {"type": "string", "enum": ["low", "medium", "high", "critical"]},
        ]
    }
)
class PriorityField(serializers.Field[Any, Any, Any, Any]):
    """1 to 4, or low, medium, high, critical."""

    default_error_messages = {
        "required": "is required",
        "null": "must not be null",
        "invalid_choice": "must be 1 to 4, or low, medium, high or critical",
    }

    def to_internal_value(self, data: Any) -> TaskPriority:
        try:
            return TaskPriority.of(data)
        except ValueError:
            self.fail("invalid_choice")

    def to_representation(self, value: Any) -> Any:
        return value


def dependency_list() -> fields.ItemList:
    child = fields.Identifier(max_length=MAX_NAME_LENGTH)
    return fields.ItemList(child=child, most=submission.MAX_DEPENDENCIES, required=False)


class TaskSubmissionSerializer(StrictSerializer):
    """One task to submit; durations in seconds."""

    task_id = fields.Identifier(max_length=MAX_NAME_LENGTH)
    task_type = fields.Text(max_length=MAX_NAME_LENGTH)
    priority = PriorityField()
    estimated_duration = fields.Number(min_value=0, max_value=MAX_ESTIMATE_SECONDS)
    dependencies = dependency_list()

    def validate_task_id(self, task_id: str) -> str:
        """Refuse an id that the calls of one task could not name."""
        if reason := submission.unreachable(task_id):
            raise serializers.ValidationError(reason, code="unreachable")
        return task_id

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Skip the fields for a task that is valid at first sight: they are slow for 10,000."""
        return submission.parse_valid(data) or super().run_validation(data)


class SubmitTasksSerializer(serializers.Serializer[Any]):
    """The fields of one task, or many tasks under `tasks`."""

    task_id = fields.Identifier(max_length=MAX_NAME_LENGTH, required=False)
    task_type = fields.Text(max_length=MAX_NAME_LENGTH, required=False)
    priority = PriorityField(required=False)
    estimated_duration = fields.Number(min_value=0, max_value=MAX_ESTIMATE_SECONDS, required=False)
    dependencies = dependency_list()
    tasks = fields.ItemList(
        child=TaskSubmissionSerializer(), most=MAX_TASKS, least=1, required=False
    )


class AssignTasksSerializer(serializers.Serializer[Any]):
    """The worker or pool, how many tasks, and the length of the lease."""

    worker = fields.Identifier(max_length=MAX_NAME_LENGTH, required=False, allow_null=True)
    pool = fields.Text(max_length=MAX_NAME_LENGTH, required=False, allow_null=True)
    count = fields.Count(
        min_value=1, max_value=services.MAX_ASSIGNED, required=False, allow_null=True
    )
    lease_seconds = fields.Number(
        min_value=1, max_value=MAX_LEASE_SECONDS, required=False, allow_null=True
    )


class HeartbeatSerializer(serializers.Serializer[Any]):
    worker = fields.Identifier(max_length=MAX_NAME_LENGTH)


class CompleteTaskSerializer(serializers.Serializer[Any]):
    """How a task ended; with `worker`, only that worker may end it."""

    success = fields.Flag(required=False)
    error = fields.Text(max_length=10_000, required=False, allow_blank=True, allow_null=True)
    worker = fields.Identifier(max_length=MAX_NAME_LENGTH, required=False, allow_null=True)


class TaskSerializer(serializers.Serializer[Any]):
    """A stored task."""

    task_id = fields.Text()
    task_type = fields.Text()
    priority = fields.Count(min_value=1, max_value=4)
    estimated_duration = fields.Number()
    dependencies = fields.ItemList(child=fields.Text())
    status = fields.Option(choices=STATUSES)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    assigned_worker = fields.Text(allow_null=True)
    planned_start = serializers.DateTimeField(allow_null=True)
    planned_worker = fields.Text(allow_null=True)
    ready_at = serializers.DateTimeField(allow_null=True)
    lease_until = serializers.DateTimeField(allow_null=True)
    attempt = fields.Count()
    error = fields.Text(allow_null=True)


class TaskResponseSerializer(serializers.Serializer[Any]):
    task = TaskSerializer()


class SubmitTasksResponseSerializer(serializers.Serializer[Any]):
    task = TaskSerializer(required=False)
    tasks = fields.ItemList(child=TaskSerializer(), most=MAX_TASKS, required=False)


class TaskAssignmentSerializer(serializers.Serializer[Any]):
    worker = fields.Text()
    task = TaskSerializer()


class TaskAssignmentListSerializer(serializers.Serializer[Any]):
    assignments = fields.ItemList(child=TaskAssignmentSerializer())


class HeartbeatResponseSerializer(serializers.Serializer[Any]):
    worker = fields.Text()
    tasks = fields.ItemList(child=TaskSerializer())


class BottleneckSerializer(serializers.Serializer[Any]):
    type = fields.Text()
    severity = fields.Option(choices=["low", "medium", "high", "critical"])
    description = fields.Text()
    suggestion = fields.Text()
    tasks = fields.ItemList(child=fields.Text())
    seconds_saved = fields.Number(allow_null=True)


class QueueMetricsSerializer(serializers.Serializer[Any]):
    metrics = fields.ScalarMap()
    bottlenecks = fields.ItemList(child=BottleneckSerializer())


class ScheduleView(StrictEndpoint):
    area = "optimization"
    permission_to_read = "operations.view_task"
    in_one_transaction = False  # the budget's slots are committed first; repeating changes nothing

    @documented(
        "Submit one task or many",
        request=SubmitTasksSerializer,
        answer=SubmitTasksResponseSerializer,
        example_request=examples.SUBMISSION,
        example_answer={"task": examples.TASK},
        message="Task scheduled",
        status=201,
        repeated=200,
        accepted=jobs.ACCEPTED,
    )
    def post(self, request: Request) -> Response:
        """All tasks are stored, or none; one stored already with the same values is not changed.

        With `Prefer: respond-async` a job stores them.
        """
        waits = not jobs.prefers_async(request)
        with budgeted_body(request, is_heavy=is_long(request, HEAVY_TASKS), waits=waits):
            return self._checked_and_submitted(request, waits=waits)

    def _checked_and_submitted(self, request: Request, *, waits: bool) -> Response:
        given, is_one = self._given(request.data)
        if repeated := submission.duplicate_errors(given):
            raise InvalidRequest(repeated)
        if not waits:
            return jobs.accept(request, SUBMIT_JOB, job_input(given, is_one=is_one))
        return self._submitted(given, is_one=is_one)

    def _given(self, body: Any) -> tuple[Sequence[Any], bool]:
        """The tasks of the body, and whether it is one task's."""
        names = set(body) if isinstance(body, Mapping) else set()
        if "tasks" not in names and names & submission.TASK_FIELDS:
            return [self.checked(TaskSubmissionSerializer)], True
        values = self.checked(SubmitTasksSerializer)
        if "tasks" not in values:
            return [self.checked(TaskSubmissionSerializer)], True
        if extra := values.keys() - {"tasks"}:
            message = "must not be sent together with tasks"
            raise InvalidRequest((name, "not_allowed", message) for name in sorted(extra))
        return values["tasks"], False

    def _submitted(self, given: Sequence[Any], *, is_one: bool) -> Response:
        """Store and plan the tasks; 200 where all of them were stored before."""
        now = timezone.now()
        paths = [""] if is_one else [f"tasks[{place}]." for place in range(len(given))]
        rows = submit_or_refuse(given, paths, now)
        is_new = any(row.created_at == now for row in rows)
        needs = submitted_dependencies(given, rows, now)
        if replan_briefly(now):
            found = Task.objects.select_related("worker").in_bulk([row.pk for row in rows])
            rows = [found[row.pk] for row in rows]
        shown = reports.as_dicts(rows, needs)
        message = submitted_message(rows, now, is_one=is_one)
        data = {"task": shown[0]} if is_one else {"tasks": shown}
        return reply(message, data, 201 if is_new else 200)


def submitted_message(rows: Sequence[Task], now: Any, *, is_one: bool) -> str:
    """What became of the tasks; of those stored before that failed it says so."""
    failed = [row for row in rows if row.created_at != now and row.status == Task.Status.FAILED]
    if failed and is_one:
        return f"Task stored before; it failed: {failed[0].error}. Retry it with /retry"
    message = "Task scheduled" if is_one else f"{counted(len(rows), 'task')} scheduled"
    if failed:
        message = f"{message}; {len(failed)} were stored before and failed: retry them with /retry"
    return message


def submitted_dependencies(
    given: Sequence[Any], rows: Sequence[Task], now: Any
) -> dict[int, list[str]] | None:
    """The dependencies of each task from the body; None if some were stored before."""
    if any(row.created_at != now for row in rows):
        return None
    named = {values["task_id"]: values.get("dependencies", ()) for values in given}
    return {row.pk: list(dict.fromkeys(named[row.task_id])) for row in rows}


def submit_or_refuse(given: Sequence[Any], paths: Sequence[str], now: Any) -> list[Task]:
    """Submit the tasks. Raises InvalidRequest with the path of what is wrong, or Conflict."""
    problems: list[tuple[str, str, str]] = []
    tasks = []
    for values, path in zip(given, paths, strict=True):
        try:
            tasks.append(AITask(**values))
        except CyclicDependency as error:
            problems.append((f"{path}dependencies", "cycle", str(error)))
    if problems:
        raise InvalidRequest(problems)
    try:
        return submit(tasks, now)
    except UnknownDependency as error:
        raise InvalidRequest(submission.unknown_dependency_errors(given, paths, error)) from error
    except CyclicDependency as error:
        field = "dependencies" if paths == [""] else "tasks"
        raise InvalidRequest([(field, "cycle", str(error))]) from error
    except DifferentTask as error:
        raise Conflict(str(error), code="different_task") from error


class AssignView(StrictEndpoint):
    area = "optimization"
    permission_to_read = "operations.view_task"

    @documented(
        "Take tasks",
        request=AssignTasksSerializer,
        answer=TaskAssignmentListSerializer,
        example_request={"worker": "agent-7", "count": 1, "lease_seconds": 300},
        example_answer={"assignments": [{"worker": "agent-7", "task": examples.RUNNING}]},
        message="1 task assigned",
    )
    def post(self, request: Request) -> Response:
        """The most urgent ready tasks. Without `worker`, one for every free worker."""
        values = self.checked(AssignTasksSerializer)
        try:
            rows = services.assign(
                timezone.now(),
                worker=values.get("worker") or "",
                pool=values.get("pool") or "",
                count=values.get("count"),
                lease=values.get("lease_seconds"),
            )
        except services.UnknownPool as error:
            raise InvalidRequest([("pool", "unknown_pool", str(error))]) from error
        except services.WorkerRefused as error:
            raise Conflict(str(error)) from error
        shown = reports.as_dicts(rows, reports.assigned_dependencies(rows))
        given = [{"worker": each["assigned_worker"], "task": each} for each in shown]
        return reply(f"{counted(len(given), 'task')} assigned", {"assignments": given})


class HeartbeatView(StrictEndpoint):
    area = "optimization"
    permission_to_read = "operations.view_task"

    @documented(
        "Send a heartbeat of a worker",
        request=HeartbeatSerializer,
        answer=HeartbeatResponseSerializer,
        example_request={"worker": "agent-7"},
        example_answer={"worker": "agent-7", "tasks": [examples.RUNNING]},
        message="1 lease extended",
    )
    def post(self, request: Request) -> Response:
        """The leases of its running tasks start anew; the answer lists those tasks."""
        name = self.checked(HeartbeatSerializer)["worker"]
        try:
            rows = services.extend_leases(name, timezone.now())
        except services.WorkerRefused as error:
            raise Conflict(str(error)) from error
        data = {"worker": name, "tasks": reports.as_dicts(rows)}
        return reply(f"{counted(len(rows), 'lease')} extended", data)


class CompleteView(StrictEndpoint):
    area = "optimization"
    permission_to_read = "operations.view_task"
    in_one_transaction = False  # its end is carried on in batches; repeating it changes nothing

    @documented(
        "Report how a task ended",
        request=CompleteTaskSerializer,
        answer=TaskResponseSerializer,
        example_request={"success": True, "worker": "agent-7"},
        example_answer={"task": examples.COMPLETED},
        message="Task completed",
    )
    def post(self, request: Request, task_id: str) -> Response:
        """Repeating a report changes nothing. A failure fails all that depends on the task."""
        values = self.checked(CompleteTaskSerializer)
        try:
            row = services.complete(
                task_id,
                now=timezone.now(),
                success=values.get("success", True),
                error=values.get("error") or "",
                worker=values.get("worker") or "",
            )
        except services.UnknownTask as error:
            raise NotFound(str(error)) from error
        except services.NotRunning as error:
            raise Conflict(str(error)) from error
        return reply(ended_message(row), {"task": reports.as_dicts([row])[0]})


class RetryView(StrictEndpoint):
    area = "optimization"
    permission_to_read = "operations.view_task"

    @documented(
        "Retry a failed task",
        answer=TaskResponseSerializer,
        example_answer={"task": examples.TASK},
        message="Task queued",
    )
    def post(self, request: Request, task_id: str) -> Response:
        """It is queued with all its attempts, and all that failed because of it waits again."""
        self.checked(NoFieldsSerializer)
        return changed(services.retry, task_id)


class CancelView(StrictEndpoint):
    area = "optimization"
    permission_to_read = "operations.view_task"

    @documented(
        "Cancel a task",
        answer=TaskResponseSerializer,
        example_answer={"task": {**examples.TASK, "status": "failed", "error": "cancelled"}},
        message="Task failed",
    )
    def post(self, request: Request, task_id: str) -> Response:
        """It fails as `cancelled`, and so does all that depends on it; a retry brings all back."""
        self.checked(NoFieldsSerializer)
        return changed(services.cancel, task_id)


def changed(service: Callable[..., Task], task_id: str) -> Response:
    """Call the service and show the task."""
    try:
        row = service(task_id, now=timezone.now())
    except services.UnknownTask as error:
        raise NotFound(str(error)) from error
    except services.NotRunning as error:
        raise Conflict(str(error)) from error
    return reply(ended_message(row), {"task": reports.as_dicts([row])[0]})


def ended_message(row: Task) -> str:
    """The task's status, and whether what waits for it follows only later."""
    rest = "" if row.is_propagated else "; what waits for it follows within a minute"
    return f"Task {row.status}{rest}"


class MetricsView(StrictEndpoint):
    area = "optimization"
    permission_to_read = "operations.view_task"

    @documented(
        "Show the figures of the queue, and what delays it",
        answer=QueueMetricsSerializer,
        example_answer=examples.METRICS,
        message="Task metrics",
    )
    def get(self, request: Request) -> Response:
        """Makespan and bound are null if a task can never run."""
        metrics, bottlenecks = queue_metrics(timezone.now())
        return reply("Task metrics", {"metrics": metrics, "bottlenecks": bottlenecks})


class TasksView(StrictEndpoint):
    area = "optimization"
    permission_to_read = "operations.view_task"
    list_name = "tasks"
    title = "task"
    ordering = ("-created_at", "-pk")
    query_names = ("status", "worker", "cursor", "limit")

    @documented(
        "List the tasks",
        answer={
            "type": "object",
            "required": ["tasks", "next", "previous"],
            "properties": {
                "tasks": {"type": "array", "items": {"type": "object"}},
                "next": {"type": ["string", "null"], "format": "uri"},
                "previous": {"type": ["string", "null"], "format": "uri"},
            },
        },
        example_answer={"tasks": [examples.TASK], "next": None, "previous": None},
        message="1 task",
        query={
            "status": {"type": "string", "enum": STATUSES},
            "worker": {"type": "string"},
            "cursor": {"type": "string"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 500, "default": 50},
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """The newest first; `status` and `worker` filter."""
        status = request.query_params.get("status")
        if status is not None and status not in STATUSES:
            raise InvalidRequest(
                [("status", "invalid_choice", f"must be one of {', '.join(STATUSES)}")]
            )
        pages = Pages()
        pages.read(request, self, Task)
        rows = reports.page(
            limit=pages.limit + 1,
            status=status or "",
            worker=request.query_params.get("worker") or "",
            beyond=pages.values(),
            back=pages.back,
        )
        return pages.get_json_response([each.json for each in pages.cut(rows)])


class TaskView(StrictEndpoint):
    area = "optimization"
    permission_to_read = "operations.view_task"

    @documented(
        "Show one task",
        answer=TaskResponseSerializer,
        example_answer={"task": {**examples.TASK, "why": "behind 3"}},
        message="The task",
    )
    def get(self, request: Request, task_id: str) -> Response:
        """The task, and why it waits, in words."""
        try:
            shown = reports.task_detail(task_id, timezone.now())
        except services.UnknownTask as error:
            raise NotFound(str(error)) from error
        return reply("The task", {"task": shown})

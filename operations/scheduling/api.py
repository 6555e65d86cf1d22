"""The calls of tasks: submit, hand out, keep alive, end, read."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api.endpoint import Conflict, Endpoint, Invalid, Pages, reply
from aethercrown.api.fields import Count, Facts, Flag, Identifier, Number, Option, Rows, Text
from aethercrown.api.openapi import documented
from operations.scheduling import examples, reports, services
from operations.scheduling import submission as intake
from operations.scheduling.models import NAME, Task
from operations.scheduling.planner.graph import CyclicDependency, UnknownDependency
from operations.scheduling.reports import planning
from operations.scheduling.scheduler import DifferentTask
from operations.scheduling.services import replan as planner
from operations.scheduling.services import submit as submission
from operations.scheduling.task_spec import LONGEST_ESTIMATE, AITask, TaskPriority

MOST_TASKS = 10_000
LONGEST_LEASE = 86_400.0  # seconds
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


class TaskSerializer(serializers.Serializer[Any]):
    """One task as its caller describes it; durations in seconds."""

    task_id = Identifier(max_length=NAME)
    task_type = Text(max_length=NAME)
    priority = PriorityField()
    estimated_duration = Number(min_value=0, max_value=LONGEST_ESTIMATE)
    dependencies = Rows(child=Identifier(max_length=NAME), most=intake.MOST_NEEDS, required=False)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Most of 10,000 tasks are plainly valid; only the others are looked at field by field."""
        return intake.obvious(data) or super().run_validation(data)


class SubmissionSerializer(serializers.Serializer[Any]):
    """One task in the body itself, or many under `tasks`."""

    task_id = Identifier(max_length=NAME, required=False)
    task_type = Text(max_length=NAME, required=False)
    priority = PriorityField(required=False)
    estimated_duration = Number(min_value=0, max_value=LONGEST_ESTIMATE, required=False)
    dependencies = Rows(child=Identifier(max_length=NAME), most=intake.MOST_NEEDS, required=False)
    tasks = Rows(child=TaskSerializer(), most=MOST_TASKS, least=1, required=False)


class AssignSerializer(serializers.Serializer[Any]):
    """Who asks for work, for how much of it, and for how long at most without a sign of life."""

    worker = Identifier(max_length=NAME, required=False, allow_null=True)
    pool = Text(max_length=NAME, required=False, allow_null=True)
    count = Count(min_value=1, max_value=services.MOST_GIVEN, required=False, allow_null=True)
    lease_seconds = Number(min_value=1, max_value=LONGEST_LEASE, required=False, allow_null=True)


class HeartbeatSerializer(serializers.Serializer[Any]):
    worker = Identifier(max_length=NAME)


class EndSerializer(serializers.Serializer[Any]):
    """How a task ended; `worker` makes sure that it was this one's."""

    success = Flag(required=False)
    error = Text(max_length=10_000, required=False, allow_blank=True, allow_null=True)
    worker = Identifier(max_length=NAME, required=False, allow_null=True)


class ShownSerializer(serializers.Serializer[Any]):
    """A stored task."""

    task_id = Text()
    task_type = Text()
    priority = Count(min_value=1, max_value=4)
    estimated_duration = Number()
    dependencies = Rows(child=Text())
    status = Option(choices=STATUSES)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    assigned_worker = Text(allow_null=True)
    planned_start = serializers.DateTimeField(allow_null=True)
    planned_worker = Text(allow_null=True)
    ready_at = serializers.DateTimeField(allow_null=True)
    lease_until = serializers.DateTimeField(allow_null=True)
    attempt = Count()
    error = Text(allow_null=True)


class OneSerializer(serializers.Serializer[Any]):
    task = ShownSerializer()


class ManySerializer(serializers.Serializer[Any]):
    task = ShownSerializer(required=False)
    tasks = Rows(child=ShownSerializer(), most=MOST_TASKS, required=False)


class AssignmentSerializer(serializers.Serializer[Any]):
    worker = Text()
    task = ShownSerializer()


class AssignedSerializer(serializers.Serializer[Any]):
    assignments = Rows(child=AssignmentSerializer())


class BeatenSerializer(serializers.Serializer[Any]):
    worker = Text()
    tasks = Rows(child=ShownSerializer())


class BottleneckSerializer(serializers.Serializer[Any]):
    type = Text()
    severity = Option(choices=["low", "medium", "high", "critical"])
    description = Text()
    suggestion = Text()
    tasks = Rows(child=Text())
    seconds_saved = Number(allow_null=True)


class MetricsSerializer(serializers.Serializer[Any]):
    metrics = Facts()
    bottlenecks = Rows(child=BottleneckSerializer())


class ScheduleView(Endpoint):
    area = "optimization"

    @documented(
        "Submit one task or many",
        request=SubmissionSerializer,
        answer=ManySerializer,
        example_request=examples.SUBMISSION,
        example_answer={"task": examples.TASK},
        message="Task scheduled",
        status=201,
        repeated=200,
    )
    def post(self, request: Request) -> Response:
        """All are stored or none. A task that is stored already with the same values stays."""
        values = self.checked(SubmissionSerializer)
        is_one = "tasks" not in values
        given = [self.checked(TaskSerializer)] if is_one else values["tasks"]
        if not is_one and (extra := values.keys() - {"tasks"}):
            message = "must not stand beside tasks"
            raise Invalid((name, "not_allowed", message) for name in sorted(extra))
        now = timezone.now()
        rows = stored(given, paths(given, is_one=is_one), now)
        is_new = any(row.created_at == now for row in rows)
        needs = told(given, rows, now)
        if planner.replan_briefly(now):
            rows = refreshed(rows)
        shown = reports.listed(rows, needs)
        message = "Task scheduled" if is_one else f"{len(shown)} tasks scheduled"
        data = {"task": shown[0]} if is_one else {"tasks": shown}
        return reply(message, data, 201 if is_new else 200)


def told(given: Sequence[Any], rows: Sequence[Task], now: Any) -> dict[int, list[str]] | None:
    """What each task needs, as this body says; None where some were stored before it."""
    if any(row.created_at != now for row in rows):
        return None
    named = {values["task_id"]: values.get("dependencies", ()) for values in given}
    return {row.pk: list(dict.fromkeys(named[row.task_id])) for row in rows}


def paths(given: Sequence[Any], *, is_one: bool) -> list[str]:
    """Where each task stands in the body."""
    return [""] if is_one else [f"tasks[{place}]." for place in range(len(given))]


def stored(given: Sequence[Any], where: Sequence[str], now: Any) -> list[Task]:
    """Submit, and refuse with the path of what is wrong."""
    problems: list[tuple[str, str, str]] = []
    tasks = []
    for values, path in zip(given, where, strict=True):
        try:
            tasks.append(AITask(**values))
        except CyclicDependency as error:
            problems.append((f"{path}dependencies", "cycle", str(error)))
    if problems:
        raise Invalid(problems)
    try:
        return submission.submit(tasks, now)
    except UnknownDependency as error:
        raise Invalid(intake.unknown(given, where, error)) from error
    except CyclicDependency as error:
        field = "dependencies" if where == [""] else "tasks"
        raise Invalid([(field, "cycle", str(error))]) from error
    except DifferentTask as error:
        raise Conflict(str(error), code="different_task") from error


def refreshed(rows: Sequence[Task]) -> list[Task]:
    """The same tasks as they are now planned."""
    now = reports.tasks().in_bulk([row.pk for row in rows])
    return [now[row.pk] for row in rows]


class AssignView(Endpoint):
    area = "optimization"

    @documented(
        "Take work",
        request=AssignSerializer,
        answer=AssignedSerializer,
        example_request={"worker": "agent-7", "count": 1, "lease_seconds": 300},
        example_answer={"assignments": [{"worker": "agent-7", "task": examples.RUNNING}]},
        message="1 tasks assigned",
    )
    def post(self, request: Request) -> Response:
        """The most urgent ready tasks. Without a name, one for every free worker."""
        values = self.checked(AssignSerializer)
        try:
            rows = services.assign(
                timezone.now(),
                worker=values.get("worker") or "",
                pool=values.get("pool") or "",
                count=values.get("count"),
                lease=values.get("lease_seconds"),
            )
        except services.UnknownPool as error:
            raise Invalid([("pool", "unknown_pool", str(error))]) from error
        except services.NotItsTurn as error:
            raise Conflict(str(error)) from error
        shown = reports.listed(rows, reports.needs_of_given(rows))
        given = [{"worker": each["assigned_worker"], "task": each} for each in shown]
        return reply(f"{len(given)} tasks assigned", {"assignments": given})


class HeartbeatView(Endpoint):
    area = "optimization"

    @documented(
        "Say that a worker lives",
        request=HeartbeatSerializer,
        answer=BeatenSerializer,
        example_request={"worker": "agent-7"},
        example_answer={"worker": "agent-7", "tasks": [examples.RUNNING]},
        message="1 leases prolonged",
    )
    def post(self, request: Request) -> Response:
        """The leases of its tasks begin anew; the tasks themselves stand in the answer."""
        name = self.checked(HeartbeatSerializer)["worker"]
        try:
            rows = services.beat(name, timezone.now())
        except services.NotItsTurn as error:
            raise Conflict(str(error)) from error
        data = {"worker": name, "tasks": reports.listed(rows)}
        return reply(f"{len(rows)} leases prolonged", data)


class CompleteView(Endpoint):
    area = "optimization"

    @documented(
        "Report how a task ended",
        request=EndSerializer,
        answer=OneSerializer,
        example_request={"success": True, "worker": "agent-7"},
        example_answer={"task": examples.DONE},
        message="Task completed",
    )
    def post(self, request: Request, task_id: str) -> Response:
        """Saying the same again changes nothing. A failure fails all that waits for the task."""
        values = self.checked(EndSerializer)
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
        return reply(f"Task {row.status}", {"task": reports.listed([row])[0]})


class MetricsView(Endpoint):
    area = "optimization"

    @documented(
        "How the queue stands, and what holds it up",
        answer=MetricsSerializer,
        example_answer=examples.METRICS,
        message="The queue",
    )
    def get(self, request: Request) -> Response:
        """Makespan and bound are null where some task can never run."""
        metrics, bottlenecks = planning.situation(timezone.now())
        return reply("The queue", {"metrics": metrics, "bottlenecks": bottlenecks})


class TasksView(Endpoint):
    area = "optimization"
    list_name = "tasks"
    ordering = ("-created_at", "-pk")

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
        message="1 tasks",
        query={
            "status": {"type": "string", "enum": STATUSES},
            "worker": {"type": "string"},
            "cursor": {"type": "string"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 500, "default": 50},
        },
    )
    def get(self, request: Request) -> Response:
        """The newest first; of one status or worker where the query names it."""
        rows = reports.tasks()
        status = request.query_params.get("status")
        if status is not None and status not in STATUSES:
            raise Invalid([("status", "invalid_choice", f"must be one of {', '.join(STATUSES)}")])
        rows = rows.filter(status=status) if status else rows
        worker = request.query_params.get("worker")
        rows = rows.filter(worker__name=worker) if worker else rows
        pages = Pages()
        page = pages.paginate_queryset(rows, request, self)
        data = {
            "tasks": reports.listed(page),
            "next": pages.next,
            "previous": pages.previous,
        }
        return reply(f"{len(page)} tasks", data)


class TaskView(Endpoint):
    area = "optimization"

    @documented(
        "Show one task",
        answer=OneSerializer,
        example_answer={"task": {**examples.TASK, "why": "behind 3"}},
        message="The task",
    )
    def get(self, request: Request, task_id: str) -> Response:
        """With what it waits for, in words."""
        try:
            shown = reports.one(task_id)
        except services.UnknownTask as error:
            raise NotFound(str(error)) from error
        return reply("The task", {"task": shown})

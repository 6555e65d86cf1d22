"""Operations' calls, in full after /api/v1/."""

from django.urls import URLPattern, URLResolver, path, register_converter
from django.urls.converters import PathConverter
from rest_framework.routers import SimpleRouter

from operations.health.api import CheckView, ComponentsView, TrendsView
from operations.jobs.api import JobViewSet
from operations.scheduling import api as tasks


class TaskId(PathConverter):
    """A caller's id, which may hold slashes; the path with one more at its end is nothing."""

    regex = ".*[^/]"


register_converter(TaskId, "task_id")
jobs = SimpleRouter(trailing_slash=False)
jobs.register("operational/jobs", JobViewSet, basename="job")
TASK = "optimization/tasks/<task_id:task_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("operational/health/check", CheckView.as_view(), name="health-check"),
    path("operational/health/trends", TrendsView.as_view(), name="health-trends"),
    path("operational/health/components", ComponentsView.as_view(), name="health-components"),
    *jobs.urls,
    path("optimization/tasks", tasks.TasksView.as_view(), name="tasks"),
    path("optimization/tasks/schedule", tasks.ScheduleView.as_view(), name="tasks-schedule"),
    path("optimization/tasks/metrics", tasks.MetricsView.as_view(), name="tasks-metrics"),
    path("optimization/tasks/assign", tasks.AssignView.as_view(), name="tasks-assign"),
    path("optimization/tasks/heartbeat", tasks.HeartbeatView.as_view(), name="tasks-heartbeat"),
    path(f"{TASK}/complete", tasks.CompleteView.as_view(), name="tasks-complete"),
    path(f"{TASK}/retry", tasks.RetryView.as_view(), name="tasks-retry"),
    path(f"{TASK}/cancel", tasks.CancelView.as_view(), name="tasks-cancel"),
    path(TASK, tasks.TaskView.as_view(), name="task"),
]

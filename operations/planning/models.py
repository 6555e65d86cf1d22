"""The newest plan of the queue."""

from django.db import models

from operations.workers.models import NAME


class Schedule(models.Model):
    """The newest plan of all open tasks and how good it is; where each task is planned, it says."""

    made_at = models.DateTimeField()
    tasks = models.PositiveIntegerField()
    workers = models.PositiveIntegerField()
    makespan = models.FloatField(null=True, help_text="Seconds; none where a task can never run.")
    lower_bound = models.FloatField(null=True, help_text="Seconds that no plan can beat.")
    gap = models.FloatField(null=True, help_text="makespan / lower_bound - 1; 0 is optimal.")
    binding = models.CharField(max_length=NAME + 5)
    bottlenecks = models.JSONField(default=list)

    class Meta:
        ordering = ["-made_at"]

    def __str__(self) -> str:
        return f"Plan of {self.made_at:%Y-%m-%d %H:%M:%S}"

"""Workers and the pools that they belong to."""

from django.db import models
from django.utils import timezone

NAME = 255  # characters of an id or a name


class Pool(models.Model):
    """Workers that take one type of task; `default` takes every type without a pool of its own."""

    name = models.CharField(
        max_length=NAME, unique=True, help_text="The task type that it takes, or default."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Worker(models.Model):
    """Someone outside who does tasks: it asks for them, or they are given to it each minute."""

    name = models.CharField(max_length=NAME, unique=True)
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="workers")
    is_active = models.BooleanField("on", default=True, help_text="Off: it gets no more tasks.")
    is_pushed = models.BooleanField(
        "given work",
        default=False,
        help_text="Each minute it is given a task without asking, and reads it by its heartbeat.",
    )
    last_seen_at = models.DateTimeField(
        null=True, editable=False, help_text="Empty: it never asked under its own name."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

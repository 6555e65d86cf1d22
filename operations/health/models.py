"""What is checked, what was seen, what it adds up to, and each outage."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from aethercrown.history.tracking import Records
from aethercrown.http.addresses import Refused
from operations.health import targets
from operations.health.probe import Target, Wanted
from operations.health.state_machine import (
    DEGRADED,
    DOWN,
    HEALTHY,
    UNHEALTHY,
    UNKNOWN,
    UP,
    Standing,
    to_blame,
)


class Status(models.TextChoices):
    HEALTHY = HEALTHY
    DEGRADED = DEGRADED
    UNHEALTHY = UNHEALTHY
    UNKNOWN = UNKNOWN


OWN = [  # columns that looking writes; the others are staff's
    "state",
    "since",
    "against",
    "against_since",
    "is_slow",
    "is_flapping",
    "recent",
    "status",
    "last_ms",
    "error",
    "checked_at",
    "kept_at",
]


class Component(models.Model):
    """Something that is checked: a part of the platform, or a target that staff entered."""

    class Kind(models.TextChoices):
        PART = "part", "part of the platform"
        HTTP = targets.HTTP, "HTTP"
        TCP = targets.TCP, "TCP port"
        TLS = targets.TLS, "TLS certificate"

    class State(models.TextChoices):
        UNKNOWN = UNKNOWN
        UP = UP
        DOWN = DOWN

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=4, choices=Kind, default=Kind.HTTP)
    target = models.CharField(
        max_length=targets.LONGEST,
        blank=True,
        help_text="https://shop.example.com/health, or db.example.com:5432 for a port.",
    )
    method = models.CharField(
        max_length=4, choices=[("GET", "GET"), ("HEAD", "HEAD")], default="GET"
    )
    status_from = models.PositiveSmallIntegerField(
        default=200, validators=[MinValueValidator(100), MaxValueValidator(599)]
    )
    status_to = models.PositiveSmallIntegerField(
        default=399, validators=[MinValueValidator(100), MaxValueValidator(599)]
    )
    text = models.CharField(
        max_length=200, blank=True, help_text="Must stand in the first 64 KiB of the answer."
    )
    slow_ms = models.PositiveIntegerField(
        default=1000,
        validators=[MinValueValidator(1)],
        help_text="Degraded where the 95th percentile of the last 20 answers is over it.",
    )
    networks = models.CharField(
        "allowed private networks",
        max_length=500,
        blank=True,
        help_text="Such as 10.1.0.0/16. Empty: the target must be a public address.",
    )
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="children",
        help_text="While this one is down, nobody is told of the other.",
    )
    is_required = models.BooleanField(
        "required", default=True, help_text="Counts towards the status of the whole."
    )
    is_enabled = models.BooleanField("on", default=True)
    maintenance_until = models.DateTimeField(
        null=True, blank=True, help_text="Until then failures are recorded, and nothing else."
    )
    state = models.CharField(max_length=7, choices=State, default=State.UNKNOWN, editable=False)
    since = models.DateTimeField(null=True, editable=False, help_text="In this state.")
    against = models.PositiveSmallIntegerField(default=0, editable=False)
    against_since = models.DateTimeField(null=True, editable=False)
    is_slow = models.BooleanField(default=False, editable=False)
    is_flapping = models.BooleanField(default=False, editable=False)
    recent = models.JSONField(
        default=list, editable=False, help_text="The last answers in ms; null for a failure."
    )
    status = models.CharField(max_length=9, choices=Status, default=Status.UNKNOWN, editable=False)
    last_ms = models.FloatField(null=True, editable=False)
    error = models.CharField(max_length=300, blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    kept_at = models.DateTimeField(
        null=True, editable=False, help_text="When a look was last kept as a row of its own."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    history = Records(excluded_fields=OWN)

    class Meta:
        ordering = ["name"]
        permissions = [("allow_networks", "May let a component reach private networks")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what may not be called, with the reason beside its field."""
        problems: dict[str, str] = {}
        try:
            allowed = targets.networks(self.networks)
        except Refused as error:
            raise ValidationError({"networks": str(error)}) from error
        if self.kind != self.Kind.PART:
            try:
                targets.place(self.kind, self.target, allowed)
            except Refused as error:
                problems["target"] = str(error)
        if self.status_to < self.status_from:
            problems["status_to"] = f"must be {self.status_from} or more"
        if self.parent_id is not None and self.parent_id == self.pk:
            problems["parent"] = "A component cannot be its own parent."
        if problems:
            raise ValidationError(problems)

    @property
    def standing(self) -> Standing:
        return Standing(self.state, self.against, self.against_since)

    @property
    def looked_at(self) -> Target:
        """The target as the probe takes it; Refused where what is stored may not be called."""
        return Target(
            kind=self.kind,
            target=self.target,
            allowed=targets.networks(self.networks),
            wanted=Wanted(self.method, self.status_from, self.status_to, self.text),
        )

    def is_to_blame(self, now: datetime) -> bool:
        """Whether what is wrong with its children is likely its own doing."""
        is_off = self.is_maintained(now) and self.status == UNKNOWN
        return is_off or to_blame(self.standing, self.since, now)

    def is_maintained(self, now: datetime) -> bool:
        return self.maintenance_until is not None and now < self.maintenance_until


class Check(models.Model):
    """One look at one component; kept for a week."""

    class Status(models.TextChoices):
        HEALTHY = HEALTHY
        DEGRADED = DEGRADED
        UNHEALTHY = UNHEALTHY
        UNKNOWN = UNKNOWN
        MAINTENANCE = "maintenance"

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="checks")
    at = models.DateTimeField()
    status = models.CharField(max_length=11, choices=Status)
    ms = models.FloatField(null=True, help_text="Only where it answered.")
    kind = models.CharField(max_length=10, blank=True, help_text="dns, refused, tls, timeout, …")
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["component", "at"], name="operations_check_component"),
            models.Index(fields=["at"], name="operations_check_at"),
        ]

    def __str__(self) -> str:
        return f"{self.component} at {self.at:%Y-%m-%d %H:%M:%S}: {self.status}"


class Rollup(models.Model):
    """What the checks of an hour or a day add up to; the histogram holds answer times."""

    class Span(models.TextChoices):
        HOUR = "hour"
        DAY = "day"

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="rollups")
    span = models.CharField(max_length=4, choices=Span)
    start = models.DateTimeField()
    up_seconds = models.FloatField()
    down_seconds = models.FloatField()
    unknown_seconds = models.FloatField()
    maintenance_seconds = models.FloatField()
    checks = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    sum_ms = models.FloatField()
    least_ms = models.FloatField(null=True)
    most_ms = models.FloatField(null=True)
    histogram = models.JSONField(default=dict)

    class Meta:
        ordering = ["-start"]
        constraints = [
            models.UniqueConstraint(
                fields=["component", "span", "start"], name="operations_rollup_once_each_span"
            ),
        ]
        indexes = [models.Index(fields=["span", "start"], name="operations_rollup_start")]

    def __str__(self) -> str:
        return f"{self.component}, {self.span} of {self.start:%Y-%m-%d %H:%M}"


class Incident(models.Model):
    """One outage of one component, from its first failure to its first success."""

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="incidents")
    started_at = models.DateTimeField(help_text="The first failure.")
    confirmed_at = models.DateTimeField(help_text="The third in a row.")
    ended_at = models.DateTimeField(null=True, help_text="The first of two successes.")
    kind = models.CharField(max_length=10, blank=True)
    error = models.CharField(max_length=300, blank=True)
    ending = models.CharField(max_length=20, blank=True, help_text="recovered or removed.")

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["component"],
                condition=Q(ended_at__isnull=True),
                name="operations_incident_one_open_a_component",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.component} down from {self.started_at:%Y-%m-%d %H:%M}"


class Turn(models.Model):
    """Who may go next: rounds of checks and the watch are taken by compare-and-set."""

    name = models.CharField(max_length=50, unique=True)
    taken_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True, help_text="None while nobody is at it.")
    done_at = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True, help_text="That the last one took.")

    def __str__(self) -> str:
        return self.name


class Heartbeat(models.Model):
    """A sign of life: who gave it, and when last."""

    name = models.CharField(max_length=100, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

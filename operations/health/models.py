"""Components, their checks, rollups and incidents; locks and heartbeats."""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from aethercrown.db.masked import MaskedAddressField
from aethercrown.formatting import moment_text
from aethercrown.history.tracking import TrackedHistory
from aethercrown.http import addresses
from aethercrown.http.addresses import AddressRefused
from operations.health import maintenance, state_machine, targets
from operations.health.probe import ExpectedResponse, ProbeTarget


class HealthStatus(models.TextChoices):
    HEALTHY = state_machine.HEALTHY
    DEGRADED = state_machine.DEGRADED
    UNHEALTHY = state_machine.UNHEALTHY
    UNKNOWN = state_machine.UNKNOWN
    OFF = state_machine.OFF
    NOT_LOOKED_AT = state_machine.NOT_LOOKED_AT


CHECK_COLUMNS = [  # that checks write; staff edit the others
    "state",
    "state_since",
    "contrary_count",
    "contrary_since",
    "is_slow",
    "is_flapping",
    "recent_ms",
    "status",
    "last_ms",
    "error",
    "checked_at",
    "last_stored_at",
    "certificate_starts_at",
    "certificate_ends_at",
]


class Component(models.Model):
    """Something that is checked: a part of the platform, or a target that staff added."""

    class Kind(models.TextChoices):
        BUILTIN = "builtin", "part of the platform"
        HTTP = targets.HTTP, "HTTP"
        TCP = targets.TCP, "TCP port"
        TLS = targets.TLS, "TLS certificate"

    class State(models.TextChoices):
        UNKNOWN = state_machine.UNKNOWN
        UP = state_machine.UP
        DOWN = state_machine.DOWN

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=7, choices=Kind, default=Kind.HTTP)
    target = MaskedAddressField(
        max_length=targets.MAX_LENGTH,
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
        max_length=200, blank=True, help_text="Must be in the first 1 MiB of the response."
    )
    slow_ms = models.PositiveIntegerField(
        default=1000,
        validators=[MinValueValidator(1)],
        help_text="Degraded if the 95th percentile of the last 20 responses is over it.",
    )
    certificate_degraded_days = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Degraded with fewer days left. Empty: 21, or a quarter of its lifetime.",
    )
    certificate_unhealthy_days = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Unhealthy with fewer days left. Empty: 7, or a twelfth of its lifetime.",
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
        help_text="While the parent is down, no alert is raised for this one.",
    )
    is_required = models.BooleanField(
        "required", default=True, help_text="Counts towards the overall status."
    )
    is_enabled = models.BooleanField("enabled", default=True)
    check_every_seconds = models.PositiveIntegerField(
        "seconds between checks",
        null=True,
        blank=True,
        validators=[MinValueValidator(30), MaxValueValidator(86_400)],
        help_text="30 to 86,400. Empty: in each round, every HEALTH_CHECK_INTERVAL_HOURS.",
    )
    maintenance_until = models.DateTimeField(
        null=True, blank=True, help_text="Until then failures are recorded, but open no incident."
    )
    maintenance_times = models.CharField(
        "repeated maintenance",
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text='When it begins: "at 02:00 on Sunday", "at 22:00 on the last day". Empty: none.',
    )
    maintenance_zone = models.CharField(
        "its time zone",
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Such as Europe/Berlin. Empty: UTC.",
    )
    maintenance_minutes = models.PositiveIntegerField(
        "its minutes",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(maintenance.MAX_MINUTES)],
        help_text="How long each lasts, at most a week.",
    )
    is_public = models.BooleanField(
        "on the status page",
        default=False,
        db_default=False,
        help_text="Its name and whether it works are shown to everybody with the page's address.",
    )
    state = models.CharField(max_length=7, choices=State, default=State.UNKNOWN, editable=False)
    state_since = models.DateTimeField("since", null=True, editable=False)
    contrary_count = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text="Latest checks in a row that contradict the state."
    )
    contrary_since = models.DateTimeField(null=True, editable=False)
    is_slow = models.BooleanField(default=False, editable=False)
    is_flapping = models.BooleanField(default=False, editable=False)
    recent_ms = models.JSONField(
        default=list, editable=False, help_text="The last response times; null for a failure."
    )
    status = models.CharField(
        max_length=13, choices=HealthStatus, default=HealthStatus.NOT_LOOKED_AT, editable=False
    )
    last_ms = models.FloatField(null=True, editable=False)
    error = models.CharField(max_length=300, blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    last_stored_at = models.DateTimeField(
        null=True, editable=False, help_text="When a check was last stored as a row."
    )
    certificate_starts_at = models.DateTimeField(null=True, editable=False)
    certificate_ends_at = models.DateTimeField(
        null=True, editable=False, help_text="Of the certificate that it showed last."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    history = TrackedHistory(excluded_fields=CHECK_COLUMNS)

    class Meta:
        ordering = ["name"]
        permissions = [("allow_networks", "May let a component reach private networks")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raise ValidationError for a target that may not be called."""
        problems: dict[str, str] = {}
        try:
            allowed = addresses.parse_networks(self.networks)
        except AddressRefused as error:
            raise ValidationError({"networks": str(error)}) from error
        if self.kind != self.Kind.BUILTIN:
            try:
                targets.parse_target(self.kind, self.target, allowed)
            except AddressRefused as error:
                problems["target"] = str(error)
        if self.text and self.method == "HEAD":
            problems["text"] = "The answer to HEAD has no text: choose GET, or leave this empty."
        if self.status_to < self.status_from:
            problems["status_to"] = f"must be {self.status_from} or more"
        problems |= self._rule_problems()
        if problems:
            raise ValidationError(problems)

    def _rule_problems(self) -> dict[str, str]:
        problems = {}
        if ring := self.parent_ring():
            problems["parent"] = f"The parents form a ring: {' -> '.join(ring)}."
        degraded, unhealthy = self.certificate_degraded_days, self.certificate_unhealthy_days
        if degraded is not None and unhealthy is not None and degraded < unhealthy:
            problems["certificate_degraded_days"] = f"must be {unhealthy:g} or more"
        return problems | maintenance.problems(
            self.maintenance_times,
            self.maintenance_zone,
            self.maintenance_minutes,
            timezone.now(),
        )

    @property
    def alert_key(self) -> str:
        """By its id: its name may change while it is down."""
        return f"component:{self.pk}"

    def parent_ring(self) -> list[str]:
        """The names from this component through its parents back to it; empty if there is none."""
        names, seen, above = [self.name], {self.pk}, self.parent
        while above is not None and above.pk not in seen:
            names.append(above.name)
            seen.add(above.pk)
            above = above.parent
        is_ring = above is not None and self.pk is not None and above.pk == self.pk
        return [*names, self.name] if is_ring else []

    @property
    def confirmed(self) -> state_machine.ComponentState:
        return state_machine.ComponentState(self.state, self.contrary_count, self.contrary_since)

    @property
    def probe_target(self) -> ProbeTarget:
        """The target for the probe. Raises Refused if the stored networks are not allowed."""
        return ProbeTarget(
            kind=self.kind,
            target=self.target,
            allowed=addresses.parse_networks(self.networks),
            expected=ExpectedResponse(self.method, self.status_from, self.status_to, self.text),
            degraded_below_days=self.certificate_degraded_days,
            unhealthy_below_days=self.certificate_unhealthy_days,
        )

    def explains_children(self, now: datetime) -> bool:
        """Whether its own failure explains those of its children."""
        is_off = self.is_maintained(now) and self.status == state_machine.UNKNOWN
        return is_off or state_machine.explains_children(self.confirmed, self.state_since, now)

    def is_due(self, now: datetime, tolerance: timedelta) -> bool:
        """Whether its own interval has passed, or will within `tolerance`."""
        if self.check_every_seconds is None:
            return False
        every = timedelta(seconds=self.check_every_seconds)
        last = self.checked_at
        return last is None or not timedelta(0) <= now - last < every - tolerance

    def maintained_until(self, now: datetime) -> datetime | None:
        """When the maintenance ends in which it is; None if it is in none."""
        ends = [self.maintenance_until]
        if self.maintenance_times and self.maintenance_minutes is not None:
            zone, minutes = self.maintenance_zone, self.maintenance_minutes
            ends.append(maintenance.ends_at(self.maintenance_times, zone, minutes, now))
        return max((each for each in ends if each is not None and now < each), default=None)

    def is_maintained(self, now: datetime) -> bool:
        return self.maintained_until(now) is not None

    def next_maintenance(self, now: datetime) -> datetime | None:
        """When the next window begins that repeats."""
        times = self.maintenance_times
        return maintenance.next_at(times, self.maintenance_zone, now) if times else None


class Check(models.Model):
    """One check of one component; stored for a week."""

    class Status(models.TextChoices):
        HEALTHY = state_machine.HEALTHY
        DEGRADED = state_machine.DEGRADED
        UNHEALTHY = state_machine.UNHEALTHY
        UNKNOWN = state_machine.UNKNOWN
        MAINTENANCE = "maintenance"

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="checks")
    checked_at = models.DateTimeField()
    status = models.CharField(max_length=11, choices=Status)
    response_ms = models.FloatField(null=True, help_text="Only on success.")
    error_kind = models.CharField(
        max_length=10, blank=True, help_text="dns, refused, tls, timeout, …"
    )
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-checked_at", "-pk"]
        indexes = [
            models.Index(fields=["component", "checked_at"], name="operations_check_component"),
            models.Index(fields=["checked_at"], name="operations_check_checked_at"),
        ]

    def __str__(self) -> str:
        return f"{self.component} at {moment_text(self.checked_at, seconds=True)}: {self.status}"


class HealthRollup(models.Model):
    """The totals of the checks of an hour or a day; the histogram holds response times."""

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
    min_ms = models.FloatField(null=True)
    max_ms = models.FloatField(null=True)
    histogram = models.JSONField(default=dict)

    class Meta:
        ordering = ["-start"]
        constraints = [
            models.UniqueConstraint(
                fields=["component", "span", "start"], name="operations_healthrollup_once"
            ),
        ]
        indexes = [models.Index(fields=["span", "start"], name="operations_healthrollup_start")]

    def __str__(self) -> str:
        return f"{self.component}, {self.span} of {moment_text(self.start)}"


class Incident(models.Model):
    """One outage of one component, from its first failure to its first success."""

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="incidents")
    started_at = models.DateTimeField(help_text="The first failure.")
    confirmed_at = models.DateTimeField(help_text="The third in a row.")
    ended_at = models.DateTimeField(null=True, help_text="The first of two successes.")
    error_kind = models.CharField(max_length=10, blank=True)
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
        return f"{self.component} down from {moment_text(self.started_at)}"


class CheckLock(models.Model):
    """A lock with a lease, acquired by compare-and-set: one round and one watchdog at a time."""

    name = models.CharField(max_length=50, unique=True)
    acquired_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True, help_text="Empty while it is free.")
    released_at = models.DateTimeField(null=True)
    run_seconds = models.FloatField(null=True, help_text="How long the last run took.")

    def __str__(self) -> str:
        return self.name


class Heartbeat(models.Model):
    """When a process last showed that it works."""

    name = models.CharField(max_length=100, unique=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

"""Tests with their variants and epochs; visitors, events and counts; looks and decisions."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

ID_CHARACTERS, VISITOR_CHARACTERS = 100, 200
MAX_WINDOW_HOURS = 2_160


class AbTest(models.Model):
    """An A/B test. What decides is fixed at the start; `closed_until` moves with the looks."""

    class Goal(models.TextChoices):
        CONVERSION = "conversion"
        REVENUE = "revenue"
        ENGAGEMENT = "engagement"

    class Status(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        CONCLUDED = "concluded"

    test_id = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    test_type = models.CharField(max_length=10, choices=Goal, default=Goal.CONVERSION)
    status = models.CharField(max_length=9, choices=Status, default=Status.RUNNING)
    confidence = models.FloatField(
        default=0.95, validators=[MinValueValidator(0.5), MaxValueValidator(0.999)]
    )
    minimum_effect = models.FloatField(
        default=0.1,
        validators=[MinValueValidator(0.001), MaxValueValidator(10)],
        help_text="The relative effect that the test is planned for.",
    )
    min_sample_size = models.PositiveIntegerField(default=1_000)
    attribution_window_hours = models.PositiveSmallIntegerField(
        default=168, validators=[MaxValueValidator(MAX_WINDOW_HOURS)]
    )
    started_at = models.DateTimeField()
    created_at = models.DateTimeField(editable=False)
    concluded_at = models.DateTimeField(null=True, editable=False)
    concluded_by = models.CharField(max_length=200, blank=True, editable=False)
    chosen_place = models.PositiveSmallIntegerField(null=True, editable=False)
    closed_until = models.DateTimeField(null=True, editable=False)
    learned_until = models.DateTimeField(null=True, editable=False)
    base_rate = models.FloatField(null=True, editable=False)
    mismatch_peak = models.FloatField(null=True, editable=False)
    invalid_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "A/B test"
        ordering = ["-created_at", "-pk"]
        constraints = [
            CheckConstraint(
                condition=Q(confidence__gte=0.5, confidence__lte=0.999),
                name="marketing_abtest_confidence_is_a_share",
            ),
            CheckConstraint(
                condition=Q(minimum_effect__gte=0.001, minimum_effect__lte=10),
                name="marketing_abtest_effect_above_zero",
            ),
            CheckConstraint(
                condition=Q(status="concluded", concluded_at__isnull=False)
                | (~Q(status="concluded") & Q(concluded_at__isnull=True)),
                name="marketing_abtest_concluded_at_a_time",
            ),
            CheckConstraint(
                condition=Q(learned_until__isnull=True, base_rate__isnull=True)
                | Q(learned_until__isnull=False, base_rate__isnull=False),
                name="marketing_abtest_learned_with_a_rate",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AbTestVariant(models.Model):
    """An arm; the first, place 0, is the control."""

    test = models.ForeignKey(AbTest, on_delete=models.CASCADE, related_name="variants")
    place = models.PositiveSmallIntegerField()
    variant_id = models.CharField(max_length=ID_CHARACTERS)
    payload = models.JSONField(default=dict)

    class Meta:
        verbose_name = "variant"
        ordering = ["test", "place"]
        constraints = [
            UniqueConstraint(fields=["test", "place"], name="marketing_abtestvariant_place"),
            UniqueConstraint(fields=["test", "variant_id"], name="marketing_abtestvariant_id"),
        ]

    def __str__(self) -> str:
        return self.variant_id


class AbTestEpoch(models.Model):
    """Weights in force from a time, and the buckets that each arm owns; both by place."""

    test = models.ForeignKey(AbTest, on_delete=models.CASCADE, related_name="epochs")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    weights = models.JSONField()
    ranges = models.JSONField()

    class Meta:
        verbose_name = "weights"
        verbose_name_plural = "weights"
        ordering = ["test", "number"]
        constraints = [
            UniqueConstraint(fields=["test", "number"], name="marketing_abtestepoch_number")
        ]

    def __str__(self) -> str:
        return f"{self.test}, weights {self.number}"


class AbTestVisitor(models.Model):
    """The arm of a visitor for ever, the epoch in which it was drawn, and its bucket."""

    test = models.ForeignKey(AbTest, on_delete=models.CASCADE, db_index=False, related_name="+")
    visitor = models.CharField(max_length=VISITOR_CHARACTERS)
    place = models.PositiveSmallIntegerField()
    epoch = models.PositiveSmallIntegerField()
    drawn_at = models.DateTimeField()
    bucket = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "visitor"
        constraints = [
            UniqueConstraint(fields=["test", "visitor"], name="marketing_abtestvisitor_one_arm")
        ]

    def __str__(self) -> str:
        return self.visitor


class AbTestEvent(models.Model):
    """An accepted event; its key is a digest of its id. `is_counted` once the counts hold it."""

    key = models.UUIDField(primary_key=True)
    content = models.BigIntegerField()
    test = models.ForeignKey(AbTest, on_delete=models.CASCADE, db_index=False, related_name="+")
    kind = models.CharField(max_length=10)
    place = models.PositiveSmallIntegerField()
    visitor = models.CharField(max_length=VISITOR_CHARACTERS, blank=True)
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    has_id = models.BooleanField()
    is_dated = models.BooleanField()
    value = models.BigIntegerField(help_text="In millionths.")
    count = models.PositiveIntegerField()
    source = models.CharField(max_length=60)
    is_counted = models.BooleanField(default=False, db_default=False)

    class Meta:
        verbose_name = "event"
        indexes = [
            Index(fields=["test", "visitor"], name="marketing_abtest_visitor"),
            Index(
                fields=["test", "received_at"],
                condition=Q(is_counted=False),
                name="marketing_abtest_uncounted",
            ),
        ]
        constraints = [
            CheckConstraint(condition=Q(value__gte=0), name="marketing_abtestevent_value_from_0"),
            CheckConstraint(condition=Q(count__gte=1), name="marketing_abtestevent_count_from_1"),
        ]

    def __str__(self) -> str:
        return str(self.key)


class AbTestCount(models.Model):
    """Visitors exposed in one bucket: by epoch, arm and stretch (1: drawn after learning)."""

    test = models.ForeignKey(AbTest, on_delete=models.CASCADE, db_index=False, related_name="+")
    epoch = models.PositiveSmallIntegerField()
    place = models.PositiveSmallIntegerField()
    bucket = models.DateTimeField()
    visitors = models.IntegerField(default=0)
    impressions = models.IntegerField(default=0)
    converters = models.IntegerField(default=0)
    with_value = models.IntegerField(default=0)
    value = models.BigIntegerField(default=0, help_text="In millionths.")
    squares = models.FloatField(default=0.0)
    last_received_at = models.DateTimeField()

    class Meta:
        verbose_name = "count"
        constraints = [
            UniqueConstraint(
                fields=["test", "epoch", "place", "bucket"], name="marketing_abtestcount_bucket"
            ),
            CheckConstraint(
                condition=Q(converters__lte=F("visitors")),
                name="marketing_abtestcount_converters_are_visitors",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.test} {self.place} {self.bucket}"


class AbTestTotal(models.Model):
    """What stands beside the counts of an arm and decides nothing."""

    test = models.ForeignKey(AbTest, on_delete=models.CASCADE, db_index=False, related_name="+")
    place = models.PositiveSmallIntegerField()
    unlinked_impressions = models.BigIntegerField(default=0)
    unlinked_conversions = models.BigIntegerField(default=0)
    unexposed_conversions = models.IntegerField(default=0)
    late = models.IntegerField(default=0)
    late_after_close = models.IntegerField(default=0)
    late_exposures = models.IntegerField(default=0)
    ignored = models.IntegerField(default=0)
    contaminated = models.IntegerField(default=0)

    class Meta:
        verbose_name = "total"
        constraints = [UniqueConstraint(fields=["test", "place"], name="marketing_abtesttotal_arm")]

    def __str__(self) -> str:
        return f"{self.test} {self.place}"


class AbTestLook(models.Model):
    """One look at closed counts, and what stood after it; never changed."""

    test = models.ForeignKey(AbTest, on_delete=models.CASCADE, related_name="looks")
    number = models.PositiveIntegerField()
    closed_until = models.DateTimeField()
    taken_at = models.DateTimeField()
    strata = models.JSONField()
    gates = models.JSONField()
    result = models.JSONField()

    class Meta:
        verbose_name = "look"
        ordering = ["test", "number"]
        constraints = [
            UniqueConstraint(fields=["test", "number"], name="marketing_abtestlook_number"),
            UniqueConstraint(fields=["test", "closed_until"], name="marketing_abtestlook_closing"),
        ]

    def __str__(self) -> str:
        return f"{self.test}, look {self.number}"


class AbTestDecision(models.Model):
    """The first look with a winner: final."""

    test = models.OneToOneField(AbTest, on_delete=models.CASCADE, related_name="decision")
    look = models.OneToOneField(AbTestLook, on_delete=models.PROTECT, related_name="+")
    winner_place = models.PositiveSmallIntegerField()
    decided_at = models.DateTimeField()
    content = models.JSONField()

    class Meta:
        verbose_name = "decision"

    def __str__(self) -> str:
        return f"{self.test}: {self.winner_place}"

"""The tables of imports, and of those that repeat."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from aethercrown.db.masked import MaskedAddressField
from aethercrown.history.tracking import TrackedHistory


class RepeatingImport(models.Model):
    """A place that is looked at on a schedule for a new file of one kind, read by one choice."""

    class Place(models.TextChoices):
        FOLDER = "folder", "folder below IMPORT_ROOT"
        HTTPS = "https", "https address"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=100, help_text="What is imported.")
    place = models.CharField(max_length=6, choices=Place, default=Place.FOLDER)
    folder = models.CharField(
        max_length=300, blank=True, help_text="Below IMPORT_ROOT, such as google-ads."
    )
    pattern = models.CharField(
        max_length=100, default="*", help_text="Of the names of files, such as *.csv."
    )
    address = MaskedAddressField(
        hide_path=True, max_length=2048, blank=True, help_text="Fetched with GET; public only."
    )
    choices = models.JSONField(
        default=dict, blank=True, help_text="How its files are read; as an import's page has it."
    )
    most_new_names = models.PositiveIntegerField(
        "new names at most",
        default=0,
        help_text="A file with more new channels or customers waits for a person.",
    )
    most_change_percent = models.FloatField(
        "change of a total at most",
        default=30.0,
        validators=[MinValueValidator(0), MaxValueValidator(10_000)],
        help_text="In percent of the last file that was stored; beyond, a person decides.",
    )
    is_enabled = models.BooleanField("on", default=True)
    checked_at = models.DateTimeField(null=True, editable=False)
    outcome = models.CharField(max_length=300, blank=True, editable=False)
    history = TrackedHistory(excluded_fields=["checked_at", "outcome"])

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(most_change_percent__gte=0),
                name="operations_repeatingimport_change_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DataImport(models.Model):
    """One file, from its upload to the undoing of what it stored."""

    class State(models.TextChoices):
        DRAFT = "draft"
        STORING = "storing"
        CURRENT = "current", "stored"
        UNDONE = "undone"
        FAILED = "failed"

    kind = models.CharField(max_length=100, help_text="What is imported.")
    file_name = models.CharField(max_length=255)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file.")
    content = models.BinaryField(
        null=True, help_text="The file, packed, until what it holds is stored."
    )
    choices = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=7, choices=State, default=State.DRAFT)
    rows = models.PositiveBigIntegerField(default=0, help_text="Rows of the file.")
    records = models.PositiveBigIntegerField(default=0, help_text="Records stored.")
    summary = models.JSONField(default=dict, blank=True)
    created_names = models.JSONField(
        default=list, blank=True, help_text="Other things that it created, such as channels."
    )
    error = models.TextField(blank=True)
    repeating = models.ForeignKey(
        RepeatingImport, null=True, on_delete=models.SET_NULL, related_name="imports"
    )
    job_id = models.PositiveBigIntegerField(null=True)
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)
    current_at = models.DateTimeField(null=True, help_text="When its rows became current.")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = "import"

    def __str__(self) -> str:
        return f"Import {self.pk}: {self.file_name}"


class ReplacedRow(models.Model):
    """What an import made of a row of another table, so that undoing it can put it back."""

    data_import = models.ForeignKey(
        DataImport, on_delete=models.CASCADE, related_name="replaced_rows"
    )
    table = models.CharField(max_length=100, help_text="Such as marketing.totalrevenue.")
    row = models.PositiveBigIntegerField(help_text="The row's number in that table.")
    before = models.JSONField(null=True, help_text="Empty: the import created it.")
    after = models.JSONField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.table} {self.row} of import {self.data_import_id}"

"""The table of imports."""

from django.db import models
from django.utils import timezone


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

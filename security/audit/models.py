"""Events, streams and anchors. Triggers refuse to change or delete events and anchors."""

from django.db import models

from security.audit.chain import ChainEntry


class AuditStream(models.Model):
    """The end of one stream; the row is locked while an event is added."""

    stream = models.CharField(max_length=150, primary_key=True)
    seq = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)
    anchored = models.PositiveBigIntegerField(
        default=0, help_text="The last event that an anchor covers."
    )

    class Meta:
        ordering = ["stream"]

    def __str__(self) -> str:
        return f"{self.stream} {self.seq}"


class Event(models.Model):
    """One event. Rows are added, and never changed or deleted."""

    stream = models.CharField(max_length=150, help_text="Such as access, admin or key:17.")
    seq = models.PositiveBigIntegerField(help_text="Counts from 1 within the stream.")
    at = models.DateTimeField()
    event = models.CharField(max_length=100, help_text="Such as key.rotated.")
    subject = models.CharField(max_length=200, help_text="What it happened to.")
    actor = models.CharField(max_length=200, blank=True, help_text="Who did it.")
    detail = models.TextField(default="{}", help_text="Canonical JSON: strings and whole numbers.")
    previous = models.CharField(max_length=64, help_text="The hash before it in the stream.")
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["stream", "seq"], name="security_event_seq_unique")
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="security_event_newest"),
            models.Index(fields=["subject", "-at"], name="security_event_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.seq}: {self.event}"

    @property
    def entry(self) -> ChainEntry:
        return ChainEntry(
            self.stream, self.seq, self.at, self.event, self.subject, self.actor, self.detail
        )


class Anchor(models.Model):
    """All streams' ends at one time, under one root; a copy is in a file."""

    number = models.PositiveBigIntegerField(primary_key=True, help_text="Counts from 1.")
    at = models.DateTimeField()
    kind = models.CharField(max_length=8, default="hourly", help_text="hourly or restored")
    streams = models.PositiveBigIntegerField()
    root = models.CharField(max_length=64, help_text="Merkle root over the ends of all streams.")
    ends = models.TextField(help_text="The ends that moved since the anchor before, as JSON.")
    previous = models.CharField(max_length=64, help_text="The MAC of the anchor before.")
    mac = models.CharField("MAC", max_length=64, help_text="HMAC-SHA-256 with the audit key.")

    class Meta:
        ordering = ["-number"]
        verbose_name = "signed audit digest"

    def __str__(self) -> str:
        return f"Signed audit digest {self.number}"

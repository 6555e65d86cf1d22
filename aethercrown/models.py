"""The kernel's tables: idempotency, limits, demo rows, automation pauses, cache, restores."""

from django.db import models

from aethercrown.formatting import date_text


class IdempotencyRecord(models.Model):
    """The first response to a POST with an Idempotency-Key, or the claim on that key.

    Without a `status` the call is in progress until `lease_until`; `token` identifies it.
    """

    principal = models.CharField(max_length=80, help_text="The caller: a key's or a person's id.")
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64, help_text="SHA-256 of method, path, query and body.")
    token = models.CharField(max_length=32)
    lease_until = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True)
    effect = models.JSONField(
        null=True,
        help_text="What the call committed before its answer was stored; a repeat answers from it.",
    )
    sealed = models.TextField(
        blank=True, help_text="The response with its secrets, encrypted; deleted after 15 minutes."
    )
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["principal", "key"], name="aethercrown_idempotencyrecord_unique_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.principal} {self.key}"


class RateLimitBucket(models.Model):
    """A token bucket while there is no broker; api/throttling.py writes it."""

    name = models.CharField(max_length=100, primary_key=True)
    tokens = models.FloatField()
    wait = models.FloatField(help_text="Seconds until a token is available; 0: one was taken.")
    counted_at = models.FloatField(help_text="Seconds since 1970 by the database's clock.")

    def __str__(self) -> str:
        return self.name


class SemaphoreSlot(models.Model):
    """A slot of a counting semaphore under a lease; db/semaphore.py writes it."""

    name = models.CharField(max_length=120)
    slot = models.PositiveSmallIntegerField()
    token = models.CharField(max_length=32, help_text="Identifies the holder.")
    lease_until = models.FloatField(help_text="Seconds since 1970 by the database's clock.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name", "slot"], name="aethercrown_semaphoreslot_has_one_holder"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.slot}"


class DemoRow(models.Model):
    """A row of any table that belongs to the demo company, so that it can be removed."""

    table = models.CharField(max_length=100, help_text="Its model: marketing.channel.")
    key = models.BigIntegerField()
    deleted = models.TextField(
        default="",
        db_default="",
        help_text="Its columns as JSON, where it was deleted and others of the company were kept.",
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["table", "key"], name="aethercrown_demorow_noted_once"),
        ]

    def __str__(self) -> str:
        return f"{self.table} {self.key}"


class AutomationPause(models.Model):
    """A pause of all automation until a person ends it; see backup/automation_pause.py."""

    because = models.CharField(max_length=300)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-began_at"]

    def __str__(self) -> str:
        return self.because


class CacheEntry(models.Model):
    """An entry of Django's default cache; db/cache.py writes it."""

    name = models.CharField(max_length=255, primary_key=True)
    value = models.TextField(help_text="JSON.")
    expires_at = models.FloatField(db_index=True, help_text="Seconds since 1970.")

    def __str__(self) -> str:
        return self.name


class RestoreTest(models.Model):
    """A back-up that was restored into a temporary database and compared completely."""

    backup = models.CharField(max_length=255, help_text="The file's name.")
    made_at = models.DateTimeField(help_text="When the back-up was made.")
    at = models.DateTimeField(help_text="When it was tested.")
    seconds = models.FloatField(help_text="How long the restore took.")
    rows = models.PositiveBigIntegerField(help_text="In all tables, each equal to its digest.")

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.backup} on {date_text(self.at)}"

"""Rows that hold an encrypted secret, the platform's own secrets, and the known KEKs."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from security.encryption.ciphertext import Ciphertext, EncryptionContext


class SealedRow(models.Model):
    """A row that may hold one ciphertext, bound to the columns `context_columns`."""

    context_columns: ClassVar[tuple[str, str, str]]

    kek_id = models.CharField(
        max_length=40, blank=True, editable=False, help_text="The key-encryption key that opens it."
    )
    wrapped = models.BinaryField(null=True, editable=False, help_text="The wrapped data key.")
    sealed = models.BinaryField(null=True, editable=False, help_text="The encrypted secret.")

    class Meta:
        abstract = True

    @property
    def ciphertext(self) -> Ciphertext | None:
        if self.sealed is None or self.wrapped is None:
            return None
        return Ciphertext(self.kek_id, bytes(self.wrapped), bytes(self.sealed))

    @ciphertext.setter
    def ciphertext(self, ciphertext: Ciphertext | None) -> None:
        self.kek_id = ciphertext.kek_id if ciphertext else ""
        self.wrapped = ciphertext.wrapped if ciphertext else None
        self.sealed = ciphertext.sealed if ciphertext else None


NO_CIPHERTEXT: dict[str, Any] = {"kek_id": "", "wrapped": None, "sealed": None}
COMPLETE_OR_EMPTY = Q(kek_id="", wrapped=None, sealed=None) | (
    ~Q(kek_id="") & Q(wrapped__isnull=False, sealed__isnull=False)
)


class SystemSecret(SealedRow):
    """A secret that the platform generated for itself. Values of one name are numbered."""

    context_columns = ("uuid", "number", "name")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    name = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "number"], name="security_systemsecret_number_unique"
            ),
            models.CheckConstraint(
                condition=COMPLETE_OR_EMPTY & ~Q(kek_id=""), name="security_systemsecret_encrypted"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"

    @property
    def encryption_context(self) -> EncryptionContext:
        return EncryptionContext(self.uuid, self.number, self.name)


class Kek(models.Model):
    """A key-encryption key that was used; never the key itself."""

    kid = models.CharField(max_length=40, primary_key=True)
    canary = models.BinaryField(help_text="A known text encrypted with it, to detect a wrong key.")
    wraps = models.BigIntegerField(default=0, help_text="Data keys wrapped with it; at most 2^32.")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["kid"]
        verbose_name = "key-encryption key"
        constraints = [
            models.CheckConstraint(
                condition=Q(wraps__gte=0, wraps__lte=2**32), name="security_kek_wraps_within_limit"
            )
        ]

    def __str__(self) -> str:
        return self.kid

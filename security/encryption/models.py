"""The platform's own secrets, what every sealed row holds, and what is known of each KEK."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from security.encryption.ciphertext import Ciphertext, EncryptionContext


class SealedRow(models.Model):
    """A row that may hold one box; `place_path` names the columns that its place is made of."""

    place_path: ClassVar[tuple[str, str, str]]

    kek_id = models.CharField(
        max_length=40, blank=True, editable=False, help_text="Which key-encryption key opens it."
    )
    wrapped = models.BinaryField(null=True, editable=False)
    sealed = models.BinaryField(null=True, editable=False)

    class Meta:
        abstract = True

    @property
    def box(self) -> Ciphertext | None:
        """The box, where the row holds one."""
        if self.sealed is None or self.wrapped is None:
            return None
        return Ciphertext(self.kek_id, bytes(self.wrapped), bytes(self.sealed))

    @box.setter
    def box(self, box: Ciphertext | None) -> None:
        self.kek_id = box.kek_id if box else ""
        self.wrapped = box.wrapped if box else None
        self.sealed = box.sealed if box else None


NO_CIPHERTEXT: dict[str, Any] = {"kek_id": "", "wrapped": None, "sealed": None}
COMPLETE_OR_EMPTY = Q(kek_id="", wrapped=None, sealed=None) | (
    ~Q(kek_id="") & Q(wrapped__isnull=False, sealed__isnull=False)
)


class SystemSecret(SealedRow):
    """A secret that the platform made for itself: the newest of a name is in use."""

    place_path = ("uuid", "number", "name")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    name = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "number"], name="security_systemsecret_one_a_number"
            ),
            models.CheckConstraint(
                condition=COMPLETE_OR_EMPTY & ~Q(kek_id=""), name="security_systemsecret_is_sealed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"

    @property
    def place(self) -> EncryptionContext:
        return EncryptionContext(self.uuid, self.number, self.name)


class Kek(models.Model):
    """What is known of a key-encryption key: never the key itself."""

    kid = models.CharField(max_length=40, primary_key=True)
    canary = models.BinaryField(help_text="A known text under it, which only the same key opens.")
    wraps = models.BigIntegerField(default=0, help_text="At most 2^32 are made with one key.")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["kid"]
        verbose_name = "key-encryption key"
        constraints = [
            models.CheckConstraint(
                condition=Q(wraps__gte=0, wraps__lte=2**32), name="security_kek_wraps_within_limit"
            ),
        ]

    def __str__(self) -> str:
        return self.kid

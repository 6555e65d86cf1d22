"""Hashing and validation of passwords."""

from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError

# Likely guesses; docs/security.md lists them.
PRODUCT_NAMES = ("aethercrown", "aether crown", "aether-crown")


class Argon2id(Argon2PasswordHasher):
    """Argon2id (Biryukov, Dinu, Khovratovich, 2015) with the least that OWASP recommends.

    19 MiB and two passes, so that several sign-ins at once fit into a small server's memory.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1


class ProductNameValidator:
    """Refuses passwords that contain the product's name."""

    def validate(self, password: str, user: Any = None) -> None:
        if any(word in password.lower() for word in PRODUCT_NAMES):
            raise ValidationError(self.get_help_text(), code="product_name")

    def get_help_text(self) -> str:
        return "The product's name must not be part of it."

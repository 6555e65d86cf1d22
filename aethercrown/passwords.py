"""Hashing and validation of passwords."""

import re
from typing import Any

import zxcvbn
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError

MIN_STRENGTH = 3  # of zxcvbn's 0 to 4
MAX_JUDGED_CHARACTERS = 72  # its time grows with the square
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


class StrengthValidator:
    """Refuses what zxcvbn (Wheeler, 2016) finds guessable with fewer than 10^8 guesses.

    It is told the person's names and address, and the names of the company's hosts.
    """

    def validate(self, password: str, user: Any = None) -> None:
        found = zxcvbn.zxcvbn(password[:MAX_JUDGED_CHARACTERS], user_inputs=words_about(user))
        if found["score"] < MIN_STRENGTH:
            hints = found["feedback"]["warning"] or self.get_help_text()
            raise ValidationError(f"This is easily guessed. {hints}", code="too_weak")

    def get_help_text(self) -> str:
        return "Use several words that have nothing to do with you or the company."


def words_about(user: Any) -> list[str]:
    """What somebody who knows the person and the company would try first."""
    named = [getattr(user, name, "") for name in ("username", "first_name", "last_name", "email")]
    given = [*named, *settings.ALLOWED_HOSTS, settings.PUBLIC_URL, settings.ALERT_EMAIL_FROM]
    parts = {part.lower() for text in given if text for part in re.split(r"[^\w]+", text)}
    return sorted(
        part for part in parts | {each.lower() for each in named if each} if len(part) > 2
    )

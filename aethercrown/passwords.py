"""How people's passwords are stored."""

from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError

# Words that whoever guesses tries first here; docs/security.md lists them.
WORDS = ("aethercrown", "aether crown", "aether-crown")


class Argon2id(Argon2PasswordHasher):
    """Argon2id (Biryukov, Dinu, Khovratovich, 2015) at the floor of OWASP's storage guide.

    19 MiB and two passes: a few sign-ins at once fit beside the rest of a small server.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1


class NotOurName:
    """Refuses a password with the product's name in it; settings name it among the validators."""

    def validate(self, password: str, user: Any = None) -> None:
        if any(word in password.lower() for word in WORDS):
            raise ValidationError(self.get_help_text(), code="product_name")

    def get_help_text(self) -> str:
        return "The product's name must not be part of it."

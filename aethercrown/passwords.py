"""How people's passwords are stored."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2id(Argon2PasswordHasher):
    """Argon2id (Biryukov, Dinu, Khovratovich, 2015) at the floor of OWASP's storage guide.

    19 MiB and two passes: a few sign-ins at once fit beside the rest of a small server.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

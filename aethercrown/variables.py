"""The environment, read strictly: a value that cannot be meant is refused, with its name."""

import decimal
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

YES = frozenset(environ.Env.BOOLEAN_TRUE_STRINGS)
NO = frozenset({"false", "off", "n", "no", "0", ""})
DATABASES = ("postgresql", "postgres")
BROKERS = ("redis", "rediss", "unix")
MAILS = tuple(environ.Env.EMAIL_SCHEMES)
EXPECTED = {int: "a whole number", float: "a number", bool: "True or False"}


class Variables(environ.Env):  # type: ignore[misc]  # its base has no types
    """`environ.Env` whose errors say which variable is wrong, and what it should be."""

    def get_value(self, var: str, cast: Any = None, *args: Any, **kwargs: Any) -> Any:
        try:
            value = super().get_value(var, cast, *args, **kwargs)
        except (ValueError, decimal.InvalidOperation):
            raise unreadable(var, self.ENVIRON[var], EXPECTED.get(cast, "another value")) from None
        if cast is bool and var in self.ENVIRON:
            told = str(self.ENVIRON[var])
            if told.strip().lower() not in YES | NO:
                raise unreadable(var, told, EXPECTED[bool])
        return value

    def address(self, var: str, schemes: tuple[str, ...]) -> str:
        """A URL of one of those schemes, or nothing; the password in it is not repeated."""
        url = str(self.str(var, default=""))
        if url and urlsplit(url).scheme not in schemes:
            ways = " or ".join(f"{scheme}://" for scheme in schemes)
            raise ImproperlyConfigured(f"{var} must be an address that begins with {ways}.")
        return url


def unreadable(var: str, told: str, expected: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{var} is {told!r}, and must be {expected}.")

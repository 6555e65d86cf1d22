"""Read environment variables strictly: an invalid value is an error that names the variable."""

import decimal
import re
import shlex
from collections.abc import Collection
from math import isinf
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured

from aethercrown import data_dir
from aethercrown.crypto import keyring

TRUE_WORDS = frozenset(environ.Env.BOOLEAN_TRUE_STRINGS)
FALSE_WORDS = frozenset({"false", "off", "n", "no", "0", ""})
DATABASES = ("postgresql", "postgres")
BROKERS = ("redis", "rediss", "unix")
MAILS = tuple(environ.Env.EMAIL_SCHEMES)
WEB = ("http", "https")
PRINTABLE_ASCII = re.compile(r"[!-~]+")
COMMAND_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}", re.ASCII)
Number = TypeVar("Number", int, float, decimal.Decimal)
EXPECTED: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    decimal.Decimal: "an amount",
    bool: "True or False",
}


class Variables(environ.Env):  # type: ignore[misc]  # its base has no types
    """`environ.Env` whose errors name the variable and what is expected."""

    def get_value(self, var: str, cast: Any = None, *args: Any, **kwargs: Any) -> Any:
        try:
            value = super().get_value(var, cast, *args, **kwargs)
        except (ValueError, decimal.InvalidOperation):
            raise invalid(var, self.ENVIRON[var], EXPECTED[cast]) from None
        if cast is bool and var in self.ENVIRON:
            text = str(self.ENVIRON[var])
            if text.strip().lower() not in TRUE_WORDS | FALSE_WORDS:
                raise invalid(var, text, EXPECTED[bool])
        return value

    def number(
        self,
        var: str,
        default: Number,
        *,
        least: float | decimal.Decimal = 1,
        most: float = float("inf"),
    ) -> Number:
        """A number from `least` to `most`, of the kind of `default`."""
        value: Number = self.get_value(var, cast=type(default), default=default)
        if value != value or not least <= value <= most:  # noqa: PLR0124 - NaN, as a Decimal
            limits = f"of {least:g} or more" if isinf(most) else f"from {least:g} to {most:.15g}"
            raise invalid(var, self.ENVIRON[var], f"{EXPECTED[type(default)]} {limits}")
        return value

    def address(self, var: str, schemes: tuple[str, ...]) -> str:
        """A URL of one of `schemes`, or an empty text; an error does not show its password."""
        url = str(self.str(var, default=""))
        if url and urlsplit(url).scheme not in schemes:
            ways = " or ".join(f"{scheme}://" for scheme in schemes)
            raise ImproperlyConfigured(f"{var} must be an address that begins with {ways}.")
        return url

    def zone(self, var: str, default: str) -> str:
        """The name of a time zone, such as Europe/Berlin."""
        name = str(self.str(var, default=default))
        try:
            ZoneInfo(name)
        except (ValueError, ZoneInfoNotFoundError):
            raise invalid(var, name, "a time zone such as Europe/Berlin") from None
        return name

    def origin(self, var: str) -> str:
        """A web origin such as https://crown.example.org, or an empty text."""
        url = str(self.str(var, default=""))
        return origin(url, var) if url else ""


def origin(url: str, var: str) -> str:
    """Scheme, host and port of `url`. Raises ImproperlyConfigured where it has other parts."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"{var} is not a web address.") from None
    bare = f"{parts.scheme}://{parts.netloc}"
    is_web = parts.scheme in WEB and parts.hostname and port != 0 and "@" not in parts.netloc
    is_whole = url.rstrip("/").lower() == bare.lower() and PRINTABLE_ASCII.fullmatch(url)
    if not (is_web and is_whole):
        raise ImproperlyConfigured(
            f"{var} must be http:// or https:// with a host and perhaps a port, and nothing else, "
            "such as https://crown.example.org."
        )
    return bare


def folder(path: str, var: str) -> Path | None:
    """An absolute folder; None where the variable is empty."""
    if not path:
        return None
    if not Path(path).is_absolute():
        raise invalid(var, path, "the absolute path of a folder")
    return Path(path)


def commands(text: str, var: str) -> dict[str, tuple[str, ...]]:
    """Commands by name, from `name=/absolute/program argument; other=...`."""
    found = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        name, _, line = part.partition("=")
        try:
            words = tuple(shlex.split(line))
        except ValueError:  # a quote that is not closed
            words = ()
        if not (COMMAND_NAME.fullmatch(name) and words and words[0].startswith("/")):
            raise invalid(var, part, "name=/absolute/program and its arguments")
        found[name] = words
    return found


def invalid(var: str, value: str, expected: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{var} is {value!r}, and must be {expected}.")


def encryption_keys(*, given: str, file: str, folder: Path | None, others: Collection[str]) -> str:
    """The key-encryption keys as text: `given`, from `file`, or generated once in `folder`.

    Raises ImproperlyConfigured where they are invalid, or where none are given and no folder: each
    of several machines on one database would generate a key that the others lack.
    """
    if given and file:
        raise ImproperlyConfigured(
            "Both ENCRYPTION_KEYS and ENCRYPTION_KEYS_FILE are set: keep one of them."
        )
    try:
        text = given or (read_file(file) if file else generated(folder))
        keyring.parse(text, others)
    except keyring.InvalidKeyring as error:
        raise ImproperlyConfigured(str(error)) from None
    return text


def read_file(file: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise keyring.InvalidKeyring(f"ENCRYPTION_KEYS_FILE cannot be read: {error}.") from None


def generated(folder: Path | None) -> str:
    if folder is None:
        raise keyring.InvalidKeyring(
            "ENCRYPTION_KEYS is missing, and DATABASE_URL names a server: set it to `k1:` and the "
            "output of `openssl rand -base64 32`, the same on every machine, and keep a copy "
            "apart from the back-ups."
        )
    return data_dir.secret(folder, "encryption_keys", keyring.new_entry)

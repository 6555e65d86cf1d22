"""Mask secrets in what is logged or shown, by their names and by their form.

A harmless value under a suspicious name is masked too.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

MASK = "***"
LONGEST = 16_000  # characters of one text; the rest is cut, which also bounds the search
DEEPEST = 8

LOOSE = re.IGNORECASE | re.ASCII  # without ASCII, letters such as the long s would match
_NAMES = (
    r"authorization|cookie|passw(?:or)?d|passphrase|pwd|secret|token|api[-_ ]?key|apikey|pepper"
    r"|credential|private[-_ ]?key|access[-_ ]?key|encryption[-_ ]?key|session[-_ ]?id|sessionid"
    r"|csrf|signature|plaintext|dsn|otp\b"
)
_NAME = re.compile(_NAMES, LOOSE)
_VALUE = (
    r"(?:\\*\"\"|\\*''"
    r"|b?\"(?:\\.|[^\"\\])*\"?|b?'(?:\\.|[^'\\])*'?"  # quoted
    r"|\\+\"(?:(?!\\+\").)*|\\+'(?:(?!\\+').)*"  # quoted inside a quoted text
    r"|\[[^\]]*\]?|\([^)]*\)?|\{[^}]*\}?"
    r"|[^\s,;&\"'\\\])}]+)"
)
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----"
            r"(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY-----|.*)",
            re.DOTALL,
        ),
        MASK,
    ),
    (re.compile(r"[A-Za-z0-9]{1,20}_(?:live|test)_[0-9A-Za-z]{16,}"), MASK),
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), MASK),  # a JSON web token
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|\bxox[a-z]-[\w-]{10,}"), MASK),
    (re.compile(r"(\w://[^\s:/@\"']{0,200}:)[^\s\"'<>]{0,1000}@"), rf"\1{MASK}@"),
    (re.compile(r"(/setup/)[\w-]+"), rf"\1{MASK}"),  # the link that makes an administrator
    (
        re.compile(
            r"(/(?:login/password|onboarding|unsubscribe)/)"
            r"[\w.=-]{1,500}(?::|%3A)[\w:%-]{1,200}",
            LOOSE,
        ),
        rf"\1{MASK}",  # a signed link
    ),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", LOOSE), rf"\1 {MASK}"),
    (
        re.compile(
            rf"((?:{_NAMES})[\w.-]{{0,40}}[\"'\\]{{0,4}}\]?\s{{0,4}}(?:=>|[:=]|%3[AaDd]|,(?=\s{{0,4}}[b\\]?['\"\[({{]))"
            rf"\s{{0,4}}){_VALUE}",
            LOOSE | re.DOTALL,
        ),
        rf"\1{MASK}",
    ),
    (
        re.compile(r"((?:authorization|cookie)\s{0,4}[:=]\s{0,4})[^\r\n]+", LOOSE),
        rf"\1{MASK}",  # a header's value has several words
    ),
)
# A text without any of these matches no form above; this is the case for most log lines.
_SIGNS = (
    *("authorization", "cookie", "passw", "passphrase", "pwd", "secret", "token", "key", "pepper"),
    *("credential", "session", "csrf", "signature", "plaintext", "dsn", "otp", "bearer", "basic"),
    *("://", "_live_", "_test_", "eyj", "akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("xox", "/setup/", "/onboarding/", "/unsubscribe/"),
)
_PLAIN = (bool, int, float, Decimal, datetime, date, time, timedelta, type(None))


class Secret:
    """A text that is returned only by `reveal()`; printed, it is ***."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("A secret is not pickled: it would be stored in the clear.")


def secret_name(name: str) -> bool:
    """Whether `name` suggests that its value is a secret."""
    return _NAME.search(name) is not None


def text(words: str, known: tuple[str, ...] = ()) -> str:
    """`words` with the secrets `known` and everything of a secret's form masked."""
    rest = len(words) - LONGEST
    if rest > 0:
        words = words[: LONGEST + 1000]
    for secret in known:
        words = words.replace(secret, MASK)
    lower = words.lower()
    if any(sign in lower for sign in _SIGNS):
        for form, mask in _FORMS:
            words = form.sub(mask, words)
    return f"{words[:LONGEST]}… ({rest} characters more)" if rest > 0 else words


def value(thing: Any, known: tuple[str, ...] = (), depth: int = 0) -> Any:
    """A copy of `thing` in plain values, with secrets masked; in mappings also by name."""
    if isinstance(thing, Secret) or depth > DEEPEST:
        return MASK
    if isinstance(thing, _PLAIN):
        return thing
    if isinstance(thing, Mapping):
        return dict(entry(key, each, known, depth + 1) for key, each in thing.items())
    if isinstance(thing, list | tuple | AbstractSet):
        if isinstance(thing, list | tuple) and len(thing) == 2 and secret_name(shown(thing[0])):
            return [text(shown(thing[0]), known), MASK]  # a pair, such as a header
        return [value(each, known, depth + 1) for each in thing]
    return text(shown(thing), known)


def entry(key: Any, thing: Any, known: tuple[str, ...], depth: int) -> tuple[Any, Any]:
    """A mapping's key and value, the value masked where the key names a secret."""
    name, secret = (key, False) if isinstance(key, _PLAIN) else judged(shown(key), known)
    return name, MASK if secret else value(thing, known, depth)


@lru_cache(maxsize=1024)
def judged(name: str, known: tuple[str, ...]) -> tuple[str, bool]:
    """The key, masked, and whether it names a secret; cached."""
    return text(name, known), secret_name(name)


def shown(thing: Any) -> str:
    """`thing` as text; never raises."""
    if isinstance(thing, bytes | bytearray):
        return bytes(thing).decode("utf-8", "replace")
    try:
        return str(thing)
    except Exception as error:  # noqa: BLE001 - a log line must not fail for what it shows
        return f"<{type(thing).__name__}, unprintable: {type(error).__name__}>"


def mask_address(value: str, *, hide_path: bool) -> str:
    """A URL without its password and query, and without its path where that is a secret too.

    What is no URL, such as an e-mail address or host:port, stays as it is.
    """
    scheme, mark, rest = value.partition("://")
    if not mark:
        return f"{value.partition('?')[0]}?{MASK}" if "?" in value else value
    host = rest.replace("?", "/").replace("#", "/").partition("/")[0]
    named = f"{scheme}://{f'{MASK}@' if '@' in host else ''}{host.rpartition('@')[2]}"
    path, query = rest[len(host) :], "?" in rest or "#" in rest
    if hide_path:
        return f"{named}/{MASK}" if path.strip("/") else named
    return f"{named}{path.partition('?')[0].partition('#')[0]}{f'?{MASK}' if query else ''}"

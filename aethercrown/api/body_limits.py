"""What a request may weigh, and what its JSON may hold."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from io import BytesIO
from typing import IO, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from rest_framework import exceptions
from rest_framework.parsers import BaseParser

from aethercrown.api.errors import API, InvalidRequest, joined, refused

LARGEST_BODY = 2 * 1024 * 1024
MOST_DRAINED = 32 * 1024 * 1024
DRAINED_AT_ONCE = 64 * 1024
DEEPEST = 20
LONGEST_NUMBER = 400  # characters; the longest float, written out, has 325 digits
MEDIA_TYPE = "application/json"


class BodyLimit:
    """Refuse a call of the API before its body is parsed; DRF's parsers know no limit themselves.

    A chunked body has no stated length. Django would read it as empty, so it is read here. Where
    https is demanded, a call without it is refused and not redirected: its key has been seen.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(API):
            return self.refusal(request) or self.get_response(request)
        return self.get_response(request)

    def refusal(self, request: HttpRequest) -> HttpResponseBase | None:
        if settings.SECURE_SSL_REDIRECT and not request.is_secure():
            return refused(
                403, "https_required", "Call over https, and replace a key sent without."
            )
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return refused(400, "null_character", "The address must not hold a null character.")
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            return self.read_chunks(request)
        stated = request.META.get("CONTENT_LENGTH") or "0"
        if not (stated.isascii() and stated.isdigit()):
            return refused(400, "bad_length", "Content-Length must be a whole number.")
        if len(stated) > 15 or int(stated) > LARGEST_BODY:
            drain(request.META["wsgi.input"], int(stated[:15]))
            return too_large()
        return None

    def read_chunks(self, request: HttpRequest) -> HttpResponseBase | None:
        content = request.META["wsgi.input"].read(LARGEST_BODY + 1)
        if len(content) > LARGEST_BODY:
            drain(request.META["wsgi.input"], MOST_DRAINED)
            return too_large()
        request.META["CONTENT_LENGTH"] = str(len(content))
        request._stream = BytesIO(content)  # noqa: SLF001 - no public way in
        return None


def drain(stream: IO[bytes], stated: int) -> None:
    """Take in a body that is too large, and keep nothing of it; one beyond MOST_DRAINED is left.

    A caller that still sends when the connection ends hears of that, and not of the refusal.
    """
    left = stated if stated <= MOST_DRAINED else 0
    while left > 0 and (part := stream.read(min(left, DRAINED_AT_ONCE))):
        left -= len(part)


def too_large() -> HttpResponseBase:
    return refused(413, "too_large", f"The body has more than {LARGEST_BODY:,} bytes, the limit.")


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 has it, in UTF-8, an object at the top, and no more than rows can hold.

    A number with a fraction or an exponent becomes a Decimal, so that money stays exact; a whole
    number an int. Refused, each with its path: NaN, Infinity, numbers that no float can hold, a
    name twice in one object, lone surrogates, null characters. No body at all is an empty object.
    """

    media_type = MEDIA_TYPE

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        self.check_encoding(media_type or "", parser_context or {})
        try:
            text = stream.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            message = f"The body must be UTF-8; byte {error.start} is not."
            raise exceptions.ParseError(message) from error
        return document(text) if text.strip() else {}

    def check_encoding(self, media_type: str, context: Mapping[str, Any]) -> None:
        _, _, charset = media_type.lower().replace(" ", "").partition("charset=")
        request = context.get("request")
        packed = request.headers.get("Content-Encoding", "") if request else ""
        if charset.strip('"') not in {"", "utf-8", "utf8"} or packed not in {"", "identity"}:
            raise exceptions.UnsupportedMediaType(f"{media_type} {packed}".strip())


class EmptyFormParser(BaseParser):
    """A form without a field is an empty body, which some clients send with every POST."""

    media_type = "multipart/form-data"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        lines = stream.read(1_000).split()
        if len(lines) > 1 or any(not line.endswith(b"--") for line in lines):
            raise exceptions.UnsupportedMediaType(media_type or self.media_type)
        return {}


class Bad:
    """Stands in a parsed document where a number stood that cannot be taken."""

    def __init__(self, message: str) -> None:
        self.message = message


class Repeating(dict[str, Any]):
    """An object in which a name stood twice."""

    name = ""


def document(text: str) -> dict[str, Any]:
    """Parse an object; ParseError where it is none, Invalid with the path of each bad value."""
    try:
        content = json.loads(
            text,
            parse_float=fraction,
            parse_int=whole,
            parse_constant=lambda _: Bad("must be a finite number"),
            object_pairs_hook=unique,
        )
    except RecursionError as error:
        raise too_deep() from error
    except ValueError as error:
        raise exceptions.ParseError(f"The body is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise exceptions.ParseError("The body must be a JSON object.")
    if problems := list(faults(content, "", 1)):
        raise InvalidRequest(problems)
    return content


def fraction(text: str) -> Decimal | Bad:
    if len(text) > LONGEST_NUMBER:
        return Bad(f"must have {LONGEST_NUMBER} characters or fewer")
    if math.isinf(rough := float(text)):
        return Bad("must be a finite number")
    return Decimal(text) if rough else Decimal(0)  # 1e-999999999 is 0 and no trap


def whole(text: str) -> int | Bad:
    if len(text) > LONGEST_NUMBER:
        return Bad(f"must have {LONGEST_NUMBER} characters or fewer")
    return int(text)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) == len(pairs):
        return content
    repeating, seen = Repeating(content), set[str]()
    for name, _ in pairs:
        if name in seen:
            repeating.name = name
        seen.add(name)
    return repeating


def too_deep() -> exceptions.ParseError:
    return exceptions.ParseError(f"The body is nested deeper than {DEEPEST} levels, the limit.")


def faults(value: Any, path: str, depth: int) -> Iterator[tuple[str, str, str]]:
    """Everything in a parsed document that may not go further; ParseError where it is too deep."""
    if isinstance(value, str):
        if not value.isascii() or "\0" in value:
            yield from unstorable(value, path)
    elif isinstance(value, dict | list):
        if depth > DEEPEST:
            raise too_deep()
        yield from faults_inside(value, path, depth)
    elif isinstance(value, Bad):
        yield path, "not_finite" if "finite" in value.message else "too_long", value.message


def faults_inside(
    value: dict[str, Any] | list[Any], path: str, depth: int
) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, list):
        for place, each in enumerate(value):
            yield from faults(each, f"{path}[{place}]", depth + 1)
        return
    if isinstance(value, Repeating):
        yield joined(path, value.name), "repeated", "must stand only once"
    for name, each in value.items():
        yield from unstorable(name, path)
        yield from faults(each, joined(path, name), depth + 1)


def unstorable(text: str, path: str) -> Iterator[tuple[str, str, str]]:
    if "\0" in text:
        yield path, "null_character", "must not hold a null character"
    try:
        text.encode()
    except UnicodeEncodeError:
        yield path, "lone_surrogate", "must not hold half of a surrogate pair"

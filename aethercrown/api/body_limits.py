"""Limits on the size of a request's body and on its JSON."""

import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from io import BytesIO
from types import NoneType
from typing import IO, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import get_template
from rest_framework import exceptions
from rest_framework.parsers import BaseParser

from aethercrown.api.errors import API, InvalidRequest, joined, refused
from aethercrown.http.middleware import Middleware

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_FORM_BYTES = 21 * 1024 * 1024  # of a page's form: the largest file that one takes, and the rest
MAX_DISCARDED_BYTES = 32 * 1024 * 1024
DISCARD_CHUNK_BYTES = 64 * 1024
MAX_DEPTH = 20
MAX_NUMBER_LENGTH = 400  # characters; the longest float, written out, has 325 digits
MEDIA_TYPE = "application/json"


class BodyLimit(Middleware):
    """Middleware that refuses oversized calls before parsing.

    DRF's parsers have no limit, and Django's none for files: it would write whatever a stranger
    posts to the disk before a page looks at it.

    A chunked body has no stated length and Django would read it as empty, so it is read here. If
    https is required, a call without it is refused, not redirected: its key has been exposed.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(API):
            return self.refusal(request) or self.get_response(request)
        stated = request.META.get("CONTENT_LENGTH") or "0"
        if stated.isascii() and stated.isdigit() and int(stated[:15]) > MAX_FORM_BYTES:
            discard_body(request.META["wsgi.input"], int(stated[:15]))
            reason = f"What was sent has more than {MAX_FORM_BYTES:,} bytes, the limit."
            return HttpResponse(get_template("400.html").render({"reason": reason}), status=413)
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
        if len(stated) > 15 or int(stated) > MAX_BODY_BYTES:
            discard_body(request.META["wsgi.input"], int(stated[:15]))
            return too_large()
        return None

    def read_chunks(self, request: HttpRequest) -> HttpResponseBase | None:
        content = request.META["wsgi.input"].read(MAX_BODY_BYTES + 1)
        if len(content) > MAX_BODY_BYTES:
            discard_body(request.META["wsgi.input"], MAX_DISCARDED_BYTES)
            return too_large()
        request.META["CONTENT_LENGTH"] = str(len(content))
        request._stream = BytesIO(content)  # noqa: SLF001 - no public way in
        return None


def discard_body(stream: IO[bytes], stated: int) -> None:
    """Read and discard a body that is too large, up to MAX_DISCARDED_BYTES.

    Otherwise a caller that is still sending sees a closed connection instead of the refusal.
    """
    left = stated if stated <= MAX_DISCARDED_BYTES else 0
    while left > 0 and (part := stream.read(min(left, DISCARD_CHUNK_BYTES))):
        left -= len(part)


def too_large() -> HttpResponseBase:
    return refused(413, "too_large", f"The body has more than {MAX_BODY_BYTES:,} bytes, the limit.")


class StrictJSONParser(BaseParser):
    """JSON (RFC 8259) in UTF-8 with an object at the top.

    A number with a fraction or an exponent becomes a Decimal, so that money stays exact; a whole
    number becomes an int. Refused with their path: NaN, Infinity, numbers outside the range of a
    float, duplicate names, lone surrogates, null characters. An empty body is an empty object.
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
        return parse_object(text) if text.strip() else {}

    def check_encoding(self, media_type: str, context: Mapping[str, Any]) -> None:
        _, _, charset = media_type.lower().replace(" ", "").partition("charset=")
        request = context.get("request")
        packed = request.headers.get("Content-Encoding", "") if request else ""
        if charset.strip('"') not in {"", "utf-8", "utf8"} or packed not in {"", "identity"}:
            raise exceptions.UnsupportedMediaType(f"{media_type} {packed}".strip())


class EmptyFormParser(BaseParser):
    """Accepts a form without fields as an empty body; some clients send one with every POST."""

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


class InvalidNumber:
    """Marks a number in a parsed document that is not accepted."""

    def __init__(self, message: str) -> None:
        self.message = message


class DuplicateKeyObject(dict[str, Any]):
    """An object with a duplicate name."""

    name = ""


def parse_object(text: str) -> dict[str, Any]:
    """Parse an object. Raises ParseError, or InvalidRequest with the path of each bad value."""
    try:
        content = json.loads(
            text,
            parse_float=parse_decimal,
            parse_int=parse_integer,
            parse_constant=lambda _: InvalidNumber("must be a finite number"),
            object_pairs_hook=object_from_pairs,
        )
    except RecursionError as error:
        raise too_deep() from error
    except ValueError as error:
        raise exceptions.ParseError(f"The body is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise exceptions.ParseError("The body must be a JSON object.")
    if not is_plain(content) and (problems := list(find_problems(content, "", 1))):
        raise InvalidRequest(problems)
    return content


PLAIN = frozenset({int, Decimal, bool, NoneType})


def is_plain(value: Any, depth: int = 1) -> bool:
    """Whether nothing in a parsed object or list can be refused; a long one is read fast.

    Text that is not ASCII is for the full check, which says where a bad value is.
    """
    is_list = type(value) is list
    if depth > MAX_DEPTH or not (is_list or type(value) is dict):
        return False
    if not is_list and not all(name.isascii() and "\0" not in name for name in value):
        return False
    for each in value if is_list else value.values():
        kind = type(each)
        if kind is str:
            if not each.isascii() or "\0" in each:
                return False
        elif kind not in PLAIN and not is_plain(each, depth + 1):
            return False
    return True


def parse_decimal(text: str) -> Decimal | InvalidNumber:
    if len(text) > MAX_NUMBER_LENGTH:
        return InvalidNumber(f"must have {MAX_NUMBER_LENGTH} characters or fewer")
    if math.isinf(rough := float(text)):
        return InvalidNumber("must be a finite number")
    return Decimal(text) if rough else Decimal(0)  # 1e-999999999 is 0 and no trap


def parse_integer(text: str) -> int | InvalidNumber:
    if len(text) > MAX_NUMBER_LENGTH:
        return InvalidNumber(f"must have {MAX_NUMBER_LENGTH} characters or fewer")
    return int(text)


def object_from_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) == len(pairs):
        return content
    repeating, seen = DuplicateKeyObject(content), set[str]()
    for name, _ in pairs:
        if name in seen:
            repeating.name = name
        seen.add(name)
    return repeating


def too_deep() -> exceptions.ParseError:
    return exceptions.ParseError(f"The body is nested deeper than {MAX_DEPTH} levels, the limit.")


def find_problems(value: Any, path: str, depth: int) -> Iterator[tuple[str, str, str]]:
    """The (path, code, message) of every value that is refused. ParseError if nested too deep."""
    if isinstance(value, str):
        if not value.isascii() or "\0" in value:
            yield from unstorable(value, path)
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise too_deep()
        yield from find_problems_inside(value, path, depth)
    elif isinstance(value, InvalidNumber):
        yield path, "not_finite" if "finite" in value.message else "too_long", value.message


def find_problems_inside(
    value: dict[str, Any] | list[Any], path: str, depth: int
) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, list):
        for place, each in enumerate(value):
            yield from find_problems(each, f"{path}[{place}]", depth + 1)
        return
    if isinstance(value, DuplicateKeyObject):
        yield joined(path, value.name), "repeated", "must stand only once"
    for name, each in value.items():
        yield from unstorable(name, path)
        yield from find_problems(each, joined(path, name), depth + 1)


def unstorable(text: str, path: str) -> Iterator[tuple[str, str, str]]:
    if "\0" in text:
        yield path, "null_character", "must not hold a null character"
    try:
        text.encode()
    except UnicodeEncodeError:
        yield path, "lone_surrogate", "must not hold half of a surrogate pair"

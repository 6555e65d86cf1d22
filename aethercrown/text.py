"""Text and JSON values that every database stores. Pure."""

import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from math import isfinite
from typing import Any
from urllib.parse import quote

MAX_CHARACTERS = 8_000


def storable_text(text: str) -> str:
    """The text without NUL and lone surrogates; above MAX_CHARACTERS its middle is cut out."""
    whole = text.encode("utf-8", "replace").decode().replace("\0", "")
    if len(whole) <= MAX_CHARACTERS:
        return whole
    return f"{whole[: MAX_CHARACTERS // 2]}\n[...]\n{whole[-MAX_CHARACTERS // 2 :]}"


def storable_json(value: Any) -> Any:
    """The value as every database's JSON takes it: what JSON cannot hold becomes text."""
    if isinstance(value, Mapping):
        return {storable_text(str(key)): storable_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(each) for each in value]
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float) and isfinite(value):
        return value
    return storable_text(str(value))


def last_line(error: str) -> str:
    """The last line of a traceback, which is the error itself."""
    return (error.strip().splitlines() or ["no reason recorded"])[-1]


def folded(name: str) -> str:
    """A name as it is compared: one case, one Unicode form, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def sentence_case(words: str) -> str:
    """The words with a capital first letter, as states and kinds are shown: Rolled back."""
    return words[:1].upper() + words[1:]


DOTS, NO_DOTS = {".", ".."}, "id:"


def path_segment(name: object) -> str:
    """A name as a part of an address; a browser drops a part of dots alone, so that is marked."""
    text = str(name)
    return f"{NO_DOTS}{text}" if text in DOTS else quote(text, safe="")


def segment_name(segment: str) -> str:
    """The name that `path_segment` marked; any other as it is."""
    name = segment.removeprefix(NO_DOTS)
    return name if name in DOTS else segment


def similar(name: str, known: Iterable[str]) -> str:
    """The known name that another one may mean; empty if none is close."""
    by_fold = {folded(each): each for each in known}
    found = get_close_matches(folded(name), by_fold, 1, 0.6)
    return by_fold[found[0]] if found else ""

"""Merge fields of mail: `{{ name }}`, or `{{ name|default:"there" }}` where it may be empty. Pure.

A field without a value and without a default stops the mail: a letter to "Dear ," is not sent.
"""

import re
from collections.abc import Collection, Mapping

FIELD = re.compile(r"\{\{ {0,3}([a-z_]{1,50})(?:\|default:\"([^\"{}\n]{0,100})\")? {0,3}\}\}")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class MissingValue(ValueError):
    """A field has neither a value nor a default."""


def problems(text: str, declared: Collection[str]) -> list[str]:
    """Why a template cannot be used: fields that its kind does not declare, and stray brackets."""
    unknown = {name for name, _ in FIELD.findall(text)} - set(declared)
    known = ", ".join(sorted(declared))
    found = [f"There is no field {name}. Known: {known}." for name in sorted(unknown)]
    if re.search(r"\{\{|\}\}", FIELD.sub("", text)):
        found.append('Write a field as {{ name }} or {{ name|default:"there" }}.')
    return found


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its fields replaced. Raises MissingValue, which names those without a value."""
    missing: list[str] = []

    def value(found: re.Match[str]) -> str:
        given = CONTROL.sub("", values.get(found[1], "")).strip() or found[2]
        if given is None:
            missing.append(found[1])
        return given or ""

    whole = FIELD.sub(value, text)
    if missing:
        names = ", ".join(dict.fromkeys(missing))
        raise MissingValue(f"There is no value for {names}.")
    return whole

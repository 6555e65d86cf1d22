"""Exports of known programs, recognised by their headers."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aethercrown.currencies import CODES
from aethercrown.registry import Registry

IN_BRACKETS = re.compile(r"[(\[]([A-Za-z]{3}|[€£$])[)\]]$")


@dataclass(frozen=True, slots=True)
class Preset:
    """One program's export for one kind of import.

    `signature` are headers that only it has together; `columns` lists, for each field, the headers
    it may come from; `constants` hold for every row unless a column is chosen. `date_order` is how
    the program writes dates where they fit two orders and the file states no period.
    """

    name: str
    title: str
    kind: str
    signature: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    constants: Mapping[str, str] = field(default_factory=dict)
    date_order: str = ""


presets = Registry[Preset]("preset")


def normalized(name: str) -> str:
    """A header as it is compared: one case, one Unicode form, without a currency at its end."""
    text = " ".join(unicodedata.normalize("NFKC", name).split())
    found = IN_BRACKETS.search(text)
    if found and (found[1].upper() in CODES or found[1] in "€£$"):
        text = text[: found.start()].rstrip()
    return text.casefold()


def header_currency(name: str) -> str:
    """The currency that a header names, such as Amount spent (USD); empty where it names none."""
    found = IN_BRACKETS.search(name.strip())
    code = {"€": "EUR", "£": "GBP"}.get(found[1], found[1].upper()) if found else ""
    return code if code in CODES else ""


def recognised(header: Sequence[str], kinds: Iterable[str]) -> Preset | None:
    """The preset of one of the kinds whose signature is in the header; the most specific one."""
    names, wanted = {normalized(each) for each in header}, set(kinds)
    found = [each for each in presets if each.kind in wanted and names.issuperset(each.signature)]
    return max(found, key=lambda each: len(each.signature), default=None)

"""Numbers as people and programs of any country write them; one format for a whole file."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from babel.numbers import get_decimal_symbol, get_group_symbol

NONE_MARKS = frozenset(
    {"", "-", "--", "---", "\u2013", "\u2014", "n/a", "na", "null", "none", "#n/a", "nan"}
)
SPACES = " \u00a0\u202f\u2009"
DECORATION = re.compile(  # currencies, percent
    r"R?[$€£¥₹₩₽₺₫₪₱฿₴₦]|\b[A-Za-z]{3}\b|\bkr\b|\bzł\b|\bFr\.|%"
)
SYMBOLS = {"€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "zł": "PLN", "₺": "TRY", "₪": "ILS"}
PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
INTEGER = re.compile(r"[+-]?\d+")
SAME_DIGIT = str.maketrans("23456789", "11111111")
MAX_PATTERNS = 50_000


@dataclass(frozen=True)
class NumberFormat:
    """How a locale writes numbers; `example` is 1234567.89 in it."""

    name: str
    locale: str
    example: str
    group_sizes: str = r"\d{3}"

    @cached_property
    def decimal(self) -> str:
        return str(get_decimal_symbol(self.locale))

    @cached_property
    def groups(self) -> str:
        symbol = str(get_group_symbol(self.locale))
        return next((alike for alike in (SPACES, "'\u2019") if symbol in alike), symbol)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        groups, decimal = re.escape(self.groups), re.escape(self.decimal)
        tail = r"\d{3}" if self.group_sizes != r"\d{3}" else self.group_sizes
        between = f"([{groups}]{self.group_sizes})*" if tail != self.group_sizes else ""
        grouped = (
            rf"\d{{1,3}}{between}([{groups}]{tail})+"
            if not between
            else (rf"\d{{1,2}}{between}[{groups}]{tail}")
        )
        return re.compile(rf"[+-]?({grouped}|\d+)?({decimal}\d*)?([eE][+-]?\d{{1,3}})?")

    def plain(self, cell: str) -> str | None:
        """The number written plainly, or None where it is not written in this format."""
        if not self.pattern.fullmatch(cell) or not any(map(str.isdigit, cell)):
            return None
        for each in self.groups:
            cell = cell.replace(each, "")
        return cell.replace(self.decimal, ".")


FORMATS = (
    NumberFormat("point", "en_US", "1,234,567.89"),
    NumberFormat("comma", "de_DE", "1.234.567,89"),
    NumberFormat("space", "fr_FR", "1 234 567,89"),
    NumberFormat("apostrophe", "de_CH", "1'234'567.89"),
    NumberFormat("lakh", "en_IN", "12,34,567.89", r"\d{2}"),
)
BY_NAME = {each.name: each for each in FORMATS}


def is_none(cell: str) -> bool:
    """Whether the cell says that there is no value."""
    return cell.casefold() in NONE_MARKS


def undecorated(cell: str) -> str:
    """Without currency, percent sign and spaces; a minus where brackets or a sign at the end."""
    bare = DECORATION.sub("", cell).strip()
    if bare.startswith("(") and bare.endswith(")"):
        bare = f"-{bare[1:-1].strip()}"
    if bare.endswith(("-", "\u2212")):
        bare = f"-{bare[:-1].strip()}"
    return bare.replace("\u2212", "-")


class FormatEvidence:
    """Which formats fit every number of a file."""

    def __init__(self) -> None:
        self.fitting = list(FORMATS)
        self._seen: set[str] = set()  # cells with each digit but 0 as 1: they say the same
        self.differing: str = ""  # a cell that two fitting formats read differently

    def add(self, cell: str) -> None:
        pattern = cell.translate(SAME_DIGIT)
        if pattern in self._seen:
            return
        if len(self._seen) < MAX_PATTERNS:
            self._seen.add(pattern)
        bare = undecorated(cell)
        if INTEGER.fullmatch(bare):
            return
        fitting = [each for each in self.fitting if each.plain(bare) is not None]
        if fitting:
            self.fitting = fitting
            values = {float(each.plain(bare) or 0) for each in fitting}
            if len(values) > 1:
                self.differing = cell

    def decided(self) -> NumberFormat | None:
        """The format; None where two would read a number differently."""
        return self.fitting[0] if self._agree() else None

    def _agree(self) -> bool:
        if not self.differing:
            return True
        bare = undecorated(self.differing)
        return len({float(each.plain(bare) or 0) for each in self.fitting}) < 2

    def question(self) -> str:
        bare = undecorated(self.differing)
        readings = " or ".join(
            dict.fromkeys(f"{float(each.plain(bare) or 0):,}" for each in self.fitting)
        )
        return f"Is {self.differing} {readings}?"


def symbols(cells: Iterable[str]) -> set[str]:
    """Currencies whose own symbol is in a cell; $ and ¥ belong to several, so they say nothing."""
    return {code for cell in cells for symbol, code in SYMBOLS.items() if symbol in cell}

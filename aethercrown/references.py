"""References in stored texts, such as "customer 12", resolved to names when they are shown. Pure.

A decision's title and the append-only audit must not name a person or a company: an erasure could
not take the name back. They hold the number of the row; pages show its present name beside it.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from aethercrown.registry import Registry

REFERENCE = re.compile(r"\b([a-z]{1,30}) ([0-9]{1,18})\b")


@dataclass(frozen=True, slots=True)
class NamedRows:
    """Rows that texts refer to by the word `name` and a number; `names` gives their names."""

    name: str
    names: Callable[[Collection[int]], Mapping[int, str]]


named_rows: Registry[NamedRows] = Registry("kind of named rows")


def resolved(texts: Sequence[str]) -> list[str]:
    """The texts with the name beside each reference; one query for each kind of rows."""
    wanted: dict[str, set[int]] = {}
    for text in texts:
        for word, number in REFERENCE.findall(text):
            if word in named_rows:
                wanted.setdefault(word, set()).add(int(number))
    known = {word: named_rows.get(word).names(numbers) for word, numbers in wanted.items()}

    def named(found: re.Match[str]) -> str:
        name = known.get(found[1], {}).get(int(found[2]))
        return f"{name} ({found[0]})" if name else found[0]

    return [REFERENCE.sub(named, text) for text in texts]

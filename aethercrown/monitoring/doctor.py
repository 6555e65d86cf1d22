"""What is wrong with this installation, and how to mend it: the questions, by name. Pure.

Each app registers what it knows to look at when it starts; `manage.py doctor` asks them all.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

GOOD, CAUTION, BAD = "good", "caution", "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: a state, words for a person, and what mends it where it is not good."""

    state: str
    told: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """One thing to look at: `look` gives every finding, or one good one."""

    name: str
    title: str
    look: Callable[[], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Line:
    """A finding, and where it was found."""

    name: str
    title: str
    finding: Finding

    def plain(self) -> dict[str, Any]:
        return {"name": self.name, "title": self.title, **asdict(self.finding)}


_looks: dict[str, Look] = {}


def register(look: Look) -> None:
    """Make something to look at known; doing it again changes nothing."""
    _looks[look.name] = look


def looks() -> list[Look]:
    """In the order in which they were made known."""
    return list(_looks.values())


def examine(chosen: Iterable[Look], clean: Callable[[str], str]) -> Iterator[Line]:
    """Look at each; one that cannot be looked at is bad itself. `clean` takes secrets out."""
    for each in chosen:
        for finding in found(each):
            told = Finding(finding.state, clean(finding.told), clean(finding.mend))
            yield Line(each.name, each.title, told)


def found(look: Look) -> list[Finding]:
    try:
        return list(look.look())
    except Exception as error:  # noqa: BLE001 - whatever breaks is what a doctor is there for
        words = " ".join(f"{type(error).__name__}: {error}".split())
        return [Finding(BAD, f"This could not be looked at: {words}", "Mend what is named first.")]


def is_sound(lines: Iterable[Line]) -> bool:
    """Whether nothing is bad; cautions are no illness."""
    return all(line.finding.state != BAD for line in lines)


def printed(lines: list[Line]) -> Iterator[str]:
    """What a person reads: one line each, the mend under it, and a last word."""
    marks = {GOOD: "ok     ", CAUTION: "caution", BAD: "bad    "}
    for line in lines:
        yield f"{marks[line.finding.state]} {line.title}: {line.finding.told}"
        if line.finding.mend:
            yield f"        To mend it: {line.finding.mend}"
    bad = sum(line.finding.state == BAD for line in lines)
    cautions = sum(line.finding.state == CAUTION for line in lines)
    if bad or cautions:
        yield f"Found: {bad} bad, {cautions} to be careful of."
    else:
        yield "All good."

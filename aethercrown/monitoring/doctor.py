"""Checks of this installation, by name, with their fixes. Pure.

Each app registers its checks when it starts; `manage.py doctor` runs them all.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from aethercrown.registry import Registry

GOOD, CAUTION, BAD = "good", "caution", "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check: a state, a message, and the fix unless it is good."""

    state: str
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """One check; `run` returns every finding, or one good one."""

    name: str
    title: str
    run: Callable[[], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """A finding and its check."""

    name: str
    title: str
    finding: Finding

    def plain(self) -> dict[str, Any]:
        return {"name": self.name, "title": self.title, **asdict(self.finding)}


registry = Registry[DoctorCheck]("doctor check")
register = registry.register


def run_checks(chosen: Iterable[DoctorCheck], clean: Callable[[str], str]) -> Iterator[DoctorRow]:
    """Run each check; one that raises is a bad finding. `clean` masks secrets."""
    for each in chosen:
        for finding in findings_of(each):
            cleaned = Finding(finding.state, clean(finding.message), clean(finding.fix))
            yield DoctorRow(each.name, each.title, cleaned)


def findings_of(check: DoctorCheck) -> list[Finding]:
    try:
        return list(check.run())
    except Exception as error:  # noqa: BLE001 - whatever breaks is what a doctor is there for
        words = " ".join(f"{type(error).__name__}: {error}".split())
        return [Finding(BAD, f"The check failed: {words}", "Fix the error named here first.")]


def is_sound(lines: Iterable[DoctorRow]) -> bool:
    """Whether no finding is bad; warnings are allowed."""
    return all(line.finding.state != BAD for line in lines)


def report_lines(lines: list[DoctorRow]) -> Iterator[str]:
    """The report: one line a finding, its fix below, and a summary."""
    marks = {GOOD: "ok     ", CAUTION: "caution", BAD: "bad    "}
    for line in lines:
        yield f"{marks[line.finding.state]} {line.title}: {line.finding.message}"
        if line.finding.fix:
            yield f"        Fix: {line.finding.fix}"
    bad = sum(line.finding.state == BAD for line in lines)
    cautions = sum(line.finding.state == CAUTION for line in lines)
    if bad or cautions:
        yield f"Found: {bad} bad, {cautions} cautions."
    else:
        yield "All good."

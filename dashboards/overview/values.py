"""What waiting decisions are worth, and what measured ones brought, by type. Pure.

Amounts of one type are added up, percentages are averaged; types are never added to each other,
because they promise different things.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import mean
from typing import Any

from aethercrown.formatting import counted, signed
from operations.decisions.decision_text import failed_guardrails
from operations.decisions.effect_text import PERCENTS, effect_unit, expected_text, realised_text

MAX_LINES = 3  # of one type
OFFER, ACCEPTANCE = "revenue.upsell_offer", "revenue.upsell_acceptance"


@dataclass(frozen=True, slots=True)
class ValueLine:
    """One decision: what it promises or brought, and what a reader must know besides."""

    title: str
    path: str
    effect: str
    note: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ValueGroup:
    """Decisions of one type: what they are worth together, the most valuable, and how many more."""

    title: str
    total: str
    lines: Sequence[ValueLine]
    more: str = ""


def waiting_values(
    rows: Sequence[Any],
    titles: Mapping[int, str],
    type_title: Callable[[str], str],
    path: Callable[[Any], str],
) -> list[ValueGroup]:
    """The waiting decisions by type and unit, the most valuable of each first."""
    groups: dict[tuple[str, str], list[Any]] = {}
    for each in rows:
        groups.setdefault((each.kind, each.expected["unit"]), []).append(each)
    found = []
    for (kind, unit), mine in groups.items():
        ranked = sorted(mine, key=lambda each: -float(each.expected["estimate"]))
        lines = [
            ValueLine(
                titles[each.pk],
                path(each),
                expected_text(each.expected),
                _failed(each),
                each.proposed_at,
            )
            for each in ranked[:MAX_LINES]
        ]
        estimates = [float(each.expected["estimate"]) for each in mine]
        total = _together(estimates, unit, mine[0].expected["metric"])
        left = len(mine) - len(lines)
        more = f"and {counted(left, 'other')}" if left else ""
        found.append(ValueGroup(type_title(kind), total, lines, more))
    return found


def _failed(decision: Any) -> str:
    failed = failed_guardrails(decision.guardrails)
    return f"guardrail failed: {'; '.join(failed)}" if failed else ""


def _together(estimates: Sequence[float], unit: str, metric: str) -> str:
    """What several promise together; percentages are not added."""
    shown = effect_unit(unit)
    if len(estimates) == 1:
        return f"{signed(estimates[0], shown)} {metric}"
    if unit in PERCENTS:
        return f"{signed(mean(estimates), shown)} {metric} on average"
    return f"{signed(sum(estimates), shown)} {metric} together"


def brought_values(
    rows: Iterable[Any], type_title: Callable[[str], str]
) -> list[tuple[str, str, str]]:
    """For each type what was realised and what was expected: (type, realised, expected).

    Money that an offer and its acceptance both promised counts once, with the acceptance.
    """
    known = [each for each in rows if each.realised]
    accepted = {each.subject for each in known if each.kind == ACCEPTANCE}
    counted_once = [e for e in known if not (e.kind == OFFER and e.subject in accepted)]
    groups: dict[tuple[str, str], list[Any]] = {}
    for each in counted_once:
        groups.setdefault((each.kind, each.expected["unit"]), []).append(each)
    found = []
    for (kind, unit), mine in groups.items():
        metric = mine[0].expected["metric"]
        realised = _together([float(each.realised["value"]) for each in mine], unit, metric)
        expected = [float(each.expected["estimate"]) for each in mine]
        value = mean(expected) if unit in PERCENTS else sum(expected)
        found.append((type_title(kind), realised, signed(value, effect_unit(unit))))
    return found


def effect_of(decision: Any) -> str:
    """The realised effect where it was measured, else the expected one."""
    if decision.realised:
        return f"realised {realised_text(decision.realised, decision.expected)}"
    return f"expected {expected_text(decision.expected)}"

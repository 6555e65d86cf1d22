"""Who gets which bundle of steps: the cheapest assignment within everyone's free hours. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

FORBIDDEN = 1e6  # the cost of a pair that must not be
UNASSIGNED = 1e4  # the cost of leaving a bundle without an owner


@dataclass(frozen=True, slots=True)
class Bundle:
    """The steps of one flow that need one role: one person does them all."""

    key: str
    hours: float
    role: str
    zone_offset: float = 0.0  # hours from UTC
    present_owner: int | None = None
    forbidden: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class TeamCandidate:
    """A member of the team: free hours of the week, roles, and distance from UTC in hours."""

    id: int
    free_hours: float
    week_hours: float
    roles: Collection[str]
    zone_offset: float = 0.0


@dataclass(frozen=True, slots=True)
class CostWeights:
    """What each part of a cost counts."""

    overload: float = 1.0
    skill: float = 10.0
    zone: float = 0.1
    change: float = 0.5


@dataclass(frozen=True, slots=True)
class OwnerChoice:
    """Who gets a bundle, and the parts of the cost: the explanation."""

    bundle: str
    member: int
    cost: Mapping[str, float] = field(default_factory=dict)


def cost_parts(bundle: Bundle, member: TeamCandidate, weights: CostWeights) -> dict[str, float]:
    """The parts of the cost of one pair, by name."""
    free = max(member.free_hours, 1e-9)
    distance = abs(bundle.zone_offset - member.zone_offset)
    parts = {
        "overload": weights.overload * bundle.hours / free,
        "skill": 0.0 if bundle.role in member.roles else weights.skill,
        "zone": weights.zone * min(distance, 24 - distance),
        "change": weights.change * (bundle.present_owner not in (None, member.id)),
    }
    return {name: round(value, 6) for name, value in parts.items()}


def assign(
    bundles: Sequence[Bundle], members: Sequence[TeamCandidate], weights: CostWeights
) -> list[OwnerChoice]:
    """The cheapest owners; a bundle that fits nobody's free hours stays without.

    Each member gets a slot for each bundle that fits; where the hours of the chosen slots are more
    than is free, the dearest is taken away and the rest is solved again. Nobody is over capacity.
    """
    import numpy as np  # noqa: PLC0415 - with scipy, only where owners are assigned
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415

    closed: set[tuple[str, int]] = set()
    in_order = sorted(members, key=lambda each: each.id)
    work = sorted(bundles, key=lambda each: each.key)
    while True:
        slots = [(each, place) for each in in_order for place in range(len(work))]
        costs = np.full((len(work), len(slots) + len(work)), UNASSIGNED)
        for row, bundle in enumerate(work):
            for column, (member, place) in enumerate(slots):
                costs[row, column] = _cost(bundle, member, weights, closed) + place * 1e-7
        rows, columns = linear_sum_assignment(costs)
        chosen = [
            (work[row], slots[column][0])
            for row, column in zip(rows, columns, strict=True)
            if column < len(slots) and costs[row, column] < UNASSIGNED
        ]
        over = _over_capacity(chosen, weights)
        if over is None:
            return [OwnerChoice(b.key, m.id, cost_parts(b, m, weights)) for b, m in chosen]
        closed.add(over)


def _cost(
    bundle: Bundle, member: TeamCandidate, weights: CostWeights, closed: Collection[tuple[str, int]]
) -> float:
    is_refused = (
        bundle.hours > member.free_hours
        or member.id in bundle.forbidden
        or (bundle.key, member.id) in closed
    )
    return FORBIDDEN if is_refused else _price(bundle, member, weights)


def _price(bundle: Bundle, member: TeamCandidate, weights: CostWeights) -> float:
    return sum(cost_parts(bundle, member, weights).values())


def _over_capacity(
    chosen: Sequence[tuple[Bundle, TeamCandidate]], weights: CostWeights
) -> tuple[str, int] | None:
    """The dearest pair of the first member with more hours than are free; None if all fit."""
    by_member: dict[int, list[tuple[Bundle, TeamCandidate]]] = {}
    for bundle, member in chosen:
        by_member.setdefault(member.id, []).append((bundle, member))
    for found in by_member.values():
        if sum(bundle.hours for bundle, _ in found) > found[0][1].free_hours:
            dearest = max(found, key=lambda pair: (_price(pair[0], pair[1], weights), pair[0].key))
            return dearest[0].key, dearest[1].id
    return None

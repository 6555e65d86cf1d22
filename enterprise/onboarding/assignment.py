"""Who gets which bundle of steps: the cheapest assignment within everyone's free hours. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

FORBIDDEN = 1e6  # the cost of a pair that must not be
LEAST_SAVING = 1e-6  # below it, a change is not worth it
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
    """A member of the team: free hours, hours in all, roles, and distance from UTC in hours."""

    id: int
    free_hours: float
    capacity: float
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
            found = _with_the_rest(work, in_order, chosen, weights)
            return [OwnerChoice(b.key, m.id, cost_parts(b, m, weights)) for b, m in found]
        closed.add(over)


def _with_the_rest(
    work: Sequence[Bundle],
    members: Sequence[TeamCandidate],
    chosen: Sequence[tuple[Bundle, TeamCandidate]],
    weights: CostWeights,
) -> list[tuple[Bundle, TeamCandidate]]:
    """Also place what was left out: where there is room, or where moving one bundle makes room."""
    owners = {bundle.key: member for bundle, member in chosen}
    by_key = {each.key: each for each in work}
    left_out = [each for each in work if each.key not in owners]
    for bundle in sorted(left_out, key=lambda each: (each.hours, each.key)):
        options = [
            change
            for member in members
            for change in _changes(bundle, member, owners, by_key, members)
        ]
        if options:
            cheapest = min(options, key=lambda change: _total(change, by_key, weights))
            owners.update(cheapest)
    while better := _better(owners, by_key, members, weights):
        owners |= better
    return [(each, owners[each.key]) for each in work if each.key in owners]


Owners = dict[str, TeamCandidate]


def _changes(
    bundle: Bundle,
    member: TeamCandidate,
    owners: Owners,
    by_key: Mapping[str, Bundle],
    members: Sequence[TeamCandidate],
) -> list[Owners]:
    """The ways to give a bundle to a member: at once, or after one of theirs went to another."""
    if member.id in bundle.forbidden:
        return []
    free = _free(member, owners, by_key)
    if bundle.hours <= free:
        return [{bundle.key: member}]
    mine = [by_key[key] for key, owner in owners.items() if owner.id == member.id]
    return [
        {bundle.key: member, moved.key: other}
        for moved in mine
        if bundle.hours <= free + moved.hours
        for other in members
        if other.id != member.id
        and other.id not in moved.forbidden
        and moved.hours <= _free(other, owners, by_key)
    ]


def _better(
    owners: Owners,
    by_key: Mapping[str, Bundle],
    members: Sequence[TeamCandidate],
    weights: CostWeights,
) -> Owners | None:
    """A bundle that costs less with another member, or two that swap; None where all is best."""
    moves: list[Owners] = [{key: each} for key in owners for each in members]
    swaps: list[Owners] = [{a: owners[b], b: owners[a]} for a, b in combinations(owners, 2)]
    for change in (*moves, *swaps):
        present = {key: owners[key] for key in change}
        saved = _total(present, by_key, weights) - _total(change, by_key, weights)
        if saved > LEAST_SAVING and _is_possible(change, owners | change, by_key):
            return change
    return None


def _is_possible(change: Owners, after: Owners, by_key: Mapping[str, Bundle]) -> bool:
    """Whether nobody who gets something has too much then, or must not have it."""
    return all(
        member.id not in by_key[key].forbidden and _free(member, after, by_key) >= 0
        for key, member in change.items()
    )


def _free(member: TeamCandidate, owners: Owners, by_key: Mapping[str, Bundle]) -> float:
    taken = [by_key[key].hours for key, owner in owners.items() if owner.id == member.id]
    return member.free_hours - sum(taken)


def _total(change: Owners, by_key: Mapping[str, Bundle], weights: CostWeights) -> float:
    return sum(_price(by_key[key], owner, weights) for key, owner in change.items())


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

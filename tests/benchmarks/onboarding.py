"""Business time against the minute oracle, the forecast's coverage, and assignment.

`python -m tests.benchmarks.onboarding`: 100,000 clocks with random hours, zones, pauses, targets
and calendars; 600 forecasts for each size of history; 300 assignments beside brute force.
`--quick`: a fiftieth of the clocks, a sixth of the forecasts.
"""

import argparse
import itertools
import random
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from time import perf_counter

import numpy as np

from enterprise.onboarding import states
from enterprise.onboarding.assignment import (
    UNASSIGNED,
    Bundle,
    CostWeights,
    TeamCandidate,
    assign,
    cost_parts,
)
from enterprise.onboarding.forecast import RemainingStep, forecast
from enterprise.sla.business_time import BusinessHours, OpenInterval
from enterprise.sla.timeline import (
    PAUSE,
    RECALENDAR,
    RESUME,
    RETARGET,
    START,
    Timeline,
    TimelineEvent,
)
from tests.benchmarks.report import Report
from tests.enterprise.oracle import HOUR, MINUTE, is_open

CLOCKS, QUICK_CLOCKS = 100_000, 2_000
RUNS, QUICK_RUNS, ASSIGNMENTS = 600, 100, 300
STEPS, COMMON_SD, STEP_SDS = 8, 0.4, (0.2, 0.45, 0.7)
ZONES = (
    *("UTC", "Europe/Lisbon", "America/St_Johns", "Pacific/Chatham", "Australia/Adelaide"),
    *("Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "Africa/Casablanca"),
)
DAYS = ((3, 13), (3, 27), (4, 3), (9, 25), (10, 30))
CHANGES = [datetime(2027, month, day, tzinfo=UTC) for month, day in DAYS]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.onboarding")
    parser.add_argument("--quick", action="store_true", help="fewer clocks and forecasts")
    parser.add_argument("--seed", type=int, default=1, help="of every random number")
    chosen = parser.parse_args()
    report = Report("Onboarding and SLA benchmark")
    report.say(f"# {report.title}")
    clocks(report, QUICK_CLOCKS if chosen.quick else CLOCKS, chosen.seed)
    forecasts(report, QUICK_RUNS if chosen.quick else RUNS, chosen.seed)
    assignments(report, ASSIGNMENTS, chosen.seed)
    return report.exit_code


Owners = Sequence[TeamCandidate | None]

# --- clocks ---------------------------------------------------------------------------------


def clocks(report: Report, count: int, seed: int) -> None:
    """How many clocks differ from a walk through their minutes."""
    report.section("Clocks")
    drawn, wrong, seconds = random.Random(seed), 0, 0.0  # noqa: S311 - reproducible
    for _ in range(count):
        timeline, now, expected = random_clock(drawn)
        began = perf_counter()
        found = timeline.elapsed(now)
        seconds += perf_counter() - began
        wrong += found != expected
    report.judge(f"clocks of {count:,} that differ from the minute oracle:", wrong, 0)
    report.say(f"- {1e6 * seconds / count:,.0f} microseconds a clock")


def random_clock(drawn: random.Random) -> tuple[Timeline, datetime, timedelta]:
    """Up to six events in two days round a change of the clocks, and the time walked."""
    zone = drawn.choice(ZONES)
    used = random_hours(drawn, zone)
    now = drawn.choice(CHANGES) + timedelta(minutes=drawn.randrange(1440))
    events = [TimelineEvent(START, now, 10 * HOUR, used, now)]
    runs, expected = True, timedelta(0)
    for _ in range(drawn.randrange(7)):
        minutes = drawn.randrange(1, 480)
        if runs:
            expected += sum(
                (MINUTE for n in range(minutes) if is_open(used, now + n * MINUTE)), timedelta(0)
            )
        now += timedelta(minutes=minutes)
        kind = drawn.choice(("toggle", "retarget", "calendar"))
        if kind == "toggle":
            events.append(TimelineEvent(PAUSE if runs else RESUME, now))
            runs = not runs
        elif kind == "retarget":
            events.append(TimelineEvent(RETARGET, now, drawn.randrange(1, 40) * HOUR))
        else:
            used = random_hours(drawn, zone)
            events.append(TimelineEvent(RECALENDAR, now, None, used, now))
    return Timeline(tuple(events)), now, expected


def random_hours(drawn: random.Random, zone: str) -> BusinessHours:
    def day() -> tuple[OpenInterval, ...]:
        marks = sorted(drawn.sample(range(97), 4 if drawn.random() < 0.6 else 2))
        pairs = zip(marks[::2], marks[1::2], strict=True)
        return tuple(OpenInterval(a * HOUR / 4, b * HOUR / 4) for a, b in pairs)

    weekly = tuple(day() if drawn.random() < 0.85 else () for _ in range(6))
    special = {date(2027, month, 28): () for month in (3, 4, 9, 10)} if drawn.random() < 0.3 else {}
    return BusinessHours(zone, (*weekly, day()), special)


# --- forecasts ------------------------------------------------------------------------------


def forecasts(report: Report, runs: int, seed: int) -> None:
    """How often the 80 % interval holds the truth, by history and by how far the flow is."""
    report.section("Forecast")
    rng = np.random.default_rng(seed)
    rows = []
    for history, stage in itertools.product((20, 50, 200), ("start", "half", "running")):
        inside = 100 * float(np.mean([holds(rng, history, stage) for _ in range(runs)]))
        rows.append((f"{history} flows, {stage}", f"{inside:.1f}"))
        report.judge_between(f"{history} reference flows, {stage}: inside, percent", inside, 75, 90)
    report.table(["reference flows, stage", "inside, percent"], rows)


def holds(rng: np.random.Generator, history: int, stage: str) -> bool:
    hours, sd = rng.uniform(1, 8, STEPS), rng.choice(STEP_SDS)

    def ratios() -> dict[str, float]:
        drawn = np.exp(rng.normal(0, COMMON_SD) + rng.normal(0, sd, STEPS))
        return {str(place): float(each) for place, each in enumerate(drawn)}

    truth = ratios()
    took = [float(hours[place]) * truth[str(place)] for place in range(STEPS)]
    done = {"start": 0, "half": STEPS // 2, "running": STEPS // 2}[stage]
    spent = took[done] * float(rng.uniform(0.1, 0.9)) if stage == "running" else 0.0
    steps = [
        RemainingStep(
            str(place),
            float(hours[place]),
            {str(place - 1): 0.0} if place else {},
            states.DONE if place < done else states.PENDING,
            spent if place == done else 0.0,
        )
        for place in range(STEPS)
    ]
    found = forecast(steps, [ratios() for _ in range(history)], 0.7, 2.0)
    return found.low <= sum(took[done:]) - spent <= found.high


# --- assignment -----------------------------------------------------------------------------


def assignments(report: Report, count: int, seed: int) -> None:
    """The cost above the optimum, and whether anybody has more than is free."""
    report.section("Assignment")
    drawn, over, left, above = random.Random(seed), 0, 0, list[float]()  # noqa: S311 - reproducible
    for _ in range(count):
        bundles = [Bundle(str(n), drawn.randint(1, 6), "a") for n in range(drawn.randint(1, 5))]
        members = [
            TeamCandidate(n, drawn.randint(3, 14), 40, ("a",) if drawn.random() < 0.7 else ("b",))
            for n in range(1, drawn.randint(2, 5))
        ]
        owners = {each.bundle: each.member for each in assign(bundles, members, CostWeights())}
        by_id = {each.id: each for each in members}
        chosen = [by_id.get(owners.get(each.key, 0)) for each in bundles]
        over += not fits(bundles, chosen)
        best = min(
            cost(bundles, found)
            for found in itertools.product([None, *members], repeat=len(bundles))
            if fits(bundles, found)
        )
        mine = cost(bundles, chosen)
        left += mine // UNASSIGNED > best // UNASSIGNED
        above.append(100 * (mine % UNASSIGNED / max(best % UNASSIGNED, 1e-9) - 1))
    report.judge(f"assignments of {count} over capacity:", over, 0)
    report.judge("percent that leave more bundles without an owner:", 100 * left / count, 5)
    report.judge("cost above the optimum, mean percent:", float(np.mean(above)), 5)


def fits(bundles: list[Bundle], chosen: Owners) -> bool:
    load: dict[int, float] = {}
    for bundle, owner in zip(bundles, chosen, strict=True):
        if owner is not None:
            load[owner.id] = load.get(owner.id, 0) + bundle.hours
            if load[owner.id] > owner.free_hours:
                return False
    return True


def cost(bundles: list[Bundle], chosen: Owners) -> float:
    pairs = zip(bundles, chosen, strict=True)
    return sum(
        UNASSIGNED if owner is None else sum(cost_parts(bundle, owner, CostWeights()).values())
        for bundle, owner in pairs
    )


if __name__ == "__main__":
    sys.exit(main())

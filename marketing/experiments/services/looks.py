"""Look at what is closed, and write the decision at the first look with a winner."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Sum

from marketing.experiments import look_rows
from marketing.experiments.engine.decision import (
    CONTROL,
    ArmCounts,
    DecisionPlan,
    GateCounts,
    LookResult,
    LookStratum,
    base_rate,
    passes_gates,
    shown_limits,
    sum_arms,
    take_look,
)
from marketing.experiments.engine.estimates import LogRatio
from marketing.experiments.engine.mismatch import LOG_ALARM, ExposureCounts, log_mismatch
from marketing.experiments.engine.promise import promise
from marketing.experiments.models import (
    AbTest,
    AbTestCount,
    AbTestDecision,
    AbTestEpoch,
    AbTestLook,
    AbTestTotal,
)
from marketing.experiments.services import count
from marketing.experiments.tracking.event_input import MILLION
from marketing.experiments.windows import bucket_length, is_closed

ENGINE_VERSION = "1"
Strata = list[LookStratum]


def evaluate(test_pk: int, *, now: datetime) -> AbTestLook | None:
    """Count what came, close what may be closed, and look at it; None where nothing closed."""
    count.count_events(test_pk)
    with transaction.atomic():
        test = AbTest.objects.select_for_update().get(pk=test_pk)
        return evaluate_locked(test, now=now)


def evaluate_locked(test: AbTest, *, now: datetime, is_last: bool = False) -> AbTestLook | None:
    """As `evaluate`, of a test that the caller has locked.

    With `is_last` all buckets close whose window has passed, without waiting for late rows.
    """
    while count.count_locked(test, count.AT_ONCE):
        pass
    _check_ratio(test, now)
    closed_until = _closing(test, now, is_last=is_last)
    if closed_until is None or closed_until == test.closed_until:
        return None
    look = _take(test, closed_until, now)
    test.save(update_fields=["closed_until", "learned_until", "base_rate"])
    return look


def decision_of(test: AbTest) -> AbTestDecision | None:
    """The decision of a test, if there is one."""
    return AbTestDecision.objects.filter(test=test).first()


def plan_of(test: AbTest) -> DecisionPlan:
    """What was fixed when the test started."""
    return DecisionPlan(
        confidence=test.confidence,
        effect=test.minimum_effect,
        is_mean=test.test_type == AbTest.Goal.REVENUE,
        min_sample_size=test.min_sample_size,
    )


def closed_strata(test: AbTest, closed_until: datetime) -> Strata:
    """Closed counts by weights and base rate, for every arm of the test."""
    weights, arms = weights_of(test)
    parts: dict[tuple[int, bool], list[ArmCounts]] = defaultdict(lambda: [ArmCounts()] * arms)
    for row in AbTestCount.objects.filter(test=test, bucket__lt=closed_until).order_by(
        "epoch", "place", "bucket"
    ):
        is_late = test.learned_until is not None and row.bucket >= test.learned_until
        found = parts[row.epoch, is_late]
        before = found[row.place]
        found[row.place] = ArmCounts(
            before.visitors + row.visitors,
            before.converters + row.converters,
            before.total + row.value / MILLION,
            before.squares + row.squares,
        )
    return _joined(test, weights, parts)


def weights_of(test: AbTest) -> tuple[dict[int, tuple[float, ...]], int]:
    """The weights of every epoch, and how many arms there are."""
    rows = AbTestEpoch.objects.filter(test=test).values_list("number", "weights")
    found = {number: tuple(weights) for number, weights in rows}
    return found, len(found[0])


def _joined(
    test: AbTest,
    weights: Mapping[int, tuple[float, ...]],
    parts: Mapping[tuple[int, bool], Sequence[ArmCounts]],
) -> Strata:
    """Epochs of equal weights are one stratum."""
    joined: dict[tuple[tuple[float, ...], float], Sequence[ArmCounts]] = {}
    for (epoch, is_late), arms in sorted(parts.items()):
        key = weights[epoch], (test.base_rate or 0.0) if is_late else 0.0
        before = joined.get(key, [ArmCounts()] * len(arms))
        joined[key] = [sum_arms(pair) for pair in zip(before, arms, strict=True)]
    return [LookStratum(key[0], key[1], tuple(arms)) for key, arms in joined.items()]


def _closing(test: AbTest, now: datetime, *, is_last: bool) -> datetime | None:
    """Up to where the buckets are closed: in order, each once its window has passed."""
    window = timedelta(hours=test.attribution_window_hours)
    length = bucket_length(window)
    until = test.closed_until
    rows = AbTestCount.objects.filter(test=test)
    if until is not None:
        rows = rows.filter(bucket__gte=until)
    for bucket, last in _last_received(rows):
        ended = bucket + length + window <= now
        if not (ended if is_last or not window else is_closed(bucket, window, now, last)):
            break
        until = bucket + length
    return until


def _last_received(rows: Any) -> list[tuple[datetime, datetime]]:
    """The buckets in order, with the last receipt of any arm's rows."""
    found: dict[datetime, datetime] = {}
    for bucket, received in rows.values_list("bucket", "last_received_at"):
        found[bucket] = max(received, found.get(bucket, received))
    return sorted(found.items())


def _check_ratio(test: AbTest, now: datetime) -> None:
    """Keep the largest evidence of a wrong sample ratio; at the alarm the test is invalid."""
    weights, arms = weights_of(test)
    counts: dict[tuple[float, ...], list[int]] = defaultdict(lambda: [0] * arms)
    rows = AbTestCount.objects.filter(test=test).values("epoch", "place")
    for row in rows.annotate(whole=Sum("visitors")).order_by("epoch", "place"):
        counts[weights[row["epoch"]]][row["place"]] += row["whole"]
    if not counts:
        return
    found = log_mismatch([ExposureCounts(key, tuple(each)) for key, each in counts.items()])
    if test.mismatch_peak is None or found > test.mismatch_peak:
        test.mismatch_peak = found
        if found >= LOG_ALARM and test.invalid_at is None:
            test.invalid_at = now
        test.save(update_fields=["mismatch_peak", "invalid_at"])


def _take(test: AbTest, closed_until: datetime, now: datetime) -> AbTestLook:
    last = AbTestLook.objects.filter(test=test).order_by("-number").first()
    before = {} if last is None else look_rows.progress_from_json(last.result["progress"])
    strata, plan = closed_strata(test, closed_until), plan_of(test)
    gates = _gates(test, strata, closed_until)
    result = take_look(plan, strata, gates, before)
    look = AbTestLook.objects.create(
        test=test,
        number=1 if last is None else last.number + 1,
        closed_until=closed_until,
        taken_at=now,
        strata=look_rows.strata_to_json(strata),
        gates=[list(each) for each in gates],
        result=result_fields(result),
    )
    test.closed_until = closed_until
    if test.learned_until is None and _has_learned(test, plan, gates):
        arms = [arm for each in strata for arm in each.arms]
        test.learned_until = closed_until
        test.base_rate = base_rate(
            sum(each.visitors for each in arms), sum(each.converters for each in arms)
        )
    _decide(test, look, result)
    return look


def _gates(test: AbTest, strata: Strata, closed_until: datetime) -> list[GateCounts]:
    """Impressions so far, unlinked ones too; closed visitors, and those with a value."""
    _, arms = weights_of(test)
    counted = AbTestCount.objects.filter(test=test).values("place")
    impressions = dict.fromkeys(range(arms), 0)
    for row in counted.annotate(whole=Sum("impressions")).order_by("place"):
        impressions[row["place"]] += row["whole"]
    for place, unlinked in AbTestTotal.objects.filter(test=test).values_list(
        "place", "unlinked_impressions"
    ):
        impressions[place] += unlinked
    closed = counted.filter(bucket__lt=closed_until).annotate(whole=Sum("with_value"))
    with_value = {row["place"]: row["whole"] for row in closed.order_by("place")}
    return [
        GateCounts(
            impressions[place],
            sum(each.arms[place].visitors for each in strata),
            with_value.get(place, 0),
        )
        for place in range(arms)
    ]


def _has_learned(test: AbTest, plan: DecisionPlan, gates: Sequence[GateCounts]) -> bool:
    """Whether every arm that gets visitors now has passed the gates."""
    weights, _ = weights_of(test)
    present = weights[max(weights)]
    return all(
        passes_gates(plan, gate) for gate, weight in zip(gates, present, strict=True) if weight
    )


def result_fields(result: LookResult) -> dict[str, Any]:
    """What stands after a look, as it is stored."""
    verdict = result.verdict
    return {
        "progress": look_rows.progress_to_json(result.progress),
        "ratios": {
            str(variant): None if each.ratio is None else [each.ratio.value, each.ratio.variance]
            for variant, each in result.pairs.items()
        },
        "own_limits": {
            str(variant): [each.own_limits.low, each.own_limits.high]
            for variant, each in result.pairs.items()
        },
        "p_values": {str(variant): each for variant, each in verdict.p_values.items()},
        "adjusted": {str(variant): each for variant, each in verdict.adjusted.items()},
        "claims": {str(variant): each for variant, each in verdict.claims.items()},
        "winner": verdict.winner,
        "tied_with": list(verdict.tied_with),
    }


def _decide(test: AbTest, look: AbTestLook, result: LookResult) -> None:
    """Write the first look with a winner; a wrong sample ratio leaves none."""
    winner = result.verdict.winner
    is_open = test.invalid_at is None and test.concluded_at is None
    if winner is None or not is_open or decision_of(test) is not None:
        return
    content = {"engine": ENGINE_VERSION, "p_value": result.verdict.p_value}
    if winner != CONTROL:
        content |= _promised(test, result, winner)
    AbTestDecision.objects.create(
        test=test, look=look, winner_place=winner, decided_at=look.taken_at, content=content
    )


def _promised(test: AbTest, result: LookResult, winner: int) -> dict[str, Any]:
    """The interval at the decision, and the promise, in log theta."""
    pair, claim = result.pairs[winner], result.verdict.claims[winner]
    shown = shown_limits(pair.progress.limits, pair.own_limits, claim)
    kept = shown_limits(pair.progress.promise_limits, pair.own_promise_limits, claim)
    found: dict[str, Any] = {
        "interval_at_decision": [shown.low, shown.high],
        "uplift": None,
        "promise": None,
    }
    if pair.ratio is not None:
        made = promise(pair.ratio, kept, finished_comparisons(test))
        found |= {
            "uplift": pair.ratio.value,
            "promise": [made.estimate, made.low, made.high],
        }
    return found


def finished_comparisons(test: AbTest) -> list[LogRatio]:
    """Every variant against its control in the tests that ended, won or not; no invalid ones."""
    found = []
    others = AbTest.objects.filter(status=AbTest.Status.CONCLUDED, invalid_at__isnull=True)
    for other in others.exclude(pk=test.pk).order_by("pk"):
        look = AbTestLook.objects.filter(test=other).order_by("-number").first()
        ratios = {} if look is None else look.result["ratios"]
        found += [LogRatio(*each) for each in ratios.values() if each is not None]
    return found

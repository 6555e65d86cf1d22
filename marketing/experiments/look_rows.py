"""Looks as they are stored: plain JSON, without infinities, that reads back bit for bit."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from marketing.experiments.engine.decision import (
    ArmCounts,
    GateCounts,
    LookStratum,
    PairProgress,
)
from marketing.experiments.engine.sequential import LogLimits

Json = dict[str, Any]


def strata_to_json(strata: Sequence[LookStratum]) -> list[Json]:
    return [
        {
            "weights": list(each.weights),
            "base_rate": each.base_rate,
            "arms": [list(arm) for arm in each.arms],
        }
        for each in strata
    ]


def strata_from_json(rows: Sequence[Json]) -> list[LookStratum]:
    return [
        LookStratum(
            tuple(each["weights"]),
            each["base_rate"],
            tuple(ArmCounts(*arm) for arm in each["arms"]),
        )
        for each in rows
    ]


def gates_from_json(rows: Sequence[Sequence[int]]) -> list[GateCounts]:
    return [GateCounts(*each) for each in rows]


def progress_to_json(progress: Mapping[int, PairProgress]) -> Json:
    return {
        str(variant): {
            "higher": _finite(each.higher),
            "lower": _finite(each.lower),
            "limits": [each.limits.low, each.limits.high],
            "promise_limits": [each.promise_limits.low, each.promise_limits.high],
        }
        for variant, each in progress.items()
    }


def progress_from_json(rows: Json) -> dict[int, PairProgress]:
    return {
        int(variant): PairProgress(
            _or_nothing(each["higher"]),
            _or_nothing(each["lower"]),
            LogLimits(*each["limits"]),
            LogLimits(*each["promise_limits"]),
        )
        for variant, each in rows.items()
    }


def _finite(value: float) -> float | None:
    return None if value == -inf else value


def _or_nothing(value: float | None) -> float:
    return -inf if value is None else value

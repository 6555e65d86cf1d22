"""Worked cases in a file: compute each figure again and compare it with the expected one.

Sections: cases[] of {id, kind, input, gbstats, independent}, srm[], sample_size[], a sequential
series of sample ratios, and assignment vectors. A figure that the other method could not compute
(error_message) is unknown here too.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any

from marketing.experiments.assignment.hashing import fraction, is_in_namespace
from marketing.experiments.assignment.ranges import chosen_arm, coverage_ranges
from marketing.experiments.classical import comparison, sample_ratio, sample_size, several_arms
from marketing.experiments.classical.comparison import Contrast
from marketing.experiments.classical.samples import (
    PairedSums,
    Sample,
    Sums,
    adjusted,
    mean,
    proportion,
    ratio,
)
from marketing.experiments.engine.claims import holm
from marketing.experiments.engine.estimates import wilson
from marketing.experiments.engine.mismatch import ExposureCounts, chi_square

EXACT = (1e-9, 1e-12)  # relative and absolute precision asked of a figure
SAMPLED = (1e-3, 1e-5)  # Dunnett's p-values in files are drawn: by scipy, 1 % off where small
NOT_FIGURES = {"note", "error_message", "risk_type"}
METHOD = re.compile(
    r"(?P<kind>frequentist_two_sided|sequential_two_sided|bayesian_flat_prior"
    r"|bayesian_prior_N\(0,(?P<prior>[\d.]+)\^2\))"
    r"_(?P<scale>relative|absolute)_alpha(?P<alpha>[\d.]+)(_tuning(?P<tuning>\d+))?"
)
Samples = tuple[Sample | None, Sample | None]


class InvalidExperimentCases(ValueError):
    """The file holds no worked cases of experiments."""


@dataclass(frozen=True, slots=True)
class FigureResult:
    """One figure of one case, by its path in the file."""

    path: str
    expected: object
    found: object
    agrees: bool

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, found {self.found}"


def check_cases(text: str) -> list[FigureResult]:
    """Every figure of a file's text. Raises InvalidExperimentCases where it has none."""
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InvalidExperimentCases(f"The file is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise InvalidExperimentCases("The file must hold an object of sections.")
    found = [
        result
        for name, section in content.items()
        if name != "meta"
        for result in _section(name, section)
    ]
    if not found:
        raise InvalidExperimentCases("The file holds no figures.")
    return found


def _section(name: str, section: Any) -> Iterator[FigureResult]:
    answer = next((each for start, each in SECTIONS.items() if name.startswith(start)), None)
    if answer is None:
        yield FigureResult(name, "a known section", None, agrees=False)
        return
    rows = section.items() if isinstance(section, dict) else enumerate(section)
    for place, row in rows:
        path = (
            f"{name}.{row['id']}" if isinstance(row, dict) and "id" in row else f"{name}[{place}]"
        )
        try:
            expected, found = answer(place, row)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            yield FigureResult(path, "a case", f"{type(error).__name__}: {error}", agrees=False)
            continue
        yield from _compared(path, expected, found)


def _compared(path: str, expected: Any, found: Any) -> Iterator[FigureResult]:
    """Leaf by leaf; what the file has and we have not is a difference."""
    if isinstance(expected, dict):
        if expected.get("error_message"):
            yield FigureResult(path, expected["error_message"], found, agrees=found is None)
            return
        for name in expected.keys() - NOT_FIGURES:
            inner = found.get(name) if isinstance(found, dict) else None
            yield from _compared(f"{path}.{name}", expected[name], inner)
    elif isinstance(expected, list):
        same = isinstance(found, list) and len(found) == len(expected)
        for place, each in enumerate(expected):
            inner = found[place] if same else None
            yield from _compared(f"{path}[{place}]", each, inner)
    else:
        precision = SAMPLED if ".dunnett." in path else EXACT
        yield FigureResult(path, expected, found, agrees=_agrees(expected, found, *precision))


def _agrees(expected: object, found: object, relative: float, absolute: float) -> bool:
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return isclose(expected, found, rel_tol=relative, abs_tol=absolute)
    return expected == found


def _case(_place: object, row: Mapping[str, Any]) -> tuple[Any, Any]:
    found = KINDS[row["kind"]](row)
    return {name: row.get(name) or {} for name in ("gbstats", "independent")}, found


def _two_proportions(row: Mapping[str, Any]) -> dict[str, Any]:
    control, variant = row["input"]["control"], row["input"]["variant"]
    n_a, a, n_b, b = control["n"], control["conversions"], variant["n"], variant["conversions"]
    samples = proportion(n_a, a), proportion(n_b, b)
    statistic, p_value = several_arms.chi_square_of_rates([n_a, n_b], [a, b])
    z, p_of_z = comparison.pooled_z(n_a, a, n_b, b) or (None, None)
    independent = {
        "statsmodels_proportions_ztest_pooled_two_sided": {"z": z, "p": p_of_z},
        "scipy_chi2_contingency_no_yates": {"chi2": statistic, "p": p_value},
        "scipy_fisher_exact": comparison.fisher_exact(n_a, a, n_b, b),
        "wilson95_control": list(wilson(a / n_a, n_a)),
        "wilson95_variant": list(wilson(b / n_b, n_b)),
    }
    return {"gbstats": _methods(row["gbstats"], samples), "independent": independent}


def _several_variants(row: Mapping[str, Any]) -> dict[str, Any]:
    arms, weights = row["input"]["arms"], row["input"]["weights"]
    n, c = [each["n"] for each in arms], [each["conversions"] for each in arms]
    samples = [proportion(*each) for each in zip(n, c, strict=True)]
    compared = row["gbstats"]["comparisons"]
    statistic, p_value = several_arms.chi_square_of_rates(n, c)
    return {
        "gbstats": {
            "comparisons": {
                name: _methods(compared[name], (samples[0], samples[int(name.split("_")[0])]))
                for name in compared
            },
            "srm_p": chi_square([_exposures(n, weights)]),
            "adjusted": _adjusted_p_values(n, c, samples),
        },
        "independent": {
            "overall_chi2": statistic,
            "overall_p": p_value,
            "dunnett": {"p": several_arms.dunnett(n, c)},
        },
    }


def _adjusted_p_values(
    n: Sequence[int], c: Sequence[int], samples: Sequence[Sample | None]
) -> dict[str, Any]:
    relative = [comparison.contrast(samples[0], each, relative=True) for each in samples[1:]]
    raw = {
        "fixed": [
            1.0 if each is None else comparison.fixed_horizon(each).p_value for each in relative
        ],
        "seq5000": [
            1.0 if each is None else comparison.confidence_sequence(each, 5_000).p_value
            for each in relative
        ],
        "pooled_z": [
            (comparison.pooled_z(n[0], c[0], *each) or (0.0, 1.0))[1]
            for each in zip(n[1:], c[1:], strict=True)
        ],
    }
    by_method = {
        name: {
            "holm": holm(p_values),
            "bh": several_arms.benjamini_hochberg(p_values),
            "bonferroni": several_arms.bonferroni(p_values),
        }
        for name, p_values in raw.items()
    }
    return {"raw": raw, **by_method}


def _means(row: Mapping[str, Any]) -> dict[str, Any]:
    samples = [
        mean(each["n"], Sums(each["sum"], each["sum_squares"]))
        for each in (row["input"]["control"], row["input"]["variant"])
    ]
    return {"gbstats": _methods(row["gbstats"], (samples[0], samples[1])), "independent": {}}


def _ratios(row: Mapping[str, Any]) -> dict[str, Any]:
    samples = [
        ratio(
            each["n"],
            PairedSums(
                Sums(each["m"]["sum"], each["m"]["sum_squares"]),
                Sums(each["d"]["sum"], each["d"]["sum_squares"]),
                each["sum_products"],
            ),
        )
        for each in (row["input"]["control"], row["input"]["variant"])
    ]
    return {"gbstats": _methods(row["gbstats"], (samples[0], samples[1])), "independent": {}}


def _cuped(row: Mapping[str, Any]) -> dict[str, Any]:
    control, variant = row["input"]["control"], row["input"]["variant"]
    sums = [
        PairedSums(
            Sums(each["post_sum"], each["post_ss"]),
            Sums(each["pre_sum"], each["pre_ss"]),
            each["sum_products"],
        )
        for each in (control, variant)
    ]
    samples = adjusted(control["n"], sums[0], variant["n"], sums[1]) or (None, None)
    return {"gbstats": _methods(row["gbstats"], samples), "independent": {}}


def _methods(names: Mapping[str, Any], samples: Samples) -> dict[str, Any]:
    return {name: _method(name, samples) for name in names}


def _method(name: str, samples: Samples) -> dict[str, Any] | None:
    match = METHOD.fullmatch(name)
    if match is None:
        return None
    found = comparison.contrast(*samples, relative=match["scale"] == "relative")
    if found is None:
        return None
    alpha = float(match["alpha"])
    if match["kind"].startswith("bayesian"):
        return _bayesian(found, alpha, match["prior"])
    if match["tuning"]:
        figures = comparison.confidence_sequence(found, int(match["tuning"]), alpha)
    else:
        figures = comparison.fixed_horizon(found, alpha)
    return {
        "expected": figures.value,
        "ci": [figures.low, figures.high],
        "uplift_mean": figures.value,
        "uplift_stddev": found.error,
        "p_value": figures.p_value,
    }


def _bayesian(found: Contrast, alpha: float, prior: str | None) -> dict[str, Any]:
    figures = comparison.bayesian(found, None if prior is None else float(prior), alpha)
    return {
        "expected": figures.value,
        "ci": [figures.low, figures.high],
        "uplift_mean": figures.value,
        "uplift_stddev": figures.error,
        "chance_to_win": figures.chance_to_win,
        "risk": [figures.loss_of_keeping, figures.loss_of_shipping],
    }


def _sample_ratio(_place: object, row: Mapping[str, Any]) -> tuple[Any, Any]:
    p_value = chi_square([_exposures(row["users"], row["weights"])])
    expected = {name: row[name] for name in row.keys() - {"users", "weights"}}
    return expected, {"gbstats_check_srm": p_value, "scipy_chisquare": p_value}


def _sample_size(_place: object, row: Mapping[str, Any]) -> tuple[Any, Any]:
    plan = row["base"], row["rel_mde"], row["alpha"], row["power"]
    found = {
        "n_per_arm_unpooled": sample_size.unpooled(*plan),
        "n_per_arm_pooled_null": sample_size.visitors_per_arm(*plan),
        "n_per_arm_statsmodels_arcsine": sample_size.arcsine(*plan),
        "n_per_arm_evan_miller_formula": sample_size.evan_miller(*plan),
    }
    return {name: row[name] for name in row if name.startswith("n_per_arm")}, found


def _sequential_ratio(_place: object, row: Mapping[str, Any]) -> tuple[Any, Any]:
    return row["p"], sample_ratio.smallest_p_values(row["data"], row["null"])


def _assignment(name: object, rows: Any) -> tuple[Any, Any]:
    if name == "hash":
        return [each[3] for each in rows], [fraction(*each[:3]) for each in rows]
    if name == "getBucketRange":
        found = [[list(part) for part in coverage_ranges(*each[1])] for each in rows]
        return [each[2] for each in rows], found
    if name == "chooseVariation":
        return [each[3] for each in rows], [chosen_arm(each[1], each[2]) for each in rows]
    if name == "inNamespace":
        return [each[3] for each in rows], [is_in_namespace(each[1], *each[2]) for each in rows]
    return {}, {}  # where the vectors come from


def _exposures(visitors: Sequence[int], weights: Sequence[float]) -> ExposureCounts:
    whole = sum(weights)
    return ExposureCounts(tuple(each / whole for each in weights), tuple(visitors))


KINDS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "two_proportion": _two_proportions,
    "multi_variant": _several_variants,
    "mean_metric": _means,
    "ratio_metric": _ratios,
    "cuped": _cuped,
}
SECTIONS: Mapping[str, Callable[[Any, Any], tuple[Any, Any]]] = {
    "cases": _case,
    "srm": _sample_ratio,
    "sample_size": _sample_size,
    "sequential_srm": _sequential_ratio,
    "growthbook_assignment_vectors": _assignment,
}

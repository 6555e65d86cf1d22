"""Rolling forecasts of a retailer's real weeks: spend in ten channels, sales in total."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np

from marketing.budget.model.by_total import build_totals_history, forecast_fold
from marketing.budget.planner.planning import plan
from marketing.budget.planner.request import BudgetRequest, PerformanceRow
from tests.benchmarks.report import Report

FILE = Path(__file__).parents[2].parent / "shared" / "data" / "mmm_stan_weekly.csv"
FIRST, AHEAD = 104, 4


def run(report: Report, *, quick: bool) -> None:
    """Forecasts of four weeks from week 104 on, beside three simple ones, and the verdict."""
    report.section("Retailer's file: rolling forecast of total sales, WAPE %")
    if not FILE.exists():
        report.say("Skipped: the file mmm_stan_weekly.csv is not beside this checkout.")
        return
    request = retailer_request(FILE)
    history, sales, _ = build_totals_history(request)
    starts = range(FIRST, sales.size, AHEAD * (4 if quick else 1))
    weeks = [np.arange(start, min(start + AHEAD, sales.size)) for start in starts]
    folds = [forecast_fold(request, history, sales, each) for each in weeks]
    actual = np.concatenate([each.actual for each in folds])
    forecasts = {
        "ours": np.concatenate([each.mean for each in folds]),
        "mean of the last 4": np.concatenate([np.full(f.actual.size, f.naive) for f in folds]),
        "a year before": np.concatenate([sales[each - 52] for each in weeks]),
    }
    error = {
        name: 100 * np.abs(actual - each).sum() / actual.sum() for name, each in forecasts.items()
    }
    deviation = np.concatenate([each.sd for each in folds])
    inside = 100 * np.mean(np.abs(actual - forecasts["ours"]) <= 1.645 * deviation)
    report.table([*error, "our 90 % interval holds %"],
                 [[*(f"{each:.1f}" for each in error.values()), f"{inside:.0f}"]])  # fmt: skip
    report.judge("WAPE, to the mean of the last 4", error["ours"], error["mean of the last 4"])
    say_verdict(report, request)


def say_verdict(report: Report, request: BudgetRequest) -> None:
    """Probability, backtest and warnings of a plan with a 20 % step."""
    found = plan(request)
    report.say()
    report.say(f"Chance of a lift {found.probability_of_lift:.2f}; {found.backtest_note}")
    for text in (*found.reasons_against, *found.warnings):
        report.say(f"- {text}")
    if found.next_experiment:
        report.say(f"- {found.next_experiment.sentence}")


def retailer_request(path: Path) -> BudgetRequest:
    """The file as a request, with the mean spend of the last four weeks as budget."""
    with path.open() as file:
        lines = list(csv.DictReader(file))
    channels = [name for name in lines[0] if name.startswith("mdsp_")]
    days = [date.fromisoformat(line["wk_strt_dt"]) for line in lines]
    rows = tuple(
        PerformanceRow(name, float(line[name]), None, day)
        for day, line in zip(days, lines, strict=True)
        for name in channels
    )
    recent = sum(row.spend for row in rows[-4 * len(channels) :]) / 4
    return BudgetRequest(
        Decimal(str(round(recent, 2))),
        rows,
        total_revenue=tuple(
            (day, float(line["sales"])) for day, line in zip(days, lines, strict=True)
        ),
        max_change_percent=Decimal(20),
    )

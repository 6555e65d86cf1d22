"""Forecast series with statsforecast: JSON on standard input, JSON on the last line.

It runs in the environment of statsforecast and imports nothing of this project. Each model's
interval of the sum of the days ahead is made in two ways: as if days were independent of each
other, and as if they all erred alike. Models that can draw paths have their quantiles as a third.
"""

import importlib
import json
import sys
from typing import Any

LEVEL, PATHS, SEED = 90, 400, 20260105
NAMES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Naive", {}),
    ("HistoricAverage", {}),
    ("SeasonalNaive", {"season_length": 7}),
    ("CrostonOptimized", {}),
    ("SimpleExponentialSmoothingOptimized", {}),
    ("AutoETS", {"season_length": 7}),
)
CONFORMAL = {"CrostonOptimized", "SimpleExponentialSmoothingOptimized"}
SIMULATED = {"AutoETS"}


def main() -> None:
    """The interval's ends of each series by each model and way."""
    task = json.load(sys.stdin)
    numpy: Any = importlib.import_module("numpy")
    pandas: Any = importlib.import_module("pandas")
    library: Any = importlib.import_module("statsforecast")
    models: Any = importlib.import_module("statsforecast.models")
    utils: Any = importlib.import_module("statsforecast.utils")
    ahead = task["ahead"]
    series = numpy.array(task["series"])
    count, days = series.shape
    table = pandas.DataFrame(
        {
            "unique_id": numpy.repeat(numpy.arange(count), days),
            "ds": numpy.tile(numpy.arange(days), count),
            "y": series.ravel(),
        }
    )
    found: dict[str, Any] = {}
    conformal = {"prediction_intervals": utils.ConformalIntervals(h=ahead, n_windows=2)}
    for name, settings in NAMES:
        more = conformal if name in CONFORMAL else {}
        model = getattr(models, name)(**settings, **more, alias=name)
        runner = library.StatsForecast(models=[model], freq=1, n_jobs=1)
        rows = runner.forecast(df=table, h=ahead, level=[LEVEL])
        middle, low, high = (
            rows[f"{name}{end}"].to_numpy().reshape(count, ahead)
            for end in ("", f"-lo-{LEVEL}", f"-hi-{LEVEL}")
        )
        mean, half = middle.sum(1), numpy.sqrt((((high - low) / 2) ** 2).sum(1))
        found[f"{name}, independent days"] = [
            (mean - half).tolist(),
            (mean + half).tolist(),
        ]
        found[f"{name}, common errors"] = [low.sum(1).tolist(), high.sum(1).tolist()]
        if name in SIMULATED:
            drawn = runner.simulate(h=ahead, df=table, n_paths=PATHS, seed=SEED)
            sums = drawn.groupby(["unique_id", "sample_id"])[name].sum().to_numpy()
            ends = numpy.quantile(sums.reshape(count, PATHS), [0.05, 0.95], axis=1)
            found[f"{name}, drawn paths"] = ends.tolist()
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()

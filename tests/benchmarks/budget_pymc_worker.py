"""Fit pymc-marketing and allocate a budget with it: JSON on standard input, JSON on the last line.

It runs in the environment of pymc-marketing and imports nothing of this project.
"""

import importlib
import json
import sys
from time import process_time
from typing import Any


def main() -> None:
    """Fit with the library's defaults, a yearly season and a trend, then optimize one week."""
    task = json.load(sys.stdin)
    mmm: Any = importlib.import_module("pymc_marketing.mmm")
    pandas: Any = importlib.import_module("pandas")
    xarray: Any = importlib.import_module("xarray")
    multidimensional: Any = importlib.import_module("pymc_marketing.mmm.multidimensional")
    start = process_time()
    weeks = len(task["dates"])
    table = pandas.DataFrame({"date": pandas.to_datetime(task["dates"]), "trend": range(weeks)})
    table["trend"] = table["trend"] / weeks
    for name, spend in zip(task["channels"], task["spend"], strict=True):
        table[name] = spend
    model = multidimensional.MMM(
        date_column="date",
        channel_columns=list(task["channels"]),
        control_columns=["trend"],
        adstock=mmm.GeometricAdstock(l_max=8),
        saturation=mmm.LogisticSaturation(),
        yearly_seasonality=2,
    )
    model.fit(
        table, pandas.Series(task["revenue"], name="y"), draws=task["draws"], tune=task["draws"],
        chains=2, cores=1, target_accept=0.9, progressbar=False, random_seed=task["seed"],
    )  # fmt: skip
    following = table["date"].iloc[-1] + pandas.Timedelta(weeks=1)
    optimizer = multidimensional.MultiDimensionalBudgetOptimizerWrapper(
        model=model, start_date=str(following.date()), end_date=str(following.date())
    )
    bounds = xarray.DataArray(
        list(zip(task["low"], task["high"], strict=True)),
        dims=["channel", "bound"],
        coords={"channel": task["channels"], "bound": ["lower", "upper"]},
    )
    allocation, _ = optimizer.optimize_budget(budget=task["budget"], budget_bounds=bounds)
    amounts = allocation.sel(channel=list(task["channels"])).to_numpy().tolist()
    print(json.dumps({"allocation": amounts, "cpu_seconds": process_time() - start}))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()

"""The budget planner beside pymc-marketing: `python -m tests.benchmarks.budget_pymc --python PATH`.

PATH is the Python of an environment in which pymc-marketing is installed; it is no requirement of
this project. Where it is missing, the benchmark prints "not installed" and exits with 0. Both get
the same simulated companies of benchmark F (spend by channel, total revenue, nothing else) and the
same bounds, half to twice the present mix. Regret is the revenue lost against the best allocation.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from time import process_time

import numpy as np

from marketing.budget.model.response_curves import Floats
from tests.benchmarks.budget_accounts import BUDGET, dates, names
from tests.benchmarks.budget_totals import OURS, Case, allocate_within, draw_case, fitted
from tests.benchmarks.report import Report

WORKER = Path(__file__).with_name("budget_pymc_worker.py")
CHANNELS, PERIODS, SPEND_CV, CORRELATION = 6, 104, 0.3, 0.0
SEEDS, QUICK_SEEDS = 20, 2
DRAWS, QUICK_DRAWS = 1000, 300
TIMEOUT_SECONDS = 3600


def main() -> int:
    """Compare both; 1 where our mean regret is above that of pymc-marketing."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.budget_pymc")
    parser.add_argument("--python", metavar="PATH", help="Python with pymc-marketing installed")
    parser.add_argument("--quick", action="store_true", help="fewer companies and draws")
    chosen = parser.parse_args()
    report = Report("Budget planner and pymc-marketing")
    report.say(f"# {report.title}")
    version = installed_version(chosen.python)
    if version is None:
        report.say("pymc-marketing: not installed (name its Python by --python PATH).")
        return 0
    report.say(f"pymc-marketing {version}")
    compare(report, chosen.python, quick=chosen.quick)
    return report.exit_code


def installed_version(python: str | None) -> str | None:
    """The version of pymc-marketing in that environment; None without it."""
    if python is None:
        return None
    code = "from importlib.metadata import version; print(version('pymc-marketing'))"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - the Python that was named
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def compare(report: Report, python: str, *, quick: bool) -> None:
    """Regret and CPU time of both on every company."""
    seeds, draws = (QUICK_SEEDS, QUICK_DRAWS) if quick else (SEEDS, DRAWS)
    regrets: dict[str, list[float]] = {"keep mix": [], "pymc-marketing": [], "ours": []}
    times: dict[str, list[float]] = {"keep mix": [], "pymc-marketing": [], "ours": []}
    for seed in range(seeds):
        company = draw_case(seed, CHANNELS, PERIODS, SPEND_CV, CORRELATION)
        start = process_time()
        plan = our_plan(company, seed)
        ours = process_time() - start
        theirs, seconds = peer_plan(python, company, seed, draws)
        current = company.account.current
        best = company.account.best(current / 2, current * 2)
        for name, amounts, cpu in (
            ("keep mix", current, 0.0), ("pymc-marketing", theirs, seconds), ("ours", plan, ours),
        ):  # fmt: skip
            regrets[name].append(company.account.regret(amounts, best))
            times[name].append(cpu)
    report.section(f"{seeds} companies, {CHANNELS} channels, {PERIODS} weeks, total revenue only")
    report.table(
        ["method", "mean regret %", "worst %", "CPU s for one plan"],
        [
            [name, f"{np.mean(each):.2f}", f"{max(each):.1f}", f"{np.mean(times[name]):.2f}"]
            for name, each in regrets.items()
        ],
    )
    limit = float(np.mean(regrets["pymc-marketing"]))
    report.judge(
        "our mean regret, %, beside that of the peer", float(np.mean(regrets["ours"])), limit
    )


def our_plan(company: Case, seed: int) -> Floats:
    """Our allocation from spend and total revenue alone."""
    current = company.account.current
    posterior, _ = fitted(company, OURS[0], seed)
    return allocate_within(posterior, current / 2, current * 2, current)


def peer_plan(python: str, company: Case, seed: int, draws: int) -> tuple[Floats, float]:
    """The allocation of pymc-marketing's budget optimizer, and the CPU seconds that it took."""
    size, periods = company.account.record.spend.shape
    current = company.account.current
    task = {
        "channels": names(size),
        "dates": [day.isoformat() for day in dates(periods)],
        "spend": company.account.record.spend.tolist(),
        "revenue": company.total.tolist(),
        "budget": BUDGET,
        "low": (current / 2).tolist(),
        "high": (current * 2).tolist(),
        "draws": draws,
        "seed": seed,
    }
    done = subprocess.run(  # noqa: S603 - the Python that was named
        [python, str(WORKER)], input=json.dumps(task), capture_output=True, text=True,
        check=False, timeout=TIMEOUT_SECONDS, env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"pymc-marketing failed: {done.stderr[-2000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    return np.array(answer["allocation"]), float(answer["cpu_seconds"])


if __name__ == "__main__":
    sys.exit(main())

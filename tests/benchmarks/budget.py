"""The budget planner and its peers: `python -m tests.benchmarks.budget [--quick] [--write F]`.

Every method allocates the next budget of simulated companies, whose true response is known.
Regret is the revenue lost against the best allocation. The parts are
A free allocation, B inside the trust region, C a closed loop, D a season that spend follows,
E time, F only totals known; then a retailer's real file and 10,000 random requests.
"""

import os

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))  # before numpy is first imported

import argparse  # noqa: E402 - the threads must be set first
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from time import process_time  # noqa: E402

from tests.benchmarks import (  # noqa: E402
    budget_exact,
    budget_loop,
    budget_regret,
    budget_retailer,
    budget_time,
    budget_totals,
)
from tests.benchmarks.report import Report  # noqa: E402


def main() -> int:
    """Run every section; 1 where a figure missed its target."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.budget")
    parser.add_argument("--quick", action="store_true", help="fewer seeds")
    parser.add_argument("--write", metavar="FILE", type=Path, help="also write Markdown there")
    chosen = parser.parse_args()
    report, start = Report("Budget benchmark"), process_time()
    report.say(f"# {report.title}{' (quick)' if chosen.quick else ''}")
    for part in (
        budget_regret,
        budget_loop,
        budget_time,
        budget_totals,
        budget_retailer,
        budget_exact,
    ):
        part.run(report, quick=chosen.quick)
    report.say()
    report.say(f"{report.missed} figures missed; {process_time() - start:.0f} s of CPU.")
    if chosen.write:
        chosen.write.write_text("\n".join(report.lines) + "\n")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())

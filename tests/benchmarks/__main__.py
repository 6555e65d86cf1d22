"""Every benchmark, one process each: `python -m tests.benchmarks [--quick] [--only NAME]`.

A benchmark is a module of this package with a `main()` that prints targets beside what
was reached and exits with 1 where a target was missed; BENCHMARKS lists them.
"""

import argparse
import os
import subprocess
import sys

BENCHMARKS = (
    "budget",
    "automation",
    "scheduling",
    "scheduling_stored",
    "latency",
    "pricing",
    "pricing_stored",
    "mrr",
    "billing",
    "forecasts",
    "trend",
    "usage",
    "onboarding",
    "onboarding_stored",
    "invoice_run",
    "experiments",
    "audit",
    "health",
    "rotation",
    "envelope",
    "pages",
    "stack",
    "api",
    "apikeys",
    "apikeys_rotated",
)
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main() -> int:
    """Run them in turn; returns how many failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer seeds, which is faster")
    parser.add_argument("--only", choices=BENCHMARKS, action="append", help="just this one")
    chosen = parser.parse_args()
    flags = ["--quick"] if chosen.quick else []
    failed = 0
    for name in chosen.only or BENCHMARKS:
        command = [sys.executable, "-m", f"tests.benchmarks.{name}", *flags]
        done = subprocess.run(command, env=os.environ | ONE_THREAD, check=False)  # noqa: S603 - our own module
        failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())

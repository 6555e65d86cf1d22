"""Exactness and speed of pricing: `python -m tests.benchmarks.pricing [--quick] [--write FILE]`.

Exactness against fractions; one quote with four rows; a cohort under two versions on one core;
10,000 random books that keep their properties; and a million random quotes that keep to their
guardrails. No database of ours is touched.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple, TypeVar

import numpy as np

from revenue.billing.periods import Aggregation, InputGroup, MeterReadings, Month
from revenue.billing.statement import CustomerUsage, statement
from revenue.customers.plan_terms import PlanTerms, PriceBasis
from revenue.pricing.calculation.inputs import PricingInputs, read_inputs
from revenue.pricing.calculation.plan_price import CalculatedPrice, calculate_price, final_price
from revenue.pricing.calculation.simulation import SimulatedAccount, simulate
from revenue.pricing.decimals import exact_arithmetic
from revenue.pricing.price_book.default_book import BOOK
from revenue.pricing.price_book.version import BookCharge, BookPlan, BookVersion
from revenue.pricing.rating.rate import rate
from revenue.pricing.rating.worked_cases import rate_cases
from tests.benchmarks.pricing_peers import OneByOne, Price, in_floats, in_fractions
from tests.benchmarks.report import Report

WORKED_CASES = Path(__file__).parents[1] / "revenue" / "pricing" / "rating" / "worked_cases.json"
SEED = 20260105
QUOTES_A_BOOK, QUOTES_A_PART = 100, 5_000
GUARDS = ("floor or ceiling", "largest discount", "largest change at a renewal", "lines")
GRADUATED = {
    "tiers": [
        {"up_to": "1000", "unit": "0", "flat": "0"},
        {"up_to": "10000", "unit": "0.0021", "flat": "0"},
        {"up_to": "100000", "unit": "0.0015", "flat": "5"},
        {"up_to": None, "unit": "0.0009", "flat": "0"},
    ]
}
VOLUME = {
    "tiers": [
        {"up_to": "100", "unit": "0.23", "flat": "0"},
        {"up_to": None, "unit": "0.19", "flat": "5"},
    ]
}
PACKAGE = {"amount": "4.95", "package_size": "5", "free_units": "3"}
CHARGES: tuple[tuple[str, Price], ...] = (
    ("graduated", GRADUATED),
    ("volume", VOLUME),
    ("package", PACKAGE),
)
Found = TypeVar("Found")
METRICS = ("calls", "storage", "seats")


def main() -> int:
    """Run every section; 1 where a figure missed its mark."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pricing")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--write", metavar="FILE", type=Path, help="also write Markdown there")
    chosen = parser.parse_args()
    report = Report("Pricing benchmark")
    scale = 10 if chosen.quick else 1
    report.say(f"# {report.title}")
    report.say()
    report.say(f"Python {platform.python_version()} on {platform.machine()}, one core.")
    exactness(report, 20_000 // scale)
    quotes(report, 10_000 // scale)
    cohort(report, 100_000 // scale)
    properties(report, 10_000 // scale)
    guardrails(report, 1_000_000 // scale)
    report.say()
    report.say(f"{report.missed} figures missed.")
    if chosen.write:
        chosen.write.write_text("\n".join(report.lines) + "\n")
    return report.exit_code


def exactness(report: Report, count: int) -> None:
    """Cents that are right: worked cases, and random charges against fractions."""
    report.section("Exactness")
    worked = rate_cases(WORKED_CASES.read_text(encoding="utf-8"))
    report.judge("worked cases that differ:", sum(not each.agrees for each in worked), 0)
    draw = np.random.default_rng(SEED)
    wrong = {"ours": 0, "floats": 0}
    for _ in range(count):
        model, price = random_price(draw)
        quantity = Decimal(int(draw.integers(0, 10**5)))  # whole units: half cents are common
        truth = in_fractions(model, price, quantity)
        wrong["ours"] += rate(price, quantity, model=model).total != truth
        wrong["floats"] += Decimal(repr(in_floats(model, price, float(quantity)))) != truth
    rows = [[name, f"{count:,}", each] for name, each in wrong.items()]
    report.table(["method", "random charges", "off by a cent or more"], rows)
    report.judge("charges of ours that differ:", wrong["ours"], 0)


def quotes(report: Report, count: int) -> None:
    """One quote of the worked example, lines and all."""
    report.section("One quote")
    seconds, cpu = [], []
    for _ in range(count):
        began, clock = perf_counter(), process_time()
        known = read_inputs(
            {"api_calls": 50000, "storage_gb": 250},
            {"daily_active_rate": 0.75, "tenure_months": 18},
        )
        found = calculate_price(BOOK, "professional", known)
        cpu.append(process_time() - clock)
        seconds.append(perf_counter() - began)
    report.say(f"The worked example gives {found.final_price} {found.currency}.")
    middle, late = (1000 * float(np.percentile(seconds, at)) for at in (50, 99))
    report.say(
        f"Wall time, which waits for a busy machine too: p50 {middle:.2f}, p99 {late:.2f} ms."
    )
    report.judge("p50 in ms of CPU:", 1000 * float(np.percentile(cpu, 50)), 5)
    report.judge("p99 in ms of CPU:", 1000 * float(np.percentile(cpu, 99)), 5)


def cohort(report: Report, count: int) -> None:
    """Customers with three metrics of log-normal use under two versions."""
    report.section(f"{count:,} customers, three charges, two versions")
    draw = np.random.default_rng(SEED)
    uses = draw.lognormal([8, 4, 2], [1.5, 1.2, 0.9], (count, 3))
    known = [[thousandths(each * 1000) for each in row] for row in uses]
    versions = book(1), book(2, Decimal("1.1"))
    accounts = [
        SimulatedAccount(
            str(at), "all", "plan", (PricingInputs(dict(zip(METRICS, row, strict=True))),)
        )
        for at, row in enumerate(known)
    ]
    ours, found = timed(lambda: simulate(*versions, accounts))
    floats, _ = timed(lambda: [cost_in_floats(row) for row in known for _ in versions])
    few = known[: max(count // 50, 1)]
    one_by_one = OneByOne(CHARGES)
    queried, sums = timed(lambda: [one_by_one.invoice(row) for row in few])
    queried *= 2 * count / len(few)
    rows = [
        ["ours, with winners and losers", f"{ours:.1f}", f"{2 * count / ours:,.0f}", "exact"],
        ["floats, sums only", f"{floats:.1f}", f"{2 * count / floats:,.0f}", "see above"],
        ["one invoice a query (scaled)", f"{queried:.1f}", f"{2 * count / queried:,.0f}", "exact"],
    ]
    report.table(["method", "seconds", "invoices a second", "to the cent"], rows)
    report.judge("seconds for all customers under both versions:", ours, 30)
    sampled = draw.choice(count, min(1000, count), replace=False)
    with exact_arithmetic():
        wrong = sum(
            final_price(versions[0], "plan", accounts[at].periods[0])
            != calculate_price(versions[0], "plan", accounts[at].periods[0]).final_price
            for at in sampled
        )
        wrong += sum(
            calculate_price(versions[0], "plan", each.periods[0]).final_price != total
            for each, total in zip(accounts, sums, strict=False)
        )
    report.judge("sampled customers that differ from their single quote:", wrong, 0)
    report.judge("customers left out:", len(found.left_out), 0)


def properties(report: Report, count: int) -> None:
    """Random books: lines add up, more use costs no less, the preview is the invoice."""
    report.section(f"{count:,} random books")
    draw = np.random.default_rng(SEED + 1)
    broken = dict.fromkeys(
        ("lines", "more costs less", "preview is not the invoice", "floor or ceiling"), 0
    )
    for _ in range(count):
        made = random_book(draw)
        usage = {name: thousandths(int(draw.integers(0, 10**8))) for name in METRICS}
        more = {
            name: each + thousandths(int(draw.integers(0, 10**7))) for name, each in usage.items()
        }
        found, grown = (
            calculate_price(made, "plan", PricingInputs(each)) for each in (usage, more)
        )
        broken["lines"] += sum(each.amount for each in found.lines) != found.final_price
        broken["more costs less"] += grown.final_price < found.final_price
        plan = made.plans[0]
        broken["floor or ceiling"] += (
            not (plan.floor or 0) <= found.recurring <= (plan.ceiling or 0)
        )
        bills = [bill(made, each) for each in (usage, dict(reversed(usage.items())))]
        broken["preview is not the invoice"] += bills[0] != bills[1]
    for name, times in broken.items():
        report.judge(f"{name}:", times, 0)


def guardrails(report: Report, count: int) -> None:
    """None leaves its guardrails, however the price moves; a process for each core."""
    cores = os.cpu_count() or 1
    report.section(f"{count:,} random quotes and their guardrails")
    began = perf_counter()
    with ProcessPoolExecutor(cores) as pool:
        parts = list(pool.map(part_of_quotes, range(count // QUOTES_A_PART)))
    spent, cpu = perf_counter() - began, sum(each.seconds for each in parts)
    hits = sum(each.hits for each in parts)
    report.say(f"{hits:,} of them reached one.")
    report.say(
        f"{spent:.0f} s on {cores} cores: {count / spent:,.0f} a second, {count / cpu:,.0f} a"
        " second of CPU, with drawing them and checking each."
    )
    for name in GUARDS:
        report.judge(f"{name} broken:", sum(each.broken[name] for each in parts), 0)


class Part(NamedTuple):
    """Some of the random quotes: how many left which guardrail, and the CPU seconds of it."""

    broken: dict[str, int]
    hits: int
    seconds: float


def part_of_quotes(number: int) -> Part:
    """Books with a hundred quotes each; every part draws from a seed of its own."""
    draw = np.random.default_rng((SEED + 2, number))
    broken, hits = dict.fromkeys(GUARDS, 0), 0
    began = process_time()
    for _ in range(QUOTES_A_PART // QUOTES_A_BOOK):
        made = guarded_book(draw)
        for _ in range(QUOTES_A_BOOK):
            before = Decimal(cents(draw))
            found = calculate_price(made, "plan", any_situation(draw), previous=before)
            hits += bool(found.hits)
            for name in beyond(made, found, before):
                broken[name] += 1
    return Part(broken, hits, process_time() - began)


def beyond(made: BookVersion, found: CalculatedPrice, before: Decimal) -> Iterator[str]:
    """The guardrails that a quote does not keep; floor and ceiling go before the largest change."""
    plan, price = made.plans[0], found.recurring
    least, most = plan.floor or Decimal(0), plan.ceiling or Decimal(10**9)
    if not least <= price <= most:
        yield "floor or ceiling"
    if found.engagement_discount_percent > made.largest_discount:
        yield "largest discount"
    step = before * (made.largest_change or Decimal(0)) / 100
    if not before - step <= price <= before + step and price not in {least, most}:
        yield "largest change at a renewal"
    if sum(each.amount for each in found.lines) != found.final_price:
        yield "lines"


def guarded_book(draw: np.random.Generator) -> BookVersion:
    floor, ceiling = sorted((Decimal(cents(draw)), Decimal(cents(draw))))
    plan = BookPlan("plan", "Plan", 1, Decimal(cents(draw)), (), floor, ceiling)
    return BookVersion(
        "guarded",
        1,
        "USD",
        (plan,),
        factors=BOOK.factors,
        largest_discount=Decimal(int(draw.integers(0, 101))),
        largest_change=Decimal(int(draw.integers(1, 100))),
    )


def any_situation(draw: np.random.Generator) -> PricingInputs:
    calls, storage, seats = (Decimal(int(each)) for each in draw.lognormal((9, 5, 3), 2))
    rate, months = Decimal(int(draw.integers(0, 101))).scaleb(-2), int(draw.integers(0, 60))
    return PricingInputs(
        {"api_calls": calls, "storage_gb": storage, "user_seats": seats},
        {"daily_active_rate": rate, "tenure_months": Decimal(months)},
    )


def bill(made: BookVersion, usage: dict[str, Decimal]) -> str:
    terms = PlanTerms(date(2026, 6, 11), "s1", "plan", made.plans[0].base, basis=PriceBasis.LIST)
    readings = {
        name: MeterReadings(InputGroup.USAGE, Aggregation.SUM, {date(2026, 6, 20): used})
        for name, used in usage.items()
    }
    june = Month(date(2026, 6, 1), date(2026, 7, 1))
    found = statement(CustomerUsage(None, ((terms,),), readings), june, made)
    return repr((found.lines, found.not_given))


def timed(work: Callable[[], Found]) -> tuple[float, Found]:
    began = perf_counter()
    found = work()
    return perf_counter() - began, found


def cost_in_floats(row: Sequence[Decimal]) -> float:
    costs = (in_floats(*charge, float(q)) for charge, q in zip(CHARGES, row, strict=True))
    return sum(costs, 0.0)


def book(number: int, factor: Decimal = Decimal(1)) -> BookVersion:
    charges = tuple(
        BookCharge(metric, metric, model, scaled(price, factor))
        for metric, (model, price) in zip(METRICS, CHARGES, strict=True)
    )
    return BookVersion(
        "cohort", number, "USD", (BookPlan("plan", "Plan", 1, Decimal(0), charges=charges),)
    )


def scaled(price: Price, factor: Decimal) -> Price:
    """The price with its money times a factor."""
    found: dict[str, Any] = dict(price)
    if isinstance(rows := price.get("tiers"), list):
        found["tiers"] = [{**each, "unit": str(Decimal(each["unit"]) * factor)} for each in rows]
    if "amount" in price:
        found["amount"] = str(Decimal(str(price["amount"])) * factor)
    return found


def thousandths(number: float) -> Decimal:
    return Decimal(int(number)).scaleb(-3)


def random_price(
    draw: np.random.Generator, models: Sequence[str] = ("graduated", "volume", "package")
) -> tuple[str, Price]:
    model = str(draw.choice(models))
    if model == "package":
        amounts = {"amount": cents(draw), "package_size": str(draw.integers(1, 100))}
        return model, {**amounts, "free_units": str(draw.integers(0, 20))}
    ends = sorted({int(each) for each in draw.integers(1, 100_000, draw.integers(0, 4))})
    tiers = [
        {"up_to": end if end is None else str(end), "unit": fine(draw), "flat": cents(draw)}
        for end in [*ends, None]
    ]
    return model, {"tiers": tiers}


def fine(draw: np.random.Generator) -> str:
    return str(Decimal(int(draw.integers(0, 100_000))).scaleb(-4))


def cents(draw: np.random.Generator) -> str:
    return str(Decimal(int(draw.integers(0, 10_000))).scaleb(-2))


def random_book(draw: np.random.Generator) -> BookVersion:
    charges = tuple(
        BookCharge(metric, metric, *random_price(draw, ("graduated", "package")))
        for metric in METRICS
    )
    floor, ceiling = sorted((Decimal(cents(draw)), Decimal(cents(draw))))
    plan = BookPlan("plan", "Plan", 1, Decimal(cents(draw)), (), floor, ceiling, charges)
    return BookVersion("random", 1, "USD", (plan,), factors=BOOK.factors)


if __name__ == "__main__":
    sys.exit(main())

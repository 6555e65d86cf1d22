"""Curves where only the company's total revenue is known."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from marketing.budget.measurement.backtest import AHEAD, Forecast, in_words, verdict
from marketing.budget.model import aggregate
from marketing.budget.model.curves import revenue as believed
from marketing.budget.model.fit import Posterior
from marketing.budget.model.fitted_model import Fitted, Other, introduced, largest_total, varied
from marketing.budget.model.history import RECENT, History, gather
from marketing.budget.model.posterior_sampling import LEAST_ESS, joint_draws
from marketing.budget.model.response import Bools, Floats, Whole, shapes
from marketing.budget.model.totals import panel, totals
from marketing.budget.planner import advice
from marketing.budget.planner.bounds import EXPLORE
from marketing.budget.planner.digest import digest, seed
from marketing.budget.planner.proposal import Backtest, Grade
from marketing.budget.planner.request import Question
from marketing.budget.planner.uncertainty import Draws, draws

WINDOW = 260  # periods a fit looks back
RANDOMISED = 52  # periods of spend set at random before a plan may apply itself
FOLDS = 13  # a year of weeks: what comes once a year must be in it
FEWER_FOLDS, MANY_CHANNELS = 6, 12  # a fit costs more than its channels: half a year must do then
FEW, SHIFT, FLAT_CV, TANGLED, PER_CHANNEL = 26, 26, 0.1, 0.9, 6


def from_totals(question: Question) -> Fitted:
    """Fit a checked question; three further fits show what hangs on assumptions."""
    name = digest(question)
    history, revenue, notes = explained(question)
    tried = history.spend.max(axis=1) > 0
    known_belief, known_sample, ess = fitted(question, history, revenue, seed(name))
    budget = float(question.total) / question.budget_periods
    explore = EXPLORE * budget / max(int((~tried).sum()), 1)
    belief = introduced(known_belief, tried, explore)
    sample = with_new(known_sample, draws(belief, seed(name)), tried)
    known = np.isfinite(revenue)
    rows = (history.spend > 0)[:, known].sum(axis=1).astype(np.float64)
    variation = varied(history.spend, history.spend > 0)
    troubles = tuple(weaknesses(history, known, variation, ess))
    backtest = rolling(question, history, revenue)
    return Fitted(
        question=question,
        mode="aggregate",
        channels=history.channels,
        belief=belief,
        sample=sample,
        recent=history.present_spend(),
        most=history.spend.max(axis=1),
        largest=largest_total(history),
        roi=modelled_roi(belief, history),
        rows=rows,
        variation=variation,
        grades=graded(question, history, variation, weak=bool(troubles)),
        trends=advice.still(len(history.channels)),
        season_factor=1.0,
        backtest=backtest,
        backtest_note=in_words(backtest, int(known.sum())),
        others=other_views(question, history, revenue, seed(name)),
        weak=unrandomised(question, history),
        notes=(*notes, *troubles, part_of_total(belief, history, revenue)),
        digest=name,
    )


def explained(question: Question) -> tuple[History, Floats, tuple[str, ...]]:
    """Spend by date, the totals beside it (nan where unknown), and notes.

    Where spend was set at random for long enough, only those periods are used.
    """
    history, notes = gather(question.rows, question.new_channels, {}, WINDOW)
    since = question.randomised_since
    if since is not None:
        count = sum(each >= since for each in history.dates)
        if count >= RANDOMISED:
            history = history.last(count)
    return history, totals(question, history), notes


def fitted(
    question: Question,
    history: History,
    revenue: Floats,
    start: int,
    *,
    share_factor: float = 1.0,
) -> tuple[Posterior, Draws, float]:
    """Curves and joint draws, for all channels; those never tried keep an amplitude of 0."""
    tried = np.flatnonzero(history.spend.max(axis=1) > 0)
    part = replace(
        history,
        channels=tuple(history.channels[at] for at in tried),
        spend=history.spend[tried],
        revenue=history.revenue[tried],
        seen=history.seen[tried],
    )
    given = panel(question, part, revenue, share_factor=share_factor)
    found = aggregate.solve(given)
    sample, ess = joint_draws(given, found, start)
    return *widened(aggregate.belief(given, found), sample, tried, len(history.channels)), ess


def widened(belief: Posterior, sample: Draws, tried: Whole, size: int) -> tuple[Posterior, Draws]:
    """The same with a line for every channel."""
    if tried.size == size:
        return belief, sample
    kinds = shapes().prior.size
    scale, weight = np.ones(size), np.tile(shapes().prior, (size, 1))
    amplitude, spread = np.zeros((size, kinds)), np.zeros((size, kinds))
    scale[tried], weight[tried] = belief.scale, belief.weight
    amplitude[tried], spread[tried] = belief.amplitude, belief.spread
    shape = np.zeros((len(sample.shape), size), dtype=np.intp)
    drawn = np.zeros((len(sample.shape), size))
    shape[:, tried], drawn[:, tried] = sample.shape, sample.amplitude
    return Posterior(scale, weight, amplitude, spread), Draws(shape, drawn)


def with_new(known: Draws, drawn: Draws, tried: Bools) -> Draws:
    """The joint draws, with a new channel's own where it was never tried."""
    return Draws(
        np.where(tried, known.shape, drawn.shape), np.where(tried, known.amplitude, drawn.amplitude)
    )


def other_views(
    question: Question, history: History, revenue: Floats, start: int
) -> dict[str, Other]:
    """Marketing's share thought a third and three times as large; revenue of another time."""
    found = {}
    for name, factor in (("share of revenue / 3", 1 / 3), ("share of revenue x 3", 3.0)):
        belief, sample, _ = fitted(question, history, revenue, start, share_factor=factor)
        found[name] = Other(belief, sample, own_plan=False)
    if np.isfinite(revenue).sum() >= 2 * SHIFT:
        belief, sample, _ = fitted(question, history, np.roll(revenue, SHIFT), start)
        found[f"revenue shifted by {SHIFT} periods"] = Other(belief, sample, own_plan=True)
    return found


def weaknesses(history: History, known: Bools, variation: Floats, ess: float) -> Iterator[str]:
    """Why these totals can say little, each with its number."""
    periods, active = int(known.sum()), history.spend.max(axis=1) > 0
    count = int(active.sum())
    if periods < FEW:
        yield f"Only {periods} periods: below {FEW} this method was not measured."
    if count > periods / PER_CHANNEL:
        yield (
            f"{count} channels for {periods} periods: too many to tell apart. Test one channel's "
            "lift, or vary spends at random."
        )
    if active.any() and float(variation[active].max()) < FLAT_CV:
        yield (
            f"No channel's spend varied by more than {100 * variation.max():.0f} %: the data say "
            "nothing of what another spend would bring. Vary spends at random."
        )
    tangled = entangled(history.spend[active][:, known])
    if tangled > TANGLED:
        yield (
            f"Two channels' spends rise and fall together (correlation {tangled:.2f}): vary them "
            "apart, or test one channel's lift."
        )
    if ess < LEAST_ESS:
        yield f"The draws agree badly with the data (effective number {ess:.0f})."


def entangled(spend: Floats) -> float:
    """The largest correlation between two channels' spends; 0 where there is none."""
    moving = spend[spend.std(axis=1) > 0]
    if len(moving) < 2:
        return 0.0
    return float(np.max(np.corrcoef(moving) - 2 * np.eye(len(moving))))


def graded(
    question: Question, history: History, variation: Floats, *, weak: bool
) -> tuple[Grade, ...]:
    """Totals alone are never high evidence: that takes the channel's own lift test."""
    tested = {each.channel for each in question.lift_tests}
    return tuple(
        "low" if weak or cv < FLAT_CV else "high" if channel in tested else "medium"
        for channel, cv in zip(history.channels, variation.tolist(), strict=True)
    )


def unrandomised(question: Question, history: History) -> tuple[str, ...]:
    """Why a plan from totals is recommended only, unless spend was set at random."""
    since = question.randomised_since
    count = 0 if since is None else sum(each >= since for each in history.dates)
    if count >= RANDOMISED:
        return ()
    reason = (
        f"Only total revenue is known, and spend was set at random in {count} periods; demand "
        f"that spend follows can hide in it below {RANDOMISED}."
    )
    return (reason,)


def modelled_roi(belief: Posterior, history: History) -> Floats:
    """100 (believed revenue - spend) / spend at the mean spend; 0 where nothing was spent."""
    spend = history.spend.mean(axis=1)
    gain = 100 * (believed(belief, spend[:, None])[:, 0] - spend)
    active = history.spend.max(axis=1) > 0
    return np.asarray(np.divide(gain, spend, out=np.zeros_like(spend), where=active))


def part_of_total(belief: Posterior, history: History, revenue: Floats) -> str:
    """How much of the total the channels are believed to bring."""
    brought = float(believed(belief, history.spend.mean(axis=1)[:, None]).sum())
    percent = 100 * brought / float(np.nanmean(revenue))
    return (
        f"Expected revenue and lift are of the part that marketing brings, about {percent:.0f} % "
        "of the total; returns are modelled, not reported by the channels."
    )


def rolling(question: Question, history: History, revenue: Floats) -> Backtest | None:
    """Fit to the past, forecast the next four totals at the spend that was made, move on."""
    places = np.flatnonzero(np.isfinite(revenue))
    most = FOLDS if len(history.channels) <= MANY_CHANNELS else FEWER_FOLDS
    starts = [places.size - AHEAD * back for back in range(most, 0, -1)]
    folds = [
        forecast(question, history, revenue, places[start : start + AHEAD])
        for start in starts
        if start >= FEW
    ]
    return verdict(folds) if folds else None


def forecast(question: Question, history: History, revenue: Floats, ahead: Whole) -> Forecast:
    """The totals of the periods `ahead`, from those before them."""
    upto = history.until(int(ahead[-1]) + 1)
    known = revenue[: int(ahead[-1]) + 1].copy()
    actual, known[ahead] = known[ahead], np.nan
    active = upto.spend.max(axis=1) > 0
    part = replace(
        upto,
        channels=tuple(name for name, on in zip(upto.channels, active, strict=True) if on),
        spend=upto.spend[active],
        revenue=upto.revenue[active],
        seen=upto.seen[active],
    )
    tests = tuple(each for each in question.lift_tests if each.channel in part.channels)
    given = panel(replace(question, lift_tests=tests), part, known)
    found = aggregate.solve(given)
    mean, sd = aggregate.predict(given, found, ahead)
    past = known[np.isfinite(known)]
    return Forecast(actual, mean, sd, float(past[-RECENT:].mean()))

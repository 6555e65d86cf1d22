"""A simulated company: six channels with known response curves, week by week."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

WEEKS = 104
NOISE_LOG_SD = 0.08
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class TrueChannel:
    """A channel's usual share of the budget, its ROI there, and the power of its response."""

    name: str
    share: float
    roi: float
    power: float
    memory: float  # share of the effect that carries over into the next week


CHANNELS = (
    TrueChannel("Paid search", 0.30, 3.4, 0.45, 0.1),
    TrueChannel("Paid social", 0.24, 2.2, 0.50, 0.3),
    TrueChannel("Display", 0.16, 1.1, 0.35, 0.2),
    TrueChannel("Video", 0.12, 2.6, 0.70, 0.5),
    TrueChannel("Affiliates", 0.10, 3.8, 0.75, 0.0),
    TrueChannel("Newsletter sponsoring", 0.08, 2.9, 0.65, 0.2),
)


@dataclass(frozen=True, slots=True)
class ChannelWeek:
    """One channel in one week."""

    channel: str
    starts_on: dt.date
    spend: Decimal
    revenue: Decimal


class SimulatedCompany:
    """Simulates spend and revenue by week, given the planned spend."""

    def __init__(self, random: np.random.Generator, budget: float) -> None:
        self.random = random
        self.budget = budget
        self.usual = {each.name: each.share * budget for each in CHANNELS}
        self.adstock = dict(self.usual)

    def week(
        self,
        starts_on: dt.date,
        plan: Mapping[str, float],
        log_sd: float,
        demand_response: float = 0.0,
    ) -> list[ChannelWeek]:
        """One week. Spend varies around `plan` by `log_sd` (standard deviation of its log).

        `demand_response` (0 to 1) is how strongly spend follows demand.
        """
        season = 0.08 * np.sin(2 * np.pi * (starts_on.timetuple().tm_yday - 80) / 365.25)
        demand = season + 0.03 * self.random.standard_normal()
        weeks = []
        for truth in CHANNELS:
            variation = np.exp(log_sd * self.random.standard_normal() - log_sd**2 / 2)
            spend = float(plan[truth.name] * variation * np.exp(demand_response * demand))
            usual = self.usual[truth.name]
            self.adstock[truth.name] += (1 - truth.memory) * (spend - self.adstock[truth.name])
            gain = (self.adstock[truth.name] / usual) ** truth.power
            noise = NOISE_LOG_SD * self.random.standard_normal()
            revenue = usual * truth.roi * gain * np.exp(demand + noise - NOISE_LOG_SD**2 / 2)
            weeks.append(ChannelWeek(truth.name, starts_on, _cents(spend), _cents(revenue)))
        return weeks


def _cents(amount: float) -> Decimal:
    return Decimal(repr(float(amount))).quantize(CENT)

"""Random prices, uses and books, for properties."""

from decimal import Decimal

from hypothesis import strategies as st

from revenue.pricing.price_book.version import (
    BookCharge,
    BookFactor,
    BookPlan,
    BookRule,
    BookVersion,
)

amounts = st.decimals(0, 10_000, places=4, allow_nan=False)
cents = st.decimals(0, 10_000, places=2, allow_nan=False)
quantities = st.decimals(0, 10**6, places=3, allow_nan=False)
currencies = st.sampled_from(["USD", "JPY", "KWD"])


@st.composite
def tiers(draw, unit="unit"):
    """One to five tiers with rising ends."""
    ends = sorted(draw(st.sets(st.integers(1, 100_000), max_size=4)))
    return [
        {"up_to": str(end) if end else None, unit: str(draw(amounts)), "flat": str(draw(cents))}
        for end in [*ends, None]
    ]


@st.composite
def prices(draw, models=("per_unit", "graduated", "package", "graduated_percentage", "multiplier")):
    """A model's name and a price for it."""
    model = draw(st.sampled_from(models))
    price = {
        "flat": lambda: {"amount": str(draw(amounts))},
        "per_unit": lambda: {"unit": str(draw(amounts))},
        "graduated": lambda: {"tiers": draw(tiers())},
        "volume": lambda: {"tiers": draw(tiers())},
        "graduated_percentage": lambda: {"tiers": draw(tiers("rate"))},
        "multiplier": lambda: {"multiplier": str(draw(amounts))},
        "package": lambda: {
            "amount": str(draw(amounts)),
            "package_size": str(draw(st.integers(1, 1000))),
            "free_units": str(draw(st.integers(0, 100))),
        },
    }[model]()
    return model, price


@st.composite
def limited_prices(draw, models=("per_unit", "graduated", "package")):
    """A price that may have a discount, a minimum and a maximum."""
    model, price = draw(prices(models))
    if draw(st.booleans()):
        price["percent_discount"] = str(draw(st.integers(0, 100)))
    least, most = sorted((draw(cents), draw(cents)))
    if draw(st.booleans()):
        price["minimum"] = str(least)
    if draw(st.booleans()):
        price["maximum"] = str(most)
    return model, price


METRICS = ("api_calls", "storage_gb", "user_seats")


@st.composite
def books(draw, models=("flat", "per_unit", "graduated", "package")):
    """A book of two plans, with factors whose values rise with their bounds."""
    plans = tuple(
        BookPlan(
            code,
            code.title(),
            rank,
            draw(cents),
            floor=Decimal(20) if draw(st.booleans()) else None,
            ceiling=Decimal(9000) if draw(st.booleans()) else None,
            charges=tuple(
                BookCharge(metric, metric, *draw(prices(models)))
                for metric in draw(st.sets(st.sampled_from(METRICS), max_size=3))
            ),
        )
        for rank, code in enumerate(("small", "large"))
    )
    return BookVersion(
        code="random",
        number=1,
        currency="USD",
        plans=plans,
        factors=tuple(draw(factors())),
        rules=(BookRule("large", "usage", "api_calls", Decimal(1000)),),
        largest_discount=Decimal(draw(st.integers(0, 100))),
    )


@st.composite
def factors(draw):
    found = []
    for metric in METRICS:
        bounds = sorted(draw(st.sets(st.integers(0, 10_000), max_size=3)))
        values = sorted(draw(st.lists(st.decimals(1, 3, places=2), min_size=3, max_size=3)))
        found += [
            BookFactor("usage", metric, Decimal(b), v) for b, v in zip(bounds, values, strict=False)
        ]
    if draw(st.booleans()):
        found.append(BookFactor("engagement", "tenure_months", Decimal(12), Decimal(30)))
    return found


uses = st.dictionaries(st.sampled_from([*METRICS, "other"]), quantities)

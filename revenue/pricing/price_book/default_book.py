"""The documented default prices: version 1 of the book `standard`, in USD a month."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from revenue.pricing.price_book import version as books
from revenue.pricing.price_book.version import COMPANY, ENGAGEMENT, USAGE

CODE, TITLE, CURRENCY = "standard", "Standard prices", "USD"
LARGEST_DISCOUNT = Decimal(20)

_PLANS: tuple[tuple[str, str, int, str, tuple[str, ...]], ...] = (
    ("starter", "Starter", 1, "29", ("10,000 API calls", "100 GB storage", "10 seats")),
    (
        "professional",
        "Professional",
        2,
        "99",
        ("Metered API calls", "Metered storage", "Teams above 10 seats", "E-mail support"),
    ),
    (
        "enterprise",
        "Enterprise",
        3,
        "499",
        ("Priced by company size", "Service levels", "Account manager", "Priority support"),
    ),
)
_USAGE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "api_calls": (("10000", "1.1"), ("50000", "1.3"), ("100000", "1.5")),
    "storage_gb": (("100", "1.1"), ("500", "1.2"), ("1000", "1.4")),
    "user_seats": (("10", "1.1"), ("50", "1.2"), ("100", "1.3")),
}
_ENGAGEMENT: Mapping[str, tuple[tuple[str, str], ...]] = {
    "daily_active_rate": (("0.6", "3"), ("0.8", "5")),
    "tenure_months": (("12", "5"), ("24", "10")),
    "feature_adoption_rate": (("0.7", "5"),),
}
_COMPANY: Mapping[str, tuple[tuple[str, str], ...]] = {
    "employee_count": (("100", "1.2"), ("1000", "1.5"), ("10000", "2.0")),
    "annual_revenue": (("10000000", "1.2"), ("100000000", "1.4"), ("1000000000", "1.8")),
}
RULES = (
    books.BookRule("enterprise", COMPANY, "employee_count", Decimal(100), needs_company=True),
    books.BookRule("enterprise", USAGE, "user_seats", Decimal(50), needs_company=True),
    books.BookRule("professional", USAGE, "api_calls", Decimal(10000)),
    books.BookRule("professional", USAGE, "user_seats", Decimal(10)),
    books.BookRule("professional", USAGE, "storage_gb", Decimal(100)),
)


def _factors() -> Iterator[books.BookFactor]:
    rows = ((USAGE, _USAGE, ""), (ENGAGEMENT, _ENGAGEMENT, ""), (COMPANY, _COMPANY, "enterprise"))
    for kind, metrics, plan in rows:
        for metric, bounds in metrics.items():
            for above, value in bounds:
                yield books.BookFactor(kind, metric, Decimal(above), Decimal(value), plan)


PLANS = tuple(
    books.BookPlan(code, name, rank, Decimal(base), features)
    for code, name, rank, base, features in _PLANS
)
BOOK = books.BookVersion(
    code=CODE,
    number=1,
    currency=CURRENCY,
    plans=PLANS,
    factors=tuple(_factors()),
    rules=RULES,
    largest_discount=LARGEST_DISCOUNT,
)
# What the plans include and limit a month, by metric; a plan that is not here states nothing.
ENTITLEMENTS: Mapping[str, Mapping[str, Decimal]] = {
    "starter": {
        "api_calls": Decimal(10000),
        "storage_gb": Decimal(100),
        "user_seats": Decimal(10),
    }
}

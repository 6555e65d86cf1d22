"""Read price books and quotes."""

from revenue.pricing.reports.books import (
    MAX_PAGE_ACCOUNTS,
    STANDARD_BOOK,
    NothingPublished,
    Tampered,
    book,
    cached_books,
    findings,
    invalid_charges,
    newest_versions,
    plans,
    plans_on_sale,
    version_by_number,
    version_in_force,
    versions,
    with_every_plan_active,
)
from revenue.pricing.reports.quotes import accounts_from_quotes, lines, quote, quotes, recalculate
